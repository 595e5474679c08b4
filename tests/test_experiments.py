"""Every experiment of the course, in R, Python and PyTorch from one seed, with the result that the course expects."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from twinnet.experiment import (
    GENERATORS,
    experiment_check,
    experiment_data,
    experiment_names,
    experiment_override,
    experiment_read,
    experiment_variants,
)
from twinnet.objectives import class_scores, output_probabilities
from twinnet.parity import cli
from twinnet.parity.voices import PythonVoice, RVoice, TorchVoice, detached
from twinnet.train import epoch_order, is_random, train, train_start
from twins import assert_close, assert_same_bits

LARGE = {"mnist_mlp", "overfitting"}  # run in part here, whole by `make test-full`
IMAGES = {"fashion_mnist_cnn", "mnist_cnn", "mnist_cnn_logits", "mnist_cnn_small", "mnist_to_fashion"}  # in test_cnn.py
SMALL = sorted(set(experiment_names()) - LARGE - IMAGES)
EXPECTED = {
    "iris_dnn": 0.97,
    "iris_dnn_two_hidden": 0.97,
    "iris_logistic": 0.9,
    "xor_mlp": 1.0,
    "optimizers_iris": 0.93,
    "gradient_methods": 0.93,
}


@pytest.fixture
def compare(r, tmp_path, capsys):
    def run(*arguments):
        status = cli.main(["compare", *arguments, "--json", "--output", str(tmp_path)])
        return status, json.loads(capsys.readouterr().out)

    return run


def voices_of(report):
    return list(report.get("variants", {"": report}).values())


@pytest.mark.parametrize("name", SMALL)
def test_r_and_python_take_the_same_path_to_the_result_that_the_course_expects(compare, name, tmp_path):
    status, report = compare(name)
    assert (status, report["verdict"]) in [(0, "equal"), (0, "identical")]
    for one in voices_of(report):
        for loss in (one["r"]["loss"], one["python"]["loss"]):
            assert loss[-1] < loss[0]
        assert_close(one["python"]["loss"], one["r"]["loss"], "loss", rtol=1e-9)
        if name in EXPECTED:
            assert one["r"]["final_accuracy"] == one["python"]["final_accuracy"] >= EXPECTED[name]
        else:
            assert one["python"]["final_test_loss"] == pytest.approx(one["r"]["final_test_loss"], rel=1e-9)
            assert one["python"]["final_test_loss"] < 0.25 * one["python"]["test_loss"][0]
    assert (tmp_path / name / "comparison.png").stat().st_size > 10_000


@pytest.mark.parametrize("name", ["iris_dnn", "iris_logistic", "xor_mlp", "notes_2_3_3_1", "gradient_methods"])
def test_pytorch_takes_the_same_path(compare, name):
    status, report = compare(name, "--with", "python,torch", "--maxit", "400")
    assert (status, report["verdict"]) in [(0, "equal"), (0, "identical")]
    for one in voices_of(report):
        assert_close(one["python"]["loss"], one["torch"]["loss"], "loss", rtol=1e-9)


def test_each_generator_draws_its_own_weights():
    drawn = [
        train_start({**experiment_read("iris_dnn"), "generator": name})["params"]["affine1.w"] for name in GENERATORS
    ]
    assert len({tuple(w.ravel().tolist()) for w in drawn}) == len(GENERATORS)


@pytest.mark.parametrize("generator", GENERATORS)
def test_an_experiment_runs_from_the_seed_alone_whoever_draws(compare, generator):
    status, report = compare("gradient_methods", "--generator", generator, "--seed", "7", "--maxit", "40")
    assert (status, report["verdict"]) in [(0, "equal"), (0, "identical")]


@pytest.mark.parametrize("name", sorted(LARGE))
def test_the_first_steps_on_real_digits_agree_with_dropout_and_all(r, name):
    for variant, experiment in experiment_variants(experiment_read(name)).items():
        settings = {**experiment, "data": {**experiment["data"], "train": 250, "test": 100}, "evaluate_every": 5}
        data = experiment_data(settings)
        in_r = RVoice(name, variant, {})
        r_data = r.call("problem_data", settings["data"], convert=False)
        in_r._data, in_r._every = r_data, 5.0
        in_r._experiment = r.call("experiment_check", settings, convert=False)
        python, torch = PythonVoice(settings, data), None
        if settings["optimizer"].get("rule") != "keras":
            torch = TorchVoice(settings, data)
        for voice in (in_r, python, torch):
            if voice is not None:
                voice.train(12)
        for other in filter(None, (in_r, torch)):
            assert_close(python.loss, other.loss, f"{variant}: loss in {other.label}", rtol=1e-9)
            assert (python.score == other.score).all()
            for key, value in python.params.items():
                assert_close(value, other.params[key], f"{variant}: {key} in {other.label}", rtol=1e-9)


@pytest.mark.full
def test_dense_mnist_reaches_what_the_course_expects(compare):
    status, report = compare("mnist_mlp")
    assert status == 0
    assert min(report[key]["final_accuracy"] for key in ("r", "python")) >= 0.97


@pytest.mark.full
def test_a_large_network_overfits_little_data_dropout_helps_and_l2_keeps_the_weights_small(compare):
    status, report = compare("overfitting")
    assert status == 0
    plain, dropout = (report["variants"][name]["python"] for name in ("plain", "dropout"))
    assert plain["loss"][-1] < 0.01
    assert plain["final_accuracy"] < max(plain["accuracy"]), "its test accuracy has been better"
    assert dropout["final_accuracy"] > plain["final_accuracy"]
    variants = experiment_variants(experiment_read("overfitting"))
    data = experiment_data(variants["plain"])
    trained = {
        name: train(variants[name], data, train_start(variants[name]), 300)["params"] for name in ("plain", "l2")
    }
    size = {
        name: sum(float((params[key] ** 2).sum()) for key in ("affine1.w", "affine2.w"))
        for name, params in trained.items()
    }
    assert size["l2"] < 0.5 * size["plain"]


def test_logistic_regression_finds_what_scikit_learn_and_glm_find(r):
    experiment = experiment_override(experiment_read("iris_logistic"), maxit=8000, lr=10.0)
    data = experiment_data(experiment)
    run = train(experiment, data, train_start(experiment), 8000)
    ours = [run["params"]["affine1.b"][0], *run["params"]["affine1.w"][:, 0]]
    theirs = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000).fit(data["x"], data["labels"])
    # scikit-learn's solver stops where the gradient is about 1e-7
    assert_close(ours, [theirs.intercept_[0], *theirs.coef_[0]], "coefficients against scikit-learn", rtol=1e-5)
    fit = r.eval(
        "function(x, y) unname(coef(glm(y ~ x, family = binomial, control = list(epsilon = 1e-14))))", convert=False
    )
    assert_close(ours, r.call("do.call", fit, [data["x"], data["target"][:, 0]]), "coefficients against glm", rtol=1e-9)


def test_variants_are_experiments_of_their_own(r):
    experiment = experiment_read("gradient_methods")
    variants = experiment_variants(experiment)
    in_r = r.call("experiment_variants", r.call("experiment_read", "gradient_methods", convert=False))
    assert list(variants) == list(in_r) == ["full_batch", "online", "mini_batch"]
    assert [one["batch_size"] for one in variants.values()] == [one["batch_size"].item() for one in in_r.values()]
    assert list(experiment_variants(experiment_read("xor_mlp"))) == ["xor_mlp"]
    with pytest.raises(ValueError, match='`loss` must be one of .* not "hinge"'):
        experiment_variants({**experiment, "variants": {"bad": {"loss": "hinge"}}})


def test_an_epoch_visits_every_row_once_and_the_last_batch_is_what_is_left(monkeypatch):
    experiment = {**experiment_variants(experiment_read("gradient_methods"))["mini_batch"], "batch_size": 20}
    data = experiment_data(experiment)
    seen = []
    import twinnet.train as module

    taken = module.batch_inputs
    monkeypatch.setattr(module, "batch_inputs", lambda x, rows, dtype: (seen.append(rows), taken(x, rows, dtype))[1])
    train(experiment, data, train_start(experiment), 8)
    assert [len(rows) for rows in seen] == [20, 20, 20, 15, 20, 20, 20, 15]
    for epoch in (seen[:4], seen[4:]):
        assert sorted(np.concatenate(epoch)) == list(range(75))
    assert (np.concatenate(seen[:4]) != np.concatenate(seen[4:])).any()


@pytest.mark.parametrize("generator", GENERATORS)
def test_training_in_pieces_goes_on_within_an_epoch_and_within_a_stream(generator):
    experiment = experiment_override(
        experiment_variants(experiment_read("gradient_methods"))["mini_batch"], generator=generator
    )
    experiment["model"] = [
        *experiment["model"][:2],
        {"name": "dropout1", "type": "dropout", "p": 0.3},
        experiment["model"][2],
    ]
    data = experiment_data(experiment)
    whole = train(experiment, data, train_start(experiment), 23, 3)
    pieces = train_start(experiment)
    for maxit in (1, 7, 15):
        pieces = train(experiment, data, pieces, maxit, 3)
    assert_same_bits(pieces["loss"], whole["loss"], "loss")
    assert_same_bits(pieces["score"], whole["score"], "score")
    assert (pieces["order"] == whole["order"]).all()


def test_a_detached_run_steps_as_the_run_itself():
    experiment = experiment_variants(experiment_read("optimizers_iris"))["adam"]
    data = experiment_data(experiment)
    run = train(experiment, data, train_start(experiment), 10)
    after, apart = train(experiment, data, run, 1), train(experiment, data, detached(run), 1)
    for key in after["params"]:
        assert_same_bits(apart["params"][key], after["params"][key], key)


def test_without_shuffling_rows_come_in_their_order():
    experiment = experiment_variants(experiment_read("gradient_methods"))["mini_batch"]
    assert is_random(experiment)
    assert not is_random({**experiment, "shuffle": False})
    assert epoch_order({**experiment, "shuffle": False}, None, 5).tolist() == [0, 1, 2, 3, 4]


def test_outputs_become_probabilities_by_the_loss(r):
    out = np.random.default_rng(0).standard_normal((6, 3))
    cases = {
        "softmax_cross_entropy": out,
        "cross_entropy": np.abs(out),
        "nll": -np.abs(out),
        "sigmoid_binary_cross_entropy": out[:, :1],
    }
    for loss, outputs in cases.items():
        assert_close(output_probabilities(loss, outputs), r.call("output_probabilities", loss, outputs), loss)
        assert_close(class_scores(loss, outputs), r.call("class_scores", loss, outputs), loss)
    p = output_probabilities("sigmoid_binary_cross_entropy", out[:, :1])
    assert ((p[:, 1] > 0.5) == (out[:, 0] > 0)).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": -1}, "`batch_size` must be a whole number of at least 0, not -1."),
        ({"shuffle": "yes"}, '`shuffle` must be true or false, not "yes".'),
        ({"init": {"name": "zeros"}}, '`init` must be one of "normal", "scaled_normal", "torch", not "zeros".'),
        ({"init": {"name": "normal", "sd": 0}}, "`sd` must be a finite number above 0, not 0."),
        (
            {"init": {"name": "torch"}},
            '`generator` must be "torch" where the weights are to be those of PyTorch, not "r".',
        ),
        ({"generator": "dice"}, '`generator` must be one of "r", "numpy", "numpy-legacy", "torch", not "dice".'),
        ({"optimizer": {"name": "adamant"}}, '`optimizer` must be one of "gradient_descent", '),
        (
            {"data": {"name": "wine"}},
            '`data` must be one of "fashion_mnist", "iris", "mnist", "plane", "xor", not "wine".',
        ),
    ],
)
def test_settings_must_be_sound_in_both_languages(r, change, message):
    experiment = {**experiment_read("iris_dnn"), **change}
    with pytest.raises(ValueError, match="^") as python:
        experiment_check(experiment)
    with pytest.raises(RuntimeError) as other:
        r.call("experiment_check", experiment)
    assert message in str(python.value)
    assert other.value.message == str(python.value)


def test_voices_must_be_known(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["compare", "iris_dnn", "--with", "r,julia"])
    assert stopped.value.code == 2
    assert "two or more of r, python, torch" in capsys.readouterr().err


def test_pytorch_is_refused_where_it_has_no_such_optimizer(capsys, tmp_path):
    assert cli.main(["compare", "optimizers_iris", "--with", "python,torch", "--output", str(tmp_path)]) == 2
    assert "must be one that PyTorch has" in capsys.readouterr().err
