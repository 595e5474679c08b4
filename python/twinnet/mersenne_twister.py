"""The Mersenne Twister MT19937 as a private source of 32-bit words.

With it, the ways in which R, NumPy, PyTorch and Python turn a seed into its key of 624 words.
Words come from ``numpy.random.MT19937``, which knows no seeding here: it is given the key as its state.
Sources: Matsumoto and Nishimura (1998), ACM TOMACS 8(1), and their mt19937ar.c (2002); R's src/main/RNG.c.
Twin: r/R/mersenne_twister.R, whose words come from R's own Mersenne Twister.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twinnet.checks import check_argument, check_whole

__all__ = [
    "mt_init_by_array",
    "mt_init_genrand",
    "mt_mark",
    "mt_new",
    "mt_rewind",
    "mt_seed_r",
    "mt_set_state",
    "mt_state",
    "mt_words",
]

WORD_MASK = 0xFFFFFFFF


class MtStream:
    """A private stream of 32-bit words, made by `mt_new`; `drawn` counts the words drawn since."""

    def __init__(self) -> None:
        self.bit_generator = np.random.MT19937(0)
        self.drawn = 0


def mt_seed_r(seed: int) -> NDArray[np.uint32]:
    """Return the key that R's ``set.seed`` makes of a seed.

    Fifty steps of ``s = 69069 * s + 1`` modulo 2^32 scramble the seed, one more is thrown away (it falls
    where R keeps the position), and the next 624 are the key.

    Parameters
    ----------
    seed : int
        A whole number from -(2^31 - 1) to 2^31 - 1.

    Returns
    -------
    ndarray of uint32, shape (624,)
        The key. Source: R's ``src/main/RNG.c``, ``RNG_Init``.
    """
    word = check_whole(seed, "seed", -(2**31 - 1), 2**31 - 1) & WORD_MASK
    words = []
    for _ in range(675):
        word = (69069 * word + 1) & WORD_MASK
        words.append(word)
    return np.array(words[51:], dtype=np.uint32)


def mt_init_genrand(seed: int) -> NDArray[np.uint32]:
    """Return the key that ``init_genrand`` makes of a 32-bit seed.

    ``numpy.random.RandomState(seed)`` and ``torch.manual_seed(seed)`` start so.

    Parameters
    ----------
    seed : int
        A whole number from 0 to 2^32 - 1.

    Returns
    -------
    ndarray of uint32, shape (624,)
        The key. Source: Matsumoto and Nishimura, mt19937ar.c (2002), ``init_genrand``.
    """
    key = [check_whole(seed, "seed", 0, 2**32 - 1)]
    for j in range(1, 624):
        key.append((word_fold(key[-1]) * 1812433253 + j) & WORD_MASK)
    return np.array(key, dtype=np.uint32)


def mt_init_by_array(key: ArrayLike) -> NDArray[np.uint32]:
    """Return the key that ``init_by_array`` makes of several 32-bit words.

    ``numpy.random.RandomState([...])`` and Python's ``random.seed(...)`` start so.

    Parameters
    ----------
    key : array_like of int
        One or more whole numbers from 0 to 2^32 - 1.

    Returns
    -------
    ndarray of uint32, shape (624,)
        The key of the generator. Source: Matsumoto and Nishimura, mt19937ar.c (2002), ``init_by_array``.
    """
    words = check_words(key, "key").tolist()
    mt = mt_init_genrand(19650218).tolist()
    i = 1
    for k in range(max(624, len(words))):
        j = k % len(words)
        mt[i] = ((mt[i] ^ (word_fold(mt[i - 1]) * 1664525)) + words[j] + j) & WORD_MASK
        i += 1
        if i == 624:
            mt[0] = mt[623]
            i = 1
    for _ in range(623):
        mt[i] = ((mt[i] ^ (word_fold(mt[i - 1]) * 1566083941)) - i) & WORD_MASK
        i += 1
        if i == 624:
            mt[0] = mt[623]
            i = 1
    mt[0] = 2**31
    return np.array(mt, dtype=np.uint32)


def mt_new(key: ArrayLike, pos: int = 624) -> MtStream:
    """Return a private stream of 32-bit words.

    Parameters
    ----------
    key : array_like of int, shape (624,)
        The key: whole numbers in [0, 2^32), not all 0.
    pos : int
        How many words of the key have been read, from 1 to 624; 624 after seeding.

    Returns
    -------
    MtStream
        The stream; its ``drawn`` counts the words drawn since.
    """
    stream = MtStream()
    mt_set_state(stream, key, pos)
    return stream


def mt_words(stream: MtStream, n: int) -> NDArray[np.uint64]:
    """Draw words.

    Parameters
    ----------
    stream : MtStream
        A stream made by `mt_new`.
    n : int
        How many, a whole number of at least 0.

    Returns
    -------
    ndarray of uint64, shape (n,)
        Words in [0, 2^32); the stream has moved on by `n` words.
    """
    n = check_whole(n, "n", 0)
    words: NDArray[np.uint64] = stream.bit_generator.random_raw(n)
    stream.drawn += n
    return words


def mt_state(stream: MtStream) -> dict[str, Any]:
    """Return the state of a stream.

    Parameters
    ----------
    stream : MtStream
        A stream made by `mt_new`.

    Returns
    -------
    dict
        ``key``, 624 words as an ndarray of float64 (R has no unsigned integers), and ``pos``, the number of
        them that have been read.
    """
    state = stream.bit_generator.state["state"]
    return {"key": state["key"].astype(np.float64), "pos": int(state["pos"])}


def mt_set_state(stream: MtStream, key: ArrayLike, pos: int) -> MtStream:
    """Set the state of a stream; the count of words drawn is left as it is.

    Parameters
    ----------
    stream : MtStream
        A stream made by `mt_new`.
    key : array_like of int, shape (624,)
        The key: whole numbers in [0, 2^32), not all 0.
    pos : int
        How many words of the key have been read, from 1 to 624.

    Returns
    -------
    MtStream
        The stream.
    """
    words = check_words(key, "key")
    check_argument(words.size == 624 and bool(words.any()), "key", words, "624 words, some of them above 0")
    pos = check_whole(unboxed(pos), "pos", 1, 624)
    stream.bit_generator.state = {"bit_generator": "MT19937", "state": {"key": words, "pos": pos}}
    return stream


def mt_mark(stream: MtStream) -> dict[str, Any]:
    """Mark where a stream stands.

    Parameters
    ----------
    stream : MtStream
        A stream made by `mt_new`.

    Returns
    -------
    dict
        A mark, for `mt_rewind`.
    """
    return {"seed": stream.bit_generator.state, "drawn": stream.drawn}


def mt_rewind(stream: MtStream, mark: dict[str, Any], used: int) -> MtStream:
    """Go back to a mark and on from there.

    A reader that cannot know how many words it will use marks the stream, draws plenty, and gives back what
    it did not use.

    Parameters
    ----------
    stream : MtStream
        A stream made by `mt_new`.
    mark : dict
        A mark of this stream, made by `mt_mark`.
    used : int
        How many words after the mark the stream is to stand at.

    Returns
    -------
    MtStream
        The stream.
    """
    stream.bit_generator.state = mark["seed"]
    stream.drawn = mark["drawn"]
    mt_words(stream, used)
    return stream


def word_fold(word: int) -> int:
    """Mix a word with its two highest bits, the step that both initialisations share."""
    return word ^ (word >> 30)


def check_words(value: ArrayLike, name: str) -> NDArray[np.uint32]:
    """Return `value` as words if it is one or more whole numbers in [0, 2^32)."""
    words = np.atleast_1d(np.asarray(value))
    numeric = words.ndim == 1 and words.size > 0 and words.dtype.kind in "iuf"
    whole = numeric and bool(np.all((words >= 0) & (words < 2**32) & (words == np.floor(words))))
    check_argument(whole, name, unboxed(value), "whole numbers from 0 to 4294967295")
    return words.astype(np.uint32)


def unboxed(value: Any) -> Any:
    """Return the one item of an array or list of one, which in R is the same thing."""
    return np.asarray(value).item() if np.size(value) == 1 else value
