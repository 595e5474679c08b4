"""The arithmetic that every layer is made of: products, sums, maxima, exp, log and tanh of whole arrays.

Layers call these and nothing else that rounds differently from machine to machine (a BLAS, a sum, a libm),
so that the arithmetic can be exchanged in one place. It is ``native``: what this machine is fastest at; or, where
`arithmetic` says so, ``exact``: slower, and the same bits in R, NumPy and PyTorch on every machine; or ``r``: what base
R does on the reference BLAS (EXACT.md).

Products come out column by column in memory, as in R: a table has many rows and few columns, and then sums and maxima
of rows run along contiguous memory (three times as fast for 75 x 3). Twin: r/R/kernels.R.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np

from twinnet._types import Array
from twinnet.base_r import (
    r_array_sum,
    r_check,
    r_column_sums,
    r_exp,
    r_log,
    r_log1p,
    r_matmul,
    r_matmul_nt,
    r_matmul_tn,
    r_row_maxima,
    r_row_sums,
    r_sum_of_products,
    r_tanh,
)
from twinnet.checks import check_choice
from twinnet.dtypes import as_dtype
from twinnet.exact_check import exact_check
from twinnet.exact_functions import exact_exp, exact_log, exact_log1p, exact_tanh
from twinnet.exact_product import exact_matmul, exact_matmul_nt, exact_matmul_tn
from twinnet.exact_sums import (
    exact_array_sum,
    exact_column_sums,
    exact_row_maxima,
    exact_row_sums,
    exact_sum_of_products,
)

__all__ = [
    "ARITHMETICS",
    "arithmetic",
    "arithmetic_setting",
    "array_exp",
    "array_log",
    "array_log1p",
    "array_sum",
    "array_tanh",
    "column_sums",
    "matmul",
    "matmul_nt",
    "matmul_tn",
    "row_maxima",
    "row_sums",
    "sum_of_products",
]

ARITHMETICS = ("native", "exact", "r")


def in_float64(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel of float64 arrays as one of float32 arrays too: it calculates in float64 and rounds its result once."""

    def in_their_dtype(*arrays: Array) -> Any:
        if arrays[0].dtype != np.float32:
            return kernel(*arrays)
        return as_dtype(kernel(*(array.astype(np.float64) for array in arrays)), "float32")[()]

    return in_their_dtype


@dataclass(frozen=True)
class Kernels:
    """One way to calculate: what stands in for each kernel below."""

    matmul: Callable[[Array, Array], Array]
    matmul_tn: Callable[[Array, Array], Array]
    matmul_nt: Callable[[Array, Array], Array]
    array_sum: Callable[[Array], float]
    sum_of_products: Callable[[Array, Array], float]
    column_sums: Callable[[Array], Array]
    row_sums: Callable[[Array], Array]
    row_maxima: Callable[[Array], Array]
    array_exp: Callable[[Array], Array]
    array_log: Callable[[Array], Array]
    array_log1p: Callable[[Array], Array]
    array_tanh: Callable[[Array], Array]


EXACT = Kernels(
    matmul=in_float64(exact_matmul),
    matmul_tn=in_float64(exact_matmul_tn),
    matmul_nt=in_float64(exact_matmul_nt),
    array_sum=in_float64(exact_array_sum),
    sum_of_products=in_float64(exact_sum_of_products),
    column_sums=in_float64(exact_column_sums),
    row_sums=in_float64(exact_row_sums),
    row_maxima=in_float64(exact_row_maxima),
    array_exp=in_float64(exact_exp),
    array_log=in_float64(exact_log),
    array_log1p=in_float64(exact_log1p),
    array_tanh=in_float64(exact_tanh),
)
R = Kernels(
    matmul=in_float64(r_matmul),
    matmul_tn=in_float64(r_matmul_tn),
    matmul_nt=in_float64(r_matmul_nt),
    array_sum=in_float64(r_array_sum),
    sum_of_products=in_float64(r_sum_of_products),
    column_sums=in_float64(r_column_sums),
    row_sums=in_float64(r_row_sums),
    row_maxima=in_float64(r_row_maxima),
    array_exp=in_float64(r_exp),
    array_log=in_float64(r_log),
    array_log1p=in_float64(r_log1p),
    array_tanh=in_float64(r_tanh),
)
kernels: Kernels | None = None  # what is on, None for those below; of the whole process, as a BLAS's threads are


class Arithmetic:
    """A context in which the kernels calculate in one way."""

    def __init__(self, setting: str) -> None:
        self._kernels = kernels_of(setting)
        self._before: Kernels | None = None
        self._silence = None if self._kernels is None else np.errstate(over="ignore", invalid="ignore")

    def __enter__(self) -> None:
        global kernels
        self._before, kernels = kernels, self._kernels
        if self._silence:
            self._silence.__enter__()

    def __exit__(self, *error: Any) -> None:
        global kernels  # noqa: PLW0603
        kernels = self._before
        if self._silence:
            self._silence.__exit__(*error)


def arithmetic(setting: str) -> Arithmetic:
    """A context in which the kernels calculate as `setting` says: ``with arithmetic("exact"): ...``.

    NumPy then does not warn of overflow and of NaN, as R does not: in exact arithmetic both are results like others.

    Parameters
    ----------
    setting : str
        One of `ARITHMETICS`.

    Returns
    -------
    context manager

    Raises
    ------
    ValueError
        If there is no such setting.
    RuntimeError
        If this machine's arithmetic is not what the setting needs; names the fault.
    """
    return Arithmetic(setting)


def arithmetic_setting() -> str:
    """How the kernels calculate now, one of `ARITHMETICS`."""
    return next(setting for setting in ARITHMETICS if kernels_of(setting) is kernels)


@cache
def kernels_of(setting: str) -> Kernels | None:
    """The kernels of a setting, once it is sure that they work here."""
    check_choice(setting, "arithmetic", ARITHMETICS)
    if setting == "exact":
        exact_check(np.add, np.multiply, np.dot)
        return EXACT
    if setting == "r":
        r_check(r_array_sum, r_matmul)
        return R
    return None


def matmul(a: Array, b: Array) -> Array:
    """Matrix product ``a b``.

    Parameters
    ----------
    a : array, shape (n, k)
    b : array, shape (k, m)

    Returns
    -------
    array, shape (n, m)
    """
    if kernels is not None:
        return kernels.matmul(a, b)
    product: Array = b.T.dot(a.T).T
    return product


def matmul_tn(a: Array, b: Array) -> Array:
    """Matrix product ``a' b`` of the transpose of `a`.

    Parameters
    ----------
    a : array, shape (k, n)
    b : array, shape (k, m)

    Returns
    -------
    array, shape (n, m)
    """
    if kernels is not None:
        return kernels.matmul_tn(a, b)
    product: Array = b.T.dot(a).T
    return product


def matmul_nt(a: Array, b: Array) -> Array:
    """Matrix product ``a b'`` with the transpose of `b`.

    Parameters
    ----------
    a : array, shape (n, k)
    b : array, shape (m, k)

    Returns
    -------
    array, shape (n, m)
    """
    if kernels is not None:
        return kernels.matmul_nt(a, b)
    product: Array = b.dot(a.T).T
    return product


def array_sum(x: Array) -> float:
    """Sum of all elements.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    float
    """
    if kernels is not None:
        return kernels.array_sum(x)
    return np.add.reduce(x, axis=None)  # type: ignore[no-any-return]


def sum_of_products(a: Array, b: Array) -> float:
    """Sum over all elements of ``a * b``.

    Parameters
    ----------
    a, b : arrays of one shape

    Returns
    -------
    float
    """
    if kernels is not None:
        return kernels.sum_of_products(a, b)
    return np.vdot(a.T, b.T)  # type: ignore[return-value]


def column_sums(x: Array) -> Array:
    """Sum of each column.

    Parameters
    ----------
    x : array, shape (n, m)

    Returns
    -------
    array, shape (m,)
    """
    if kernels is not None:
        return kernels.column_sums(x)
    sums: Array = row_of_ones(len(x), x.dtype.char).dot(x)  # for few rows BLAS is faster at a sum than NumPy's reduce
    return sums


def row_sums(x: Array) -> Array:
    """Sum of each row.

    Parameters
    ----------
    x : array, shape (n, m)

    Returns
    -------
    array, shape (n, 1)
        A column, so that it broadcasts over the columns of `x`.
    """
    if kernels is not None:
        return kernels.row_sums(x)
    sums: Array = np.add.reduce(x, axis=1, keepdims=True)
    return sums


def row_maxima(x: Array) -> Array:
    """Largest element of each row; NaN where the row has one.

    Parameters
    ----------
    x : array, shape (n, m)

    Returns
    -------
    array, shape (n, 1)
        A column, so that it broadcasts over the columns of `x`.
    """
    if kernels is not None:
        return kernels.row_maxima(x)
    maxima: Array = np.maximum.reduce(x, axis=1, keepdims=True)
    return maxima


def array_exp(x: Array) -> Array:
    """Exponential of each element.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    array, the shape of `x`
    """
    if kernels is not None:
        return kernels.array_exp(x)
    return np.exp(x)


def array_log(x: Array) -> Array:
    """Natural logarithm of each element.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    array, the shape of `x`
    """
    if kernels is not None:
        return kernels.array_log(x)
    return np.log(x)


def array_log1p(x: Array) -> Array:
    """Natural logarithm of ``1 + x`` for each element, exact also where x is far below 1.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    array, the shape of `x`
    """
    if kernels is not None:
        return kernels.array_log1p(x)
    return np.log1p(x)


def array_tanh(x: Array) -> Array:
    """Hyperbolic tangent of each element.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    array, the shape of `x`
    """
    if kernels is not None:
        return kernels.array_tanh(x)
    return np.tanh(x)


@lru_cache(maxsize=64)
def row_of_ones(n: int, dtype: str) -> Array:
    """A vector of `n` ones of a dtype, made once and not to be changed."""
    ones = np.ones(n, dtype)
    ones.flags.writeable = False
    return ones
