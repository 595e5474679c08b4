"""The dtype of a run's numbers: float64, or float32 where the experiment says so.

An experiment's data and weights are brought to its dtype once, and every operation keeps it. NumPy has float32; R has
not, so there a float32 array is one of doubles that are float32 numbers, of class ``float32``, whose operations round.
What a float32 operation gives is the same in both: the numbers that are not arrays are rounded first, the exact result
is rounded once. The result of + - * / and the square root has then the same bits: R rounds the double result, 53 bits
are more than twice 24 and two, so the second rounding does no harm (Figueroa, 1995, "When is double rounding
innocuous?"; test_dtypes). Twin: r/R/dtypes.R.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from twinnet._types import AnyArray, Array

__all__ = ["DTYPES", "as_dtype", "dtype_of"]

DTYPES = ("float64", "float32")


def as_dtype(x: Any, dtype: str) -> Array:
    """An array in a dtype, each number rounded to the nearest there is, ties to even.

    Parameters
    ----------
    x : array of numbers or booleans, any shape
    dtype : str
        One of `DTYPES`.

    Returns
    -------
    array of that dtype, the shape of `x`
        `x` itself if it is of that dtype.
    """
    with np.errstate(over="ignore", under="ignore"):  # beyond float32's range is infinite, and R says nothing of it
        return np.asarray(x).astype(dtype, copy=False)


def dtype_of(x: AnyArray) -> str:
    """The dtype of an array.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    str
        ``"float32"``, or ``"float64"`` for what is no float32 array.
    """
    return "float32" if x.dtype == np.float32 else "float64"
