"""Reshaping in a stated order: the one place where R's columns-first and NumPy's rows-first memory meet.

Twin: r/R/arrays.R.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twinnet._types import AnyArray

__all__ = ["fill_by_column", "fill_by_row"]


def fill_by_column(values: AnyArray, shape: Sequence[int]) -> AnyArray:
    """An array filled with its first index running fastest, as R's ``matrix(values, nrow, ncol)``.

    Parameters
    ----------
    values : array, shape (n,)
    shape : sequence of int
        Sizes whose product is n.

    Returns
    -------
    array of that shape
    """
    return np.reshape(values, shape, order="F")


def fill_by_row(values: AnyArray, shape: Sequence[int]) -> AnyArray:
    """An array filled with its last index running fastest, as NumPy's ``reshape`` and PyTorch's ``view``.

    Parameters
    ----------
    values : array, shape (n,)
    shape : sequence of int
        Sizes whose product is n.

    Returns
    -------
    array of that shape
    """
    return np.reshape(values, shape, order="C")
