"""The problems that experiments solve: data read or drawn, split into training and test rows, ready for a model.

Every problem comes as inputs ``x`` (n, d) and targets (n, k), and the same for the test rows; a classification also has
its ``classes`` and the class numbers of the rows. Pixels stay bytes until a batch is used: `batch_inputs`.
Twin: r/R/problems.R.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from twinnet._types import AnyArray, Array, IntArray
from twinnet.arrays import fill_by_column
from twinnet.checks import check_choice, check_whole
from twinnet.datasets import load_iris, sample_per_class
from twinnet.dtypes import as_dtype
from twinnet.generator_r import RGenerator
from twinnet.labels import class_levels, class_numbers, one_hot
from twinnet.mnist import FASHION_MNIST_CLASSES, load_fashion_mnist, load_mnist, mnist_batch
from twinnet.preprocessing import standardise, standardise_fit

__all__ = [
    "PROBLEMS",
    "batch_inputs",
    "problem_data",
    "problem_fashion_mnist",
    "problem_iris",
    "problem_mnist",
    "problem_plane",
    "problem_xor",
]

PROBLEMS = ("fashion_mnist", "iris", "mnist", "plane", "xor")


def problem_data(settings: dict[str, Any]) -> dict[str, Any]:
    """The data of a problem.

    Parameters
    ----------
    settings : dict
        ``name``, one of `PROBLEMS`, and what that problem's function says.

    Returns
    -------
    dict
        ``classes`` (k,), None for a regression; ``x`` (n, d), ``target`` (n, k) and, for a classification, ``labels``
        (n,), class numbers; ``x_test``, ``target_test``, ``labels_test``, those of the test rows.

    Raises
    ------
    ValueError
        Names the setting, its value and what it must be.
    """
    match check_choice(settings.get("name"), "data", PROBLEMS):
        case "fashion_mnist":
            return problem_fashion_mnist(settings)
        case "iris":
            return problem_iris(settings)
        case "mnist":
            return problem_mnist(settings)
        case "plane":
            return problem_plane(settings)
        case _:
            return problem_xor(settings)


def problem_fashion_mnist(settings: dict[str, Any]) -> dict[str, Any]:
    """Fashion-MNIST: the kind of clothes from 28 x 28 pixels (Xiao, Rasul and Vollgraf 2017).

    Parameters
    ----------
    settings : dict
        ``train`` and ``test``, how many of the 60000 training and 10000 test images to use: the first ones. Within
        2000 and 500 those in `shared_data` are enough.

    Returns
    -------
    dict
        As `problem_mnist`.
    """
    n = check_whole(settings.get("train"), "train", minimum=1, maximum=60000)
    m = check_whole(settings.get("test"), "test", minimum=1, maximum=10000)
    return image_problem(load_fashion_mnist(n, m), np.asarray(FASHION_MNIST_CLASSES), n, m)


def problem_iris(settings: dict[str, Any]) -> dict[str, Any]:
    """Iris: the species, or a measurement, from other measurements.

    Parameters
    ----------
    settings : dict
        ``inputs``, names of the input columns; ``label``, the column to predict: ``"Species"`` or, for a regression, a
        measurement; ``classes``, the species to keep, in their order: two of them are told apart by a single logit;
        ``train_per_class`` rows of each species to train on, drawn by R's generator from ``split_seed``;
        ``standardise``, whether to standardise the inputs by the training rows' means and standard deviations.

    Returns
    -------
    dict
        As `problem_data`.
    """
    table = load_iris()
    kept = np.isin(table["Species"], settings["classes"])
    columns = {name: column[kept] for name, column in table.items()}
    species = columns["Species"]
    train = sample_per_class(species, settings["train_per_class"], RGenerator(settings["split_seed"]))
    test = np.setdiff1d(np.arange(len(species)), train)
    x = np.column_stack([columns[name] for name in settings["inputs"]])
    if settings["standardise"]:
        x = standardise(x, standardise_fit(x[train]))
    if settings["label"] != "Species":
        y = columns[settings["label"]][:, None]
        return split_rows(x, y, None, None, train, test)
    classes = class_levels(species, "label")
    labels = class_numbers(species, classes, "label")
    return split_rows(x, class_targets(labels, len(classes)), labels, classes, train, test)


def problem_mnist(settings: dict[str, Any]) -> dict[str, Any]:
    """MNIST: the digit from 28 x 28 pixels (LeCun, Cortes and Burges 1998).

    Parameters
    ----------
    settings : dict
        ``train`` and ``test``, how many of the 60000 training and 10000 test images to use: the first ones.

    Returns
    -------
    dict
        As `problem_data`; ``x`` (n, 28, 28) and ``x_test`` are bytes.
    """
    n = check_whole(settings.get("train"), "train", minimum=1, maximum=60000)
    m = check_whole(settings.get("test"), "test", minimum=1, maximum=10000)
    return image_problem(load_mnist(), np.arange(10), n, m)


def problem_plane(settings: dict[str, Any]) -> dict[str, Any]:
    """A regression for the notes' test network of 2 inputs and 1 output: ``y = x1 * x2`` on [-1, 1] x [-1, 1].

    Parameters
    ----------
    settings : dict
        ``train`` and ``test``, how many rows; ``split_seed``, the seed of R's generator, which draws them.

    Returns
    -------
    dict
        As `problem_data`.
    """
    n = check_whole(settings.get("train"), "train", minimum=1)
    m = check_whole(settings.get("test"), "test", minimum=1)
    drawn = RGenerator(settings["split_seed"]).runif(2 * (n + m), -1, 1)
    x = fill_by_column(drawn, (n + m, 2))
    rows = np.arange(n + m)
    return split_rows(x, x[:, :1] * x[:, 1:], None, None, rows[:n], rows[n:])


def problem_xor(settings: dict[str, Any]) -> dict[str, Any]:
    """Exclusive or: four rows, which are both the training and the test rows (course: lesson B).

    Parameters
    ----------
    settings : dict
        Nothing but the name.

    Returns
    -------
    dict
        As `problem_data`.
    """
    x = fill_by_column(np.asarray([0.0, 0, 1, 1, 0, 1, 0, 1]), (4, 2))
    classes = np.asarray(["0", "1"])
    labels = class_numbers(np.asarray(["0", "1", "1", "0"]), classes, "labels")
    rows = np.arange(4)
    return split_rows(x, class_targets(labels, 2), labels, classes, rows, rows)


def image_problem(images: dict[str, AnyArray], classes: AnyArray, n: int, m: int) -> dict[str, Any]:
    """The first `n` training and `m` test images of a data set whose labels, from 0, are of ten classes."""
    labels = class_numbers(images["labels_train"][:n], np.arange(10), "labels")
    labels_test = class_numbers(images["labels_test"][:m], np.arange(10), "labels")
    return {
        "classes": classes,
        "x": images["x_train"][:n],
        "target": one_hot(labels, 10),
        "labels": labels,
        "x_test": images["x_test"][:m],
        "target_test": one_hot(labels_test, 10),
        "labels_test": labels_test,
    }


def class_targets(labels: IntArray, n_classes: int) -> Array:
    """One-hot rows; for two classes one column, 1 for the second class."""
    target = one_hot(labels, n_classes)
    return target[:, 1:] if n_classes == 2 else target


def split_rows(
    x: Array,
    target: Array,
    labels: IntArray | None,
    classes: AnyArray | None,
    train: IntArray,
    test: IntArray,
) -> dict[str, Any]:
    """The training and the test rows of a problem, as `problem_data` describes them."""
    return {
        "classes": classes,
        "x": np.asfortranarray(x[train]),
        "target": np.asfortranarray(target[train]),
        "labels": None if labels is None else labels[train],
        "x_test": np.asfortranarray(x[test]),
        "target_test": np.asfortranarray(target[test]),
        "labels_test": None if labels is None else labels[test],
    }


def batch_inputs(x: AnyArray, rows: IntArray | None, dtype: str = "float64") -> Array:
    """The inputs of a batch.

    Parameters
    ----------
    x : array, shape (n, d), or bytes, shape (n, 28, 28)
    rows : array of int, shape (b,), or None
        Row numbers from 0; None for all.
    dtype : str
        The dtype that pixels get; other numbers have theirs.

    Returns
    -------
    array, shape (b, d)
        Pixels as numbers from 0 to 1, row by row.
    """
    if x.dtype == np.uint8:
        return as_dtype(mnist_batch(x, np.arange(len(x)) if rows is None else rows), dtype)
    return x if rows is None else x[rows]
