"""R's random numbers: ``set.seed``, ``runif``, ``rnorm``, ``rexp``, ``rbinom`` and ``sample``, bit for bit.

R's default generator: Mersenne-Twister, Inversion, and either kind of sampling (Rejection since R 3.6.0,
Rounding before). Source: R 4.2.2, `?RNG`, src/main/RNG.c, src/main/random.c and src/nmath; what R does inside
itself is in _r_algorithms.py.
Twin: r/R/generator_r.R, in which R itself draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twinnet._r_algorithms import (
    INT_MAX,
    binom_rand,
    exp_rand,
    norm_rand,
    sample_distinct,
    sample_permuted,
    sample_weighted,
    unif_index,
    unif_rand,
)
from twinnet._types import AnyArray, Array, IntArray
from twinnet.checks import check_argument, check_choice, check_flag, check_number, check_whole
from twinnet.mersenne_twister import MtStream, mt_new, mt_seed_r, mt_set_state, mt_state, unboxed

__all__ = ["RGenerator"]

# What `.Random.seed` begins with: 3 Mersenne-Twister, 400 Inversion, 10000 Rejection.
KIND_CODES = {"Rejection": 10403, "Rounding": 403}


class RGenerator:
    """A generator that draws what R draws after ``set.seed(seed)``.

    The names and arguments of its methods are those of R's functions. Numeric arguments (`mean`, `sd`, ...)
    are recycled, and the fraction of a count (`n`, and `size` of a sample) is dropped, as in R.

    Parameters
    ----------
    seed : int
        A whole number from -(2^31 - 1) to 2^31 - 1.
    sample_kind : {"Rejection", "Rounding"}
        How a sample's indices are made of words: as R does since 3.6.0, or as it did before.

    Raises
    ------
    ValueError
        If an argument, here or of a method, is not what it must be. Where R warns and returns NaN, that is an
        error here.
    """

    def __init__(self, seed: int, sample_kind: str = "Rejection") -> None:
        self._stream = mt_new(mt_seed_r(seed))
        self._sample_kind = check_choice(sample_kind, "sample_kind", list(KIND_CODES))

    def runif(self, n: float, min: ArrayLike = 0, max: ArrayLike = 1) -> Array:
        """Draw from the uniform distribution.

        Parameters
        ----------
        n : int
            How many.
        min, max : float or array_like
            The limits. Where they are equal, no word is used.

        Returns
        -------
        ndarray of float64, shape (n,)
        """
        n = check_r_count(n, "n")
        low = recycle_to(check_r_numbers(min, "min", "finite numbers", np.isfinite), n)
        high = recycle_to(check_r_numbers(max, "max", "finite numbers", np.isfinite), n)
        check_argument(bool(np.all(low <= high)), "max", unboxed(max), "at least `min`")
        with np.errstate(over="ignore"):
            return self._draw(unif_rand, n, low, high - low, low < high)

    def rnorm(self, n: float, mean: ArrayLike = 0, sd: ArrayLike = 1) -> Array:
        """Draw from the normal distribution, by inversion of its distribution function.

        Parameters
        ----------
        n : int
            How many.
        mean, sd : float or array_like
            Mean and standard deviation. Where `sd` is 0 or `mean` infinite, no word is used.

        Returns
        -------
        ndarray of float64, shape (n,)
        """
        n = check_r_count(n, "n")
        mean = recycle_to(check_r_numbers(mean, "mean", "numbers", lambda x: ~np.isnan(x)), n)
        sd = recycle_to(
            check_r_numbers(sd, "sd", "finite numbers of at least 0", lambda x: np.isfinite(x) & (x >= 0)), n
        )
        return self._draw(norm_rand, n, mean, sd, np.isfinite(mean) & (sd > 0))

    def rexp(self, n: float, rate: ArrayLike = 1) -> Array:
        """Draw from the exponential distribution.

        Parameters
        ----------
        n : int
            How many.
        rate : float or array_like
            The inverse of the mean. Where it is infinite, the draw is 0 and no word is used.

        Returns
        -------
        ndarray of float64, shape (n,)
        """
        n = check_r_count(n, "n")
        must_be = "positive numbers whose inverse is finite"
        with np.errstate(divide="ignore", over="ignore"):
            rate = check_r_numbers(rate, "rate", must_be, lambda x: (x > 0) & np.isfinite(1 / x))
        scale = recycle_to(1 / rate, n)
        return self._draw(exp_rand, n, np.zeros(1), scale, scale > 0)

    def rbinom(self, n: float, size: ArrayLike, prob: ArrayLike) -> IntArray:
        """Draw from the binomial distribution.

        Parameters
        ----------
        n : int
            How many.
        size : int or array_like
            The number of trials, from 0 to 2^31 - 2.
        prob : float or array_like
            The probability of success. Where it is 0 or 1, or `size` is 0, no word is used.

        Returns
        -------
        ndarray of int64, shape (n,)
        """
        n = check_r_count(n, "n")
        must_be = f"whole numbers from 0 to {INT_MAX - 1}"
        size = check_r_numbers(size, "size", must_be, lambda x: (x >= 0) & (x < INT_MAX) & (x == np.floor(x)))
        prob = check_r_numbers(prob, "prob", "numbers from 0 to 1", lambda x: (x >= 0) & (x <= 1))
        if size.size == 1 and prob.size == 1:
            return binom_rand(self._stream, n, int(size[0]), float(prob[0]))
        pairs = zip(np.resize(size, n).tolist(), np.resize(prob, n).tolist(), strict=True)
        return np.array([binom_rand(self._stream, 1, int(k), p)[0] for k, p in pairs], dtype=np.int64)

    def sample(
        self, x: ArrayLike, size: float | None = None, replace: bool = False, prob: ArrayLike | None = None
    ) -> AnyArray:
        """Draw elements of a vector.

        Parameters
        ----------
        x : array_like, shape (m,), or float
            What to draw from. A single number of at least 1 stands for 1, 2, ..., x.
        size : int, optional
            How many; all of them unless given.
        replace : bool
            Whether an element may be drawn again.
        prob : array_like, shape (m,), optional
            Weights of the elements; they need not sum to 1.

        Returns
        -------
        ndarray, shape (size,)
        """
        values = check_r_vector(x, "x")
        is_number = values.size == 1 and values.dtype.kind in "iuf"
        if is_number and math.isfinite(values[0]) and values[0] >= 1:
            return self.sample_int(values[0], size, replace, prob)
        return values[self.sample_int(values.size, size, replace, prob) - 1]

    def sample_int(
        self, n: float, size: float | None = None, replace: bool = False, prob: ArrayLike | None = None
    ) -> IntArray:
        """Draw from 1, 2, ..., n.

        Parameters
        ----------
        n : int
            The largest of the numbers to draw from, at most 4.5e15 (2^31 - 1 with `prob`).
        size : int, optional
            How many; `n` unless given.
        replace : bool
            Whether a number may be drawn again.
        prob : array_like, shape (n,), optional
            Weights of the numbers; they need not sum to 1.

        Returns
        -------
        ndarray of int64, shape (size,)
            From 1 up, as R counts.
        """
        n = check_r_count(n, "n", 4.5e15 if prob is None else INT_MAX)
        size = n if size is None else check_r_count(size, "size")
        replace = check_flag(replace, "replace")
        check_argument(n > 0 or size == 0, "size", size, "0 where there is nothing to draw from")
        check_argument(replace or size <= n, "size", size, f"at most {n} without replacement")
        if prob is not None:
            weights = check_r_weights(prob, "prob", n, 1 if replace else max(size, 1))
            return sample_weighted(self._stream, self._sample_kind, weights, size, replace) + 1
        if replace:
            return unif_index(self._stream, self._sample_kind, n, size) + 1
        if n > 1e7 and size <= n / 2:
            return sample_distinct(self._stream, self._sample_kind, n, size) + 1
        check_argument(n <= INT_MAX, "n", n, f"at most {INT_MAX} where more than half of it is drawn")
        return sample_permuted(self._stream, self._sample_kind, n, size) + 1

    def shuffle(self, x: ArrayLike) -> AnyArray:
        """Return a vector in random order, as ``x[sample(length(x))]`` in R.

        Parameters
        ----------
        x : array_like, shape (m,)
            The vector.

        Returns
        -------
        ndarray, shape (m,)
        """
        values = check_r_vector(x, "x")
        return values[self.sample_int(values.size) - 1]

    def get_random_seed(self) -> NDArray[np.int32]:
        """Return what R would keep in ``.Random.seed``.

        Returns
        -------
        ndarray of int32, shape (626,)
            The code of the kinds, the number of words read, and the key, as signed integers. R shows the word
            2^31, here -2^31, as NA.
        """
        state = mt_state(self._stream)
        head = np.array([KIND_CODES[self._sample_kind], state["pos"]], dtype=np.int32)
        return np.concatenate([head, state["key"].astype(np.uint32).view(np.int32)])

    def set_random_seed(self, vector: ArrayLike) -> RGenerator:
        """Go on from a ``.Random.seed`` of R's. The count of words starts anew.

        Parameters
        ----------
        vector : array_like of int, shape (626,)
            The code of the kinds (10403 or 403), the number of words read, and the key.

        Returns
        -------
        RGenerator
            The generator itself.
        """
        seed = np.asarray(vector)
        kinds = {code: kind for kind, code in KIND_CODES.items()}
        fits = seed.shape == (626,) and seed.dtype.kind in "if" and bool(np.all(np.isfinite(seed)))
        fits = fits and bool(np.all(seed == seed.astype(np.int32))) and int(seed[0]) in kinds
        must_be = "R's .Random.seed for Mersenne-Twister and Inversion: 626 integers from 10403 or 403 on"
        check_argument(fits, "vector", vector, must_be)
        mt_set_state(self._stream, seed[2:].astype(np.int64) % 2**32, seed[1])
        self._stream.drawn = 0
        self._sample_kind = kinds[int(seed[0])]
        return self

    def get_state(self) -> dict[str, Any]:
        """Return the state, which `set_state` of either language takes.

        Returns
        -------
        dict
            ``key``, 624 words as float64; ``pos``, how many of them have been read; ``sample_kind``; and
            ``drawn``, the count of words drawn.
        """
        return {**mt_state(self._stream), "sample_kind": self._sample_kind, "drawn": self._stream.drawn}

    def set_state(self, state: dict[str, Any]) -> RGenerator:
        """Go on from a state that `get_state` returned.

        Parameters
        ----------
        state : dict
            The state, of either language's generator.

        Returns
        -------
        RGenerator
            The generator itself.
        """
        sample_kind = check_choice(unboxed(state["sample_kind"]), "sample_kind", list(KIND_CODES))
        drawn = check_whole(unboxed(state["drawn"]), "drawn", 0)
        mt_set_state(self._stream, state["key"], state["pos"])
        self._stream.drawn = drawn
        self._sample_kind = sample_kind
        return self

    def words_drawn(self) -> int:
        """Return how many 32-bit words have been drawn since seeding."""
        return self._stream.drawn

    def _draw(
        self,
        rand: Callable[[MtStream, int], Array],
        n: int,
        location: Array,
        scale: Array,
        drawn: NDArray[np.bool_],
    ) -> Array:
        """Return ``location + scale * rand()``; where not `drawn`, `location` alone, without using a word."""
        if np.all(drawn):
            draws = rand(self._stream, n)
            draws *= scale
            draws += location
            return draws
        where = np.broadcast_to(drawn, n)
        draws = np.broadcast_to(location, n).copy()
        draws[where] += np.broadcast_to(scale, n)[where] * rand(self._stream, int(np.count_nonzero(where)))
        return draws


def check_r_count(value: float, name: str, maximum: float = math.inf) -> int:
    """Return `value` without its fraction if it is one number of at least 0."""
    return int(check_number(value, name, minimum=0, maximum=maximum))


def check_r_numbers(value: ArrayLike, name: str, must_be: str, allowed: Callable[[Array], AnyArray]) -> Array:
    """Return `value` as a vector if it is one or more numbers that are all `allowed`."""
    numbers = np.atleast_1d(np.asarray(value))
    numeric = numbers.ndim == 1 and numbers.size > 0 and numbers.dtype.kind in "iuf"
    numbers = numbers.astype(np.float64) if numeric else np.full(1, math.nan)
    check_argument(numeric and bool(np.all(allowed(numbers))), name, unboxed(value), must_be)
    return numbers


def check_r_weights(value: ArrayLike, name: str, n: int, positive: int) -> Array:
    """Return `value` as `n` probabilities, which sum to 1, if as many of them as needed are positive."""
    weights = check_r_numbers(value, name, "finite numbers of at least 0", lambda x: np.isfinite(x) & (x >= 0))
    check_argument(weights.size == n, name, unboxed(value), f"{n} numbers, one for each element")
    must_be = f"numbers of which at least {positive} are positive"
    check_argument(int(np.count_nonzero(weights)) >= positive, name, unboxed(value), must_be)
    normalised: Array = weights / np.cumsum(weights)[-1]
    return normalised


def check_r_vector(value: ArrayLike, name: str) -> AnyArray:
    """Return `value` as an array of one dimension if it is a vector or a scalar."""
    vector = np.atleast_1d(np.asarray(value))
    check_argument(vector.ndim == 1 and vector.dtype.kind in "biufcUO", name, value, "a vector")
    return vector


def recycle_to(values: Array, n: int) -> Array:
    """Repeat `values` to length `n`; a single one is left as it is, since arithmetic repeats it."""
    return values if values.size == 1 else np.resize(values, n)
