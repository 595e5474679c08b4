"""Python's random numbers, its module ``random``, under the interface that R's twin has too.

Source: CPython 3.11, Lib/random.py. Python itself draws here.
Twin: r/R/generator_python.R, which makes the same draws in base R alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinnet.checks import check_argument, check_whole
from twinnet.generator_numpy import number_from_text
from twinnet.generator_numpy_legacy import (
    Size,
    check_drawn,
    check_large_whole,
    check_size,
    is_real,
    mt_follow,
    one_item,
)
from twinnet.mersenne_twister import mt_new, mt_set_state

__all__ = ["PythonRandom"]


class PythonRandom:
    """Python's generator, ``random.Random``.

    The methods have Python's names and arguments. Where Python makes one draw, `size` asks for an array of several,
    filled with the last index fastest.

    Parameters
    ----------
    seed : int or str
        A whole number of any size and sign (the sign does not matter), or its decimal (``"12345"``) or hexadecimal
        (``"0xffff"``) digits. Python's own seeding by text is another.

    Raises
    ------
    ValueError
        If an argument, here or of a method, is not what it must be: where Python raises an error.
    """

    def __init__(self, seed: int | str) -> None:
        self._original = random.Random(python_seed(seed))
        self._odometer = mt_new(*self._key_and_pos())

    def random(self, size: Size = None) -> Any:
        """Draw from the uniform distribution on [0, 1).

        Parameters
        ----------
        size : int or sequence of int, optional
            The shape of the result; a single draw unless given.

        Returns
        -------
        float or ndarray of float64
        """
        return draw_array(self._original.random, size)

    def uniform(self, a: float, b: float, size: Size = None) -> Any:
        """Draw from the uniform distribution between `a` and `b`.

        Parameters
        ----------
        a, b : float
            The limits.
        size : int or sequence of int, optional
            The shape of the result; a single draw unless given.

        Returns
        -------
        float or ndarray of float64
        """
        check_real(a, "a")
        check_real(b, "b")
        return draw_array(lambda: self._original.uniform(a, b), size)

    def gauss(self, mu: float = 0.0, sigma: float = 1.0, size: Size = None) -> Any:
        """Draw from the normal distribution. It makes two draws at a time, and the second is kept for the next call.

        Parameters
        ----------
        mu, sigma : float
            Mean and standard deviation.
        size : int or sequence of int, optional
            The shape of the result; a single draw unless given.

        Returns
        -------
        float or ndarray of float64
        """
        check_real(mu, "mu")
        check_real(sigma, "sigma")
        return draw_array(lambda: self._original.gauss(mu, sigma), size)

    def getrandbits(self, k: int, size: Size = None) -> Any:
        """Draw whole numbers of `k` bits.

        Parameters
        ----------
        k : int
            How many bits, at most 53, as R has no larger whole numbers.
        size : int or sequence of int, optional
            The shape of the result; a single draw unless given.

        Returns
        -------
        int or ndarray of int64
        """
        k = check_whole(k, "k", 0, 53)
        return draw_array(lambda: self._original.getrandbits(k), size, np.int64)

    def randrange(self, start: int, stop: int | None = None, step: int = 1, size: Size = None) -> Any:
        """Draw from a range: from `start` up to but not with `stop`, or from 0 up to but not with `start`.

        Parameters
        ----------
        start, stop, step : int
            The range.
        size : int or sequence of int, optional
            The shape of the result; a single draw unless given.

        Returns
        -------
        int or ndarray of int64
        """
        numbers = check_steps(start, stop, step)
        return draw_array(lambda: self._original.randrange(*numbers), size, np.int64)

    def randint(self, a: int, b: int, size: Size = None) -> Any:
        """Draw whole numbers from `a` to `b`, with both.

        Parameters
        ----------
        a, b : int
            The limits.
        size : int or sequence of int, optional
            The shape of the result; a single draw unless given.

        Returns
        -------
        int or ndarray of int64
        """
        a = check_large_whole(a, "a")
        check_argument(check_large_whole(b, "b") >= a, "b", b, "at least `a`")
        return self.randrange(a, int(b) + 1, 1, size)

    def choice(self, seq: Any) -> Any:
        """Draw one element.

        Parameters
        ----------
        seq : int or sequence
            What to draw from. A number n stands for ``range(n)``.

        Returns
        -------
        object
        """
        count = check_sequence(seq, "seq")
        check_argument(count > 0, "seq", seq, "not empty")
        return chosen(seq, [self._original.choice(range(count))])[0]

    def shuffle(self, x: Any) -> Any:
        """Return the elements in random order: a copy, where Python works in place.

        Parameters
        ----------
        x : int or sequence
            What to shuffle. A number n stands for ``range(n)``.

        Returns
        -------
        list or ndarray
        """
        order = list(range(check_sequence(x, "x")))
        self._original.shuffle(order)
        return chosen(x, order)

    def sample(self, population: Any, k: int) -> Any:
        """Draw `k` different elements.

        Parameters
        ----------
        population : int or sequence
            What to draw from. A number n stands for ``range(n)``.
        k : int
            How many.

        Returns
        -------
        list or ndarray
        """
        count = check_sequence(population, "population")
        k = check_whole(k, "k", 0)
        check_argument(k <= count, "k", k, f"at most {count}, the size of the population")
        return chosen(population, self._original.sample(range(count), k))

    def get_state(self) -> dict[str, Any]:
        """Return the state, which `set_state` of either language takes.

        Returns
        -------
        dict
            ``version``, ``key`` (624 words as float64), ``pos`` (how many of them have been read) and
            ``gauss_next``, as Python's ``getstate()`` has them; and ``drawn``, the count of words.
        """
        key, pos = self._key_and_pos()
        drawn = float(self.words_drawn())
        gauss_next = self._original.getstate()[2]
        return {"version": 3, "key": key.astype(np.float64), "pos": pos, "gauss_next": gauss_next, "drawn": drawn}

    def set_state(self, state: dict[str, Any]) -> PythonRandom:
        """Go on from a state that `get_state` returned.

        Parameters
        ----------
        state : dict
            The state, of either language's generator.

        Returns
        -------
        PythonRandom
            The generator itself.
        """
        check_whole(one_item(state["version"]), "version", 3, 3)
        pos = int(one_item(state["pos"]))
        mt_set_state(self._odometer, state["key"], pos)
        self._odometer.drawn = check_drawn(state.get("drawn"))
        words = [int(word) for word in state["key"]]
        gauss_next = None if state["gauss_next"] is None else float(one_item(state["gauss_next"]))
        self._original.setstate((3, (*words, pos), gauss_next))
        return self

    def words_drawn(self) -> int:
        """Return how many 32-bit words have been drawn since seeding."""
        return mt_follow(self._odometer, *self._key_and_pos())

    def _key_and_pos(self) -> tuple[NDArray[np.uint32], int]:
        """The Mersenne Twister's state."""
        *key, pos = self._original.getstate()[1]
        return np.array(key, dtype=np.uint32), pos


def python_seed(seed: Any) -> int:
    """Return a seed as the number that it is."""
    check_argument(np.ndim(seed) == 0 and seed is not None, "seed", seed, "a whole number")
    if isinstance(seed, str):
        return number_from_text(seed.removeprefix("-"), "seed")
    return check_large_whole(seed, "seed")


def check_real(value: float, name: str) -> None:
    """Check a number; Python lets it be NaN or infinite."""
    check_argument(is_real(value), name, value, "a number")


def check_steps(start: int, stop: int | None, step: int) -> tuple[int, int, int]:
    """Return the start, stop and step of a range that is not empty."""
    start = check_large_whole(start, "start")
    step = check_large_whole(step, "step")
    if stop is None:
        check_argument(start > 0, "start", start, "above 0 without `stop`")
        check_argument(step == 1, "step", step, "1 without `stop`")
        return 0, start, 1
    stop = check_large_whole(stop, "stop")
    check_argument(step != 0, "step", step, "a whole number other than 0")
    must_be = f"beyond `start`, {start:.15g}, in the direction of `step`"
    check_argument(len(range(start, stop, step)) > 0, "stop", stop, must_be)
    return start, stop, step


def check_sequence(x: Any, name: str) -> int:
    """Return how many elements a sequence has, or a number stands for."""
    check_argument(np.ndim(x) < 2, name, x, "a vector or a whole number of at least 0")
    return check_whole(x, name, 0) if np.ndim(x) == 0 else len(x)


# --- what only Python needs ---


def draw_array(draw: Callable[[], Any], size: Size, dtype: type = np.float64) -> Any:
    """Return a single draw, or an array of draws."""
    count = check_size(size)
    if size is None:
        return draw()
    return np.array([draw() for _ in range(count)], dtype=dtype).reshape(size)


def chosen(x: Any, positions: list[int]) -> Any:
    """Return the elements at these positions, or the positions themselves where `x` is a number."""
    if np.ndim(x) == 0:
        return positions
    return x[positions] if isinstance(x, np.ndarray) else [x[position] for position in positions]
