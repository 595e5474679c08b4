"""`twinnet pair`: a stranger's two scripts are run and compared; exit status 0 same, 1 different, 2 not comparable."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from twinnet.parity import cli
from twinnet.parity.trace import TraceError, read_trace

EXAMPLES = Path(__file__).resolve().parents[1] / "python" / "examples"
HEAD = {".py": "import numpy as np\nfrom twinnet import record, record_step\n", ".R": "library(twinnet)\n"}

pytestmark = pytest.mark.needs_r


@pytest.fixture
def pair(tmp_path, capsys, monkeypatch):
    """Run `twinnet pair` on two scripts, given as code or as paths."""
    monkeypatch.setenv("COLUMNS", "100")

    def run(first, second, *arguments, suffixes=(".py", ".R")):
        paths = []
        for code, suffix in zip((first, second), suffixes, strict=True):
            path = code
            if isinstance(code, str):
                path = tmp_path / f"mine{len(paths) if suffixes[0] == suffixes[1] else ''}{suffix}"
                path.write_text(HEAD[suffix] + code)
            paths.append(str(path))
        status = cli.main(["pair", *paths, *arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def example(name):
    return EXAMPLES / f"{name}.py", EXAMPLES / f"{name}.R"


def test_the_logistic_regression_agrees(pair):
    status, out, _ = pair(*example("logistic_regression"))
    assert status == 0
    assert out.splitlines()[0].startswith("logistic_regression.py and logistic_regression.R: 82 tensors")
    assert "EQUAL: logistic_regression.py and logistic_regression.R agree" in out


def test_the_mistake_planted_in_the_softmax_regression_is_found_and_named(pair):
    status, out, _ = pair(*example("softmax_regression"), "--json")
    report = json.loads(out)
    assert (status, report["verdict"]) == (1, "different")
    assert report["first"]["key"] == "step1/forward/x"
    assert (report["first"]["first_index"], report["first"]["value_a"], report["first"]["value_b"]) == (
        [0, 1],
        0.7,
        1.0,
    )
    assert (report["causes"][0]["name"], report["causes"][0]["side"]) == ("column_major", "softmax_regression.R")
    by_key = {tensor["key"]: tensor["status"] for tensor in report["tensors"]}
    assert by_key["step0/images"] == "identical"
    assert by_key["step10/forward/loss"] == "within"  # both print the same loss, and yet
    assert by_key["step10/update/w"] == "different"


def test_mending_the_planted_mistake_makes_the_pair_agree(pair, tmp_path):
    python, r = example("softmax_regression")
    mended = tmp_path / "softmax_regression.R"
    code = r.read_text()
    assert code.count("matrix(images, 12)") == 1
    mended.write_text(code.replace("matrix(images, 12)", "matrix(aperm(images, c(1, 3, 2)), 12)"))
    status, out, _ = pair(python, mended)
    assert status == 0, out


def test_the_report_fits_a_screen_and_ends_with_the_verdict(pair):
    status, out, _ = pair(*example("softmax_regression"))
    assert status == 1
    lines = out.rstrip().splitlines()
    assert len(lines) <= 30
    assert max(map(len, lines)) <= 100
    assert "The two part first at step1/forward/x[0, 1], which is [1, 2] in R" in lines
    assert "  softmax_regression.py  0.7" in lines
    assert "  softmax_regression.R   1.0" in lines
    assert any(line.startswith("Probably column major, in softmax_regression.R:") for line in lines)
    assert "DIFFERENT: softmax_regression.py and softmax_regression.R part in 30 of 63 tensors" in out


def test_one_element_of_a_million_off_by_1e_8_is_found(pair):
    python = "x = np.ones(10**6)\nx[123456] += 1e-8\nrecord('x', x)"
    status, out, _ = pair(python, "record('x', rep(1, 1e6))", "--json")
    first = json.loads(out)["first"]
    assert status == 1
    assert (first["first_index"], first["differing"], first["size"]) == ([123456], 1, 10**6)
    assert pair(python, "record('x', rep(1, 1e6))", "--tolerance", "1e-7")[0] == 0


def test_names_are_matched_by_shape_and_order_with_a_note(pair):
    python = "record('x', np.ones((2, 3)))\nh = record('hidden', np.arange(4.0))\nrecord('loss', 1.0)"
    r = "record('x', matrix(1, 2, 3))\nrecord('h', c(0, 1, 2, 4))\nrecord('loss', 1)"
    status, out, _ = pair(python, r, "--json")
    report = json.loads(out)
    assert status == 1
    assert report["renamed"] == {"step0/hidden": "step0/h"}
    assert '"hidden" of mine.py is compared with "h" of mine.R' in report["notes"][0]
    assert (report["first"]["key"], report["first"]["first_index"]) == ("step0/hidden", [3])


def test_a_map_of_names_is_used_for_every_step_and_repetition(pair, tmp_path):
    names = tmp_path / "names.csv"
    names.write_text("w, W\n")
    python = "for step in (1, 2):\n  record_step(step)\n  record('w', step)\n  record('w', 2 * step)"
    r = "for (step in 1:2) {\n  record_step(step)\n  record('W', step)\n  record('W', 2 * step)\n}"
    status, out, _ = pair(python, r, "--map", str(names), "--json")
    assert status == 0
    assert [tensor["key"] for tensor in json.loads(out)["tensors"]] == ["step1/w", "step1/w#2", "step2/w", "step2/w#2"]
    names.write_text("w, V\n")
    status, out, err = pair(python, r, "--map", str(names))
    assert (status, out) == (2, "")
    assert 'The map has "V", which mine.R did not record; it recorded "W".' in err


def test_a_cause_is_found_across_other_names(pair):
    python = "w = np.sin(np.arange(20.0)).round(6).reshape(4, 5)\nrecord('w', w)\nrecord('scores', np.eye(4) @ w)"
    r = "w <- matrix(round(sin(0:19), 6), 4, byrow = TRUE)\nrecord('w', w)\nrecord('z', 2 * w)"
    status, out, _ = pair(python, r, "--json")
    report = json.loads(out)
    assert status == 1
    assert report["renamed"] == {"step0/scores": "step0/z"}
    assert report["causes"], "no cause was found"
    assert "step0/scores should then agree" in report["next"][0]


@pytest.mark.parametrize(
    ("python", "r", "status"),
    [
        ("record('x', np.array([1.0, np.nan]))", "record('x', c(1, NaN))", 0),
        ("record('x', np.array([1.0, np.nan]))", "record('x', c(1, 2))", 1),
        ("record('x', np.ones(3))", "record('x', matrix(1, 3, 1))", 1),
        ("record('x', np.ones(3))\nrecord('y', 1)", "record('x', rep(1, 3))", 1),
        ("record('x', np.ones((0, 3)))", "record('x', matrix(0, 0, 3))", 0),
        ("record('x', np.array([1, 2]))", "record('x', c(1, 2))", 0),
    ],
)
def test_nan_shapes_and_missing_tensors_have_a_report_and_a_page(pair, tmp_path, python, r, status):
    page = tmp_path / "page.html"
    found, out, _ = pair(python, r, "--html", str(page))
    assert found == status, out
    assert page.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("python", "r", "message"),
    [
        ("1 / 0", "record('x', 1)", "ZeroDivisionError"),
        ("record('x', 1)", "stop('boom')", "mine.R ended with status 1"),
        ("record('x', 1)", "cat('hello')", "mine.R recorded nothing"),
        ("record('x', 1)", "record('y', matrix(1, 2, 2))", "share no tensor"),
    ],
)
def test_what_cannot_be_compared_is_status_2_and_said(pair, python, r, message):
    status, out, err = pair(python, r)
    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err.replace("  Traceback", "")  # a script's own is shown, indented


def test_a_script_that_never_ends_is_stopped(pair):
    status, out, err = pair("record('x', 1)\nwhile True: pass", "record('x', 1)", "--timeout", "3")
    assert (status, out) == (2, "")
    assert "mine.py did not end within 3 seconds" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--timeout", "0"], "`timeout` must be a finite number above 0, not 0."),
        (["--tolerance", "-1"], "`tolerance` must be a finite number of at least 0, not -1."),
        (["--map", "nowhere.json"], "nowhere.json"),
        (["--html", "nowhere/page.html"], "--html: there is no folder nowhere."),
    ],
)
def test_unsound_options_are_refused_before_anything_runs(pair, tmp_path, arguments, message):
    proof = tmp_path / "ran"
    status, out, err = pair(f"open({str(proof)!r}, 'w')", "record('x', 1)", *arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert not proof.exists()


def test_traces_and_output_are_kept_where_asked_and_replaced_by_the_next_run(pair, tmp_path):
    kept = tmp_path / "kept"
    for value in (1, 2):
        pair(f"print('hello')\nrecord('x', {value})", "record('x', 1)", "--keep", str(kept))
        assert read_trace(kept / "mine.py").load("step0/x").tolist() == [value]
        assert (kept / "mine.py.output.txt").read_text() == "hello\n"
        assert read_trace(kept / "mine.R").load("step0/x").tolist() == [1]
    pair("record('x', 1)\n1 / 0", "record('x', 1)", "--keep", str(kept))
    with pytest.raises(TraceError):
        read_trace(kept / "mine.py")


def test_a_script_that_no_longer_records_is_not_taken_for_its_earlier_self(pair, tmp_path):
    kept = str(tmp_path / "kept")
    assert pair("record('x', 1)", "record('x', 1)", "--keep", kept)[0] == 0
    (tmp_path / "silent").mkdir()
    silent = tmp_path / "silent" / "mine.py"
    silent.write_text("print('nothing')")
    status, _, err = pair(silent, "record('x', 1)", "--keep", kept)
    assert status == 2
    assert "mine.py recorded nothing" in err


def test_a_folder_that_holds_something_else_is_left_alone(pair, tmp_path):
    kept = tmp_path / "kept"
    (kept / "mine.py").mkdir(parents=True)
    (kept / "mine.py" / "thesis.txt").write_text("dear")
    status, _, err = pair("record('x', 1)", "record('x', 1)", "--keep", str(kept))
    assert status == 2
    assert "thesis.txt" in err
    assert (kept / "mine.py" / "thesis.txt").read_text() == "dear"


def test_the_noise_of_rounding_is_measured_and_small_differences_are_within_it(pair, tmp_path):
    steps = "for step in (1, 2):\n  record_step(step)\n  x = record('x', np.exp(x @ w) / 3)\n"
    python = f"w = record('w', np.sin(np.arange(16.0).reshape(4, 4)).round(3))\nx = np.eye(4)\n{steps}"
    r = (
        "w <- record('w', matrix(round(sin(0:15), 3), 4, byrow = TRUE))\nx <- diag(4)\n"
        "for (step in 1:2) {\n  record_step(step)\n  x <- record('x', exp(x %*% w) / 3 * (1 + 1e-6 * (step == 2)))\n}"
    )
    status, out, _ = pair(python, r, "--noise", "--json")
    ratios = {tensor["key"]: tensor["floor_ratio"] for tensor in json.loads(out)["tensors"]}
    assert status == 1
    assert ratios["step0/w"] is None
    assert (ratios["step1/x"] or 0) < 16
    assert ratios["step2/x"] > 1e6


def test_the_noise_of_an_r_script_cannot_be_measured(pair):
    status, _, err = pair("record('x', 1)", "record('x', 1)", "--noise", suffixes=(".R", ".py"))
    assert status == 2
    assert "--noise needs a script in Python first, not mine.R." in err


def test_two_scripts_of_one_language_are_a_pair_too(pair):
    status, out, _ = pair("record('x', 0.1 + 0.2)", "record('x', 0.3)", "--tolerance", "0", suffixes=(".py", ".py"))
    assert status == 1
    assert "mine0.py" in out
    assert "1 ULP" in out


def test_a_stored_trace_serves_expect_twin(pair, tmp_path, r):
    kept = tmp_path / "kept"
    x = np.random.default_rng(1).standard_normal((4, 3))
    pair(f"record('x', np.array({x.tolist()!r}))", "record('x', 1)", "--keep", str(kept))
    r.call("expect_twin", x, str(kept / "mine.py"), "x", tolerance=0.0, atol=0.0, convert=False)
    from twinnet.parity.bridge import RError

    x[1, 2] += 1e-6
    with pytest.raises(RError, match=r"The twins differ first at step0/x\[1, 2\], which is \[2, 3\] in R"):
        r.call("expect_twin", x, str(kept / "mine.py"), "x", convert=False)
