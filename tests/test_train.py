"""Training: each step from a shared state, the whole trajectory, resuming, stopping, and the figures of the course."""

from __future__ import annotations

import numpy as np
import pytest
from twinnet.datasets import load_iris
from twinnet.experiment import experiment_data, experiment_override, experiment_read
from twinnet.train import params_finite, train, train_start, train_step
from twins import assert_close, assert_same_bits

SLIDES = {
    500: "0.7114612 0.6666667",
    1000: "0.3486462 0.9733333",
    1500: "0.211176 0.9733333",
    2000: "0.1465573 0.9733333",
}


def start(**overrides):
    experiment = experiment_override(experiment_read("iris_dnn"), **overrides)
    return experiment, experiment_data(experiment), train_start(experiment)


def start_in_r(r, **overrides):
    experiment = r.call("experiment_override", r.call("experiment_read", "iris_dnn"), **overrides, convert=False)
    data = r.call("experiment_data", experiment, convert=False)
    return (
        experiment,
        data,
        r.call("train_start", experiment),
    )


def test_the_data_agree_in_every_cell(r):
    ours, theirs = load_iris(), r.eval("datasets::iris")
    assert list(ours) == list(theirs)
    for name in ours:
        assert (ours[name] == theirs[name]).all(), name
    assert r.eval("identical(twinnet::load_iris(), datasets::iris)").item()
    _, data, _ = start()
    r_data = r.call("experiment_data", r.call("experiment_read", "iris_dnn", convert=False))
    for name in ["x", "target", "x_test"]:
        assert_same_bits(data[name], r_data[name], name)
    for name in ["labels", "labels_test"]:
        assert (data[name] + 1 == r_data[name]).all(), name
    assert (data["classes"] == r_data["classes"]).all()


def test_the_split_is_that_of_the_slides(r):
    _, data, _ = start()
    theirs = r.eval("""local({
      set.seed(1)
      rows <- c(sample(1:50, 25), sample(51:100, 25), sample(101:150, 25))
      unname(as.matrix(iris[rows, 1:4]))
    })""")
    assert_same_bits(data["x"], theirs, "training rows")


@pytest.mark.parametrize("seed", [0, 1, 42, -7, 2**31 - 1])
@pytest.mark.parametrize("hidden", [[6], [8, 5]])
def test_the_initial_weights_agree_in_every_bit(r, seed, hidden):
    _, _, run = start(seed=seed, hidden=hidden)
    _, _, r_run = start_in_r(r, seed=seed, hidden=hidden)
    assert list(run["params"]) == list(r_run["params"])
    for key, value in run["params"].items():
        assert_same_bits(value, r_run["params"][key], key)


@pytest.mark.parametrize("hidden", [[6], [8, 5]])
def test_each_step_from_a_shared_state_agrees(r, hidden):
    experiment, data, run = start(hidden=hidden, lr=0.1)
    r_experiment, r_data, _ = start_in_r(r, hidden=hidden, lr=0.1)
    x, target = (r.call("[[", r_data, name, convert=False) for name in ("x", "target"))
    for _ in range(100):
        loss, params, _ = train_step(experiment, run["params"], {}, data["x"], data["target"])
        taken = r.call("train_step", r_experiment, run["params"], {}, x, target)
        assert_close([loss], taken["loss"], f"loss of step {run['step'] + 1}")
        for key, value in params.items():
            # a bias starts at 0 and is moved by sums of 75 terms up to 1/75 that nearly cancel: 1e-15 is 5 ULPs of 1
            assert_close(value, taken["params"][key], f"{key} after step {run['step'] + 1}", atol=1e-15)
        run = train(experiment, data, run, 17)


@pytest.mark.parametrize(("seed", "hidden"), [(1, [6]), (42, [6]), (1, [8, 5])])
def test_the_whole_trajectory_agrees(r, seed, hidden):
    experiment, data, run = start(seed=seed, hidden=hidden)
    r_experiment, r_data, r_run = start_in_r(r, seed=seed, hidden=hidden)
    run = train(experiment, data, run, 2000, evaluate_every=1)
    r_run = r.call("train", r_experiment, r_data, r_run, 2000, evaluate_every=1)
    assert len(run["loss"]) == 2000
    assert (np.abs(run["loss"] - r_run["loss"]) <= 1e-12).all(), np.abs(run["loss"] - r_run["loss"]).max()
    assert (run["score"] == r_run["score"]).all()
    assert (run["score_step"] == r_run["score_step"]).all()
    for key, value in run["params"].items():
        assert_close(value, r_run["params"][key], key)
    assert run["status"] == r_run["status"].item() == "maxit"


def test_the_slides_figures_come_from_the_seed_alone_in_python():
    experiment, data, run = start()
    shown = {}
    train(
        experiment,
        data,
        run,
        2000,
        500,
        lambda step, loss, accuracy: shown.update({step: f"{loss:.7g} {accuracy:.7g}"}),
    )
    assert shown == SLIDES


def test_training_in_pieces_gives_what_one_run_gives(r):
    experiment, data, run = start()
    whole = train(experiment, data, run, 200, evaluate_every=7)
    pieces = run
    for maxit in [1, 0, 99, 100]:
        pieces = train(experiment, data, pieces, maxit, evaluate_every=7)
    for name in ["loss", "score", "score_step"]:
        assert_same_bits(pieces[name], whole[name], name)
    for key, value in whole["params"].items():
        assert_same_bits(pieces["params"][key], value, key)
    assert pieces["step"] == 200
    r_experiment, r_data, r_run = start_in_r(r)
    r_whole = r.call("train", r_experiment, r_data, r_run, 200, 7)
    r_pieces = r.call("train", r_experiment, r_data, r.call("train", r_experiment, r_data, r_run, 90, 7), 110, 7)
    for key, value in r_whole["params"].items():
        assert_same_bits(r_pieces["params"][key], value, key)
    for name in ["loss", "score", "score_step"]:
        assert_same_bits(r_pieces[name], r_whole[name], name)


def test_training_stops_when_the_loss_reaches_abstol(r):
    experiment, data, run = start()
    experiment["abstol"] = 0.5
    run = train(experiment, data, run, 2000)
    assert run["status"] == "converged"
    assert run["loss"][-1] <= 0.5 < run["loss"][-2]
    again = train(experiment, data, run, 10)
    assert again["step"] == run["step"], "a converged run stays where it is"
    r_experiment, r_data, r_run = start_in_r(r)
    changed = {**r.from_r(r_experiment), "abstol": 0.5}
    r_run = r.call("train", changed, r_data, r_run, 2000)
    assert r_run["step"].item() == run["step"]
    assert r_run["status"].item() == "converged"


@pytest.mark.parametrize("pieces", [[60], [1] * 60, [7] * 9])
def test_a_run_that_diverges_stops_says_where_and_keeps_the_last_good_parameters(r, pieces):
    experiment, data, run = start(lr=1e6, reg=10.0)
    good = [run["params"]]
    with np.errstate(all="ignore"):
        while True:  # step by hand, with no check, until the loss is not finite
            loss, params, _ = train_step(experiment, good[-1], {}, data["x"], data["target"])
            if not np.isfinite(loss):
                break
            good.append(params)
        for maxit in pieces:
            run = train(experiment, data, run, maxit, evaluate_every=1)
    diverged_step = len(good)  # its loss, of the parameters good[-1], is the first that is not finite
    assert 2 < diverged_step < 50
    assert (run["status"], run["diverged_step"], run["step"]) == ("diverged", diverged_step, diverged_step - 2)
    assert len(run["loss"]) == len(run["score"]) == run["step"]
    for key, value in good[-2].items():
        assert_same_bits(run["params"][key], value, key)
    r_experiment, r_data, r_run = start_in_r(r, lr=1e6, reg=10.0)
    for maxit in pieces:
        r_run = r.call("train", r_experiment, r_data, r_run, maxit, evaluate_every=1)
    assert [r_run[key].item() for key in ("status", "diverged_step", "step")] == [
        "diverged",
        diverged_step,
        diverged_step - 2,
    ]
    assert all(np.isfinite(value).all() for value in r_run["params"].values())


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_parameter_that_is_not_finite_is_found(r, bad):
    params = {"affine1.w": np.array([[1.0, bad]]), "affine1.b": np.zeros(2)}
    assert not params_finite(params)
    assert not r.call("params_finite", params).item()
    assert params_finite({"affine1.w": np.ones((1, 2))})
    assert r.call("params_finite", {"affine1.w": np.ones((1, 2))}).item()


def test_the_experiment_is_read_alike(r):
    python, in_r = experiment_read("iris_dnn"), r.call("experiment_read", "iris_dnn")

    def same(a, b):
        if isinstance(a, dict):
            return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
        if isinstance(a, list) and a and isinstance(a[0], dict):
            return len(a) == len(b) and all(same(*pair) for pair in zip(a, b, strict=True))
        return np.atleast_1d(np.asarray(a)).tolist() == np.atleast_1d(b).tolist()

    assert same(python, in_r)
