"""Class labels: from labels to class numbers, to one-hot rows, and from scores back to class numbers.

A class number is an index and so counts from 0 in Python and from 1 in R. Outside this file and the reading of
tables nothing depends on it. Twin: r/R/labels.R.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twinnet._types import AnyArray, Array, IntArray
from twinnet.checks import check_argument
from twinnet.dtypes import dtype_of

__all__ = ["class_levels", "class_numbers", "one_hot", "place_classes", "predicted_classes", "take_classes"]


def class_levels(labels: AnyArray, name: str) -> AnyArray:
    """The classes among labels, in ascending order (strings by code point).

    Parameters
    ----------
    labels : array, shape (n,)
        Strings, whole numbers or booleans.
    name : str
        What a message calls the labels.

    Returns
    -------
    array, shape (k,)
        At least two classes.

    Raises
    ------
    ValueError
        If there are fewer than two classes.
    """
    levels = np.unique(labels)
    check_argument(len(levels) >= 2, name, levels, "a label with more than one class")
    return levels


def class_numbers(labels: AnyArray, levels: AnyArray, name: str) -> IntArray:
    """The number of each label's class.

    Parameters
    ----------
    labels : array, shape (n,)
    levels : array, shape (k,)
        From `class_levels`.
    name : str
        What a message calls the labels.

    Returns
    -------
    array of int, shape (n,)
        From 0 to k - 1.

    Raises
    ------
    ValueError
        If a label is not among the classes.
    """
    numbers = {level: number for number, level in enumerate(levels.tolist())}
    found = [numbers.get(label, -1) for label in np.asarray(labels).tolist()]
    if -1 in found:
        shown = ", ".join(str(level) for level in levels)
        unseen = np.asarray(labels)[found.index(-1)].item()
        check_argument(False, name, unseen, f"one of the classes of the training data ({shown})")
    return np.asarray(found, dtype=np.int64)


def one_hot(numbers: Sequence[int] | IntArray, n_classes: int) -> Array:
    """One-hot rows of class numbers.

    Parameters
    ----------
    numbers : array of int, shape (n,)
        Class numbers from 0 to `n_classes` - 1.
    n_classes : int

    Returns
    -------
    array, shape (n, n_classes)
        1 in the column of the class, 0 elsewhere.

    Raises
    ------
    ValueError
        If a number is not a class's.
    """
    return place_classes(1.0, numbers, n_classes)


def take_classes(x: Array, numbers: Sequence[int] | IntArray) -> Array:
    """The element of each row in the column of its class: ``sum(x * one_hot(numbers))`` of each row, without the sums.

    Parameters
    ----------
    x : array, shape (n, n_classes)
    numbers : array of int, shape (n,)
        Class numbers from 0 to `n_classes` - 1, one a row.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    ValueError
        If a number is not a class's, or there is not one for each row.
    """
    numbers = checked_numbers(numbers, x.shape[1])
    check_argument(len(numbers) == len(x), "numbers", numbers, f"class numbers, one for each of the {len(x)} rows")
    return x[np.arange(len(x)), numbers]


def place_classes(values: float | Array, numbers: Sequence[int] | IntArray, n_classes: int) -> Array:
    """Rows with a value in the column of the class and 0 elsewhere: the gradient of `take_classes`.

    Parameters
    ----------
    values : float, or array of shape (n,)
    numbers : array of int, shape (n,)
        Class numbers from 0 to `n_classes` - 1, one a row.
    n_classes : int

    Returns
    -------
    array, shape (n, n_classes)

    Raises
    ------
    ValueError
        If a number is not a class's.
    """
    numbers = checked_numbers(numbers, n_classes)
    placed = np.zeros((len(numbers), n_classes), dtype_of(np.asarray(values)), order="F")
    placed[np.arange(len(numbers)), numbers] = values
    return placed


def predicted_classes(scores: Array) -> IntArray:
    """The class with the largest score in each row; the first of equals.

    Parameters
    ----------
    scores : array, shape (n, k)
        Logits or probabilities.

    Returns
    -------
    array of int, shape (n,)
        Class numbers.
    """
    numbers: IntArray = scores.argmax(axis=1)
    return numbers


def checked_numbers(numbers: Sequence[int] | IntArray, n_classes: int) -> IntArray:
    """Class numbers as integers, if each is a class's."""
    numbers = np.asarray(numbers)
    in_range = (numbers >= 0) & (numbers < n_classes) & (numbers == np.floor(numbers))
    check_argument(bool(in_range.all()), "numbers", numbers, "class numbers, each one of the n_classes")
    return numbers.astype(np.int64)
