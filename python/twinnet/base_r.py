"""The arithmetic of idiomatic R: the kernels as base R's own functions calculate them, in R and, bit by bit, in NumPy.

R's `sum`, `colSums` and `rowSums` add one number after the other, in the order of memory, in the 80 bits of an x87
register, and round the total once. `%*%`, `crossprod` and `tcrossprod` on the reference BLAS add the products of one
element in the order of the inner index, each product and each sum rounded to 64 bits. `exp`, `log`, `log1p` and `tanh`
are the C library's. In R this is what the course's code does as it stands, where R runs on the reference BLAS; here the
products are taken from any BLAS's hands. NumPy has the 80 bits as ``longdouble``, the order of the products in
``einsum``, and the C library by Python's ``math``: R and Python of one machine then agree in every bit, those of two
machines only if their C libraries do. Sources: R 4.2.2, src/main/summary.c (rsum) and array.c (do_colsum,
simple_matprod); LAPACK 3.11, BLAS/SRC/dgemm.f. Twin: r/R/base_r.R.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from twinnet._types import AnyArray, Array

__all__ = [
    "r_array_sum",
    "r_check",
    "r_column_sums",
    "r_exp",
    "r_log",
    "r_log1p",
    "r_matmul",
    "r_matmul_nt",
    "r_matmul_tn",
    "r_row_maxima",
    "r_row_sums",
    "r_sum_of_products",
    "r_tanh",
]

LARGEST_EXPONENT = float.fromhex("0x1.62e42fefa39efp+9")  # the last number whose exponential is finite


def r_matmul(a: Array, b: Array) -> Array:
    """Matrix product ``a b``, its terms added in the order of the inner index.

    Parameters
    ----------
    a : array, shape (n, k)
    b : array, shape (k, m)

    Returns
    -------
    array, shape (n, m)
    """
    return ordered_product(np.ascontiguousarray(a), np.ascontiguousarray(b))


def r_matmul_tn(a: Array, b: Array) -> Array:
    """Matrix product ``a' b`` of the transpose of `a`, its terms added in the order of the inner index.

    Parameters
    ----------
    a : array, shape (k, n)
    b : array, shape (k, m)

    Returns
    -------
    array, shape (n, m)
    """
    return r_matmul(a.T, b)


def r_matmul_nt(a: Array, b: Array) -> Array:
    """Matrix product ``a b'`` with the transpose of `b`, its terms added in the order of the inner index.

    Parameters
    ----------
    a : array, shape (n, k)
    b : array, shape (m, k)

    Returns
    -------
    array, shape (n, m)
    """
    return r_matmul(a, b.T)


def r_array_sum(x: Array) -> float:
    """Sum of all elements, as R's `sum`.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    float
    """
    return float(sum_of_80_bits(x.ravel(order="F"), axis=0))


def r_sum_of_products(a: Array, b: Array) -> float:
    """Sum over all elements of ``a * b``, as R's `sum`.

    Parameters
    ----------
    a, b : arrays of one shape

    Returns
    -------
    float
    """
    return r_array_sum(a * b)


def r_column_sums(x: Array) -> Array:
    """Sum of each column, as R's `colSums`.

    Parameters
    ----------
    x : array, shape (n, m)

    Returns
    -------
    array, shape (m,)
    """
    return sum_of_80_bits(x, axis=0)


def r_row_sums(x: Array) -> Array:
    """Sum of each row, as R's `rowSums`.

    Parameters
    ----------
    x : array, shape (n, m)

    Returns
    -------
    array, shape (n, 1)
        A column, so that it broadcasts over the columns of `x`.
    """
    return sum_of_80_bits(x, axis=1)[:, np.newaxis]


def r_row_maxima(x: Array) -> Array:
    """Largest element of each row, the first of equals, as R's `max`: of -0 and 0, too; NaN where the row has one.

    Parameters
    ----------
    x : array, shape (n, m)

    Returns
    -------
    array, shape (n, 1)
        A column, so that it broadcasts over the columns of `x`.
    """
    return np.take_along_axis(x, x.argmax(axis=1, keepdims=True), axis=1)


def r_exp(x: Array) -> Array:
    """Exponential of each element, by the C library.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    array, the shape of `x`
    """
    return np.where(x > LARGEST_EXPONENT, np.inf, of_each(math.exp, np.minimum(x, LARGEST_EXPONENT)))


def r_log(x: Array) -> Array:
    """Natural logarithm of each element, by the C library.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    array, the shape of `x`
    """
    logarithms = of_each(math.log, np.where(x > 0, x, 1.0))
    return np.where(x > 0, logarithms, np.where(x == 0, -np.inf, np.nan))


def r_log1p(x: Array) -> Array:
    """Natural logarithm of ``1 + x`` for each element, by the C library.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    array, the shape of `x`
    """
    logarithms = of_each(math.log1p, np.where(x > -1, x, 0.0))
    return np.where(x > -1, logarithms, np.where(x == -1, -np.inf, np.nan))


def r_tanh(x: Array) -> Array:
    """Hyperbolic tangent of each element, by the C library.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    array, the shape of `x`
    """
    return of_each(math.tanh, x)


def r_check(accumulate: Callable[[Array], float], matmul: Callable[[Array, Array], Array]) -> None:
    """Return nothing if this machine can calculate as R does on most machines; it takes a millisecond.

    Parameters
    ----------
    accumulate : callable
        The sum of a vector of doubles, one after the other, in the longest type there is, rounded to a double.
    matmul : callable
        Product of two matrices, whose order is asked for.

    Raises
    ------
    RuntimeError
        Names what is otherwise.
    """
    a, b = np.sin(np.arange(1.0, 408)).reshape(37, 11), np.cos(np.arange(1.0, 56)).reshape(11, 5)
    ordered = np.zeros((37, 5))
    for k in range(11):
        ordered = ordered + a[:, k : k + 1] * b[k]
    for sound, fault in (
        (
            accumulate(np.array([1.0, 2.0**-63, -1.0])) == 2.0**-63
            and accumulate(np.array([1.0, 2.0**-64, -1.0])) == 0.0,
            "long sums have not the 64 significant bits of an x87 register",
        ),
        (
            bool((matmul(a, b) == ordered).all()),
            "products of matrices do not add in the order of the inner index, each step rounded",
        ),
    ):
        if not sound:
            raise RuntimeError(f"R's arithmetic is not to be had on this machine: {fault}.")


def ordered_product(a: Array, b: Array) -> Array:
    """The product of two matrices in C's memory order, from 0, its terms added in the order of the inner index."""
    if b.shape[1] == 1:  # of a single column einsum adds several terms at a time
        return ordered_product(a, np.repeat(b, 2, axis=1))[:, :1]
    product: Array = np.einsum("ik,kj->ij", a, b)
    return product


def sum_of_80_bits(x: AnyArray, axis: int) -> Array:
    """Sums along an axis, from 0, one number after the other, in 80 bits; the total is rounded to 64."""
    if x.shape[axis] == 0:
        return np.zeros(np.delete(x.shape, axis))
    running = np.add.accumulate(x.astype(np.longdouble), axis=axis)
    sums: Array = (running.take(-1, axis=axis) + 0.0).astype(np.float64)  # adding to 0, R never has -0
    return sums


def of_each(function: Callable[[float], float], x: Array) -> Array:
    """A function of the C library of each element."""
    return np.fromiter(map(function, x.ravel().tolist()), np.float64, x.size).reshape(x.shape)
