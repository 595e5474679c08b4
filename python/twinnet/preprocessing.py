"""Preprocessing: inputs brought to a common scale.

`standardise` is ``(x - mean) / sd`` with the mean and standard deviation of each column of the data it was fitted to:
the population's, which divides by n, as scikit-learn's StandardScaler does. R's ``scale`` divides by n - 1, so its
columns are smaller by the factor ``sqrt((n - 1) / n)``. Twin: r/R/preprocessing.R.
"""

from __future__ import annotations

import math

import numpy as np

from twinnet._types import AnyArray, Array
from twinnet.checks import check_argument
from twinnet.kernels import column_sums

__all__ = ["scale_pixels", "standardise", "standardise_fit"]


def standardise_fit(x: Array) -> dict[str, Array]:
    """Mean and standard deviation of each column.

    Parameters
    ----------
    x : array, shape (n, d)
        The training data; finite, at least one row.

    Returns
    -------
    dict
        ``mean`` (d,) and ``sd`` (d,). A constant column's sd is 1, so that it becomes 0 and not NaN; constant is, as in
        scikit-learn, a column whose variance is not above the rounding error of its computation.

    Raises
    ------
    ValueError
        If `x` is not a finite matrix of at least one row.
    """
    n = check_table(x).shape[0]
    mean = column_sums(x) / n
    deviation = x - mean
    variance = column_sums(deviation * deviation) / n
    eps = 2.0**-52
    error = n * mean * eps
    constant = variance <= n * eps * variance + error * error
    return {"mean": mean, "sd": np.where(constant, 1.0, np.sqrt(variance))}


def standardise(x: Array, fitted: dict[str, Array]) -> Array:
    """Bring columns to the scale on which the data that were fitted have mean 0 and standard deviation 1.

    Parameters
    ----------
    x : array, shape (n, d)
        Training data, or others of the same columns.
    fitted : dict
        From `standardise_fit`.

    Returns
    -------
    array, shape (n, d)

    Raises
    ------
    ValueError
        If `x` is not a finite matrix of at least one row, or has another number of columns than the data fitted.
    """
    columns = check_table(x).shape[1]
    fits = columns == len(fitted["mean"])
    check_argument(fits, "x", x, f"a matrix of {len(fitted['mean'])} columns, as the data that were fitted")
    return (x - fitted["mean"]) / fitted["sd"]


def scale_pixels(x: AnyArray) -> Array:
    """Bring pixels from 0, 1, ..., 255 to [0, 1], by division by 255 (course: lessons B and E).

    Parameters
    ----------
    x : array of numbers from 0 to 255, any shape
        Bytes (uint8), or other numbers.

    Returns
    -------
    array, the shape of `x`

    Raises
    ------
    ValueError
        If a number is not from 0 to 255.
    """
    if x.dtype != np.uint8:
        low, high = (float(np.min(x)), float(np.max(x))) if x.size > 0 else (0.0, 0.0)
        worst = low if math.isnan(low) or low < 0 else high
        check_argument(0 <= low <= high <= 255, "x", worst, "pixels from 0 to 255")
    return x / 255.0


def check_table(x: Array) -> Array:
    """Return `x` if it is a finite matrix of at least one row."""
    is_matrix = isinstance(x, np.ndarray) and x.ndim == 2 and x.shape[0] > 0
    check_argument(is_matrix, "x", x, "a matrix of at least one row")
    finite = np.isfinite(x)
    worst = 0.0 if finite.all() else float(x[~finite][0])
    check_argument(bool(finite.all()), "x", worst, "finite numbers")
    return x
