"""The matrix product to the same 64 bits on every machine: error-free splitting (Ozaki et al. 2012).

Each row of one factor and each column of the other is cut into three slices of so few bits each that a whole product
of two slices is exact: every term and every partial sum is a multiple of one unit and at most 2^53 units. A BLAS may
then add in any order, on any number of threads, with or without fused operations. Rounding happens only where the three
groups of slice products are added, in one order:

    a b = high + (middle + low),  high = a1 b1,  middle = a1 b2 + a2 b1,  low = a1 b3 + a2 b2 + a3 b1.

With K the inner dimension, beta = floor((53 - ceil(log2 3K)) / 2) and d = 2^-(beta + 1), the error of element (i, j) is
at most 2^-53 |(a b)_ij| + (2^-51 d + 5 d^3) K A_i B_j, where A_i is twice the largest number in row i of a, B_j
likewise for column j of b, but not less than about 1e-146. A row with a NaN, an infinity or a number beyond about 1e150
gives NaN. Products of at most 4096 terms are too small for that to pay: their terms are rounded, and added by the tree
of `exact_sums`. EXACT.md proves it all. Twin: r/R/exact_product.R.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from twinnet._types import Array
from twinnet.exact_sums import tree_sum

__all__ = ["exact_matmul", "exact_matmul_nt", "exact_matmul_tn", "slice_constants"]

UNIT = 2.0**-53
TERMS_OF_A_TREE = 1 << 12
NUMBERS_IN_CACHE = 1 << 15


def exact_matmul(a: Array, b: Array) -> Array:
    """Matrix product ``a b``, the same bits on every machine.

    Parameters
    ----------
    a : array, shape (n, k)
    b : array, shape (k, m)

    Returns
    -------
    array, shape (n, m)
    """
    return product_of_rows(a, b.T)


def exact_matmul_tn(a: Array, b: Array) -> Array:
    """Matrix product ``a' b`` of the transpose of `a`, the same bits on every machine.

    Parameters
    ----------
    a : array, shape (k, n)
    b : array, shape (k, m)

    Returns
    -------
    array, shape (n, m)
    """
    return product_of_rows(a.T, b.T)


def exact_matmul_nt(a: Array, b: Array) -> Array:
    """Matrix product ``a b'`` with the transpose of `b`, the same bits on every machine.

    Parameters
    ----------
    a : array, shape (n, k)
    b : array, shape (m, k)

    Returns
    -------
    array, shape (n, m)
    """
    return product_of_rows(a, b)


@lru_cache(maxsize=256)
def slice_constants(k: int) -> tuple[float, float, float, float, float]:
    """What the slicing of rows of `k` numbers is done with.

    Parameters
    ----------
    k : int
        Inner dimension of the product, at least 1.

    Returns
    -------
    smallest : float
        The power of two below which the largest number of a row counts as this.
    lift : float
        ``2^52 + 1``, times the power of two with which numbers that could make the product overflow overflow here.
    shift1, shift2, shift3 : float
        Times the power of two below a row's largest number, lifted: what rounds to the three slices.
    """
    bits = (53 - ceil_log2(3 * k)) // 2
    limit = (1023 - ceil_log2(k)) // 2  # 2^limit is beyond what a row may hold
    lift = 2.0 ** (972 - limit)
    shift = 1.5 * 2.0 ** (53 - bits) / lift
    finer = 2.0 ** -(bits + 1)
    return 2.0 ** (2 * bits - 537), (2.0**52 + 1.0) * lift, shift, shift * finer, shift * finer * finer


def ceil_log2(number: int) -> int:
    """The smallest power to which 2 must be raised to be at least `number`."""
    return (number - 1).bit_length()


def product_of_rows(a: Array, b: Array) -> Array:
    """Products of each row of `a` (n, k) with each row of `b` (m, k), shape (n, m), column by column in memory."""
    (n, k), m = a.shape, len(b)
    if 0 < n * m * k <= TERMS_OF_A_TREE:
        return tree_sum(b.T[:, :, np.newaxis] * a.T[:, np.newaxis, :]).T + 0.0
    product: Array = np.zeros((m, n)).T
    if k > 0 and n >= m:
        multiply_rows(a, b, product)
    elif k > 0:
        multiply_rows(b, a, product.T)
    return product


def multiply_rows(a: Array, b: Array, product: Array) -> None:
    """Write products of rows into `product` (n, m), for as many rows of `a` at a time as fit into the cache."""
    step = max(1, NUMBERS_IN_CACHE // max(b.shape))
    cut = slices(b)
    for start in range(0, len(a), step):
        rows = slice(start, start + step)
        product[rows] = multiply_slices(slices(a[rows]), cut)


def multiply_slices(a: Array, b: Array) -> Array:
    """The product from the slices of its factors; nothing is rounded but the last two sums."""
    product: Array = a[0].dot(b[2].T)
    product += a[1].dot(b[1].T)
    product += a[2].dot(b[0].T)
    product += 0.0  # a BLAS may leave -0, which is to be 0
    middle = a[0].dot(b[1].T)
    middle += a[1].dot(b[0].T)
    product += middle
    product += a[0].dot(b[0].T)
    return product


def slices(x: Array) -> Array:
    """The three slices of `x` (n, k), shape (3, n, k)."""
    n, k = x.shape
    by_columns = n > k or x.strides[0] < x.strides[1]
    cut = np.empty((3, k, n)).transpose(0, 2, 1) if by_columns else np.empty((3, n, k))
    first, second, rest = cut
    smallest, lift, shift1, shift2, shift3 = slice_constants(k)
    largest = np.maximum.reduce(np.abs(x, out=rest), axis=1, keepdims=True)
    lifted = np.maximum(largest, smallest) * lift
    power = lifted - lifted * (1.0 - UNIT)  # the power of two below (Rump, Ogita and Oishi 2008), lifted
    shift = power * shift1
    np.add(x, shift, out=first)
    first -= shift
    np.subtract(x, first, out=rest)
    shift = power * shift2
    np.add(rest, shift, out=second)
    second -= shift
    rest -= second
    shift = power * shift3
    rest += shift
    rest -= shift
    return cut
