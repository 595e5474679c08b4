"""Whether this machine's arithmetic is what the exact kernels are proven for; where it is not, they are refused.

Asked once, at the first use; it takes less than a millisecond. Twin: r/R/exact_check.R.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from twinnet._types import Array

__all__ = ["exact_check"]


def exact_check(
    add: Callable[[Array, Array], Array],
    multiply: Callable[[Array, Array], Array],
    matmul: Callable[[Array, Array], Array],
) -> None:
    """Return nothing if the arithmetic is sound.

    Parameters
    ----------
    add, multiply : callable
        Sum and product of two vectors, element by element.
    matmul : callable
        Product of two matrices.

    Raises
    ------
    RuntimeError
        Names what the arithmetic does otherwise.
    """
    one, u, small = np.ones(64), 2.0**-53, 2.0**-1060  # 64 numbers: a processor adds several at a time
    for sound, fault in (
        (
            all_equal(add(one, u * one), 1.0)
            and all_equal(add((1.0 + 2.0 * u) * one, u * one), 1.0 + 4.0 * u)
            and all_equal(add(-one, 1.5 * u * one), 1.5 * u - 1.0),
            "sums are not rounded to the nearest number",
        ),
        (
            all_equal(add(one, (u + 2.0**-78) * one), 1.0 + 2.0 * u),
            "sums are rounded twice, as by arithmetic in extended precision",
        ),
        (
            all_equal(multiply(2.0**-1000 * one, 2.0**-60 * one), small)
            and all_equal(multiply(small * one, 2.0**60 * one), 2.0**-1000),
            "numbers below 2^-1022 are flushed to zero",
        ),
        (
            all_equal(multiply((1.0 + 2.0**-30) * one, (1.0 + 2.0**-30) * one), 1.0 + 2.0**-29),
            "products are not rounded to the nearest number",
        ),
        (
            matmul_is_exact(matmul),
            "the BLAS rounds where it need not: its product of whole numbers that fit is not exact",
        ),
    ):
        if not sound:
            raise RuntimeError(f"There is no exact arithmetic on this machine: {fault}.")


def all_equal(x: Array, value: float) -> bool:
    """Whether every element is `value`."""
    return bool((x == value).all())


def matmul_is_exact(matmul: Callable[[Array, Array], Array]) -> bool:
    """Whether products of matrices of whole numbers are exact, where every sum of terms stays below 2^53."""
    numbers = 2.0**22 - np.arange(40)
    a = np.repeat(numbers[:, np.newaxis], 192, axis=1)
    expected = 192.0 * (numbers[:, np.newaxis] * numbers)
    product = matmul(a, a.T)
    signs = np.tile([1.0, -1.0], 96)
    return bool((product == expected).all()) and bool((matmul(a * signs, a.T) == 0.0).all())
