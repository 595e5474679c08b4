"""Ctrl-C leaves checkpoints, `twinnet compare --resume` goes on from them, and nothing tells the end from one run's."""

from __future__ import annotations

import json
import os
import signal
import threading

import numpy as np
import pytest
from bit_patterns import assert_same_bits
from twinnet.checkpoint import checkpoint_read
from twinnet.experiment import experiment_data, experiment_override, experiment_read
from twinnet.optimizers import OPTIMIZERS, optimizer_check
from twinnet.parity import cli, compare_command
from twinnet.parity.saved_runs import read_saved_run
from twinnet.parity.voices import PythonVoice, RVoice, TorchVoice
from twinnet.safetensors import safetensors_read
from twins import assert_close


@pytest.fixture
def twinnet(r, capsys, monkeypatch):
    monkeypatch.setattr("twinnet.parity.report.draw_comparisons", lambda *_: None)  # it takes a second

    def run(*arguments):
        status = cli.main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return status, printed.out, " ".join(printed.err.split())

    return run


def ctrl_c_at(monkeypatch, voice, step, later=None):
    """Let the user press Ctrl-C in the piece of a voice's training in which a step lies; `later`, while it runs."""
    train = voice.train

    def interrupted(self, maxit):
        if len(self.loss) < step <= len(self.loss) + maxit:
            press = (os.kill, (os.getpid(), signal.SIGINT))
            threading.Timer(later, *press).start() if later else press[0](*press[1])
        return train(self, maxit)

    monkeypatch.setattr(voice, "train", interrupted)


def same_folders(a, b):
    names = sorted(path.name for path in a.iterdir())
    assert names == sorted(path.name for path in b.iterdir())
    assert any(name.endswith(".safetensors") for name in names)
    for name in names:
        assert (a / name).read_bytes() == (b / name).read_bytes(), name


def stopped_message(steps, experiment="iris_dnn", maxit=200):
    return f"Stopped: {steps} of {maxit} steps. Go on with: twinnet compare {experiment} --resume --output"


def test_a_run_stopped_in_each_voice_ends_as_one_that_was_not(twinnet, monkeypatch, tmp_path):
    options = ("iris_dnn", "--with", "r,python,torch", "--maxit", 200, "--seed", 3)
    assert twinnet("compare", *options, "--output", tmp_path / "whole")[0] == 0
    broken = tmp_path / "broken"
    for voice, at, before in (
        (RVoice, 50, {"R": 0, "Python": 0, "PyTorch": 0}),
        (PythonVoice, 120, {"R": 200, "Python": 0, "PyTorch": 0}),
        (TorchVoice, 199, {"R": 200, "Python": 200, "PyTorch": 0}),
    ):
        with monkeypatch.context() as patch:
            ctrl_c_at(patch, voice, at)
            given = ("iris_dnn", "--resume") if voice is not RVoice else options
            status, out, err = twinnet("compare", *given, "--output", broken)
        assert (status, out) == (130, "")
        steps = {name: len(found["loss"]) for name, found in runs_in(broken).items()}
        now = {**before, voice.label: steps[voice.key]}
        assert at <= steps[voice.key] < 200 or voice is TorchVoice
        assert stopped_message(", ".join(f"{label} after {step}" for label, step in now.items())) in err
    assert twinnet("compare", "iris_dnn", "--resume", "--output", broken)[0] == 0
    same_folders(tmp_path / "whole" / "iris_dnn", broken / "iris_dnn")


def runs_in(folder, experiment="iris_dnn"):
    saved = read_saved_run(folder / experiment)
    return {key: safetensors_read(saved.path(experiment, key))[0] for key in saved.voices if saved.has(experiment, key)}


def test_ctrl_c_while_r_calculates_is_heard_when_the_piece_ends(twinnet, monkeypatch, tmp_path):
    monkeypatch.setattr(compare_command, "PIECES", 1)
    monkeypatch.setattr(compare_command, "PIECE_SECONDS", 0.5)
    ctrl_c_at(monkeypatch, RVoice, 1000, later=0.02)
    status, _, err = twinnet("compare", "iris_dnn", "--maxit", 100000, "--output", tmp_path)
    assert status == 130
    assert "Stopped: R after " in err
    steps = len(runs_in(tmp_path)["r"]["loss"])
    assert 1000 <= steps < 100000


def test_either_language_can_load_what_ctrl_c_left(r, twinnet, monkeypatch, tmp_path):
    for voice, key in ((RVoice, "r"), (PythonVoice, "python")):
        with monkeypatch.context() as patch:
            ctrl_c_at(patch, voice, 30)
            assert twinnet("compare", "iris_dnn", "--maxit", 200, "--output", tmp_path / key)[0] == 130
        path = tmp_path / key / "iris_dnn" / f"checkpoint_{key}.safetensors"
        experiment = experiment_read("iris_dnn")
        ours = checkpoint_read(path, experiment)
        theirs = r.call("checkpoint_read", str(path), r.call("experiment_read", "iris_dnn", convert=False))
        assert ours["step"] == theirs["step"].item() >= 30
        for name, value in ours["params"].items():
            assert_same_bits(value, theirs["params"][name], name)


def test_variants_are_resumed_each_where_it_stood(twinnet, monkeypatch, tmp_path):
    options = ("gradient_methods", "--maxit", 60)
    assert twinnet("compare", *options, "--output", tmp_path / "whole")[0] == 0
    with monkeypatch.context() as patch:
        ctrl_c_at(patch, PythonVoice, 40)
        assert twinnet("compare", *options, "--output", tmp_path / "broken")[0] == 130
    assert 0 < len(read_saved_run(tmp_path / "broken" / "gradient_methods").checkpoints) < 6
    assert twinnet("compare", "gradient_methods", "--resume", "--output", tmp_path / "broken")[0] == 0
    whole, broken = tmp_path / "whole" / "gradient_methods", tmp_path / "broken" / "gradient_methods"
    same_folders(whole, broken)


def test_a_finished_run_can_be_made_longer(twinnet, tmp_path):
    assert twinnet("compare", "iris_dnn", "--maxit", 100, "--output", tmp_path / "pieces")[0] == 0
    assert twinnet("compare", "iris_dnn", "--resume", "--maxit", 150, "--output", tmp_path / "pieces")[0] == 0
    assert twinnet("compare", "iris_dnn", "--maxit", 150, "--output", tmp_path / "whole")[0] == 0
    same_folders(tmp_path / "whole" / "iris_dnn", tmp_path / "pieces" / "iris_dnn")
    status, _, err = twinnet("compare", "iris_dnn", "--resume", "--maxit", 120, "--output", tmp_path / "pieces")
    assert status == 2
    assert "`maxit` must be at least 150, the steps in " in err


def test_what_cannot_be_resumed_is_refused_and_left_as_it_is(twinnet, tmp_path):
    status, _, err = twinnet("compare", "iris_dnn", "--resume", "--output", tmp_path)
    assert status == 2
    assert f"There is no trained run in {tmp_path / 'iris_dnn'}. Train one: twinnet compare iris_dnn" in err
    assert twinnet("compare", "iris_dnn", "--maxit", 20, "--output", tmp_path)[0] == 0
    folder = tmp_path / "iris_dnn"
    before = {path: path.read_bytes() for path in folder.iterdir()}
    status, _, err = twinnet("compare", "iris_dnn", "--resume", "--seed", 9, "--output", tmp_path)
    assert status == 2
    assert "checkpoint_r.safetensors is a checkpoint of another experiment: its `seed` is 1, not 9." in err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    status, _, err = twinnet("compare", "iris_dnn", "--resume", "--trace", "--output", tmp_path)
    assert (status, err) == (2, "twinnet: `trace` must be left out when a run is resumed, not true.")
    path = folder / "checkpoint_python.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    before[path] = path.read_bytes()
    status, _, err = twinnet("compare", "iris_dnn", "--resume", "--output", tmp_path)
    assert status == 2
    assert "checkpoint_python.safetensors is damaged: " in err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    for damaged in ("{", "{}", "[]", '{"experiment": "iris_dnn", "overrides": 1, "voices": [], "checkpoints": []}'):
        (folder / "run.json").write_text(damaged)
        status, _, err = twinnet("compare", "iris_dnn", "--resume", "--output", tmp_path)
        assert (status, err) == (
            2,
            f"twinnet: {folder / 'run.json'} is damaged: it does not say which checkpoints there are.",
        )


def test_checkpoints_of_an_earlier_run_are_not_taken_for_those_of_the_stopped_one(twinnet, monkeypatch, tmp_path):
    assert twinnet("compare", "iris_dnn", "--maxit", 50, "--seed", 1, "--output", tmp_path)[0] == 0
    with monkeypatch.context() as patch:
        ctrl_c_at(patch, RVoice, 20)
        assert twinnet("compare", "iris_dnn", "--maxit", 50, "--seed", 2, "--output", tmp_path)[0] == 130
    saved = json.loads((tmp_path / "iris_dnn" / "run.json").read_text())
    assert saved["overrides"] == {"seed": 2, "maxit": 50}
    assert saved["checkpoints"] == ["checkpoint_r.safetensors"]
    assert twinnet("compare", "iris_dnn", "--resume", "--output", tmp_path)[0] == 0


def test_long_runs_are_saved_on_the_way(twinnet, monkeypatch, tmp_path):
    monkeypatch.setattr(compare_command, "SAVE_SECONDS", 0)
    steps = []
    save = PythonVoice.save
    monkeypatch.setattr(PythonVoice, "save", lambda self, path: (steps.append(len(self.loss)), save(self, path)))
    assert twinnet("compare", "iris_dnn", "--maxit", 20, "--output", tmp_path)[0] == 0
    assert steps == [*range(1, 21), 20]  # pieces of one step, and the end


def test_a_second_ctrl_c_ends_at_once(tmp_path):
    pid = os.fork()
    if pid == 0:
        with compare_command.listening_to_ctrl_c():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGINT


def batches(name):
    settings = {"name": name, **({"momentum": 0.9} if name in ("sgd", "nesterov", "rmsprop") else {})}
    experiment = experiment_override(experiment_read("iris_dnn"), reg=0)
    return {**experiment, "optimizer": optimizer_check(settings), "batch_size": 7, "evaluate_every": 3}


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "momentum"])  # which PyTorch has not
def test_pytorch_goes_on_from_its_checkpoint_and_from_pythons(tmp_path, name):
    experiment = batches(name)
    data = experiment_data(experiment)
    made = {"torch": TorchVoice, "python": PythonVoice}
    whole = {key: make(experiment, data) for key, make in made.items()}
    for key, voice in whole.items():
        voice.train(17)
        voice.save(tmp_path / key)
        voice.train(23)
    for first in made:
        for second, make in made.items():
            voice = make(experiment, data)
            voice.resume(tmp_path / first)
            voice.train(23)
            for key in ("loss", "score", "score_step"):
                ours, theirs = getattr(voice, key), getattr(whole[second], key)
                (assert_same_bits if first == second else assert_close)(ours, theirs, f"{key}, {first} to {second}")
            for key, value in voice.params.items():
                compared = assert_same_bits if first == second else assert_close
                compared(value, whole[second].params[key], f"{key}, {first} to {second}")


def test_pytorch_with_exact_arithmetic_goes_on_from_pythons_checkpoint_bit_for_bit(tmp_path):
    experiment = {**batches("adam"), "arithmetic": "exact"}
    data = experiment_data(experiment)
    whole = PythonVoice(experiment, data)
    whole.train(9)
    whole.save(tmp_path / "python")
    whole.train(11)
    torch = TorchVoice(experiment, data)
    torch.save(tmp_path / "start")  # before the first step, when there is no state yet
    assert checkpoint_read(tmp_path / "start", experiment)["step"] == 0
    torch.resume(tmp_path / "python")
    torch.train(5)
    torch.save(tmp_path / "torch")
    again = PythonVoice(experiment, data)
    again.resume(tmp_path / "torch")
    again.train(6)
    for key, value in whole.params.items():
        assert_same_bits(again.params[key], value, key)


def test_pytorchs_steps_from_a_shared_state_do_not_change_it():
    experiment = batches("adam")
    data = experiment_data(experiment)
    walker = PythonVoice(experiment, data)
    walker.train(5)
    before = {key: value.copy() for key, value in walker.run["optimizer_state"]["exp_avg"].items()}
    TorchVoice(experiment, data).step_from(walker.run)
    for key, value in before.items():
        assert np.array_equal(walker.run["optimizer_state"]["exp_avg"][key], value), key
