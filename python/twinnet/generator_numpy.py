"""NumPy's random numbers, ``numpy.random.default_rng``, under the interface that R's twin has too.

Source: NumPy 2.4.6, numpy/random/_generator.pyx and bit_generator.pyx. NumPy itself draws here; it promises no
stream across versions for these draws.
Twin: r/R/generator_numpy.R, which makes the same draws in base R alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twinnet._types import AnyArray, Array
from twinnet.checks import check_argument, check_choice, check_flag, check_whole
from twinnet.generator_numpy_legacy import (
    Size,
    check_drawn,
    check_large_whole,
    check_limits,
    check_location_scale,
    check_permutable,
    check_population,
    check_range,
    check_size,
    one_item,
)

__all__ = ["NumpyGenerator", "SeedSequence"]

Seed: TypeAlias = int | str | Sequence[int | str] | NDArray[Any]
INTEGER_TYPES = ["int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool"]
PCG_MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645


class SeedSequence:
    """Mix a seed into as many words as are asked for, ``numpy.random.SeedSequence``.

    Parameters
    ----------
    entropy : int, str, or sequence of them
        Whole numbers of at least 0, of any size: as ints, or as strings in decimal (``"12345"``) or hexadecimal
        (``"0xffff"``) digits.
    spawn_key : sequence of int
        The places of this sequence and its ancestors among their siblings.
    pool_size : int
        How many words are mixed, at least 4.
    n_children_spawned : int
        How many children there are already.

    Raises
    ------
    ValueError
        If an argument, here or of a method, is not what it must be.
    """

    def __init__(
        self, entropy: Seed, spawn_key: Sequence[int] = (), pool_size: int = 4, n_children_spawned: int = 0
    ) -> None:
        self._original = np.random.SeedSequence(
            check_seed(entropy, "entropy"),
            spawn_key=[check_seed(key, "spawn_key") for key in spawn_key],
            pool_size=check_whole(pool_size, "pool_size", 4),
            n_children_spawned=check_whole(n_children_spawned, "n_children_spawned", 0),
        )
        self.entropy = entropy
        self.spawn_key = tuple(spawn_key)
        self.pool_size = pool_size

    @property
    def n_children_spawned(self) -> int:
        """How many children there are already."""
        return int(self._original.n_children_spawned)

    def generate_state(self, n_words: int) -> NDArray[np.uint32]:
        """Return words mixed of the seed.

        Parameters
        ----------
        n_words : int
            How many.

        Returns
        -------
        ndarray of uint32, shape (n_words,)
        """
        return self._original.generate_state(check_whole(n_words, "n_words", 0)).astype(np.uint32)

    def spawn(self, n_children: int) -> list[SeedSequence]:
        """Return further seed sequences, new ones at every call.

        Parameters
        ----------
        n_children : int
            How many.

        Returns
        -------
        list of SeedSequence
        """
        children = self._original.spawn(check_whole(n_children, "n_children", 0))
        return [SeedSequence(self.entropy, child.spawn_key, self.pool_size) for child in children]


class NumpyGenerator:
    """NumPy's generator, ``numpy.random.default_rng``.

    The methods have NumPy's names and arguments. Limits, `loc` and `scale` are one number each, where NumPy
    would also take arrays, and `choice` draws from vectors only.

    Parameters
    ----------
    seed : int, str, sequence of them, or SeedSequence
        What `SeedSequence` takes as its entropy, or a seed sequence.

    Raises
    ------
    ValueError
        If an argument, here or of a method, is not what it must be: where NumPy raises an error.
    """

    def __init__(self, seed: Seed | SeedSequence) -> None:
        self._sequence = seed if isinstance(seed, SeedSequence) else SeedSequence(check_seed(seed))
        self._bits = np.random.PCG64(self._sequence._original)
        self._original = np.random.Generator(self._bits)
        self._counted_from = self._bits.state["state"]["state"]
        self._counted = 0

    def random(self, size: Size = None, dtype: str = "float64") -> Any:
        """Draw from the uniform distribution on [0, 1).

        Parameters
        ----------
        size : int or sequence of int, optional
            The shape of the result; a single draw unless given.
        dtype : {"float64", "float32"}
            Draws of 53 bits, or of 24.

        Returns
        -------
        float or ndarray
        """
        check_choice(dtype, "dtype", ["float64", "float32"])
        check_size(size)
        random: Any = self._original.random
        return random(size, dtype)

    def uniform(self, low: float = 0.0, high: float = 1.0, size: Size = None) -> float | Array:
        """Draw from the uniform distribution on [low, high).

        Parameters
        ----------
        low, high : float
            The limits.
        size : int or sequence of int, optional
            The shape of the result; a single draw unless given.

        Returns
        -------
        float or ndarray of float64
        """
        spread = check_range(low, high)
        check_argument(math.copysign(1, spread) > 0, "high", high, "at least `low`")
        check_size(size)
        return self._original.uniform(low, high, size)

    def standard_normal(self, size: Size = None) -> float | Array:
        """Draw from the standard normal distribution, by a ziggurat.

        Parameters
        ----------
        size : int or sequence of int, optional
            The shape of the result; a single draw unless given.

        Returns
        -------
        float or ndarray of float64
        """
        check_size(size)
        return self._original.standard_normal(size)

    def normal(self, loc: float = 0.0, scale: float = 1.0, size: Size = None) -> float | Array:
        """Draw from the normal distribution.

        Parameters
        ----------
        loc, scale : float
            Mean and standard deviation.
        size : int or sequence of int, optional
            The shape of the result; a single draw unless given.

        Returns
        -------
        float or ndarray of float64
        """
        check_location_scale(loc, scale)
        check_size(size)
        return self._original.normal(loc, scale, size)

    def standard_exponential(self, size: Size = None) -> float | Array:
        """Draw from the standard exponential distribution, by a ziggurat.

        Parameters
        ----------
        size : int or sequence of int, optional
            The shape of the result; a single draw unless given.

        Returns
        -------
        float or ndarray of float64
        """
        check_size(size)
        return self._original.standard_exponential(size)

    def exponential(self, scale: float = 1.0, size: Size = None) -> float | Array:
        """Draw from the exponential distribution.

        Parameters
        ----------
        scale : float
            The mean.
        size : int or sequence of int, optional
            The shape of the result; a single draw unless given.

        Returns
        -------
        float or ndarray of float64
        """
        check_location_scale(0.0, scale)
        check_size(size)
        return self._original.exponential(scale, size)

    def integers(
        self,
        low: int,
        high: int | None = None,
        size: Size = None,
        dtype: str = "int64",
        endpoint: bool = False,
    ) -> Any:
        """Draw whole numbers from `low` to `high` - 1, or from 0 to `low` - 1.

        Parameters
        ----------
        low, high : int
            The limits. They do not matter if nothing is drawn.
        size : int or sequence of int, optional
            The shape of the result; a single draw unless given.
        dtype : str
            The type, one of ``"int64"``, ``"int32"``, ``"int16"``, ``"int8"``, the same with ``u``, and
            ``"bool"``. The stream depends on it.
        endpoint : bool
            Whether `high` (or `low`, if it is the upper limit) may be drawn too.

        Returns
        -------
        int or ndarray
        """
        check_choice(dtype, "dtype", INTEGER_TYPES)
        check_flag(endpoint, "endpoint")
        if check_size(size) > 0:
            lowest, highest = (0, 1) if dtype == "bool" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
            check_limits(low, high, endpoint, int(lowest), int(highest))
        integers: Any = self._original.integers
        return integers(low, high, size, dtype, endpoint)

    def permutation(self, x: int | ArrayLike) -> AnyArray:
        """Return the numbers 0 to `x` - 1, the elements of `x` or its rows in random order.

        Parameters
        ----------
        x : int or array_like
            A count, or what to permute along its first axis.

        Returns
        -------
        ndarray
        """
        return self._original.permutation(check_permutable(x))

    def shuffle(self, x: ArrayLike) -> AnyArray:
        """Return the elements of `x`, or its rows, in random order: a copy, where NumPy works in place.

        Parameters
        ----------
        x : array_like
            What to shuffle along its first axis.

        Returns
        -------
        ndarray
        """
        shuffled = np.array(x)
        self._original.shuffle(shuffled)
        return shuffled

    def choice(
        self,
        a: int | ArrayLike,
        size: Size = None,
        replace: bool = True,
        p: ArrayLike | None = None,
        shuffle: bool = True,
    ) -> Any:
        """Draw elements of a vector.

        Parameters
        ----------
        a : int or array_like, shape (m,)
            What to draw from. A number stands for 0, 1, ..., a - 1.
        size : int or sequence of int, optional
            The shape of the result; a single draw unless given.
        replace : bool
            Whether an element may be drawn again.
        p : array_like, shape (m,), optional
            The elements' probabilities.
        shuffle : bool
            Whether draws without replacement are in random order.

        Returns
        -------
        scalar or ndarray
        """
        check_population(a, check_size(size), check_flag(replace, "replace"), p)
        check_flag(shuffle, "shuffle")
        choice: Any = self._original.choice
        return choice(a, size, replace, p, shuffle=shuffle)

    def spawn(self, n_children: int) -> list[NumpyGenerator]:
        """Return independent generators, new ones at every call.

        Parameters
        ----------
        n_children : int
            How many.

        Returns
        -------
        list of NumpyGenerator
        """
        return [NumpyGenerator(child) for child in self._sequence.spawn(n_children)]

    def get_state(self) -> dict[str, Any]:
        """Return the state as NumPy's ``bit_generator.state`` has it, with the count of words beside it.

        Returns
        -------
        dict
            ``bit_generator``, ``state`` (``state`` and ``inc``, numbers of 128 bits as strings of decimal digits),
            ``has_uint32``, ``uinteger`` and ``drawn``.
        """
        state: Any = self._bits.state
        inner = {key: str(number) for key, number in state["state"].items()}
        half = float(state["uinteger"])  # R's integers end at 2^31 - 1
        return {**state, "state": inner, "uinteger": half, "drawn": float(self.words_drawn())}

    def set_state(self, state: dict[str, Any]) -> NumpyGenerator:
        """Go on from a state, of `get_state` in either language or of NumPy's own.

        Parameters
        ----------
        state : dict
            The state. NumPy's own has no count of words, which then starts anew.

        Returns
        -------
        NumpyGenerator
            The generator itself.
        """
        check_choice(one_item(state["bit_generator"]), "bit_generator", ["PCG64"])
        drawn = check_drawn(state.get("drawn"))
        half = check_whole(one_item(state["uinteger"]), "uinteger", 0, 2**32 - 1)
        inner = {key: number_128(state["state"][key], key) for key in ["state", "inc"]}
        flag = int(one_item(state["has_uint32"]))
        own: Any = {"bit_generator": "PCG64", "state": inner, "has_uint32": flag, "uinteger": half}
        self._bits.state = own
        self._counted_from = inner["state"]
        self._counted = drawn
        return self

    def words_drawn(self) -> int:
        """Return how many 64-bit words have been drawn since seeding."""
        inner: Any = self._bits.state["state"]
        self._counted += pcg_distance(self._counted_from, inner["state"], inner["inc"])
        self._counted_from = inner["state"]
        return self._counted


def check_seed(seed: Any, name: str = "seed") -> Any:
    """Return a seed as NumPy takes it: whole numbers, or digits as whole numbers, or a list of them."""
    check_argument(seed is not None, name, seed, "whole numbers of at least 0")
    if np.ndim(seed) > 0:
        return [check_seed(item, name) for item in seed]
    if isinstance(seed, str):
        return number_from_text(seed, name)
    return check_large_whole(np.asarray(seed).item(), name, 0)


# --- what only Python needs ---


def number_from_text(text: str, name: str) -> int:
    """Return the number that decimal digits stand for, or hexadecimal digits after 0x."""
    digits = re.fullmatch("[0-9]+|0x[0-9a-fA-F]+", text)
    check_argument(digits is not None, name, text, "digits, or 0x and hexadecimal digits")
    return int(text, 16 if text.startswith("0x") else 10)


def number_128(value: Any, name: str) -> int:
    """Return a number of 128 bits from a state, where it is an int or its digits."""
    item = one_item(value) if isinstance(value, np.ndarray) else value
    number = number_from_text(item, name) if isinstance(item, str) else int(item)
    check_argument(0 <= number < 2**128, name, str(number), "below 2^128")
    return number


def pcg_distance(start: int, end: int, increment: int) -> int:
    """Return how many steps of PCG64 lead from one state to another, found bit by bit from the lowest.

    A jump of 2^k steps leaves the k lowest bits as they are and changes the next one.
    Source: pcg-cpp's ``pcg_random.hpp``, ``distance``.
    """
    distance = 0
    multiplier = PCG_MULTIPLIER
    for k in range(128):
        if (start ^ end) >> k & 1:
            start = (start * multiplier + increment) % 2**128
            distance |= 1 << k
        increment = increment * (multiplier + 1) % 2**128
        multiplier = multiplier * multiplier % 2**128
    return distance
