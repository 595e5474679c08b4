"""Sums, and maxima, to the same 64 bits on every machine: a tree of additions in a stated order.

The last half of the numbers is added to the first, element by element, until one is left; of an odd number the one in
the middle waits. Every addition is of two numbers that IEEE arithmetic rounds in one way, so no order is left open. The
error is at most ``ceil(log2 n) 2^-53`` times the sum of the absolute values, where adding one after the other has n - 1
in the place of the logarithm (Higham 1993). Twin: r/R/exact_sums.R.
"""

from __future__ import annotations

import numpy as np

from twinnet._types import Array

__all__ = ["exact_array_sum", "exact_column_sums", "exact_row_maxima", "exact_row_sums", "exact_sum_of_products"]


def exact_array_sum(x: Array) -> float:
    """Sum of all elements, the first index running fastest; 0 if there are none.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    float
    """
    return float(tree_sum(x.flatten(order="F"))) if x.size > 0 else 0.0


def exact_sum_of_products(a: Array, b: Array) -> float:
    """Sum over all elements of ``a * b``, the first index running fastest; 0 if there are none.

    Parameters
    ----------
    a, b : arrays of one shape

    Returns
    -------
    float
    """
    return exact_array_sum(a * b)


def exact_column_sums(x: Array) -> Array:
    """Sum of each column.

    Parameters
    ----------
    x : array, shape (n, m)
        At least one row.

    Returns
    -------
    array, shape (m,)
    """
    return tree_sum(x.copy(order="K"))


def exact_row_sums(x: Array) -> Array:
    """Sum of each row.

    Parameters
    ----------
    x : array, shape (n, m)
        At least one column.

    Returns
    -------
    array, shape (n, 1)
        A column, so that it broadcasts over the columns of `x`.
    """
    return tree_sum(x.T.copy(order="K"))[:, np.newaxis]


def exact_row_maxima(x: Array) -> Array:
    """Largest element of each row; NaN where the row has one; 0, and not -0, of zeros of both signs.

    Parameters
    ----------
    x : array, shape (n, m)

    Returns
    -------
    array, shape (n, 1)
        A column, so that it broadcasts over the columns of `x`.
    """
    maxima: Array = np.maximum.reduce(x, axis=1, keepdims=True)
    maxima += 0.0
    return maxima


def tree_sum(x: Array) -> Array:
    """Sum over the first axis of `x`, which is written to: the last half is added to the first until one is left."""
    n = len(x)
    while n > 1:
        half = n // 2
        first = x[:half]
        np.add(first, x[n - half : n], first)  # into x; `out` by its place is an eighth faster than by its name
        n -= half
    total: Array = x[0]
    return total
