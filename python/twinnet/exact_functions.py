"""exp, log and what is built on them, to the same 64 bits on every machine.

A libm's exp differs from another's in one result of twenty; these are the algorithms of fdlibm (Sun Microsystems 1993),
done on whole arrays with IEEE operations alone: + - * /, comparisons, and exact products with powers of two. Largest
errors, in units of the last place: exp 0.9, log 0.9, log1p 1.9, tanh 2.5 (EXACT.md says how they were measured).
Twin: r/R/exact_functions.R.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from twinnet._types import Array

__all__ = ["exact_exp", "exact_log", "exact_log1p", "exact_tanh"]

NUMBERS_AT_A_TIME = 1 << 14

UNIT = 2.0**-53
LARGE = 2.0**54  # from here on 1 + x is x
ROUND = 1.5 * 2.0**52  # x + ROUND - ROUND is x rounded to a whole number
INV_LN2 = float.fromhex("0x1.71547652b82fep+0")
LN2_HIGH = float.fromhex("0x1.62e42fee00000p-1")  # times any exponent exact
LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
SQRT_HALF = float.fromhex("0x1.6a09e667f3bcdp-1")
EXP_SERIES = tuple(
    float.fromhex(number)
    for number in (
        "0x1.555555555553ep-3",
        "-0x1.6c16c16bebd93p-9",
        "0x1.1566aaf25de2cp-14",
        "-0x1.bbd41c5d26bf1p-20",
        "0x1.6376972bea4d0p-25",
    )
)
LOG_SERIES = tuple(
    float.fromhex(number)
    for number in (
        "0x1.5555555555593p-1",
        "0x1.999999997fa04p-2",
        "0x1.2492494229359p-2",
        "0x1.c71c51d8e78afp-3",
        "0x1.7466496cb03dep-3",
        "0x1.39a09d078c69fp-3",
        "0x1.2f112df3e5244p-3",
    )
)


def exact_exp(x: Array) -> Array:
    """Exponential of each element, the same bits on every machine.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    array, the shape of `x`
        Infinite from 709.78 on, 0 below -745.13, in between never more than 0.9 units of the last place off.
    """
    return piece_by_piece(exp_of_piece, x)


def exact_log(x: Array) -> Array:
    """Natural logarithm of each element, the same bits on every machine.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    array, the shape of `x`
        -Inf for 0, NaN below it.
    """
    return piece_by_piece(log_of_piece, x)


def exact_log1p(x: Array) -> Array:
    """Natural logarithm of ``1 + x`` for each element, exact also where x is far below 1.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    array, the shape of `x`
    """
    return piece_by_piece(log1p_of_piece, x)


def exact_tanh(x: Array) -> Array:
    """Hyperbolic tangent of each element, the same bits on every machine.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    array, the shape of `x`
    """
    return piece_by_piece(tanh_of_piece, x)


def piece_by_piece(function: Callable[[Array], Array], x: Array) -> Array:
    """Apply a function of each element to `x`, to as many elements at a time as the processor's cache holds."""
    if x.size <= NUMBERS_AT_A_TIME:
        return function(x)
    out = np.empty_like(x)
    from_memory, to_memory = x.ravel(order="K"), out.ravel(order="K")
    for start in range(0, x.size, NUMBERS_AT_A_TIME):
        piece = slice(start, start + NUMBERS_AT_A_TIME)
        to_memory[piece] = function(from_memory[piece])
    return out


def exp_of_piece(x: Array) -> Array:
    """``exp(x) = 2^k exp(r)`` with r at most ln(2) / 2 in size."""
    k, e = reduced_expm1(np.minimum(np.maximum(x, -746.0), 710.0))
    e += 1.0
    return np.ldexp(e, k.astype(np.int32), out=e)


def log_of_piece(x: Array) -> Array:
    """``log(x) = k ln(2) + log(1 + f)`` with 1 + f between sqrt(1/2) and sqrt(2)."""
    m, k = np.frexp(x)
    small = m < SQRT_HALF
    m += m * small
    m -= 1.0
    log = log_of_parts(m, (k - small).astype(np.float64))
    sound = (x > 0.0) & (x < np.inf)
    return log if sound.all() else np.where(sound, log, np.where(x == 0.0, -np.inf, np.where(x > 0.0, np.inf, np.nan)))


def log1p_of_piece(x: Array) -> Array:
    """``log(1 + x) = log(u) + (x - (u - 1)) / u`` where u is 1 + x rounded (Hewlett-Packard 1982)."""
    u = 1.0 + x
    lost = np.minimum(x, LARGE) - (np.minimum(u, LARGE) - 1.0)
    lost /= np.maximum(u, UNIT)
    return log_of_piece(u) + lost


def tanh_of_piece(x: Array) -> Array:
    """``tanh(x) = -e / (2 + e)`` with ``e = exp(-2x) - 1``, for x above 0; it is odd."""
    k, e = reduced_expm1(-2.0 * np.minimum(np.abs(x), 22.0))
    power = np.ldexp(1.0, k.astype(np.int32))
    e = power * e + (power - 1.0)
    return np.sign(-x) * (e / (2.0 + e))


def reduced_expm1(x: Array) -> tuple[Array, Array]:
    """Whole numbers k, and ``exp(r) - 1`` where x = k ln(2) + r with r at most ln(2) / 2 in size."""
    k = x * INV_LN2
    k += ROUND
    k -= ROUND
    low = k * LN2_LOW
    high = k * LN2_HIGH
    np.subtract(x, high, out=high)
    r = high - low
    c = r * r
    c *= horner(c, EXP_SERIES)
    np.subtract(r, c, out=c)
    r *= c
    np.subtract(2.0, c, out=c)
    r /= c
    low -= r
    high -= low
    return k, high


def log_of_parts(f: Array, k: Array) -> Array:
    """``k ln(2) + log(1 + f)``."""
    s = f / (2.0 + f)
    z = s * s
    z *= horner(z, LOG_SERIES)
    half = 0.5 * f * f
    z += half
    s *= z
    s += k * LN2_LOW
    half -= s
    half -= f
    k *= LN2_HIGH
    k -= half
    return k


def horner(t: Array, series: tuple[float, ...]) -> Array:
    """``series[0] + t (series[1] + t (series[2] + ...))``."""
    total = t * series[-1]
    for coefficient in series[-2:0:-1]:
        total += coefficient
        total *= t
    total += series[0]
    return total
