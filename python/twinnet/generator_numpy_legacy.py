"""NumPy's legacy random numbers, ``numpy.random.RandomState``, under the interface that R's twin has too.

The words are the Mersenne Twister's; what is made of them never changes any more (NumPy's NEP 19).
Source: NumPy 2.4.6, numpy/random/mtrand.pyx. NumPy itself draws here.
Twin: r/R/generator_numpy_legacy.R, which makes the same draws in base R alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twinnet._types import AnyArray, Array, IntArray
from twinnet.checks import check_argument, check_choice, check_flag, check_number, check_whole
from twinnet.mersenne_twister import MtStream, check_words, mt_new, mt_set_state, mt_words

__all__ = ["NumpyRandomState"]

Size: TypeAlias = int | Sequence[int] | None


class NumpyRandomState:
    """NumPy's legacy generator, ``numpy.random.RandomState``.

    The methods have NumPy's names and arguments. Limits, `loc` and `scale` are one number each, where NumPy
    would also take arrays.

    Parameters
    ----------
    seed : int or sequence of int
        A whole number from 0 to 2^32 - 1, or several of them.

    Raises
    ------
    ValueError
        If an argument, here or of a method, is not what it must be: where NumPy raises an error.
    """

    def __init__(self, seed: int | Sequence[int] | NDArray[Any]) -> None:
        self._original = np.random.RandomState(numpy_legacy_seed(seed))
        state = self._original.get_state(legacy=False)["state"]
        self._odometer = mt_new(state["key"], state["pos"])

    def random(self, size: Size = None) -> float | Array:
        """Draw from the uniform distribution on [0, 1).

        Parameters
        ----------
        size : int or sequence of int, optional
            The shape of the result; a single draw unless given.

        Returns
        -------
        float or ndarray of float64
        """
        check_size(size)
        return self._original.random_sample(size)

    def uniform(self, low: float = 0.0, high: float = 1.0, size: Size = None) -> float | Array:
        """Draw from the uniform distribution on [low, high).

        Parameters
        ----------
        low, high : float
            The limits; `high` may lie below `low`.
        size : int or sequence of int, optional
            The shape of the result; a single draw unless given.

        Returns
        -------
        float or ndarray of float64
        """
        check_range(low, high)
        check_size(size)
        return self._original.uniform(low, high, size)

    def standard_normal(self, size: Size = None) -> float | Array:
        """Draw from the standard normal distribution, by the polar method.

        It makes two draws at a time, and the second is kept for the next call.

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

    def randn(self, *size: int) -> float | Array:
        """Draw from the standard normal distribution.

        Parameters
        ----------
        *size : int
            The shape of the result; a single draw unless given.

        Returns
        -------
        float or ndarray of float64
        """
        return self.standard_normal(size or None)

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

    def randint(self, low: int, high: int | None = None, size: Size = None) -> int | IntArray:
        """Draw whole numbers from `low` to `high` - 1, or from 0 to `low` - 1.

        Parameters
        ----------
        low, high : int
            The limits. They do not matter if nothing is drawn.
        size : int or sequence of int, optional
            The shape of the result; a single draw unless given.

        Returns
        -------
        int or ndarray of int64
        """
        if check_size(size) > 0:
            check_limits(low, high)
        return self._original.randint(low, high, size, dtype=np.int64)

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

    def choice(self, a: int | ArrayLike, size: Size = None, replace: bool = True, p: ArrayLike | None = None) -> Any:
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

        Returns
        -------
        scalar or ndarray
        """
        check_population(a, check_size(size), check_flag(replace, "replace"), p)
        choice: Any = self._original.choice  # NumPy's annotations cover a part of what it takes
        return choice(a, size, replace, p)

    def get_state(self) -> dict[str, Any]:
        """Return the state as NumPy's ``get_state(legacy=False)`` has it, with the count of words beside it.

        Returns
        -------
        dict
            ``bit_generator``, ``state`` (``key``, 624 words as float64, and ``pos``, how many of them have
            been read), ``has_gauss``, ``gauss`` and ``drawn``. NumPy's own ``set_state`` takes it too.
        """
        state: dict[str, Any] = self._original.get_state(legacy=False)
        state["state"]["key"] = state["state"]["key"].astype(np.float64)  # R's integers end at 2^31 - 1
        return {**state, "drawn": float(self.words_drawn())}

    def set_state(self, state: dict[str, Any]) -> NumpyRandomState:
        """Go on from a state, of `get_state` in either language or of NumPy's own.

        Parameters
        ----------
        state : dict
            The state. NumPy's own has no count of words, which then starts anew.

        Returns
        -------
        NumpyRandomState
            The generator itself.
        """
        check_choice(one_item(state["bit_generator"]), "bit_generator", ["MT19937"])
        inner = {"key": state["state"]["key"], "pos": int(one_item(state["state"]["pos"]))}
        mt_set_state(self._odometer, inner["key"], inner["pos"])
        self._odometer.drawn = check_drawn(state.get("drawn"))
        gauss = {"has_gauss": int(one_item(state["has_gauss"])), "gauss": float(one_item(state["gauss"]))}
        self._original.set_state({"bit_generator": "MT19937", "state": inner, **gauss})
        return self

    def words_drawn(self) -> int:
        """Return how many 32-bit words have been drawn since seeding."""
        state = self._original.get_state(legacy=False)["state"]
        return mt_follow(self._odometer, state["key"], state["pos"])


def numpy_legacy_seed(seed: Any) -> int | list[int]:
    """Return the seed as NumPy takes it: a number, or a sequence. An array of one number is that number."""
    if isinstance(seed, np.ndarray):
        seed = seed.squeeze()
    if np.ndim(seed) == 0:
        return check_whole(seed.item() if isinstance(seed, np.ndarray) else seed, "seed", 0, 2**32 - 1)
    words: list[int] = check_words(seed, "seed").tolist()
    return words


# --- what NumPy's two generators share: the checks of their arguments ---


def check_size(size: Size) -> int:
    """Return how many draws make up an array of this shape."""
    sizes: list[Any] = [] if size is None else np.atleast_1d(np.asarray(size)).tolist()
    whole = all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in sizes)
    check_argument(whole, "size", size, "whole numbers of at least 0")
    return math.prod(sizes)


def check_range(low: float, high: float) -> float:
    """Return ``high - low``, which must not overflow."""
    spread = check_number(high, "high") - check_number(low, "low")
    check_argument(math.isfinite(spread), "high", high, "less than the largest double away from `low`")
    return spread


def check_location_scale(loc: float, scale: float) -> None:
    """Check a mean and a standard deviation; NumPy lets them be NaN or infinite."""
    check_argument(is_real(loc), "loc", loc, "a number")
    negative = is_real(scale) and not math.isnan(scale) and math.copysign(1, scale) < 0  # so is -0 to NumPy
    check_argument(is_real(scale) and not negative, "scale", scale, "a number that is not negative")


def check_limits(
    low: int, high: int | None, endpoint: bool = False, minimum: int = -(2**63), maximum: int = 2**63 - 1
) -> tuple[int, int]:
    """Return the lowest number to draw and how far the highest lies above it."""
    name = "low" if high is None else "high"
    upper = check_large_whole(low if high is None else high, name)
    low = 0 if high is None else check_large_whole(low, "low", minimum)
    highest = upper if endpoint else upper - 1
    check_argument(highest >= low, name, upper, f"{'at least' if endpoint else 'above'} {low:.15g}")
    largest = maximum if endpoint else maximum + 1
    check_argument(highest <= maximum, name, upper, f"at most {largest:.15g}")
    return low, highest - low


def check_population(a: int | ArrayLike, n: int, replace: bool, p: ArrayLike | None) -> int:
    """Return the size of the population `a`: its length, or the number that it is."""
    values = np.asarray(a)
    check_argument(values.ndim < 2, "a", a, "a vector or a whole number")
    population = check_whole(a, "a") if values.ndim == 0 else values.size
    wanted = "above 0" if values.ndim == 0 else "not empty"
    check_argument(population > 0 or n == 0, "a", a, f"{wanted} unless nothing is drawn")
    if p is not None:
        check_choice_weights(p, population)
    check_argument(replace or n <= max(population, 0), "size", n, f"at most {population} without replacement")
    if not replace and p is not None:
        possible = int(np.count_nonzero(np.asarray(p) > 0))
        must_be = f"at most {possible}, the number of elements of `p` above 0"
        check_argument(n <= possible, "size", n, must_be)
    return population


def check_choice_weights(p: ArrayLike, population: int) -> None:
    """Check probabilities as NumPy does: Kahan's sum of them may differ from 1 by sqrt(2^-52)."""
    values = np.asarray(p, dtype=np.float64)
    check_argument(values.ndim == 1, "p", p, "a vector of probabilities")
    check_argument(values.size == population, "p", p, f"as long as the population, {population}")
    check_argument(bool(np.all(values >= 0)), "p", p, "numbers of at least 0")
    total = compensated_sum(values.tolist())
    check_argument(abs(total - 1) <= 2**-26, "p", p, "probabilities whose sum is 1")


def check_drawn(drawn: Any) -> int:
    """Return the count of words in a state; NumPy's own states have none."""
    return 0 if drawn is None else check_whole(one_item(drawn), "drawn", 0)


def compensated_sum(values: list[float]) -> float:
    """Return Kahan's sum: what an addition rounds off is taken from the next term."""
    total = 0.0
    lost = 0.0
    for term in values:
        corrected = term - lost
        longer = total + corrected
        lost = (longer - total) - corrected
        total = longer
    return total


# --- what only Python needs ---


def check_permutable(x: int | ArrayLike) -> Any:
    """Return `x` as NumPy permutes it: a whole number as an int, anything else as an array."""
    return check_whole(x, "x") if np.ndim(x) == 0 else np.asarray(x)


def check_large_whole(value: Any, name: str, minimum: int | None = None) -> int:
    """Return `value` as an int if it is one whole number, be it beyond 2^53, where Python's numbers go on."""
    lowest, highest = (value, value) if isinstance(value, (int, np.integer)) else (0, 0)
    lowest = min(lowest, -(2**53)) if minimum is None else minimum
    return check_whole(value, name, int(lowest), int(max(highest, 2**53)))


def is_real(value: Any) -> bool:
    """Whether a value is a number."""
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_))


def one_item(value: Any) -> Any:
    """Return the one value of a state's entry; R keeps it as a vector of length 1."""
    return np.asarray(value).item()


def mt_follow(stream: MtStream, key: NDArray[np.uint32], pos: int) -> int:
    """Move a stream on until it has this key and position, and return its count of words."""
    while not np.array_equal(stream.bit_generator.state["state"]["key"], key):
        read = stream.bit_generator.state["state"]["pos"]
        mt_words(stream, 624 - read + 1)  # the first word of the next 624
    mt_words(stream, pos - stream.bit_generator.state["state"]["pos"])
    return stream.drawn
