"""float32 arithmetic in float64: rounding to float32, and the fused multiply-add ``a * b + c`` rounded once.

A float32 sum, difference, product, quotient or square root is the float64 one, rounded: 53 bits are more than
twice 24 and two, so the second rounding does no harm (Figueroa, 1995, "When is double rounding innocuous?").
A fused multiply-add is not among them; here it is made from sums and products that lose nothing (Dekker's
product, Knuth's sum) and a correct last step (Boldo and Melquiond, 2008, "Emulation of a FMA and correctly
rounded sums", IEEE Transactions on Computers 57(4)). Twin: r/R/float32.R.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from twinnet._types import AnyArray, Array
from twinnet.checks import check_argument

__all__ = ["f32_round", "fma32", "fma64"]


def f32_round(x: ArrayLike) -> Array:
    """Round to the nearest float32, ties to even.

    Parameters
    ----------
    x : array_like of float

    Returns
    -------
    array of float64, shape of `x`
        The nearest float32 values: subnormals, infinities and the sign of zero included.
    """
    with np.errstate(over="ignore", under="ignore"):
        rounded: Array = np.asarray(x, dtype=np.float64).astype(np.float32).astype(np.float64)
    return rounded


def fma64(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> Array:
    """Fused multiply-add in float64: ``a * b + c`` with one rounding.

    Parameters
    ----------
    a, b, c : array_like of float
        Numbers below 2^960 in size, whose products `a * b` are 0 or at least 2^-900 in size, so that no step
        over- or underflows.

    Returns
    -------
    array of float64, the shape that `a`, `b` and `c` broadcast to

    Raises
    ------
    ValueError
        If a number is outside that range.
    """
    x, y, z = float64_arrays(a, b, c)
    check_fma64(x, y, z)
    product, product_lost = product_and_lost(x, y)
    carry, carry_lost = sum_and_lost(z, product_lost)
    head, head_lost = sum_and_lost(product, carry)
    tail, lost = sum_and_lost(carry_lost, head_lost)
    rounded, rest = sum_and_lost(head, tail)
    other = rounded + 2 * rest
    fused = break_tie(rounded, other, rest, lost, other - rounded == 2 * rest)
    return np.where(fused == 0, product + z, fused)  # a zero's sign is the plain sum's


def fma32(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> Array:
    """Fused multiply-add in float32: ``a * b + c`` with one rounding, to float32.

    Parameters
    ----------
    a, b, c : array_like of float
        float32 values.

    Returns
    -------
    array of float64, the shape that `a`, `b` and `c` broadcast to
        float32 values; infinite beyond their range.
    """
    x, y, z = float64_arrays(a, b, c)
    with np.errstate(invalid="ignore"):
        total, lost = sum_and_lost(x * y, z)  # the product of two float32 values has 48 bits
        rounded = f32_round(total)
        rest = total - rounded
        other = rounded + 2 * rest
        return break_tie(rounded, other, rest, lost, f32_round(other) == other)


def float64_arrays(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> tuple[Array, Array, Array]:
    """Return the arguments as arrays of float64."""
    return np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64), np.asarray(c, dtype=np.float64)


def sum_and_lost(a: Array, b: Array) -> tuple[Array, Array]:
    """Return the float64 sum and what it lost, together exactly `a + b` (Knuth's TwoSum)."""
    total = a + b
    b_part = total - a
    lost = (a - (total - b_part)) + (b - b_part)
    return total, lost


def product_and_lost(a: Array, b: Array) -> tuple[Array, Array]:
    """Return the float64 product and what it lost, together exactly `a * b` (Dekker's product)."""
    product = a * b
    a_high, a_low = split_halves(a)
    b_high, b_low = split_halves(b)
    lost = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, lost


def split_halves(x: Array) -> tuple[Array, Array]:
    """Return two numbers of 26 bits each that sum to `x` (Veltkamp's split)."""
    scaled = 134217729 * x
    high = scaled - (scaled - x)
    return high, x - high


def break_tie(rounded: Array, other: Array, rest: Array, lost: Array, reaches: Array) -> Array:
    """Round as if `lost` had not been dropped before the last rounding.

    Only a tie can have gone wrong: `rest` is what that rounding dropped, `other` is the neighbour as far away
    on the other side of the tie, and `reaches` says whether there is such a neighbour. Then the sign of what
    was lost before decides.
    """
    wrong = reaches & (np.sign(lost) == np.sign(rest)) & (rest != 0)
    return np.where(wrong, other, rounded)


def check_fma64(a: Array, b: Array, c: Array) -> None:
    """Raise ``ValueError`` unless no step of `fma64` over- or underflows."""
    for name, value in (("a", a), ("b", b), ("c", c)):
        check_all(np.abs(value) < 2.0**960, name, value, "below 2^960 in size")
    with np.errstate(over="ignore", under="ignore"):
        product = np.asarray(a * b)
    size = np.abs(product)
    fits = (size < 2.0**960) & ((size >= 2.0**-900) | (a == 0) | (b == 0))
    check_all(fits, "a * b", product, "0 or from 2^-900 to 2^960 in size")


def check_all(ok: AnyArray, name: str, value: Array, must_be: str) -> None:
    """Raise ``ValueError`` that shows the first number for which `ok` is not true, if there is one."""
    if not np.all(ok):
        check_argument(False, name, float(value[~ok].flat[0]), must_be)
