"""Checkpoints: a run that was saved goes on in either language as if nothing had been in between."""

from __future__ import annotations

import numpy as np
import pytest
from bit_patterns import assert_same_bits
from twinnet.checkpoint import (
    checkpoint_read,
    checkpoint_write,
    params_read,
    params_write,
    settings_of,
    train_saved,
)
from twinnet.experiment import (
    GENERATORS,
    experiment_data,
    experiment_names,
    experiment_read,
    experiment_variants,
)
from twinnet.optimizers import OPTIMIZERS, optimizer_check
from twinnet.parity.bridge import RError
from twinnet.safetensors import safetensors_read, safetensors_write
from twinnet.train import train, train_start
from twins import assert_close

DROPOUT = [
    {"name": "affine1", "type": "affine", "d_in": 4, "d_out": 5, "w": "affine1.w", "b": "affine1.b"},
    {"name": "tanh1", "type": "tanh"},
    {"name": "dropout1", "type": "dropout", "p": 0.3},
    {"name": "affine2", "type": "affine", "d_in": 5, "d_out": 3, "w": "affine2.w", "b": "affine2.b"},
]


def iris(**changes):
    """Iris with dropout and batches, so that a step depends on all that a run holds."""
    changes = {"optimizer": optimizer_check({"name": "adam"}), **changes}
    return {**experiment_read("iris_dnn"), "model": DROPOUT, "batch_size": 7, **changes}


def for_r(value):
    """An experiment with its lists of names and sizes as vectors, as R reads them."""
    if isinstance(value, dict):
        return {key: for_r(part) for key, part in value.items()}
    is_vector = isinstance(value, list) and not any(isinstance(part, dict) for part in value)
    return np.asarray(value) if is_vector else [for_r(part) for part in value] if isinstance(value, list) else value


def same_runs(a, b, what=""):
    """Assert that two values are the same in every bit and type, and parameters in their order in memory."""
    assert type(a) is type(b), f"{what}: {type(a)} and {type(b)}"
    if isinstance(a, dict):
        assert list(a) == list(b), what
        for key in a:
            same_runs(a[key], b[key], f"{what}/{key}")
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype, what
        in_order = a.strides == b.strides or a.size < 2 or "/params/" not in what
        assert in_order, f"{what}: another order in memory, in which products may be rounded otherwise"
        assert_same_bits(a, b, what)
    else:
        assert a == b, f"{what}: {a!r} and {b!r}"


def trained(experiment, steps):
    data = experiment_data(experiment)
    return data, train(experiment, data, train_start(experiment), steps, evaluate_every=2)


@pytest.mark.parametrize("generator", GENERATORS)
def test_a_run_in_python_goes_on_bit_for_bit(tmp_path, generator):
    experiment = iris(generator=generator)
    for stopped_at in (0, 1, 9, 10, 11, 12):  # before the first step, within an epoch of 11 batches, at its end, beyond
        data, run = trained(experiment, stopped_at)
        checkpoint_write(tmp_path / "run.safetensors", run, experiment)
        again = checkpoint_read(tmp_path / "run.safetensors", experiment)
        same_runs(again, run, f"stopped at {stopped_at}: run")
        whole = train(experiment, data, run, 15, evaluate_every=2)
        same_runs(train(experiment, data, again, 15, evaluate_every=2), whole, f"resumed at {stopped_at}: run")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizers_state_is_saved(tmp_path, name):
    settings = {"name": name, **({"momentum": 0.9} if name in ("sgd", "nesterov", "rmsprop") else {})}
    experiment = iris(optimizer=optimizer_check(settings))
    data, run = trained(experiment, 5)
    checkpoint_write(tmp_path / "run.safetensors", run, experiment)
    again = checkpoint_read(tmp_path / "run.safetensors", experiment)
    same_runs(again, run, "run")
    same_runs(train(experiment, data, again, 20), train(experiment, data, run, 20), "resumed run")


R_TRAIN = """function(experiment, steps, path) {
  data <- experiment_data(experiment)
  run <- train(experiment, data, train_start(experiment), steps, 2)
  checkpoint_write(path, run, experiment)
  again <- checkpoint_read(path, experiment)
  list(
    whole = train(experiment, data, run, 15, 2),
    resumed = train(experiment, data, again, 15, 2),
    same = isTRUE(all.equal(again, run, tolerance = 0)) && identical(names(again), names(run))
  )
}"""


@pytest.mark.parametrize("generator", GENERATORS)
def test_a_run_in_r_goes_on_bit_for_bit(r, tmp_path, generator):
    experiment = iris(generator=generator)
    for stopped_at in (0, 1, 10, 11, 12):
        done = r.eval(R_TRAIN, convert=False)(
            *(r.to_r(value) for value in (for_r(experiment), stopped_at, str(tmp_path / "run.safetensors")))
        )
        done = r.from_r(done)
        assert done["same"].item(), stopped_at
        same_runs(done["resumed"], done["whole"], f"resumed at {stopped_at}: run")


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("first", ["python", "r"])
def test_a_run_goes_on_in_the_other_language(r, tmp_path, generator, first):
    experiment = iris(generator=generator)
    path = str(tmp_path / "run.safetensors")
    data, run = trained(experiment, 9)
    whole = train(experiment, data, run, 30, evaluate_every=2)
    r_data = r.call("experiment_data", for_r(experiment), convert=False)
    if first == "python":
        checkpoint_write(path, run, experiment)
        in_r = r.call("checkpoint_read", path, for_r(experiment), convert=False)
        resumed = r.call("train", for_r(experiment), r_data, in_r, 30, 2)
    else:
        in_r = r.call(
            "train", experiment, r_data, r.call("train_start", for_r(experiment), convert=False), 9, 2, convert=False
        )
        r.call("checkpoint_write", path, in_r, for_r(experiment))
        again = checkpoint_read(path, experiment)
        assert (again["order"] == run["order"]).all(), "row numbers count from 0 in the file"
        resumed = train(experiment, data, again, 30, evaluate_every=2)
    for key in ("loss", "score", "score_step"):
        assert_close(resumed[key], whole[key], key)
    for key, value in whole["params"].items():
        assert_close(resumed["params"][key], value, key)


@pytest.mark.parametrize(("dtype", "arithmetic"), [("float32", "native"), ("float64", "exact"), ("float32", "exact")])
def test_other_dtypes_and_arithmetics_are_resumed_too(r, tmp_path, dtype, arithmetic):
    experiment = iris(dtype=dtype, arithmetic=arithmetic, optimizer=optimizer_check({"name": "sgd", "momentum": 0.9}))
    path = tmp_path / "run.safetensors"
    data, run = trained(experiment, 9)
    checkpoint_write(path, run, experiment)
    same_runs(checkpoint_read(path, experiment), run, "run")
    stored = safetensors_read(path)[0]
    assert {str(stored[name].dtype) for name in ("params/affine1.w", "loss")} == {dtype, "float64"}
    whole = train(experiment, data, run, 20)
    same_runs(train(experiment, data, checkpoint_read(path, experiment), 20), whole, "resumed run")
    in_r = r.eval(R_TRAIN, convert=False)(*(r.to_r(value) for value in (for_r(experiment), 9, str(tmp_path / "r"))))
    unclassed = r.eval(
        """function(done) {
      params <- lapply(list(done$whole, done$resumed), function(run) lapply(run$params, unclass))
      list(done$same, params[[1]], params[[2]])
    }""",
        convert=False,
    )
    same, whole_in_r, resumed_in_r = r.from_r(unclassed(in_r))
    assert same.item()
    for key, value in whole_in_r.items():
        assert_same_bits(resumed_in_r[key], value, f"{key} in R")
    if arithmetic == "exact":
        again = checkpoint_read(tmp_path / "r", experiment)
        for key, value in again["params"].items():
            assert_same_bits(value, run["params"][key], f"{key}, R's checkpoint read in Python")


def test_both_languages_write_the_same_bytes(r, tmp_path):
    experiment = iris(generator="torch")
    _, run = trained(experiment, 9)
    checkpoint_write(tmp_path / "python", run, experiment)
    in_r = r.call("checkpoint_read", str(tmp_path / "python"), for_r(experiment), convert=False)
    r.call("checkpoint_write", str(tmp_path / "r"), in_r, for_r(experiment))
    assert (tmp_path / "python").read_bytes() == (tmp_path / "r").read_bytes()


@pytest.mark.parametrize("name", experiment_names())
def test_both_languages_name_the_same_settings(r, name):
    theirs = r.call("experiment_variants", r.call("experiment_read", name, convert=False), convert=False)
    for variant, experiment in experiment_variants(experiment_read(name)).items():
        ours = settings_of(experiment)
        in_r = r.call("settings_of", r.call("[[", theirs, variant, convert=False))
        assert {key: text.item() for key, text in in_r.items()} == ours
        assert ours["experiment/seed"] == str(experiment["seed"])
        assert float(ours["experiment/optimizer/lr"]) == experiment["optimizer"]["lr"]


def refused_by_both(r, path, experiment, message, read=checkpoint_read):
    before = path.read_bytes()
    with pytest.raises(ValueError) as ours:
        read(path, experiment)
    with pytest.raises(RError) as theirs:
        r.call(read.__name__, str(path), for_r(experiment))
    assert str(ours.value) == theirs.value.message == f"{path} {message}"
    assert path.read_bytes() == before


def test_a_checkpoint_of_another_experiment_is_refused_by_the_setting_that_differs(r, tmp_path):
    experiment = iris()
    path = tmp_path / "run.safetensors"
    checkpoint_write(path, trained(experiment, 3)[1], experiment)
    another = "is a checkpoint of another experiment: its "
    for changes, what in (
        ({"seed": 2}, "`seed` is 1, not 2."),
        ({"generator": "torch"}, "`generator` is r, not torch."),
        ({"reg": 0.1}, "`reg` is 0.001, not 0.10000000000000001."),
        ({"shuffle": False}, "`shuffle` is true, not false."),
        ({"model": [{**DROPOUT[0], "d_out": 8}, *DROPOUT[1:]]}, "`model/0/d_out` is 5, not 8."),
        ({"model": DROPOUT[:3]}, "`model/3/name` is affine2, not missing."),
        ({"optimizer": optimizer_check({"name": "sgd"})}, "`optimizer/name` is adam, not sgd."),
    ):
        refused_by_both(r, path, iris(**changes), another + what)
    freely = {"maxit": 7, "abstol": 0.5, "display": 1, "evaluate_every": 3, "title": "other"}
    assert checkpoint_read(path, iris(**freely))["step"] == 3
    assert r.call("checkpoint_read", str(path), for_r(iris(**freely)))["step"].item() == 3


def changed_file(tmp_path, change):
    """A checkpoint whose numbers and texts were changed and that was then written anew, as if it were sound."""
    experiment = iris()
    path = tmp_path / "run.safetensors"
    checkpoint_write(path, trained(experiment, 3)[1], experiment)
    numbers, texts = safetensors_read(path)
    change(numbers, texts)
    safetensors_write(path, numbers, texts)
    return path, experiment


TOGETHER = "is damaged: its order, position, loss, score, step and status do not go together."
CHANGES = {
    "no checkpoint": (lambda numbers, texts: texts.pop("format"), "is not a checkpoint of twinnet."),
    "no parameter": (lambda numbers, texts: numbers.pop("params/affine1.w"), "has no `params/affine1.w`."),
    "no state": (lambda numbers, texts: numbers.pop("generator_state/key"), "has no `generator_state/key`."),
    "no text": (lambda numbers, texts: texts.pop("status"), "has no `status`."),
    "another parameter": (
        lambda numbers, texts: numbers.update({"params/affine3.w": np.ones((2, 2))}),
        "has `params/affine3.w`, which the experiment's model has not.",
    ),
    "another shape": (
        lambda numbers, texts: numbers.update({"params/affine1.w": np.ones((5, 4))}),
        "has another shape of `params/affine1.w`: 5 x 4, not 4 x 5.",
    ),
    "another dimension": (
        lambda numbers, texts: numbers.update({"params/affine1.b": np.ones((1, 5))}),
        "has another shape of `params/affine1.b`: 1 x 5, not 5.",
    ),
    "float32": (
        lambda numbers, texts: numbers.update({"params/affine1.b": np.ones(5, np.float32)}),
        "has `params/affine1.b` in float32, not in float64.",
    ),
    "many steps": (
        lambda numbers, texts: numbers.update({"step": np.ones(2)}),
        "has another shape of `step`: 2, not 1.",
    ),
    "a text for a number": (
        lambda numbers, texts: (numbers.pop("position"), texts.update(position="3")),
        "has a number where a text is due, or a text where a number is, in `position`.",
    ),
    "a number for a text": (
        lambda numbers, texts: (texts.pop("status"), numbers.update(status=np.ones(1))),
        "has a number where a text is due, or a text where a number is, in `status`.",
    ),
    "no row number": (
        lambda numbers, texts: numbers.update({"order": np.full(75, np.nan)}),
        "has `order` that is not a whole number.",
    ),
    "another step": (lambda numbers, texts: numbers.update({"step": np.full(1, 4.0)}), TOGETHER),
    "half a step": (
        lambda numbers, texts: numbers.update({"step": np.full(1, 3.5)}),
        "has `step` that is not a whole number.",
    ),
    "a row twice": (lambda numbers, texts: numbers.update({"order": np.zeros(75)}), TOGETHER),
    "a table of rows": (
        lambda numbers, texts: numbers.update({"order": np.zeros((5, 15))}),
        "has another shape of `order`: 5 x 15, not 0.",
    ),
    "a position beyond": (lambda numbers, texts: numbers.update({"position": np.full(1, 76.0)}), TOGETHER),
    "a score too many": (lambda numbers, texts: numbers.update({"score": np.ones(9)}), TOGETHER),
    "another status": (lambda numbers, texts: texts.update(status="stopped"), TOGETHER),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_checkpoint_that_holds_something_else_is_refused(r, tmp_path, name):
    change, message = CHANGES[name]
    path, experiment = changed_file(tmp_path, change)
    refused_by_both(r, path, experiment, message)


def test_a_damaged_checkpoint_is_refused_and_left_as_it_is(r, tmp_path):
    experiment = iris()
    path = tmp_path / "run.safetensors"
    data, run = trained(experiment, 3)
    checkpoint_write(path, run, experiment)
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    refused_by_both(r, path, experiment, "is damaged: it does not have the MD5 that it names.")
    with pytest.raises(ValueError, match="is damaged"):
        train_saved(experiment, data, path, 10)
    with pytest.raises(RError, match="is damaged"):
        r.call(
            "train_saved", for_r(experiment), r.call("experiment_data", for_r(experiment), convert=False), str(path), 10
        )
    assert path.read_bytes() == content


@pytest.mark.parametrize("first", ["python", "r"])
def test_parameters_alone_are_read_by_both(r, tmp_path, first):
    experiment = iris()
    params = trained(experiment, 3)[1]["params"]
    path = tmp_path / "params.safetensors"
    if first == "python":
        params_write(path, params)
    else:
        r.call("params_write", str(path), params)
    theirs = r.call("params_read", str(path), for_r(experiment))
    same_runs(params_read(path, experiment), params, "params")
    for key, value in params.items():
        assert_same_bits(theirs[key], value, key)
    larger = iris(model=[{**DROPOUT[0], "d_out": 8}, *DROPOUT[1:3], {**DROPOUT[3], "d_in": 8}])
    message = "has another shape of `affine1.w`: 4 x 5, not 4 x 8."
    refused_by_both(r, path, larger, message, params_read)
    shorter = iris(model=[{**DROPOUT[0], "d_out": 5}])
    message = "has `affine2.w`, which the experiment's model has not."
    refused_by_both(r, path, shorter, message, params_read)


def test_parameters_in_float32_are_read_as_the_numbers_they_are(r, tmp_path):
    experiment = iris()
    params = {key: value.astype(np.float32) for key, value in train_start(experiment)["params"].items()}
    params_write(tmp_path / "single", params)
    theirs = r.call("params_read", str(tmp_path / "single"), experiment)
    for key, value in params_read(tmp_path / "single", experiment).items():
        assert value.dtype == np.float64
        assert_same_bits(value, params[key].astype(np.float64), key)
        assert_same_bits(theirs[key], value, key)


def interrupted(at):
    def report(step, loss, score):
        if step == at:
            raise KeyboardInterrupt

    return report


def test_training_that_was_interrupted_goes_on_when_it_is_called_again(r, tmp_path):
    experiment = iris()
    path = tmp_path / "run.safetensors"
    data, whole = trained(experiment, 40)
    with pytest.raises(KeyboardInterrupt):
        train_saved(experiment, data, path, 40, save_every=9, evaluate_every=2, report=interrupted(24))
    assert checkpoint_read(path, experiment)["step"] == 18
    run = train_saved(experiment, data, path, 40, save_every=9, evaluate_every=2)
    same_runs(run, whole, "run")
    same_runs(train_saved(experiment, data, path, 40), whole, "a finished run")
    in_r = r.eval(
        """function(experiment, path) {
      data <- experiment_data(experiment)
      stopped <- tryCatch(
        train_saved(experiment, data, path, 40, 9, 2, function(step, loss, score) if (step == 24) stop("now")),
        error = function(stopped) conditionMessage(stopped)
      )
      step <- checkpoint_read(path, experiment)$step
      whole <- train(experiment, data, train_start(experiment), 40, 2)
      list(stopped, step, train_saved(experiment, data, path, 40, 9, 2), whole)
    }""",
        convert=False,
    )
    in_r = r.from_r(in_r(r.to_r(for_r(experiment)), r.to_r(str(tmp_path / "r.safetensors"))))
    stopped, step, resumed, whole = in_r
    assert (stopped.item(), step.item()) == ("now", 18)
    same_runs(resumed, whole, "run in R")
    longer = train_saved(experiment, data, path, 45, evaluate_every=2)
    same_runs(longer, trained(experiment, 45)[1], "a longer run")


def test_a_cnn_goes_on_in_either_language(r, tmp_path):
    clothes = {"name": "fashion_mnist", "train": 40, "test": 10}
    experiment = {**experiment_read("mnist_cnn_small"), "batch_size": 10, "data": clothes}
    path = tmp_path / "run.safetensors"
    data, run = trained(experiment, 2)
    checkpoint_write(path, run, experiment)
    same_runs(checkpoint_read(path, experiment), run, "run")
    whole = train(experiment, data, run, 3)
    same_runs(train(experiment, data, checkpoint_read(path, experiment), 3), whole, "resumed run")
    r_data = r.call("experiment_data", for_r(experiment), convert=False)
    in_r = r.call("checkpoint_read", str(path), for_r(experiment), convert=False)
    resumed = r.call("train", for_r(experiment), r_data, in_r, 3)
    for key, value in whole["params"].items():
        assert_close(resumed["params"][key], value, key)
