"""Recording: what is recorded in either language is what was computed, under the same names, in files both can read."""

from __future__ import annotations

import json

import numpy as np
import pytest
from twinnet.experiment import experiment_data, experiment_names, experiment_override, experiment_read
from twinnet.experiment import experiment_variants as variants_of
from twinnet.parity.bridge import RError
from twinnet.parity.trace import TraceError, read_trace
from twinnet.record import (
    is_recording,
    record,
    record_phase,
    record_read,
    record_start,
    record_step,
    record_stop,
    recording,
)
from twinnet.train import train, train_start

TENSORS = {
    "numbers": np.asarray([0.1, -0.0, np.inf, np.nan, 5e-324]),
    "table": np.arange(6.0).reshape(2, 3) / 7,
    "images": np.arange(24.0).reshape(2, 1, 3, 4) / 7,
    "flags": np.asarray([[True, False], [True, True]]),
    "rows": np.asarray([3, 0, -7, 2**31 - 1]),
    "nothing": np.empty((0, 3)),
}


@pytest.fixture
def recorded_in_r(r, tmp_path):
    """A trace of `TENSORS` that R wrote."""
    write = r.eval(
        "function(folder, tensors) with_recording(folder, for (name in names(tensors)) record(name, tensors[[name]]))",
        convert=False,
    )
    write(r.to_r(str(tmp_path / "r")), r.to_r(TENSORS))
    return tmp_path / "r"


@pytest.fixture
def recorded_in_python(tmp_path):
    with recording(tmp_path / "python"):
        for name, value in TENSORS.items():
            assert record(name, value) is value
    return tmp_path / "python"


@pytest.mark.parametrize("name", TENSORS)
def test_what_r_records_python_reads(recorded_in_r, name):
    found = read_trace(recorded_in_r).load(f"step0/{name}")
    assert found.shape == TENSORS[name].shape
    assert found.dtype == TENSORS[name].dtype
    assert found.tobytes() == TENSORS[name].tobytes()
    assert record_read(recorded_in_r, f"step0/{name}").tobytes() == TENSORS[name].tobytes()


@pytest.mark.parametrize("name", TENSORS)
def test_what_python_records_r_reads(r, recorded_in_python, name):
    found = r.call("record_read", str(recorded_in_python), f"step0/{name}")
    assert found.shape == TENSORS[name].shape
    assert np.asarray(found, TENSORS[name].dtype).tobytes() == TENSORS[name].tobytes()
    assert read_trace(recorded_in_python).load(f"step0/{name}").tobytes() == TENSORS[name].tobytes()


def test_memory_orders_do_not_matter(tmp_path):
    x = np.arange(24.0).reshape(2, 3, 4)
    orders = {"c": x, "f": np.asfortranarray(x), "neither": np.moveaxis(x.copy(), 0, 1).copy().swapaxes(0, 1)}
    with recording(tmp_path / "t"):
        for name, value in orders.items():
            record(name, value)
    trace = read_trace(tmp_path / "t")
    for name in orders:
        assert (trace.load(f"step0/{name}") == x).all(), name


def test_numbers_are_vectors_of_length_one_and_small_dtypes_become_large(tmp_path):
    import torch

    given = {"float": 1.5, "int": 3, "bool": True, "bytes": np.uint8([1, 2]), "half": np.float16([0.5])}
    given |= {"torch": torch.ones(2, dtype=torch.float32, requires_grad=True)}
    with recording(tmp_path / "t"):
        for name, value in given.items():
            record(name, value)
    trace = read_trace(tmp_path / "t")
    kinds = {entry.name: (entry.dtype, entry.shape) for entry in trace.entries}
    assert kinds == {
        "float": ("float64", (1,)),
        "int": ("int64", (1,)),
        "bool": ("bool", (1,)),
        "bytes": ("int64", (2,)),
        "half": ("float32", (1,)),
        "torch": ("float32", (2,)),
    }


def test_whole_numbers_beyond_those_of_r_are_read_in_r(r, tmp_path):
    values = [0, 1, -1, 2**31, -(2**31), 2**32, 2**53, -(2**53), 3 * 2**31]
    with recording(tmp_path / "t"):
        record("i", np.array(values))
    assert r.call("record_read", str(tmp_path / "t"), "step0/i").tolist() == values


def test_missing_values_of_r_are_kept_as_nan(r, tmp_path):
    r.eval(f'with_recording("{tmp_path}/t", {{ record("i", c(1L, NA)); record("l", c(TRUE, NA)); NULL }})')
    trace = read_trace(tmp_path / "t")
    for name in ("i", "l"):
        found = trace.load(f"step0/{name}")
        assert found[0] == 1, name
        assert np.isnan(found[1]), name


def test_steps_phases_parts_and_repetitions_are_named(r, tmp_path):
    with recording(tmp_path / "python"):
        assert record("a", 1.0) == 1.0
        record_step(3)
        assert record_phase("forward") == ""
        record("out", 1.0, of="conv1")
        record("out", 2.0, of="conv1")
        assert record_phase(None) == "forward"
        assert not is_recording()
        record("unseen", 1.0)
        assert record_phase("forward") is None
        assert is_recording()
        record("conv1.out", 3.0)
    r.eval(f"""with_recording("{tmp_path}/r", {{
      record("a", 1); record_step(3); stopifnot(identical(record_phase("forward"), ""))
      record("out", 1, of = "conv1"); record("out", 2, of = "conv1")
      stopifnot(identical(record_phase(NULL), "forward"), !is_recording())
      record("unseen", 1)
      stopifnot(is.null(record_phase("forward")), is_recording())
      record("conv1.out", 3) }})""")
    for folder in ("python", "r"):
        trace = read_trace(tmp_path / folder)
        first = "step3/forward/conv1.out"
        assert [entry.key for entry in trace.entries] == ["step0/a", first, f"{first}#2", f"{first}#3"], folder
        assert [trace.load(entry.key).tolist() for entry in trace.entries] == [[1], [1], [2], [3]], folder


def test_only_the_steps_asked_for_are_kept(r, tmp_path):
    with recording(tmp_path / "python", steps=[2]):
        for step in (1, 2, 3):
            record_step(step)
            record("x", step)
    loop = "for (step in 1:3) { record_step(step); record('x', step) }"
    r.eval(f'with_recording("{tmp_path}/r", {loop}, steps = 2)')
    for folder in ("python", "r"):
        assert [entry.key for entry in read_trace(tmp_path / folder).entries] == ["step2/x"], folder


def test_nothing_is_kept_and_everything_returned_where_nothing_records(r):
    x = np.ones(3)
    assert record("x", x) is x
    assert record("x", "anything at all") == "anything at all"
    assert record_phase("forward") is None
    assert not is_recording()
    assert r.eval("record('x', 'anything at all')").item() == "anything at all"


EVERY_DAY = ("iris_dnn", "iris_logistic", "xor_mlp", "mini_batch", "adam", "nesterov", "dropout", "mnist_cnn_small")


def runs():
    """All experiments; the longer ones among the full tests."""
    found = [(name, variant) for name in experiment_names() for variant in variants_of(experiment_read(name))]
    return [case if case[1] in EVERY_DAY else pytest.param(*case, marks=pytest.mark.full) for case in found]


@pytest.mark.parametrize(("name", "variant"), runs())
def test_models_record_themselves_under_the_same_names_in_both_languages(r, tmp_path, name, variant):
    variants = variants_of(experiment_read(name))
    images = {"images": 200} if variants[variant]["data"]["name"] == "mnist" else {}
    experiment = experiment_override(variants[variant], maxit=2, **images)
    given = variants.get(experiment["init"].get("source"))
    source = None if given is None else train_start(given)["params"]
    with recording(tmp_path / "python"):
        train(experiment, experiment_data(experiment), train_start(experiment, source), 2)
    run = r.eval(
        """function(folder, name, variant, overrides, source) {
          settings <- experiment_variants(experiment_read(name))[[variant]]
          experiment <- do.call(experiment_override, c(list(settings), overrides))
          data <- experiment_data(experiment)
          with_recording(folder, train(experiment, data, train_start(experiment, source), 2))
        }""",
        convert=False,
    )
    arguments = (str(tmp_path / "r"), name, variant, {"maxit": 2, **images}, source)
    run(*[r.to_r(value) for value in arguments])
    a, b = read_trace(tmp_path / "python"), read_trace(tmp_path / "r")
    assert [(e.key, e.shape, e.dtype) for e in a.entries] == [(e.key, e.shape, e.dtype) for e in b.entries]
    keys = [entry.key for entry in a.entries]
    first = experiment["model"][0]["name"]
    layers = [f"step1/forward/{layer['name']}.out" for layer in experiment["model"]]
    assert [key for key in keys if key in layers] == layers
    for key in ("step1/data/batch.x", "step1/loss/loss", "step1/backward/loss.d_out", f"step2/update/{first}.w"):
        assert key in keys or first != "affine1", key
    for key in keys:  # what is drawn and picked is the same in every bit
        if key.endswith(("batch.rows", "batch.target", ".mask", ".words_drawn")):
            assert a.load(key).tobytes() == b.load(key).tobytes(), key


def test_a_run_that_records_computes_what_one_that_does_not_computes(tmp_path):
    experiment = experiment_override(experiment_read("mnist_mlp"), maxit=2, images=200)
    data = experiment_data(experiment)
    plain = train(experiment, data, train_start(experiment), 2)
    with recording(tmp_path / "t"):
        recorded = train(experiment, data, train_start(experiment), 2)
    assert plain["loss"].tobytes() == recorded["loss"].tobytes()
    for key, value in plain["params"].items():
        assert value.tobytes() == recorded["params"][key].tobytes(), key
        assert read_trace(tmp_path / "t").load(f"step2/update/{key}").tobytes() == value.tobytes(), key


def test_the_manifest_says_what_recorded(r, tmp_path):
    with recording(tmp_path / "python", about={"experiment": {"name": "x"}, "seed": 3}):
        record("x", 1.0)
    r.call("record_start", str(tmp_path / "r"), None, {"experiment": {"name": "x", "sizes": [1]}, "seed": 3})
    r.call("record", "x", 1.0)
    r.call("record_stop")
    for folder, language in (("python", "Python"), ("r", "R")):
        manifest = read_trace(tmp_path / folder).manifest
        assert manifest["language"] == language
        assert manifest["seed"] == 3
        assert manifest["experiment"]["name"] == "x"
        assert {language, "twinnet"} <= set(manifest["versions"])
        assert manifest["blas"]
        assert manifest["threads"]
        assert manifest["index_order"] == {"R": "F", "Python": "C"}[language]
    assert read_trace(tmp_path / "r").manifest["experiment"]["sizes"] == [1]


def test_an_error_leaves_a_trace_half_written_and_says_so(r, tmp_path):
    def fail():
        with recording(tmp_path / "python"):
            record("x", 1.0)
            raise KeyError("x")

    with pytest.raises(KeyError):
        fail()
    with pytest.raises(RError):
        r.eval(f'with_recording("{tmp_path}/r", {{ record("x", 1); stop("no") }})')
    for folder in ("python", "r"):
        with pytest.raises(TraceError, match=f"{folder}: the trace is half-written"):
            read_trace(tmp_path / folder)
        with pytest.raises(ValueError, match="whole trace"):
            record_read(tmp_path / folder, "step0/x")
    with recording(tmp_path / "python"):  # a later recording may begin, here and in R, and replace it
        record("y", 2.0)
    r.eval(f'with_recording("{tmp_path}/r", record("y", 2))')
    for folder in ("python", "r"):
        assert [entry.key for entry in read_trace(tmp_path / folder).entries] == ["step0/y"]


def test_a_folder_with_anything_else_is_refused_and_left_as_it_is(r, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ValueError, match="earlier trace"):
        record_start(tmp_path)
    with pytest.raises(RError, match="earlier trace"):
        r.call("record_start", str(tmp_path))
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_what_cannot_be_recorded_is_refused_with_one_message(r, tmp_path):
    cases = [("x", "text"), ('say "x"', 1.0), ("a\nb", 1.0)]
    with recording(tmp_path / "python"):
        for name, value in cases:
            with pytest.raises(ValueError, match="must be"):
                record(name, value)
        with pytest.raises(ValueError, match="complex"):
            record("z", np.asarray([1j]))
        with pytest.raises(ValueError, match="the only one at a time"):
            record_start(tmp_path / "other")
        with pytest.raises(ValueError, match="step"):
            record_step(-1)
    with pytest.raises(ValueError, match="recording"):
        record_stop()
    r.call("record_start", str(tmp_path / "r"))
    for name, value in cases:
        with pytest.raises(RError, match="must be"):
            r.call("record", name, value)
    with pytest.raises(RError, match="the only one at a time"):
        r.call("record_start", str(tmp_path / "other"))
    with pytest.raises(RError, match="step"):
        r.call("record_step", -1)
    r.call("record_stop")
    with pytest.raises(RError, match="recording"):
        r.call("record_stop")


def damage(folder, what):
    """Spoil a trace in one way."""
    manifest = json.loads((folder / "manifest.json").read_text())
    data = (folder / "float64.npy").read_bytes()
    tensors = manifest["tensors"]
    changed = {
        "cut off": lambda: (folder / "float64.npy").write_bytes(data[:-8]),
        "cut within its header": lambda: (folder / "float64.npy").write_bytes(data[:50]),
        "emptied": lambda: (folder / "float64.npy").write_bytes(b""),
        "foreign": lambda: np.savez(folder / "float64.npy.npz", x=1) or
        (folder / "float64.npy").write_bytes((folder / "float64.npy.npz").read_bytes()),
        "other dtype": lambda: np.save(folder / "float64.npy", np.ones(7, np.float32)),
        "other length": lambda: np.save(folder / "float64.npy", np.ones(5)),
        "missing": (folder / "float64.npy").unlink,
        "no json": lambda: (folder / "manifest.json").write_text("{"),
        "another json": lambda: (folder / "manifest.json").write_text("[1, 2]"),
    }  # fmt: skip
    edits = {
        "another version": lambda: manifest.update(version=2),
        "not complete": lambda: manifest.update(complete=False),
        "no sizes": lambda: manifest.pop("sizes"),
        "no tensors": lambda: manifest.pop("tensors"),
        "unknown file": lambda: manifest["sizes"].update(float16=3),
        "tensor beyond the end": lambda: tensors[0].update(shape=[100]),
        "tensor of no dtype": lambda: tensors[0].update(dtype="float16"),
        "tensor of negative shape": lambda: tensors[0].update(shape=[-7]),
        "tensor without a name": lambda: tensors[0].pop("name"),
        "tensor listed twice": lambda: tensors.append(tensors[0]),
    }
    if what in edits:
        edits[what]()
        (folder / "manifest.json").write_text(json.dumps(manifest))
    else:
        changed[what]()


DAMAGES = {
    "cut off": "cut off",
    "cut within its header": "cut off",
    "emptied": "cut off",
    "foreign": "not a .npy file",
    "other dtype": "float32",
    "other length": r"\(5,\)",
    "missing": "not there",
    "no json": "not JSON",
    "another json": "manifest of a trace",
    "another version": "version 2",
    "not complete": "complete",
    "no sizes": "sizes",
    "no tensors": "tensors",
    "unknown file": "float16",
    "tensor beyond the end": "beyond",
    "tensor of no dtype": "dtype",
    "tensor of negative shape": "shape",
    "tensor without a name": "name",
    "tensor listed twice": "twice",
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_trace_is_refused_and_the_damage_named(tmp_path, what):
    with recording(tmp_path / "t"):
        record("x", np.arange(7.0))
    damage(tmp_path / "t", what)
    with pytest.raises(TraceError, match=DAMAGES[what]) as caught:
        read_trace(tmp_path / "t")
    assert str(tmp_path / "t") in str(caught.value)


def test_folders_without_a_trace_are_refused(tmp_path):
    with pytest.raises(TraceError, match="no such folder"):
        read_trace(tmp_path / "nowhere")
    with pytest.raises(TraceError, match="no trace here"):
        read_trace(tmp_path)


def test_an_empty_trace_is_a_trace(r, tmp_path):
    with recording(tmp_path / "python"):
        pass
    r.eval(f'with_recording("{tmp_path}/r", NULL)')
    for folder in ("python", "r"):
        assert read_trace(tmp_path / folder).entries == ()
