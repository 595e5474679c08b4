"""Traces of models: the noise of rounding is measured, the guilty operation told from its victims, and it is said."""

from __future__ import annotations

import json
import shutil
from functools import partial

import numpy as np
import pytest
from twinnet.experiment import experiment_data, experiment_override, experiment_read, experiment_variants
from twinnet.parity import trace_command
from twinnet.parity.cli import main
from twinnet.parity.noise import EXACT, disturbed, measure_floor, noise_floor
from twinnet.parity.rerun import locate_cause, operation_inputs, operation_name, run_operation
from twinnet.parity.trace import read_trace
from twinnet.parity.trace_diff import NOISE_LIMIT, diff_traces
from twinnet.parity.voices import PythonVoice, RVoice, TorchVoice


def record_voice(voice, folder, maxit):
    voice.start_trace(folder, None)
    voice.train(maxit)
    voice.stop_trace(True)
    return read_trace(folder)


def record_both(folder, name, variant=None, **overrides):
    """The traces of one experiment in R and in Python."""
    variant = variant or name
    experiment = experiment_override(experiment_variants(experiment_read(name))[variant], **overrides)
    a = record_voice(RVoice(name, variant, overrides), folder / "r", experiment["maxit"])
    b = record_voice(PythonVoice(experiment), folder / "python", experiment["maxit"])
    return a, b


@pytest.fixture(scope="module")
def iris(r, tmp_path_factory):
    """R's and Python's trace of ten steps of iris, and the noise floor."""
    a, b = record_both(tmp_path_factory.mktemp("iris"), "iris_dnn", maxit=10)
    return a, b, measure_floor(b, seeds=(1, 2, 3), environments={})


def altered(trace, folder, key, change):
    """A copy of a trace in which one tensor is changed in place."""
    shutil.copytree(trace.folder, folder)
    entry = trace.by_key[key]
    path = folder / entry.file
    numbers = np.load(path, mmap_mode="r+")
    place = slice(entry.offset, entry.offset + entry.size)
    tensor = numbers[place].reshape(entry.shape, order=entry.order)
    change(tensor)
    numbers[place] = tensor.ravel(order=entry.order)
    numbers.flush()
    return read_trace(folder)


def test_the_noise_floor_is_at_least_a_unit_in_the_last_place_and_not_far_above(iris):
    _, b, floor = iris
    assert set(floor) == set(b.by_key)
    for key, value in floor.items():
        x = b.load(key)
        if b.by_key[key].name.endswith(EXACT):
            assert value == 0, key
        else:
            unit = np.spacing(np.abs(x).max())
            assert value >= unit, key
            assert value <= 1e-10 * max(np.abs(x).max(), 1e-3), key


def test_twins_agree_within_the_noise(iris):
    a, b, floor = iris
    diff = diff_traces(a, b, floor=floor)
    assert diff.verdict == "within", diff.first
    assert "measured noise" in diff.rule
    assert max(tensor.floor_ratio for tensor in diff.tensors) < NOISE_LIMIT / 2


def test_one_element_at_ten_times_the_floor_is_found_at_its_address(iris, tmp_path):
    a, b, floor = iris
    key = "step5/forward/affine1.out"

    def nudge(tensor):
        tensor[40, 2] += 10 * floor[key] * np.sign(tensor[40, 2] - a.load(key)[40, 2] or 1)

    diff = diff_traces(a, altered(b, tmp_path / "b", key, nudge), floor=floor)
    assert diff.first.key == key
    assert diff.first.first_index == (40, 2)
    assert diff.first.over == 1
    assert 9 < diff.first.floor_ratio < 12


@pytest.mark.parametrize("layout", ["C", "F"])
def test_a_disturbance_is_one_unit_in_the_last_place_either_way_and_leaves_zeros(layout):
    x = np.asarray(np.random.default_rng(0).standard_normal((50, 40)), order=layout)
    x[3, 4] = 0
    y = disturbed(x, np.random.default_rng(1))
    steps = (y.view(np.int64) - x.view(np.int64))[x != 0]
    assert set(np.abs(steps).tolist()) <= {1, 2}
    assert 0.4 < (steps > 0).mean() < 0.6
    assert y[3, 4] == 0
    assert disturbed(np.arange(3), np.random.default_rng(1)).tolist() == [0, 1, 2]


def test_runs_in_other_processes_count_and_the_floor_is_kept_in_a_file(tmp_path, monkeypatch):
    experiment = experiment_override(experiment_read("iris_dnn"), maxit=2)
    baseline = record_voice(PythonVoice(experiment), tmp_path / "python", 2)
    seen = []
    floor = noise_floor(baseline, tmp_path / "floor.json", lambda done, total: seen.append((done, total)))
    assert seen == [(number, 10) for number in range(1, 11)]
    monkeypatch.setattr("twinnet.parity.noise.measure_floor", lambda *_, **__: pytest.fail("measured twice"))
    assert noise_floor(baseline, tmp_path / "floor.json") == floor
    (tmp_path / "floor.json").write_text('{"fingerprint": "another", "floor": {}}')
    monkeypatch.setattr("twinnet.parity.noise.measure_floor", lambda *_, **__: {"measured": 1.0})
    assert noise_floor(baseline, tmp_path / "floor.json") == {"measured": 1.0}
    (tmp_path / "floor.json").write_text("torn")
    assert noise_floor(baseline, tmp_path / "floor.json") == {"measured": 1.0}


def test_a_trace_of_other_code_does_not_raise_the_floor(iris, tmp_path):
    _, b, floor = iris
    wrong = altered(b, tmp_path / "wrong", "step3/forward/affine1.out", lambda tensor: tensor.__imul__(2))
    assert measure_floor(wrong, seeds=(1, 2, 3), environments={}) == floor


CASES = [
    ("iris_dnn", None, {"maxit": 2}),
    ("iris_dnn", None, {"maxit": 2, "arithmetic": "exact"}),
    ("iris_dnn", None, {"maxit": 2, "dtype": "float32"}),
    ("optimizers_iris", "adam", {"maxit": 2}),
    pytest.param("optimizers_iris", "nesterov", {"maxit": 2}, marks=pytest.mark.full),
    pytest.param("optimizers_iris", "rmsprop", {"maxit": 2}, marks=pytest.mark.full),
    pytest.param("overfitting", "dropout", {"maxit": 2, "images": 100}, marks=pytest.mark.full),
    ("mnist_cnn_small", None, {"maxit": 2, "images": 100}),
]


@pytest.mark.parametrize(("name", "variant", "overrides"), CASES)
def test_every_operation_of_a_step_can_be_run_again_in_either_language(r, tmp_path, name, variant, overrides):
    a, b = record_both(tmp_path, name, variant, **overrides)
    ran = 0
    for entry in a.entries:
        calculated = entry.phase not in ("init", "data") and not entry.name.endswith((".mask", ".words_drawn"))
        first_state = entry.step == 1 and "optimizer." in entry.name
        assert bool(operation_inputs(a, entry)) == calculated or first_state, entry.key
        if operation_inputs(a, entry):
            ran += 1
            recorded = b.load(entry.key)
            again = np.atleast_1d(run_operation("Python", b, entry))
            assert again.tobytes() == recorded.tobytes() or (again == recorded).all(), entry.key
            assert (np.atleast_1d(run_operation("R", a, entry)) == a.load(entry.key)).all(), entry.key
            other = np.atleast_1d(run_operation("R", b, entry))
            scale = max(np.abs(recorded).max(initial=0), 1e-6)
            close = 1e-4 if recorded.dtype == np.float32 else 0 if overrides.get("arithmetic") == "exact" else 1e-12
            assert np.abs(other - recorded).max(initial=0) <= close * scale, entry.key
    assert ran > len(a.entries) / 2


def test_a_wrong_operation_is_told_from_one_that_inherits(iris, tmp_path):
    a, b, floor = iris
    wrong = altered(b, tmp_path / "wrong", "step1/forward/affine1.out", lambda tensor: tensor.__imul__(1 + 1e-9))
    diff = locate_cause(diff_traces(a, wrong, floor=floor))
    assert diff.first.key == "step1/forward/affine1.out"
    assert diff.inherited == "operation"
    assert "affine_forward in R does not give what Python has" in diff.inherited_because
    assert "nor does it in Python now give what Python had recorded" in diff.inherited_because

    start = {entry.name: b.load(entry.key) for entry in b.entries if entry.phase == "init"}
    moved = PythonVoice(b.manifest["experiment"])
    moved.start_trace(tmp_path / "moved", None)
    moved.run["params"] = {key: start[key] * (1 + 1e-12) for key in moved.run["params"]}
    moved.train(10)
    moved.stop_trace(True)
    generous = {
        key: 1.0 if key.startswith(("step0", "step1/forward/affine1")) else value for key, value in floor.items()
    }
    diff = locate_cause(diff_traces(a, read_trace(tmp_path / "moved"), floor=generous))
    assert diff.first.key == "step1/forward/relu1.out"
    assert diff.inherited == "inherited"
    assert "relu_forward" in diff.inherited_because


def test_draws_inherit_nothing(iris, tmp_path):
    a, b, floor = iris
    wrong = altered(b, tmp_path / "wrong", "step0/init/affine1.w", lambda tensor: tensor.__imul__(1 + 1e-9))
    diff = locate_cause(diff_traces(a, wrong, floor=floor))
    assert diff.inherited == "operation"
    assert "model_init" in diff.inherited_because
    names = {operation_name(b, entry) for entry in b.entries if entry.step == 1}
    assert {"affine_forward", "relu_backward", "l2_gradients", "optimizer_step", "loss_forward"} <= names


def test_pytorch_is_recorded_under_the_same_names(iris, tmp_path):
    _, b, floor = iris
    experiment = b.manifest["experiment"]
    torch = record_voice(TorchVoice(experiment, experiment_data(experiment)), tmp_path / "torch", 10)
    assert [(entry.key, entry.shape) for entry in torch.entries] == [(entry.key, entry.shape) for entry in b.entries]
    assert diff_traces(b, torch, floor=floor).verdict == "within"
    assert torch.manifest["label"] == "PyTorch"


@pytest.fixture
def quick(monkeypatch):
    """The noise floor of the commands from one repetition: how well it is measured is for other tests."""
    monkeypatch.setattr("twinnet.parity.noise.NOISE_SEEDS", (1,))
    monkeypatch.setattr("twinnet.parity.noise.ENVIRONMENTS", {})
    few = partial(measure_floor, seeds=(1,), environments={})
    monkeypatch.setattr("twinnet.parity.noise.measure_floor", few)


@pytest.mark.usefixtures("quick")
def test_diff_prints_the_address_and_exits_with_1(iris, tmp_path, capsys):
    a, b, _ = iris
    key = "step3/backward/affine2.d_w"
    wrong = altered(b, tmp_path / "wrong", key, lambda tensor: tensor.__imul__(2))
    i, j = np.argwhere(b.load(key))[0]
    status = main(["diff", str(a.folder), str(wrong.folder), "--plot", str(tmp_path / "drift.png")])
    out = capsys.readouterr().out
    assert status == 1
    assert f"{key}[{i}, {j}], which is [{i + 1}, {j + 1}] in R" in out
    assert "times the noise of rounding" in " ".join(out.split())
    assert "the operation itself" in " ".join(out.split())
    assert len(out.splitlines()) <= 40
    assert (tmp_path / "drift.png").stat().st_size > 10000
    assert main(["diff", str(a.folder), str(wrong.folder), "--json", "--tolerance", "1e-9"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["first"]["key"] == "step3/backward/affine2.d_w"
    assert report["inherited"] == "operation"


def test_diff_exits_with_0_where_all_is_the_same(iris, capsys):
    a, b, _ = iris
    assert main(["diff", str(a.folder), str(b.folder), "--tolerance", "1e-12"]) == 0
    assert "EQUAL" in capsys.readouterr().out
    assert main(["diff", str(a.folder), str(a.folder), "--no-floor"]) == 0
    assert "IDENTICAL" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "manifest.json").unlink(), "half-written"),
        (shutil.rmtree, "no such folder"),
        (lambda folder: (folder / "float64.npy").write_bytes(b"PK"), "not a .npy file"),
        (lambda folder: (folder / "float64.npy").write_bytes((folder / "float64.npy").read_bytes()[:-9]), "cut off"),
        (lambda folder: (folder / "manifest.json").write_text("{}"), "manifest of a trace"),
    ],
)
def test_diff_exits_with_2_where_it_cannot_compare(iris, tmp_path, capsys, spoil, message):
    a, b, _ = iris
    shutil.copytree(b.folder, tmp_path / "b")
    spoil(tmp_path / "b")
    assert main(["diff", str(a.folder), str(tmp_path / "b")]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert str(tmp_path / "b") in err
    assert "Traceback" not in err


def test_diff_refuses_a_tolerance_below_0_and_a_place_that_is_not_there(iris, tmp_path, capsys):
    a, b, _ = iris
    assert main(["diff", str(a.folder), str(b.folder), "--tolerance", "-1"]) == 2
    assert "tolerance" in capsys.readouterr().err
    assert main(["diff", str(a.folder), str(b.folder), "--plot", str(tmp_path / "nowhere" / "x.png")]) == 2
    assert "no folder" in capsys.readouterr().err


@pytest.mark.usefixtures("quick")
def test_compare_records_all_voices_and_says_where_they_part(r, tmp_path, capsys):
    command = ["compare", "iris_dnn", "--maxit", "3", "--trace", "--output", str(tmp_path), "--json"]
    assert main([*command, "--with", "r,python,torch", "--steps", "0-1,3"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report["traces"]["iris_dnn"]) == {"python", "torch"}
    for each in report["traces"]["iris_dnn"].values():
        assert each["verdict"] == "within"
        steps = {tensor["key"].split("/")[0] for tensor in each["tensors"]}
        assert steps == {"step0", "step1", "step3"}
    folder = tmp_path / "iris_dnn" / "trace"
    assert {path.name for path in folder.iterdir()} == {
        "r", "python", "torch", "noise_floor.json", "drift_r_python.png", "drift_r_torch.png"
    }  # fmt: skip


@pytest.mark.usefixtures("quick")
def test_compare_exits_with_1_where_a_trace_parts_though_the_results_agree(r, tmp_path, capsys, monkeypatch):
    judge = trace_command.judge_traces

    def spoilt(a, b, *rest):
        wrong = altered(b, tmp_path / "spoilt", "step2/forward/affine1.out", lambda tensor: tensor.__imul__(1 + 1e-9))
        return judge(a, wrong, *rest)

    monkeypatch.setattr(trace_command, "judge_traces", spoilt)
    assert main(["compare", "iris_dnn", "--maxit", "3", "--trace", str(tmp_path / "t"), "--output", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "EQUAL: R and Python agree over 3 steps" in out
    assert "step2/forward/affine1.out" in out


@pytest.mark.parametrize("text", ["", "a", "3-1", "1,,2", "-1"])
def test_unsound_steps_are_refused(text, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["compare", "iris_dnn", "--trace", f"--steps={text}"])
    assert stopped.value.code == 2
    assert "--steps" in capsys.readouterr().err
