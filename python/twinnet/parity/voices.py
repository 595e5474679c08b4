"""The voices of a comparison: one experiment, trained in one language each, behind one interface.

A voice trains in pieces, so that whoever waits can be shown how far it is; the pieces give what one long run gives.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from twinnet._types import AnyArray, Array, IntArray, Params
from twinnet.experiment import experiment_data, experiment_generator
from twinnet.labels import predicted_classes
from twinnet.metrics import confusion_table
from twinnet.model import model_forward
from twinnet.parity.bridge import start_r
from twinnet.softmax import softmax
from twinnet.train import train, train_start, train_step

__all__ = ["PythonVoice", "RVoice", "Voice"]


class Voice(Protocol):
    """One language's training of an experiment."""

    key: str
    label: str

    def train(self, maxit: int) -> bool:
        """Take `maxit` further steps; return whether there is more to do."""

    @property
    def loss(self) -> Array:
        """Loss at each step, shape (steps,)."""

    @property
    def accuracy(self) -> Array:
        """Test accuracy at each step, before its update, shape (steps,)."""

    @property
    def params(self) -> Params:
        """The parameters after the last step."""

    def step_from(self, params: Params) -> tuple[float, Params]:
        """Take one step from given parameters, apart from the run: its loss, and the parameters after it."""

    def probabilities(self) -> Array:
        """Probabilities of the test rows, shape (m, k)."""

    def confusion(self) -> IntArray:
        """Counts of true (rows) and predicted (columns) class of the test rows, shape (k, k)."""

    def classes(self) -> AnyArray:
        """Class labels, shape (k,)."""


class PythonVoice:
    """The experiment in Python.

    Parameters
    ----------
    experiment : dict
        As `twinnet.experiment.experiment_read` returns it.
    """

    key = "python"
    label = "Python"

    def __init__(self, experiment: dict[str, Any]) -> None:
        self._experiment = experiment
        self._data = experiment_data(experiment)
        self._run = train_start(experiment, experiment_generator(experiment))

    def train(self, maxit: int) -> bool:
        """Take `maxit` further steps; return whether there is more to do."""
        with np.errstate(over="ignore", invalid="ignore"):  # train() looks for what is not finite
            self._run = train(self._experiment, self._data, self._run, maxit, evaluate_every=1)
        return bool(self._run["status"] == "maxit")

    @property
    def loss(self) -> Array:
        """Loss at each step, shape (steps,)."""
        loss: Array = self._run["loss"]
        return loss

    @property
    def accuracy(self) -> Array:
        """Test accuracy at each step, before its update, shape (steps,)."""
        accuracy: Array = self._run["accuracy"]
        return accuracy

    @property
    def params(self) -> Params:
        """The parameters after the last step."""
        params: Params = self._run["params"]
        return params

    def step_from(self, params: Params) -> tuple[float, Params]:
        """Take one step from given parameters, apart from the run: its loss, and the parameters after it."""
        state = self._run["optimizer_state"]
        loss, params, _ = train_step(self._experiment, params, state, self._data["x"], self._data["target"])
        return loss, params

    def probabilities(self) -> Array:
        """Probabilities of the test rows, shape (m, k)."""
        scores, _ = model_forward(self._experiment["model"], self.params, self._data["x_test"])
        return softmax(scores)

    def confusion(self) -> IntArray:
        """Counts of true (rows) and predicted (columns) class of the test rows, shape (k, k)."""
        predicted = predicted_classes(self.probabilities())
        return confusion_table(self._data["labels_test"], predicted, len(self._data["classes"]))

    def classes(self) -> AnyArray:
        """Class labels, shape (k,)."""
        classes: AnyArray = self._data["classes"]
        return classes


class RVoice:
    """The experiment in R: the R package reads it, draws for it and trains it; only results cross the bridge.

    Parameters
    ----------
    name : str
        The experiment's name.
    overrides : dict
        Settings to replace, as R's ``experiment_override`` takes them.
    """

    key = "r"
    label = "R"

    def __init__(self, name: str, overrides: dict[str, Any]) -> None:
        self._r = r = start_r()
        as_read = r.call("experiment_read", name, convert=False)
        self._experiment = r.call("experiment_override", as_read, **overrides, convert=False)
        self._data = r.call("experiment_data", self._experiment, convert=False)
        generator = r.call("experiment_generator", self._experiment, convert=False)
        self._run = r.call("train_start", self._experiment, generator, convert=False)

    def train(self, maxit: int) -> bool:
        """Take `maxit` further steps; return whether there is more to do."""
        self._run = self._r.call(
            "train", self._experiment, self._data, self._run, maxit, evaluate_every=1, convert=False
        )
        return bool(self._field("status").item() == "maxit")

    @property
    def loss(self) -> Array:
        """Loss at each step, shape (steps,)."""
        loss: Array = self._field("loss")
        return loss

    @property
    def accuracy(self) -> Array:
        """Test accuracy at each step, before its update, shape (steps,)."""
        accuracy: Array = self._field("accuracy")
        return accuracy

    @property
    def params(self) -> Params:
        """The parameters after the last step."""
        params: Params = self._field("params")
        return params

    def step_from(self, params: Params) -> tuple[float, Params]:
        """Take one step from given parameters, apart from the run: its loss, and the parameters after it."""
        x, target = (self._r.call("[[", self._data, name, convert=False) for name in ("x", "target"))
        taken = self._r.call("train_step", self._experiment, params, {}, x, target)
        return float(taken["loss"].item()), taken["params"]

    def probabilities(self) -> Array:
        """Probabilities of the test rows, shape (m, k)."""
        x_test = self._r.call("[[", self._data, "x_test", convert=False)
        passed = self._r.call("model_forward", self._part("model"), self._params(), x_test)
        probabilities: Array = self._r.call("softmax", passed["out"])
        return probabilities

    def confusion(self) -> IntArray:
        """Counts of true (rows) and predicted (columns) class of the test rows, shape (k, k)."""
        predicted = self._r.call("predicted_classes", self.probabilities(), convert=False)
        truth = self._r.call("[[", self._data, "labels_test", convert=False)
        table: IntArray = self._r.call("confusion_table", truth, predicted, len(self.classes()))
        return table

    def classes(self) -> AnyArray:
        """Class labels, shape (k,)."""
        classes: AnyArray = self._r.call("[[", self._data, "classes")
        return classes

    def _field(self, name: str) -> Any:
        return self._r.call("[[", self._run, name)

    def _part(self, name: str) -> Any:
        return self._r.call("[[", self._experiment, name, convert=False)

    def _params(self) -> Any:
        return self._r.call("[[", self._run, "params", convert=False)
