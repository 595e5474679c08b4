"""What python/INSTRUMENT.md says is so: its commands are run, and print what it shows; its code is run."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest
from twinnet import recording
from twinnet.parity import cli
from twinnet.parity.trace import read_trace

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / "python" / "INSTRUMENT.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)

pytestmark = pytest.mark.needs_r


def blocks(language):
    return [text for name, text in BLOCKS if name == language]


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """Run the commands of a block where the repository's examples are, and return what the last prints."""
    (tmp_path / "python").mkdir()
    (tmp_path / "python" / "examples").symlink_to(ROOT / "python" / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "111")

    def run(block):
        for line in block.splitlines():
            program, *arguments = shlex.split(line)
            assert program == ".venv/bin/twinnet"
            status = cli.main(arguments)
        return status, capsys.readouterr().out

    return run


@pytest.mark.parametrize(("number", "status"), [(0, 1), (1, 0)])
def test_the_examples_print_what_the_guide_shows(run, number, status):
    found, out = run(blocks("sh")[number])
    assert found == status
    said = " ".join(out.split())
    places = [said.find(" ".join(part.split())) for part in blocks("")[number].split("...\n") if part]
    assert -1 not in places, out
    assert places == sorted(places)


def test_a_network_is_traced_and_its_traces_are_compared(run, tmp_path):
    status, out = run(blocks("sh")[2])
    assert status == 0
    assert out.splitlines()[-1].startswith(("EQUAL: Python and R", "IDENTICAL: Python and R"))
    page = (tmp_path / "runs" / "iris_dnn" / "traces.html").read_text(encoding="utf-8")
    assert "affine_backward" in page
    assert len(blocks("sh")) == 3


def test_the_python_code_runs(r, tmp_path, monkeypatch, pytester):
    scripts, traced, tests = blocks("python")
    with recording(tmp_path / "first"):
        exec(scripts, {})
    keys = [entry.key for entry in read_trace(tmp_path / "first").entries]
    assert keys == ["step1/x", "step1/total", "step2/x", "step2/total"]
    monkeypatch.chdir(tmp_path)
    exec(traced, {})
    assert read_trace("trace").load("step0/x").tolist() == [1.0, 2.0]
    os.chdir(pytester.path)
    pytester.makepyfile(tests)
    try:
        pytester.runpytest_inprocess("-p", "twinnet.parity.pytest_plugin").assert_outcomes(passed=1)
    finally:  # R is this process's too, where a function of the user's own goes before one of the package
        r.eval("rm(standardise)", convert=False)


def test_the_r_code_runs_and_records_what_the_python_code_does(r, tmp_path):
    scripts, expectation = blocks("r")
    r.call("record_start", str(tmp_path / "r"), convert=False)
    r.eval(scripts, convert=False)
    r.call("record_stop", convert=False)
    with recording(tmp_path / "python"):
        exec(blocks("python")[0], {})
    ours, theirs = read_trace(tmp_path / "python"), read_trace(tmp_path / "r")
    assert list(ours.by_key) == list(theirs.by_key)
    for key in ours.by_key:
        assert ours.load(key).tolist() == theirs.load(key).tolist()
    r.eval(expectation, convert=False)


def test_every_option_of_the_table_is_one_of_the_command(capsys):
    with pytest.raises(SystemExit):
        cli.main(["pair", "--help"])
    known = set(re.findall(r"(--\w+)", capsys.readouterr().out)) - {"--help"}
    shown = set(re.findall(r"^\| `(--\w+)", GUIDE, re.MULTILINE))
    assert shown == known
