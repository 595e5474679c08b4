"""The Mersenne Twister's keys and words in both languages, against R's, NumPy's, PyTorch's and Python's own."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from bit_patterns import assert_same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from twinnet.mersenne_twister import (
    mt_init_by_array,
    mt_init_genrand,
    mt_mark,
    mt_new,
    mt_rewind,
    mt_seed_r,
    mt_set_state,
    mt_state,
    mt_words,
)
from twinnet.parity.bridge import RError

R_SEEDS = [0, 1, -1, 42, 2**31 - 1, -(2**31 - 1), 2**16, -(2**30)]
WORD_SEEDS = [0, 1, 42, 2**31 - 1, 2**31, 2**31 + 1, 2**32 - 1]
ARRAYS = [[0], [1], [1, 2, 3], [2**32 - 1] * 5, [2**31], list(range(623)), list(range(624)), list(range(700))]
N_WORDS = 3000


def words_in_r(r: Any, key: Any, n: int) -> Any:
    return r.call("mt_words", r.call("mt_new", key, convert=False), float(n))


@pytest.mark.parametrize("seed", R_SEEDS)
def test_the_key_of_an_r_seed_is_the_one_set_seed_makes(r: Any, seed: int) -> None:
    signed = r.eval(
        f"set.seed({seed}, 'Mersenne-Twister', 'Inversion', 'Rejection'); "
        "key <- as.double(.Random.seed[-(1:2)]); key[is.na(key)] <- -2^31; key"
    )
    assert_same_bits(mt_seed_r(seed), signed % 2**32, f"seed {seed}, Python and set.seed")
    assert_same_bits(r.call("mt_seed_r", seed), signed % 2**32, f"seed {seed}, R and set.seed")


@pytest.mark.parametrize("seed", WORD_SEEDS)
def test_the_key_of_a_word_is_the_one_numpy_and_pytorch_make(r: Any, seed: int) -> None:
    expected = np.random.RandomState(seed).get_state(legacy=False)["state"]["key"]
    assert_same_bits(mt_init_genrand(seed), expected, f"seed {seed}, Python and NumPy")
    assert_same_bits(r.call("mt_init_genrand", float(seed)), expected, f"seed {seed}, R and NumPy")
    # PyTorch keeps its key behind a header of three words, as 64-bit integers.
    of_torch = torch.Generator().manual_seed(seed).get_state().numpy().view(np.uint64)[3 : 3 + 624]
    assert_same_bits(mt_init_genrand(seed), of_torch, f"seed {seed}, Python and PyTorch")


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{len(array)} words from {array[0]}")
def test_the_key_of_several_words_is_the_one_numpy_makes(r: Any, array: list[int]) -> None:
    expected = np.random.RandomState(array).get_state(legacy=False)["state"]["key"]
    assert_same_bits(mt_init_by_array(array), expected, f"{array[:4]}, Python and NumPy")
    in_r = r.call("mt_init_by_array", np.array(array, dtype=np.float64))
    assert_same_bits(in_r, expected, f"{array[:4]}, R and NumPy")


def test_the_key_of_pythons_random_is_made_of_the_words_of_its_seed() -> None:
    seed = 2**70 + 12345
    words = [(seed >> shift) & 0xFFFFFFFF for shift in (0, 32, 64)]
    assert_same_bits(mt_init_by_array(words), random.Random(seed).getstate()[1][:624], "Python's random")


@pytest.mark.parametrize("seed", WORD_SEEDS)
def test_the_words_are_those_of_numpys_twister(r: Any, seed: int) -> None:
    expected = np.random.RandomState(seed).randint(0, 2**32, N_WORDS, dtype=np.uint32)
    assert_same_bits(mt_words(mt_new(mt_init_genrand(seed)), N_WORDS), expected, f"seed {seed}, Python")
    key = np.asarray(mt_init_genrand(seed), dtype=np.float64)
    assert_same_bits(words_in_r(r, key, N_WORDS), expected, f"seed {seed}, R")


def test_the_words_0_and_2_to_the_31_survive_as_key_and_as_word(r: Any) -> None:
    key = np.asarray(mt_seed_r(3), dtype=np.float64)
    key[[1, 2, 5, 600]] = [0, 2**31, 2**31, 0]
    stream = mt_new(key, 1)
    in_r = r.call("mt_new", key, 1, convert=False)
    assert_same_bits(mt_state(stream)["key"], key, "the key in Python")
    assert_same_bits(r.call("mt_state", in_r)["key"], key, "the key in R")
    words = mt_words(stream, 5000)
    assert words[0] == 0, "the key's word 0 is not tempered to 0"
    assert_same_bits(r.call("mt_words", in_r, 5000), words, "words in R and in Python")


def test_every_word_comes_back_from_runif_unchanged(r: Any) -> None:
    edges = np.unique([0, 1, 2, 3, 2**31 - 1, 2**31, 2**31 + 1, 2**32 - 2, 2**32 - 1, *(2 ** np.arange(32))])
    key = np.resize(np.array([untemper(int(word)) for word in edges], dtype=np.float64), 624)
    expected = np.resize(edges, 624)[1:]
    assert_same_bits(mt_words(mt_new(key, 1), 623), expected, "Python")
    assert_same_bits(r.call("mt_words", r.call("mt_new", key, 1, convert=False), 623), expected, "R")


def untemper(word: int) -> int:
    """Return the entry of the key that the generator's tempering turns into `word`."""
    word ^= word >> 18
    word ^= (word << 15) & 0xEFC60000
    partial = word
    for _ in range(5):
        partial = word ^ ((partial << 7) & 0x9D2C5680)
    word = partial & 0xFFFFFFFF
    partial = word
    for _ in range(3):
        partial = word ^ (partial >> 11)
    return partial


@pytest.mark.parametrize("n", [0, 1, 2, 623, 624, 625, 1248, 1249])
def test_a_state_is_the_same_in_both_languages_and_goes_on_alike(r: Any, n: int) -> None:
    key = np.asarray(mt_seed_r(7), dtype=np.float64)
    stream, in_r = mt_new(key), r.call("mt_new", key, convert=False)
    assert_same_bits(r.call("mt_words", in_r, n), mt_words(stream, n), f"{n} words")
    ours, theirs = mt_state(stream), r.call("mt_state", in_r)
    assert_same_bits(ours["key"], theirs["key"], f"key after {n} words")
    assert_same_bits(ours["pos"], theirs["pos"], f"position after {n} words")
    # Each goes on from the other's state.
    mt_set_state(stream, theirs["key"], theirs["pos"])
    r.call("mt_set_state", in_r, ours["key"], ours["pos"], convert=False)
    assert_same_bits(r.call("mt_words", in_r, 700), mt_words(stream, 700), f"words after {n}, states exchanged")
    assert stream.drawn == n + 700


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 1300), max_size=4), st.integers(0, 2000), st.integers(0, 2000))
def test_words_that_are_given_back_come_again(r: Any, before: list[int], ahead: int, used: int) -> None:
    used = min(used, ahead)
    key = np.asarray(mt_seed_r(11), dtype=np.float64)
    expected = mt_words(mt_new(key), sum(before) + ahead)
    stream, in_r = mt_new(key), r.call("mt_new", key, convert=False)
    for n in before:
        mt_words(stream, n)
        r.call("mt_words", in_r, n)
    mark, mark_in_r = mt_mark(stream), r.call("mt_mark", in_r, convert=False)
    mt_words(stream, ahead)
    r.call("mt_words", in_r, ahead)
    mt_rewind(stream, mark, used)
    r.call("mt_rewind", in_r, mark_in_r, used, convert=False)
    rest = expected[sum(before) + used :]
    assert_same_bits(mt_words(stream, ahead - used), rest, "Python")
    assert_same_bits(r.call("mt_words", in_r, ahead - used), rest, "R")
    assert stream.drawn == sum(before) + ahead


GOOD_KEY = np.arange(1.0, 625.0)
BAD_CALLS: list[tuple[Callable[..., Any], list[Any]]] = [
    (mt_seed_r, [2.0**31]),
    (mt_seed_r, [-(2.0**31)]),
    (mt_seed_r, [0.5]),
    (mt_seed_r, [float("nan")]),
    (mt_seed_r, ["1"]),
    (mt_seed_r, [None]),
    (mt_seed_r, [True]),
    (mt_init_genrand, [-1]),
    (mt_init_genrand, [2.0**32]),
    (mt_init_by_array, [np.array([1.0, 2.5])]),
    (mt_init_by_array, [np.array([-1.0])]),
    (mt_new, [GOOD_KEY[:623]]),
    (mt_new, [np.zeros(624)]),
    (mt_new, [GOOD_KEY, 0]),
    (mt_new, [GOOD_KEY, 625]),
]


@pytest.mark.parametrize(
    ("function", "arguments"), BAD_CALLS, ids=[f"{call.__name__}-{n}" for n, (call, _) in enumerate(BAD_CALLS)]
)
def test_bad_arguments_are_refused_with_the_same_words(
    r: Any, function: Callable[..., Any], arguments: list[Any]
) -> None:
    with pytest.raises(ValueError, match="must be") as ours:
        function(*arguments)
    with pytest.raises(RError) as theirs:
        r.call(function.__name__, *arguments)
    assert theirs.value.message == str(ours.value)
