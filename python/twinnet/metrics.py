"""Metrics: how well predicted classes fit the true ones.

Twin: r/R/metrics.R.
"""

from __future__ import annotations

import numpy as np

from twinnet._types import IntArray

__all__ = ["accuracy", "confusion_table"]


def accuracy(true: IntArray, predicted: IntArray) -> float:
    """Share of samples whose predicted class is the true one.

    Parameters
    ----------
    true, predicted : arrays of int, shape (n,)
        Class numbers.

    Returns
    -------
    float
        Between 0 and 1.
    """
    return int((true == predicted).sum()) / len(true)


def confusion_table(true: IntArray, predicted: IntArray, n_classes: int) -> IntArray:
    """Counts of each pair of true and predicted class.

    Parameters
    ----------
    true, predicted : arrays of int, shape (n,)
        Class numbers.
    n_classes : int

    Returns
    -------
    array of int, shape (n_classes, n_classes)
        Rows are true classes, columns predicted ones.
    """
    counts = np.bincount(true * n_classes + predicted, minlength=n_classes * n_classes)
    return counts.reshape(n_classes, n_classes)
