"""Dense networks as users call them: `train_dnn` on a table, and the trained model.

As it stands the network is the course's first: hidden layers of ReLU neurons, softmax probabilities, mean cross entropy
with L2, full-batch gradient descent (lesson A, ``train.dnn`` and ``predict.dnn``). For a regression its output is the
prediction and the loss half the mean squared error. Twin: r/R/dnn.R.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twinnet._types import AnyArray, Array
from twinnet.checks import check_argument, check_choice, check_number, check_whole
from twinnet.kernels import arithmetic, arithmetic_setting
from twinnet.labels import class_levels, class_numbers, one_hot, predicted_classes
from twinnet.model import INITS, dense_layers, init_check, model_forward
from twinnet.objectives import output_probabilities
from twinnet.optimizers import optimizer_check
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
        Name of the column to predict.
    classes : array, shape (k,), or None
        Class labels, in the order of the outputs; None for a regression.
    run : dict
        The parameters and the trajectory so far, as `twinnet.train.train` returns them.
    """

    experiment: dict[str, Any]
    inputs: list[str]
    label: str
    classes: AnyArray | None
    run: dict[str, Any]

    def predict(self, newdata: Any, type: str = "class") -> AnyArray:
        """Predict the classes, or for a regression the numbers, of new rows.

        Parameters
        ----------
        newdata : table
            Mapping of columns, data frame or matrix. Named columns are found by name, wherever they stand; a matrix
            with as many columns as the model has inputs is taken by position.
        type : str
            ``"class"`` for labels, ``"prob"`` for probabilities; a regression has neither, and does not look.

        Returns
        -------
        array, shape (n,) or (n, k)
            Labels or numbers, or one column of probabilities for each of `classes`.

        Raises
        ------
        ValueError
            Names the argument, its value and what it must be.
        """
        check_choice(type, "type", ["class", "prob"])
        columns = table_columns(newdata, "newdata")
        if not isinstance(newdata, dict) and np.ndim(newdata) == 2 and len(columns) == len(self.inputs):
            columns = dict(zip(self.inputs, columns.values(), strict=True))
        outputs = self.outputs(input_matrix(columns, self.inputs, "newdata"))
        if self.classes is None:
            return outputs[:, 0]
        return outputs if type == "prob" else self.classes[predicted_classes(outputs)]

    def outputs(self, x: Array) -> Array:
        """Probabilities of the classes, or predicted numbers, for a matrix of inputs: shape (n, d) to (n, k)."""
        with arithmetic(self.experiment["arithmetic"]):
            out, _ = model_forward(self.experiment["model"], self.run["params"], x)
            return out if self.classes is None else output_probabilities(self.experiment["loss"], out)

    def __str__(self) -> str:
        run = self.run
        sizes = [len(self.inputs), *affine_sizes(self.experiment["model"])]
        lines = [f"Dense network {' - '.join(str(size) for size in sizes)}, {run['step']} steps of training"]
        lines.append(f"Inputs: {', '.join(self.inputs)}")
        kinds = ["a number"] if self.classes is None else [str(level) for level in self.classes]
        lines.append(f"{self.label}: {', '.join(kinds)}")
        if run["step"] > 0:
            lines.append(f"Loss at step {run['step']}: {run['loss'][-1]:.7g}")
        if len(run["score"]) > 0 and not np.isnan(run["score"][-1]):
            lines.append(f"{self.score_name()} at step {run['score_step'][-1]}: {run['score'][-1]:.7g}")
        return "\n".join(lines)

    def score_name(self) -> str:
        """What the score on test data is."""
        return "Test accuracy" if self.classes is not None else "Test loss"

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
        optimizer = experiment["optimizer"]
        lines.append(f"Optimizer {optimizer['name']}, lr {optimizer['lr']:.7g}, L2 strength {experiment['reg']:.7g}")
        ended = {
            "maxit": "after the steps asked for",
            "converged": f"because the loss reached abstol = {experiment['abstol']:.7g}",
            "diverged": f"because the loss was not finite at step {run['diverged_step']}",
        }
        lines.append(f"Training ended {ended[run['status']]}")
        return "\n".join(lines)

    def plot(self) -> Figure:
        """Plot the loss and the test score over the steps.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from matplotlib.figure import Figure  # slow to import: only who plots pays for it

        figure = Figure(figsize=(9, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.plot(np.arange(1, self.run["step"] + 1), self.run["loss"])
        left.set(xlabel="Step", ylabel="Loss", title="Training loss")
        right.plot(self.run["score_step"], self.run["score"], marker=".")
        right.set(xlabel="Step", title=self.score_name(), ylim=(0, 1) if self.classes is not None else None)
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
    activation: str = "relu",
    optimizer: str | dict[str, Any] = "gradient_descent",
    batch_size: int | None = None,
    dropout: float = 0,
    init: str | None = None,
    task: str = "classification",
) -> DNN:
    """Train a dense network to predict one column of a table from others.

    Parameters
    ----------
    x : sequence of int or str
        Input columns, by position from 0 or by name.
    y : int or str
        The column to predict.
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
        Seed of R's generator, which draws the initial weights, and then batches and masks if there are any: the same
        numbers as ``set.seed(random_seed)`` in R.
    activation : str
        Activation of the hidden layers, one of `twinnet.model.ACTIVATIONS`. An earlier model keeps its own.
    optimizer : str or dict
        One of `twinnet.optimizers.OPTIMIZERS`, or a dict of its ``name`` and settings, whose own ``lr`` goes before
        `lr`. An earlier model keeps its optimizer's state, so the optimizer must be the same.
    batch_size : int, optional
        Rows of a mini-batch, at least 1 and at most all; the rows are shuffled anew for each epoch. All rows at each
        step unless said.
    dropout : float
        Probability of dropping a hidden neuron in training, at least 0 and below 1. An earlier model keeps its own.
    init : str, optional
        How to draw the weights: ``"normal"`` (standard deviation 0.01, lesson A) or ``"scaled_normal"`` (standard
        deviation ``1 / sqrt(d_in * d_out)``). Unless said, the first for a classification with one hidden layer, the
        second otherwise.
    task : str
        ``"classification"`` or ``"regression"``.

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
    check_choice(task, "task", ["classification", "regression"])

    def to_predict(table: dict[str, AnyArray], name: str) -> AnyArray:
        if task == "classification":
            return label_vector(table, labels[0], name)
        return input_matrix(table, labels, name)[:, 0]

    x_test = y_test = None
    if testdata is not None:
        test_columns = table_columns(testdata, "testdata")
        x_test = input_matrix(test_columns, inputs, "testdata")
        y_test = to_predict(test_columns, "testdata")
    return fit_dnn(
        input_matrix(columns, inputs, "traindata"),
        to_predict(columns, "traindata"),
        x_test,
        y_test,
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
        activation=activation,
        optimizer=optimizer,
        batch_size=batch_size,
        dropout=dropout,
        init=init,
        task=task,
    )


def fit_dnn(
    x: Array,
    y: AnyArray,
    x_test: Array | None,
    y_test: AnyArray | None,
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
    activation: str,
    optimizer: str | dict[str, Any],
    batch_size: int | None,
    dropout: float,
    init: str | None,
    task: str,
) -> DNN:
    """Train a dense network on a matrix of inputs and a vector; `train_dnn` says what each argument means.

    Parameters
    ----------
    x : array, shape (n, d)
    y : array, shape (n,)
        Labels, or numbers for a regression.
    x_test : array, shape (m, d), or None
    y_test : array, shape (m,), or None
    inputs : list of str
        Names of the columns of `x`.
    label : str
        What `y` is called.
    model, hidden, maxit, abstol, lr, reg, display, random_seed, activation, optimizer, batch_size, dropout, init, task
        As in `train_dnn`.

    Returns
    -------
    DNN
    """
    check_whole(maxit, "maxit", minimum=0)
    check_whole(display, "display", minimum=0)
    is_regression = task == "regression"
    if model is None:
        classes = None if is_regression else class_levels(y, label)
        sizes = as_sizes(6 if hidden is None else hidden)
        check_argument(len(sizes) > 0, "hidden", hidden, "at least one hidden layer's number of neurons")
        layers = dense_layers(x.shape[1], sizes, 1 if classes is None else len(classes), activation, dropout)
    else:
        check_argument(isinstance(model, DNN), "model", model, "a model that train_dnn() returned")
        classes, layers = model.classes, model.experiment["model"]
        check_argument(inputs == model.inputs, "x", inputs, f"the inputs of `model` ({', '.join(model.inputs)})")
        its_task = "regression" if classes is None else "classification"
        check_argument(task == its_task, "task", task, f'"{its_task}", as of `model`')
        if hidden is not None:
            again = dense_layers(x.shape[1], as_sizes(hidden), layers[-1]["d_out"])
            same = affine_sizes(again) == affine_sizes(layers)
            check_argument(same, "hidden", hidden, "the hidden layers of `model`, or not given")
    settings = {"name": optimizer} if isinstance(optimizer, str) else dict(optimizer)
    rows = 0 if batch_size is None else check_whole(batch_size, "batch_size", minimum=1, maximum=len(x))
    # lesson A's small weights leave a network with more than one hidden layer where it starts
    default_init = "normal" if not is_regression and len(affine_sizes(layers)) == 2 else "scaled_normal"
    experiment: dict[str, Any] = {
        "model": layers,
        "loss": "half_mean_squared_error" if is_regression else "softmax_cross_entropy",
        "init": {"name": check_choice(default_init if init is None else init, "init", INITS), "sd": 0.01},
        "generator": "r",
        "seed": random_seed,
        "dtype": "float64",
        "arithmetic": arithmetic_setting(),
        "reg": check_number(reg, "reg", minimum=0),
        "optimizer": optimizer_check({"lr": check_number(lr, "lr", above=0), **settings}),
        "batch_size": rows,
        "shuffle": True,
        "abstol": check_number(abstol, "abstol", minimum=0),
    }
    init_check(experiment["init"], experiment["generator"])
    if model is not None:
        name, its_name = experiment["optimizer"]["name"], model.experiment["optimizer"]["name"]
        must_be = f'"{its_name}", as of `model`, whose state it goes on from'
        check_argument(name == its_name, "optimizer", name, must_be)
    data: dict[str, Any] = {"x": x, "target": targets(y, classes, label), "x_test": x_test}
    if y_test is not None:
        data["target_test"] = targets(y_test, classes, label)
        data["labels_test"] = None if classes is None else class_numbers(y_test, classes, label)
    run = train_start(experiment) if model is None else model.run
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


def targets(y: AnyArray, classes: AnyArray | None, label: str) -> Array:
    """What the outputs should be: one-hot rows of labels, or one column of numbers."""
    if classes is None:
        return np.asarray(y, dtype=np.float64)[:, None]
    return one_hot(class_numbers(y, classes, label), len(classes))


def affine_sizes(layers: list[dict[str, Any]]) -> list[int]:
    """Numbers of outputs of the affine layers."""
    return [layer["d_out"] for layer in layers if layer["type"] == "affine"]


def as_sizes(hidden: int | Sequence[int]) -> Sequence[int]:
    """One number of neurons is one hidden layer."""
    return [hidden] if np.ndim(hidden) == 0 else list(hidden)  # type: ignore[arg-type, list-item]


def display_step(step: int, loss: float, score: float) -> None:
    """Print a step as the course's R does: its number, the loss and, where there is test data, the score."""
    print(f"{step} {loss:.7g}" if np.isnan(score) else f"{step} {loss:.7g} {score:.7g}", flush=True)
