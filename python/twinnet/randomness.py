"""Random arrays from whichever generator is passed in: what training, dropout and augmentation draw.

Each function calls the method that the original's users would call, so a stream stays that of R, NumPy or PyTorch:

=============== ================ ===================== ===================== ==============
function        RGenerator       NumpyGenerator        NumpyRandomState      TorchGenerator
=============== ================ ===================== ===================== ==============
random_uniform  runif            random                random                rand
random_normal   rnorm            standard_normal       standard_normal       randn
random_integers sample_int       integers              randint               randint
random_order    sample_int       permutation           permutation           randperm
random_mask     runif(n) < 1 - p random(shape) < 1 - p random(shape) < 1 - p dropout_mask
=============== ================ ===================== ===================== ==============

R's generator fills an array column by column, the others row by row; the same index means the same element in both
languages. Twin: r/R/randomness.R.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from twinnet._types import Array, IntArray
from twinnet.arrays import fill_by_column
from twinnet.checks import check_argument, check_choice, check_number, check_whole
from twinnet.generator_numpy import NumpyGenerator
from twinnet.generator_numpy_legacy import NumpyRandomState
from twinnet.generator_r import RGenerator
from twinnet.generator_torch import TorchGenerator

__all__ = ["random_integers", "random_mask", "random_normal", "random_order", "random_uniform"]

Generator: TypeAlias = RGenerator | NumpyGenerator | NumpyRandomState | TorchGenerator


def random_uniform(generator: Generator, shape: int | Sequence[int], dtype: str = "float64") -> Array:
    """Draw from the uniform distribution on (0, 1) (R) or [0, 1) (the others).

    Parameters
    ----------
    generator : RGenerator, NumpyGenerator, NumpyRandomState or TorchGenerator
    shape : int or sequence of int
        Sizes of the array.
    dtype : {"float64", "float32"}
        What PyTorch draws the numbers as; the others draw float64 only.

    Returns
    -------
    array of that shape
        In float64, also the numbers drawn as float32.

    Raises
    ------
    ValueError
        If an argument is not what it must be.
    """
    sizes = check_draw(generator, shape, dtype=dtype)
    match generator:
        case RGenerator():
            return fill_by_column(generator.runif(math.prod(sizes)), sizes)
        case NumpyGenerator() | NumpyRandomState():
            return np.asarray(generator.random(sizes))
        case TorchGenerator():
            return generator.rand(sizes, dtype).astype(np.float64)


def random_normal(generator: Generator, shape: int | Sequence[int], dtype: str = "float64") -> Array:
    """Draw from the standard normal distribution.

    Parameters
    ----------
    generator : RGenerator, NumpyGenerator, NumpyRandomState or TorchGenerator
    shape : int or sequence of int
        Sizes of the array.
    dtype : {"float64", "float32"}
        What PyTorch draws the numbers as; the others draw float64 only.

    Returns
    -------
    array of that shape
        In float64, also the numbers drawn as float32.

    Raises
    ------
    ValueError
        If an argument is not what it must be.
    """
    sizes = check_draw(generator, shape, dtype=dtype)
    match generator:
        case RGenerator():
            return fill_by_column(generator.rnorm(math.prod(sizes)), sizes)
        case NumpyGenerator() | NumpyRandomState():
            return np.asarray(generator.standard_normal(sizes))
        case TorchGenerator():
            return generator.randn(sizes, dtype).astype(np.float64)


def random_integers(generator: Generator, low: int, high: int, size: int | Sequence[int]) -> IntArray:
    """Draw whole numbers from `low` to ``high - 1``, each as likely as the others.

    Parameters
    ----------
    generator : RGenerator, NumpyGenerator, NumpyRandomState or TorchGenerator
    low, high : int
        The limits, up to 2^52 in size; `high` is excluded.
    size : int or sequence of int
        Sizes of the array.

    Returns
    -------
    array of int64, of that shape

    Raises
    ------
    ValueError
        If an argument is not what it must be.
    """
    sizes = check_draw(generator, size, "size")
    low = check_whole(low, "low", minimum=-(2**52), maximum=2**52)
    high = check_whole(high, "high", minimum=low + 1, maximum=2**52)
    match generator:
        case RGenerator():
            drawn = generator.sample_int(high - low, math.prod(sizes), replace=True)
            return fill_by_column(drawn - 1 + low, sizes)
        case NumpyGenerator():
            return np.asarray(generator.integers(low, high, sizes))
        case NumpyRandomState():
            return np.asarray(generator.randint(low, high, sizes))
        case TorchGenerator():
            return generator.randint(low, high, sizes)


def random_order(generator: Generator, n: int) -> IntArray:
    """Draw an order in which to visit `n` rows.

    Parameters
    ----------
    generator : RGenerator, NumpyGenerator, NumpyRandomState or TorchGenerator
    n : int
        How many rows.

    Returns
    -------
    array of int64, shape (n,)
        Row numbers, from 0.

    Raises
    ------
    ValueError
        If an argument is not what it must be.
    """
    check_generator(generator)
    n = check_whole(n, "n", minimum=0)
    match generator:
        case RGenerator():
            return generator.sample_int(n) - 1
        case NumpyGenerator() | NumpyRandomState():
            return np.asarray(generator.permutation(n))
        case TorchGenerator():
            return generator.randperm(n)


def random_mask(generator: Generator, shape: int | Sequence[int], p: float) -> Array:
    """Draw what dropout keeps: 1 with probability ``1 - p``, else 0.

    Parameters
    ----------
    generator : RGenerator, NumpyGenerator, NumpyRandomState or TorchGenerator
    shape : int or sequence of int
        Sizes of the array.
    p : float
        The probability of 0, from 0 to 1.

    Returns
    -------
    array of that shape

    Raises
    ------
    ValueError
        If an argument is not what it must be.
    """
    sizes = check_draw(generator, shape)
    p = check_number(p, "p", minimum=0, maximum=1)
    match generator:
        case TorchGenerator():
            return generator.dropout_mask(sizes, p, "float64")
        case _:
            return np.asarray(random_uniform(generator, sizes) < 1 - p, dtype=np.float64)


def check_generator(generator: Any) -> None:
    """Check that a generator is of a known kind."""
    kinds = (RGenerator, NumpyGenerator, NumpyRandomState, TorchGenerator)
    must_be = "one of " + ", ".join(kind.__name__ for kind in kinds)
    check_argument(isinstance(generator, kinds), "generator", generator, must_be)


def check_draw(generator: Any, shape: Any, name: str = "shape", dtype: str = "float64") -> tuple[int, ...]:
    """Return the sizes of the array to draw, if the generator is known and draws that dtype."""
    check_generator(generator)
    check_choice(dtype, "dtype", ("float64", "float32") if isinstance(generator, TorchGenerator) else ("float64",))
    sizes = [shape] if np.ndim(shape) == 0 else shape
    check_argument(len(sizes) > 0, name, sizes, "at least one whole number")
    return tuple(check_whole(size, name, minimum=0) for size in sizes)
