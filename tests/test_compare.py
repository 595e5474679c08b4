"""The main job: `twinnet compare`, its report, its files, its exit status."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from twinnet.parity import cli
from twinnet.parity.compare import largest_difference
from twinnet.parity.report import shown_steps

SLIDES = {
    500: (0.7114612, 0.6666667),
    1000: (0.3486462, 0.9733333),
    1500: (0.211176, 0.9733333),
    2000: (0.1465573, 0.9733333),
}


@pytest.fixture
def compare(r, tmp_path, capsys):
    def run(*arguments):
        status = cli.main(["compare", "iris_dnn", *arguments, "--output", str(tmp_path)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def test_the_two_languages_agree_and_json_says_so(compare):
    status, out, _ = compare("--json")
    report = json.loads(out)
    assert status == 0
    assert report["experiment"] == "iris_dnn"
    assert report["verdict"] in ("identical", "equal")
    assert report["steps"] == 2000
    assert report["max_abs_diff"] <= 1e-12
    python, r = report["python"], report["r"]
    assert len(python["loss"]) == len(r["loss"]) == len(python["accuracy"]) == len(r["accuracy"]) == 2000
    assert np.abs(np.subtract(python["loss"], r["loss"])).max() <= 1e-12
    assert python["accuracy"] == r["accuracy"]
    assert python["final_accuracy"] == r["final_accuracy"] == 73 / 75
    for step, (loss, accuracy) in SLIDES.items():
        for side in (python, r):
            assert f"{side['loss'][step - 1]:.7g}" == f"{loss:.7g}"
            assert f"{side['accuracy'][step - 1]:.7g}" == f"{accuracy:.7g}"


def test_the_report_shows_both_and_ends_with_the_verdict(compare, tmp_path):
    status, out, err = compare("--maxit", "250")
    assert status == 0
    for text in [
        "loss",
        "difference",
        "accuracy",
        "R = Python: true (rows) and predicted (columns)",
        "setosa",
        "versicolor",
        "virginica",
    ]:
        assert text in out
    heading = next(number for number, line in enumerate(out.splitlines()) if line.split()[:1] == ["step"])
    assert out.splitlines()[heading].split() == ["step", "R", "Python", "difference", "R", "Python"]
    assert [line.split()[0] for line in out.splitlines()[heading + 2 : heading + 5]] == ["100", "200", "250"]
    assert out.strip().splitlines()[-1].startswith(("EQUAL", "IDENTICAL"))
    assert "iris_dnn: R" in err
    for name in ["trajectory_r.csv", "trajectory_python.csv"]:
        lines = (tmp_path / "iris_dnn" / name).read_text().splitlines()
        assert lines[0] == "step,loss,accuracy"
        assert len(lines) == 251
    assert (tmp_path / "iris_dnn" / "comparison.png").read_bytes().startswith(b"\x89PNG")


def test_the_saved_trajectories_keep_every_bit(compare, tmp_path):
    _, out, _ = compare("--maxit", "50", "--json")
    for key in ("r", "python"):
        saved = np.loadtxt(tmp_path / "iris_dnn" / f"trajectory_{key}.csv", delimiter=",", skiprows=1)
        assert saved[:, 1].tolist() == json.loads(out)[key]["loss"]


def test_the_options_change_the_experiment(compare):
    _, plain, _ = compare("--maxit", "20", "--json")
    for options in [["--seed", "7"], ["--hidden", "8,5"], ["--lr", "0.05"], ["--reg", "0.5"]]:
        status, out, _ = compare("--maxit", "20", "--json", *options)
        assert status == 0
        assert json.loads(out)["python"]["loss"] != json.loads(plain)["python"]["loss"], options


def test_rounding_that_training_amplifies_is_told_from_a_wrong_operation(compare):
    status, out, _ = compare("--lr", "0.1", "--json")
    report = json.loads(out)
    assert (status, report["verdict"]) == (0, "equal by steps")
    assert report["step_difference"] <= 1e-12 < report["max_abs_diff"]


@pytest.mark.parametrize("error", [1e-10, 1e-3, math.nan])
def test_a_wrong_operation_in_one_language_is_found(compare, monkeypatch, error):
    from twinnet.train import train_step

    def bent(*arguments):
        loss, params, state = train_step(*arguments)
        params["affine2.b"] = params["affine2.b"] + [0.0, error, 0.0]
        return loss, params, state

    monkeypatch.setattr("twinnet.train.train_step", bent)
    status, out, _ = compare("--maxit", "300", "--json")
    assert (status, json.loads(out)["verdict"]) == (1, "different")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hidden", "0"], "`hidden` must be a whole number of at least 1, not 0."),
        (["--lr", "-1"], "`lr` must be a finite number above 0, not -1."),
        (["--maxit", "-5"], "`maxit` must be a whole number of at least 0, not -5."),
        (["--seed", "99999999999"], "must be a whole number of at least -2147483647"),
    ],
)
def test_bad_options_end_with_status_2_and_a_message(compare, arguments, message):
    status, out, err = compare(*arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_an_unknown_experiment_is_refused(capsys):
    assert cli.main(["compare", "iris"]) == 2
    message = capsys.readouterr().err
    assert '`experiment` must be one of "fashion_mnist_cnn", "gradient_methods", "iris_dnn", ' in message


def test_zero_steps_are_compared_too(compare):
    status, out, _ = compare("--maxit", "0", "--json")
    assert status == 0
    assert json.loads(out)["steps"] == 0


def test_the_largest_difference_sees_every_element():
    a = np.zeros(10**6)
    b = a.copy()
    b[123456] = 1e-9
    found = largest_difference("x", a, b)
    assert (found.largest, found.differing, found.size) == (1e-9, 1, 10**6)
    assert largest_difference("x", a, a).differing == 0
    assert largest_difference("x", np.array([np.nan]), np.array([np.nan])).largest == 0
    assert largest_difference("x", np.array([np.nan]), np.array([1.0])).largest == math.inf
    assert largest_difference("x", np.array([np.inf]), np.array([1.0])).scaled == math.inf
    assert largest_difference("x", np.zeros(2), np.zeros(3)).largest == math.inf
    assert largest_difference("x", np.array([0.0]), np.array([-0.0])).differing == 1
    assert largest_difference("x", np.array([1e20]), np.array([1e20 + 16384])).scaled < 1e-15


def test_the_table_shows_every_displayed_step_and_the_last():
    assert shown_steps(250, 100) == [100, 200, 250]
    assert shown_steps(200, 100) == [100, 200]
    assert shown_steps(5, 0) == [5]
    assert shown_steps(0, 100) == []
