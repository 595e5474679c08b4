"""The course's first network as users call it: `train_dnn` on a table, and the trained model.

The network: hidden layers of ReLU neurons, softmax probabilities, mean cross entropy with L2, full-batch gradient
descent (course: lesson A, ``train.dnn`` and ``predict.dnn``). Twin: r/R/dnn.R.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twinnet._types import AnyArray, Array
from twinnet.checks import check_argument, check_choice, check_number, check_whole
from twinnet.generator_r import RGenerator
from twinnet.labels import class_levels, class_numbers, one_hot, predicted_classes
from twinnet.model import dense_layers, model_forward
from twinnet.softmax import softmax
from twinnet.tables import input_matrix, label_vector, select_columns, table_columns
from twinnet.train import train, train_start

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DNN", "ConvergenceWarning", "fit_dnn", "train_dnn"]


class ConvergenceWarning(UserWarning):
    """Training stopped because its loss or a parameter was no longer finite."""


@dataclass(frozen=True)
class DNN:
    """A trained network, as `train_dnn` returns it.

    Attributes
    ----------
    experiment : dict
        The model's layers and the settings of its training.
    inputs : list of str
        Names of the input columns, in the model's order.
    label : str
        Name of the label's column.
    classes : array, shape (k,)
        Class labels, in the order of the outputs.
    run : dict
        The parameters and the trajectory so far, as `twinnet.train.train` returns them.
    """

    experiment: dict[str, Any]
    inputs: list[str]
    label: str
    classes: AnyArray
    run: dict[str, Any]

    def predict(self, newdata: Any, type: str = "class") -> AnyArray:
        """Predict the classes of new rows.

        Parameters
        ----------
        newdata : table
            Mapping of columns, data frame or matrix. Named columns are found by name, wherever they stand; a matrix
            with as many columns as the model has inputs is taken by position.
        type : str
            ``"class"`` for labels, ``"prob"`` for probabilities.

        Returns
        -------
        array, shape (n,) or (n, k)
            Labels, or one column of probabilities for each of `classes`.

        Raises
        ------
        ValueError
            Names the argument, its value and what it must be.
        """
        check_choice(type, "type", ["class", "prob"])
        columns = table_columns(newdata, "newdata")
        if not isinstance(newdata, dict) and np.ndim(newdata) == 2 and len(columns) == len(self.inputs):
            columns = dict(zip(self.inputs, columns.values(), strict=True))
        probabilities = self.probabilities(input_matrix(columns, self.inputs, "newdata"))
        return probabilities if type == "prob" else self.classes[predicted_classes(probabilities)]

    def probabilities(self, x: Array) -> Array:
        """Probabilities of the classes for a matrix of inputs, shape (n, d) to (n, k)."""
        scores, _ = model_forward(self.experiment["model"], self.run["params"], x)
        return softmax(scores)

    def __str__(self) -> str:
        run = self.run
        sizes = [len(self.inputs)]
        sizes += [layer["d_out"] for layer in self.experiment["model"] if layer["type"] == "affine"]
        lines = [f"Dense network {' - '.join(str(size) for size in sizes)}, {run['step']} steps of training"]
        lines.append(f"Inputs: {', '.join(self.inputs)}")
        lines.append(f"{self.label}: {', '.join(str(level) for level in self.classes)}")
        if run["step"] > 0:
            lines.append(f"Loss at step {run['step']}: {run['loss'][-1]:.7g}")
        if len(run["accuracy"]) > 0 and not np.isnan(run["accuracy"][-1]):
            lines.append(f"Test accuracy at step {run['accuracy_step'][-1]}: {run['accuracy'][-1]:.7g}")
        return "\n".join(lines)

    def summary(self) -> str:
        """The model, its layers with their numbers of parameters, and the settings of its training, as text."""
        experiment, run = self.experiment, self.run
        lines = [str(self), "Layers:"]
        total = 0
        for layer in experiment["model"]:
            count = sum(value.size for key, value in run["params"].items() if key.startswith(f"{layer['name']}."))
            total += count
            lines.append(f"  {layer['name']}: {layer['type']}, {count} parameters")
        lines.append(f"  in all {total} parameters")
        lines.append(f"Learning rate {experiment['optimizer']['lr']:.7g}, L2 strength {experiment['reg']:.7g}")
        ended = {
            "maxit": "after the steps asked for",
            "converged": f"because the loss reached abstol = {experiment['abstol']:.7g}",
            "diverged": f"because the loss was not finite at step {run['diverged_step']}",
        }
        lines.append(f"Training ended {ended[run['status']]}")
        return "\n".join(lines)

    def plot(self) -> Figure:
        """Plot the loss and the test accuracy over the steps.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from matplotlib.figure import Figure  # slow to import: only who plots pays for it

        figure = Figure(figsize=(9, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.plot(np.arange(1, self.run["step"] + 1), self.run["loss"])
        left.set(xlabel="Step", ylabel="Loss", title="Training loss")
        right.plot(self.run["accuracy_step"], self.run["accuracy"], marker=".")
        right.set(xlabel="Step", ylabel="Accuracy", title="Test accuracy", ylim=(0, 1))
        return figure


def train_dnn(
    x: Sequence[int | str] = (0, 1, 2, 3),
    y: int | str = 4,
    traindata: Any = None,
    testdata: Any = None,
    model: DNN | None = None,
    hidden: int | Sequence[int] | None = None,
    maxit: int = 2000,
    abstol: float = 1e-2,
    lr: float = 1e-2,
    reg: float = 1e-3,
    display: int = 100,
    random_seed: int = 1,
) -> DNN:
    """Train a dense network to predict a label from the other columns of a table.

    Parameters
    ----------
    x : sequence of int or str
        Input columns, by position from 0 or by name.
    y : int or str
        The label's column.
    traindata : table
        Training rows: a mapping of column names to arrays, a data frame, or a matrix.
    testdata : table, optional
        Test rows, with the same columns; their accuracy is shown and kept with the loss.
    model : DNN, optional
        An earlier model to go on from. Two trainings of 1000 steps give what one of 2000 gives.
    hidden : int or sequence of int, optional
        Neurons of each hidden layer; 6 in one layer unless said. An earlier model keeps its own.
    maxit : int
        Steps to take at most, at least 0.
    abstol : float
        Stop when the loss is at most this, at least 0.
    lr : float
        Learning rate, above 0.
    reg : float
        L2 strength, at least 0.
    display : int
        Print step, loss and test accuracy every so many steps; 0 for never.
    random_seed : int
        Seed of R's generator, which draws the initial weights: the same numbers as ``set.seed(random_seed)`` in R.

    Returns
    -------
    DNN

    Raises
    ------
    ValueError
        Names the argument, its value and what it must be.

    Warns
    -----
    ConvergenceWarning
        If the loss is no longer finite: training stops and the last good parameters are kept.

    References
    ----------
    Course, lesson A, ``train.dnn``.
    """
    columns = table_columns(traindata, "traindata")
    inputs = select_columns(columns, x, "x")
    labels = select_columns(columns, y, "y")
    check_argument(len(labels) == 1 and labels[0] not in inputs, "y", y, "one column that is not among `x`")
    x_test = labels_test = None
    if testdata is not None:
        test_columns = table_columns(testdata, "testdata")
        x_test = input_matrix(test_columns, inputs, "testdata")
        labels_test = label_vector(test_columns, labels[0], "testdata")
    return fit_dnn(
        input_matrix(columns, inputs, "traindata"),
        label_vector(columns, labels[0], "traindata"),
        x_test,
        labels_test,
        inputs=inputs,
        label=labels[0],
        model=model,
        hidden=hidden,
        maxit=maxit,
        abstol=abstol,
        lr=lr,
        reg=reg,
        display=display,
        random_seed=random_seed,
    )


def fit_dnn(
    x: Array,
    labels: AnyArray,
    x_test: Array | None,
    labels_test: AnyArray | None,
    inputs: list[str],
    label: str,
    model: DNN | None,
    hidden: int | Sequence[int] | None,
    maxit: int,
    abstol: float,
    lr: float,
    reg: float,
    display: int,
    random_seed: int,
) -> DNN:
    """Train a dense network on a matrix of inputs and a vector of labels; `train_dnn` says what each argument means.

    Parameters
    ----------
    x : array, shape (n, d)
    labels : array, shape (n,)
    x_test : array, shape (m, d), or None
    labels_test : array, shape (m,), or None
    inputs : list of str
        Names of the columns of `x`.
    label : str
        What the labels are called.
    model, hidden, maxit, abstol, lr, reg, display, random_seed
        As in `train_dnn`.

    Returns
    -------
    DNN
    """
    check_whole(maxit, "maxit", minimum=0)
    check_whole(display, "display", minimum=0)
    if model is None:
        classes = class_levels(labels, label)
        layers = dense_layers(x.shape[1], as_sizes(6 if hidden is None else hidden), len(classes))
    else:
        check_argument(isinstance(model, DNN), "model", model, "a model that train_dnn() returned")
        classes, layers = model.classes, model.experiment["model"]
        check_argument(inputs == model.inputs, "x", inputs, f"the inputs of `model` ({', '.join(model.inputs)})")
        if hidden is not None:
            again = dense_layers(x.shape[1], as_sizes(hidden), len(classes))
            check_argument(again == layers, "hidden", hidden, "the hidden layers of `model`, or not given")
    experiment = {
        "model": layers,
        "init": {"sd": 0.01},
        "reg": check_number(reg, "reg", minimum=0),
        "optimizer": {"name": "gradient_descent", "lr": check_number(lr, "lr", above=0)},
        "abstol": check_number(abstol, "abstol", minimum=0),
    }
    data = {
        "x": x,
        "target": one_hot(class_numbers(labels, classes, label), len(classes)),
        "x_test": x_test,
        "labels_test": None if labels_test is None else class_numbers(labels_test, classes, label),
    }
    run = train_start(experiment, RGenerator(random_seed)) if model is None else model.run
    with np.errstate(over="ignore", invalid="ignore"):  # the loop looks for what is not finite, and says so below
        run = train(experiment, data, run, maxit, evaluate_every=display, report=display_step)
    if run["status"] == "diverged":
        warnings.warn(
            f"The loss was not finite at step {run['diverged_step']}: the model keeps its parameters after "
            f"{run['step']} steps. A smaller `lr` than {lr:.7g} may help.",
            ConvergenceWarning,
            stacklevel=3,
        )
    return DNN(experiment, inputs, label, classes, run)


def as_sizes(hidden: int | Sequence[int]) -> Sequence[int]:
    """One number of neurons is one hidden layer."""
    return [hidden] if np.ndim(hidden) == 0 else list(hidden)  # type: ignore[arg-type, list-item]


def display_step(step: int, loss: float, accuracy: float) -> None:
    """Print a step as the course's R does: its number, the loss and, where there is test data, the accuracy."""
    print(f"{step} {loss:.7g}" if np.isnan(accuracy) else f"{step} {loss:.7g} {accuracy:.7g}", flush=True)
