"""Class labels: from labels to class numbers, to one-hot rows, and from scores back to class numbers.

A class number is an index and so counts from 0 in Python and from 1 in R. Outside this file and the reading of
tables nothing depends on it. Twin: r/R/labels.R.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twinnet._types import AnyArray, Array, IntArray
from twinnet.checks import check_argument

__all__ = ["class_levels", "class_numbers", "one_hot", "predicted_classes"]


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
    numbers = np.asarray(numbers)
    in_range = bool(((numbers >= 0) & (numbers < n_classes)).all())
    check_argument(in_range, "numbers", numbers, "class numbers, each one of the n_classes")
    target = np.zeros((len(numbers), n_classes), order="F")
    target[np.arange(len(numbers)), numbers] = 1.0
    return target


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
