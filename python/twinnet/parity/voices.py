"""The voices of a comparison: one experiment, trained in one language each, behind one interface.

A voice trains in pieces, so that whoever waits can be shown how far it is; the pieces give what one long run gives.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from twinnet._types import Array, IntArray, Params
from twinnet.checkpoint import checkpoint_read, checkpoint_write
from twinnet.checks import check_argument
from twinnet.checksum import checksum_start, checksum_stop
from twinnet.experiment import (
    experiment_data,
    experiment_generator,
    experiment_override,
    experiment_read,
    experiment_variants,
)
from twinnet.kernels import arithmetic
from twinnet.l2 import l2_penalty
from twinnet.model import trained_params
from twinnet.objectives import score_outputs
from twinnet.optimizers import optimizer_init
from twinnet.parity.bridge import start_r
from twinnet.problems import batch_inputs
from twinnet.randomness import random_mask, random_normal
from twinnet.record import is_recording, record, record_phase, record_start, record_step, record_stop
from twinnet.train import epoch_order, inputs_in_pieces, is_random, model_outputs, record_state, train, train_start

__all__ = ["PythonVoice", "RVoice", "TorchVoice", "Voice", "about_run", "detached"]


class Voice(Protocol):
    """One language's training of an experiment."""

    key: str
    label: str
    checksums: list[str]  # of each step that it took, where the arithmetic is exact

    def train(self, maxit: int) -> bool:
        """Take `maxit` further steps; return whether there is more to do."""

    def step_from(self, run: dict[str, Any]) -> tuple[float, Params]:
        """Take one step from a state of Python's run, apart from its own: its loss, and the parameters after it."""

    def start_trace(self, folder: Path, steps: Sequence[int] | None) -> None:
        """Begin again, and record every tensor from now on."""

    def stop_trace(self, whole: bool) -> None:
        """End the recording; it is a whole trace, or is left half-written."""

    @property
    def loss(self) -> Array:
        """Loss at each step, shape (steps,)."""

    @property
    def score_step(self) -> Array:
        """The steps at which the test score was taken."""

    @property
    def score(self) -> Array:
        """Test score at those steps, before their updates."""

    @property
    def params(self) -> Params:
        """The parameters after the last step."""

    def test_outputs(self, rows: IntArray | None = None) -> Array:
        """Outputs of the trained model for the test rows, shape (m, k), or for some of them, counted from 0."""

    def save(self, path: Path) -> None:
        """Write a checkpoint that every voice can go on from."""

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint that any voice wrote."""


class PythonVoice:
    """The experiment in Python.

    Parameters
    ----------
    experiment : dict
        As `twinnet.experiment.experiment_read` returns it.
    data : dict, optional
        As `twinnet.experiment.experiment_data` returns it.
    source : dict of arrays, optional
        Trained parameters to start from, as `twinnet.train.train_start` takes them.
    """

    key = "python"
    label = "Python"

    def __init__(
        self, experiment: dict[str, Any], data: dict[str, Any] | None = None, source: Params | None = None
    ) -> None:
        self._experiment, self._source = experiment, source
        self.data = experiment_data(experiment) if data is None else data
        self.run = train_start(experiment, source)
        self.checksums: list[str] = []

    def train(self, maxit: int) -> bool:
        """Take `maxit` further steps; return whether there is more to do."""
        silent = np.errstate(over="ignore", invalid="ignore")  # train() looks for what is not finite
        with silent, summed_up(self._experiment, self.checksums):
            self.run = train(self._experiment, self.data, self.run, maxit, self._experiment["evaluate_every"])
        return bool(self.run["status"] == "maxit")

    def step_from(self, run: dict[str, Any]) -> tuple[float, Params]:
        """Take one step from a state of Python's run, apart from its own: its loss, and the parameters after it."""
        after = train(self._experiment, self.data, detached(run), 1)
        return float(after["loss"][0]), after["params"]

    def start_trace(self, folder: Path, steps: Sequence[int] | None) -> None:
        """Begin again, and record every tensor from now on."""
        record_start(folder, steps, about_run(self._experiment, self.label))
        self.run = train_start(self._experiment, self._source)

    def stop_trace(self, whole: bool) -> None:
        """End the recording; it is a whole trace, or is left half-written."""
        record_stop(whole)

    @property
    def loss(self) -> Array:
        """Loss at each step, shape (steps,)."""
        loss: Array = self.run["loss"]
        return loss

    @property
    def score_step(self) -> Array:
        """The steps at which the test score was taken."""
        score_step: Array = self.run["score_step"]
        return score_step

    @property
    def score(self) -> Array:
        """Test score at those steps, before their updates."""
        score: Array = self.run["score"]
        return score

    @property
    def params(self) -> Params:
        """The parameters after the last step."""
        params: Params = self.run["params"]
        return params

    def test_outputs(self, rows: IntArray | None = None) -> Array:
        """Outputs of the trained model for the test rows, shape (m, k), or for some of them, counted from 0."""
        x = self.data["x_test"] if rows is None else self.data["x_test"][rows]
        return model_outputs(self._experiment, self.params, x)

    def save(self, path: Path) -> None:
        """Write a checkpoint that every voice can go on from."""
        checkpoint_write(path, self.run, self._experiment)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint that any voice wrote."""
        self.run = checkpoint_read(path, self._experiment)


class RVoice:
    """The experiment in R: the R package reads it, draws for it and trains it; only results cross the bridge.

    Parameters
    ----------
    name : str
        The experiment's name.
    variant : str
        Which of its variants; its own name if it has none.
    overrides : dict
        Settings to replace, as R's ``experiment_override`` takes them.
    source : dict of arrays, optional
        Trained parameters to start from, as R's ``train_start`` takes them.
    """

    key = "r"
    label = "R"

    def __init__(self, name: str, variant: str, overrides: dict[str, Any], source: Params | None = None) -> None:
        self._r, self._source = (r := start_r()), source
        self._settings = experiment_override(experiment_variants(experiment_read(name))[variant], **overrides)
        variants = r.call("experiment_variants", r.call("experiment_read", name, convert=False), convert=False)
        self._experiment = r.call("experiment_override", self._get(variants, variant), **overrides, convert=False)
        self._data = r.call("experiment_data", self._experiment, convert=False)
        self._run = r.call("train_start", self._experiment, source, convert=False)
        self._every = float(r.from_r(self._get(self._experiment, "evaluate_every")).item())
        self.checksums: list[str] = []

    def train(self, maxit: int) -> bool:
        """Take `maxit` further steps; return whether there is more to do."""
        arguments = (self._experiment, self._data, self._run, maxit, self._every)
        exact = self._settings["arithmetic"] == "exact"
        if exact:
            self._r.call("checksum_start")
        self._run = self._r.call("train", *arguments, convert=False)
        if exact:
            self.checksums += np.atleast_1d(self._r.call("checksum_stop")["steps"]).tolist()
        return bool(self._field("status").item() == "maxit")

    def step_from(self, run: dict[str, Any]) -> tuple[float, Params]:
        """Take one step from a state of Python's run, apart from its own: its loss, and the parameters after it."""
        state = detached(run)
        state["order"] = state["order"] + 1  # row numbers: from 0 in Python, from 1 in R
        after = self._r.call("train", self._experiment, self._data, state, 1, convert=False)
        params: Params = self._r.from_r(self._get(after, "params"))
        return float(self._r.from_r(self._get(after, "loss")).item()), params

    def start_trace(self, folder: Path, steps: Sequence[int] | None) -> None:
        """Begin again, and record every tensor from now on."""
        about = json.dumps(about_run(self._settings, self.label))  # R reads no less of it than of any JSON file
        parsed = self._r.call("jsonlite::fromJSON", about, simplifyVector=False, convert=False)
        self._r.call("record_start", str(folder), None if steps is None else np.asarray(steps), parsed)
        self._run = self._r.call("train_start", self._experiment, self._source, convert=False)

    def stop_trace(self, whole: bool) -> None:
        """End the recording; it is a whole trace, or is left half-written."""
        self._r.call("record_stop", whole)

    @property
    def loss(self) -> Array:
        """Loss at each step, shape (steps,)."""
        loss: Array = self._field("loss")
        return loss

    @property
    def score_step(self) -> Array:
        """The steps at which the test score was taken."""
        score_step: Array = self._field("score_step")
        return score_step

    @property
    def score(self) -> Array:
        """Test score at those steps, before their updates."""
        score: Array = self._field("score")
        return score

    @property
    def params(self) -> Params:
        """The parameters after the last step."""
        params: Params = self._field("params")
        return params

    def test_outputs(self, rows: IntArray | None = None) -> Array:
        """Outputs of the trained model for the test rows, shape (m, k), or for some of them, counted from 0."""
        params, x = self._get(self._run, "params"), self._get(self._data, "x_test")
        if rows is not None:
            x = self._r.call("batch_inputs", x, rows + 1, self._get(self._experiment, "dtype"), convert=False)
        outputs: Array = self._r.call("model_outputs", self._experiment, params, x)
        return outputs

    def save(self, path: Path) -> None:
        """Write a checkpoint that every voice can go on from."""
        self._r.call("checkpoint_write", str(path), self._run, self._experiment)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint that any voice wrote."""
        self._run = self._r.call("checkpoint_read", str(path), self._experiment, convert=False)

    def _get(self, value: Any, name: str) -> Any:
        return self._r.call("[[", value, name, convert=False)

    def _field(self, name: str) -> Any:
        return self._r.call("[[", self._run, name)


class TorchVoice:
    """The experiment in PyTorch: its own layers, autograd and optimizers, from the same weights, batches and masks.

    Parameters
    ----------
    experiment : dict
        As `twinnet.experiment.experiment_read` returns it.
    data : dict
        As `twinnet.experiment.experiment_data` returns it.
    source : dict of arrays, optional
        Trained parameters to start from, as `twinnet.train.train_start` takes them.
    device : {"auto", "cpu", "cuda"}
        Where PyTorch calculates; auto is a GPU if there is one.
    """

    key = "torch"
    label = "PyTorch"

    def __init__(
        self, experiment: dict[str, Any], data: dict[str, Any], source: Params | None = None, device: str = "cpu"
    ) -> None:
        from twinnet.torch_twin.exact import EXACT_LOSSES, ExactNetwork, ExactOptimizer
        from twinnet.torch_twin.networks import Network, Noise, choose_device, loss_function, make_optimizer

        setting, must_be = experiment["arithmetic"], "native or exact, where PyTorch is one of the voices"
        check_argument(setting != "r", "arithmetic", setting, must_be)
        self._experiment, self._data, self._source = experiment, data, source
        self._device = choose_device(device)
        start = train_start(experiment, source)
        model, optimizer, reg = experiment["model"], experiment["optimizer"], experiment["reg"]
        self._optimizer: Any
        if experiment["arithmetic"] == "native":
            self._network = Network(model, experiment["dtype"]).to(self._device)
            self._optimizer = make_optimizer(optimizer, self._network, reg)
            self._loss = loss_function(experiment["loss"])
        else:
            self._network = ExactNetwork(model, experiment["dtype"])
            self._optimizer = ExactOptimizer(optimizer, self._network, reg)
            self._loss = EXACT_LOSSES[experiment["loss"]]
        self._network.load(start["params"])
        self._generator = experiment_generator(experiment)
        self._generator.set_state(start["generator_state"])
        for module in self._network.modules():
            if isinstance(module, Noise):
                module.draw = self._draw
        self._order, self._position = start["order"], 0
        self.checksums: list[str] = []
        self._losses: list[float] = []
        self._scored: list[tuple[int, float]] = []

    def train(self, maxit: int) -> bool:
        """Take `maxit` further steps; return whether there is more to do."""
        with summed_up(self._experiment, self.checksums):
            return self._train(maxit)

    def _train(self, maxit: int) -> bool:
        experiment, every = self._experiment, self._experiment["evaluate_every"]
        for _ in range(maxit):
            if self._losses and not experiment["abstol"] < self._losses[-1] < np.inf:  # converged or diverged
                return False
            if every > 0 and (len(self._losses) + 1) % every == 0:
                score = score_outputs(experiment["loss"], self.test_outputs(), self._data)
                self._scored.append((len(self._losses) + 1, score))
            record_step(len(self._losses) + 1)
            record_phase("data")
            x, target = (self._tensor(part) for part in self._batch())
            record("batch.x", x)
            record("batch.target", target)
            self._network.train()
            self._optimizer.zero_grad()
            record_phase("forward")
            outputs = self._network.recorded(x) if is_recording() else [self._network(x)]
            record_phase("loss")
            loss = record("loss.data", self._loss(outputs[-1], target))
            trained = trained_params(experiment["model"], self.params) if experiment["reg"] > 0 else {}
            with arithmetic(experiment["arithmetic"]):
                penalty = record("loss.penalty", l2_penalty(trained, experiment["reg"]))
            loss.backward()
            self._losses.append(record("loss", loss.item() + penalty))  # torch.optim adds the penalty's gradient only
            if is_recording():
                record_phase("backward")
                self._network.record_gradients(outputs, experiment["reg"])
            self._optimizer.step()
            record_phase("update")
            if is_recording():
                record_state(self.params, self._state(), self._generator if is_random(experiment) else None)
            if not np.isfinite(self._losses[-1]):
                return False
        return True

    def step_from(self, run: dict[str, Any]) -> tuple[float, Params]:
        """Take one step from a state of Python's run, apart from its own: its loss, and the parameters after it."""
        other = TorchVoice({**self._experiment, "evaluate_every": 0}, self._data, self._source, self._device)
        other._take_over({**run, "loss": np.empty(0), "score_step": np.empty(0), "score": np.empty(0)})
        other.train(1)
        return other._losses[0], other.params

    def start_trace(self, folder: Path, steps: Sequence[int] | None) -> None:
        """Begin again, and record every tensor from now on."""
        import torch

        versions = {"PyTorch": torch.__version__, "NumPy": np.__version__}
        record_start(folder, steps, {**about_run(self._experiment, self.label), "versions": versions})
        start = train_start(self._experiment, self._source)
        self._network.load(start["params"])
        self._generator.set_state(start["generator_state"])

    def stop_trace(self, whole: bool) -> None:
        """End the recording; it is a whole trace, or is left half-written."""
        record_stop(whole)

    @property
    def loss(self) -> Array:
        """Loss at each step, shape (steps,)."""
        return np.asarray(self._losses)

    @property
    def score_step(self) -> Array:
        """The steps at which the test score was taken."""
        return np.asarray([step for step, _ in self._scored])

    @property
    def score(self) -> Array:
        """Test score at those steps, before their updates."""
        return np.asarray([score for _, score in self._scored])

    @property
    def params(self) -> Params:
        """The parameters after the last step."""
        params: Params = self._network.params()
        return params

    def test_outputs(self, rows: IntArray | None = None) -> Array:
        """Outputs of the trained model for the test rows, shape (m, k), or for some of them, counted from 0."""
        import torch

        self._network.eval()
        x = self._data["x_test"] if rows is None else self._data["x_test"][rows]
        with torch.no_grad():
            pieces = inputs_in_pieces(x, self._experiment["dtype"])
            return np.concatenate([self._network(self._tensor(piece)).cpu().numpy() for piece in pieces])

    def save(self, path: Path) -> None:
        """Write a checkpoint that every voice can go on from."""
        step = len(self._losses)
        diverged = step > 0 and not np.isfinite(self._losses[-1])
        run = {
            "params": self.params,
            "optimizer_state": self._state(),
            "step": step,
            "previous": None,
            "generator_state": self._generator.get_state(),
            "order": self._order,
            "position": self._position,
            "loss": self.loss,
            "score_step": self.score_step,
            "score": self.score,
            "status": "diverged" if diverged else "maxit" if step > 0 else "running",
            "diverged_step": step if diverged else 0,
        }
        checkpoint_write(path, run, self._experiment)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint that any voice wrote."""
        self._take_over(checkpoint_read(path, self._experiment))

    def _take_over(self, run: dict[str, Any]) -> None:
        """Stand where a run of ours stands."""
        import torch

        from twinnet.torch_twin.networks import transposed

        self._network.load(run["params"])
        self._generator.set_state(run["generator_state"])
        self._order, self._position = run["order"], run["position"]
        self._losses = run["loss"].tolist()
        self._scored = list(zip(run["score_step"].tolist(), run["score"].tolist(), strict=True))
        if hasattr(self._optimizer, "twin_state"):
            self._optimizer.twin_state = run["optimizer_state"]
            return
        steps = torch.tensor(float(run["step"]))
        for key, tensor in self._network.named_arrays().items():
            state = {name: value for name, value in run["optimizer_state"].items() if isinstance(value, dict)}
            if run["step"] > 0 and state and tensor.requires_grad:
                kept = {name: self._tensor(transposed(value[key])).clone() for name, value in state.items()}
                self._optimizer.state[tensor] = {"step": steps.clone(), **kept}

    def _state(self) -> dict[str, Any]:
        """The optimizer's state as ours: PyTorch has it for each parameter, and counts steps where we keep powers."""
        from twinnet.torch_twin.networks import transposed

        optimizer, step, named = self._experiment["optimizer"], len(self._losses), self._network.named_arrays()
        state = optimizer_init(optimizer, trained_params(self._experiment["model"], self.params))
        if hasattr(self._optimizer, "twin_state"):
            return self._optimizer.twin_state or state
        for name, value in state.items():
            if isinstance(value, dict):
                theirs = {key: self._optimizer.state[named[key]].get(name) for key in value}
                kept = {
                    key: transposed(tensor.cpu().numpy()).copy() for key, tensor in theirs.items() if tensor is not None
                }
                state[name] = {**value, **kept}
            else:
                state[name] = step if name == "step" else math.prod([optimizer[name.removesuffix("_power")]] * step)
        return state

    def _tensor(self, array: Array) -> Any:
        import torch

        return torch.as_tensor(np.ascontiguousarray(array), device=self._device)

    def _batch(self) -> tuple[Array, Array]:
        """The next batch, in the order that the twins visit the rows."""
        n, dtype = len(self._data["target"]), self._experiment["dtype"]
        size = self._experiment["batch_size"] or n
        if size >= n:
            return batch_inputs(self._data["x"], None, dtype), self._data["target"]
        if self._position >= len(self._order):
            self._order, self._position = epoch_order(self._experiment, self._generator, n), 0
        rows = self._order[self._position : self._position + size]
        self._position += len(rows)
        record("batch.rows", rows)
        return batch_inputs(self._data["x"], rows, dtype), self._data["target"][rows]

    def _draw(self, layer: dict[str, Any], shape: tuple[int, ...]) -> Array:
        if layer["type"] == "dropout":
            mask: Array = record("mask", random_mask(self._generator, shape, layer["p"]), of=layer["name"])
            return mask
        return np.asarray(record("noise", layer["sd"] * random_normal(self._generator, shape), of=layer["name"]))


def about_run(experiment: dict[str, Any], label: str) -> dict[str, Any]:
    """What the manifest of a run's trace says of it.

    Parameters
    ----------
    experiment : dict
    label : str
        Whose run it is.

    Returns
    -------
    dict
        ``label``, the whole ``experiment``, and some of its settings once more.
    """
    settings = {key: experiment[key] for key in ("generator", "seed", "dtype", "arithmetic")}
    return {"label": label, **settings, "experiment": experiment}


@contextmanager
def summed_up(experiment: dict[str, Any], checksums: list[str]) -> Iterator[None]:
    """Within this, where the arithmetic is exact, add each step's checksum to a list."""
    if experiment["arithmetic"] != "exact":
        yield
        return
    checksum_start()
    try:
        yield
    finally:
        checksums += checksum_stop()["steps"]


def detached(run: dict[str, Any]) -> dict[str, Any]:
    """A run's state without its history: as if it stood at its first step, from these parameters and this generator."""
    kept = {key: run[key] for key in ("params", "optimizer_state", "generator_state", "order", "position")}
    history = {"loss": np.empty(0), "score_step": np.empty(0), "score": np.empty(0)}
    return {**kept, **history, "step": 0, "previous": None, "status": "running", "diverged_step": 0}
