"""PythonRandom in both languages against the installed Python's own random.Random, bit by bit."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import numpy as np
import pytest
from bit_patterns import InR, assert_same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from twinnet.datasets import shared_data_path
from twinnet.generator_python import PythonRandom
from twinnet.parity.bridge import RError

STEM = "generator_python"
NUMBERS = [
    0,
    1,
    2,
    7,
    42,
    123,
    -1,
    -42,
    65536,
    19650218,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**32,
    2**32 + 1,
    -(2**40),
    2**53,
]
TEXTS = ["0", "-12345678901234567890", "12345678901234567890", "0x1f2e3d4c5b6a79880123456789abcdef", str(10**300)]
SEEDS = [*NUMBERS, *TEXTS]
VECTOR = np.arange(0.5, 90)
WORDS = np.array(["pine", "oak", "elm", "ash"])


class Original:
    """Python's random.Random; several draws at once, and copies instead of shuffling in place, as the twins have."""

    def __init__(self, seed: Any) -> None:
        self.generator = random.Random(int(seed, 0) if isinstance(seed, str) else seed)

    def __getattr__(self, name: str) -> Any:
        def method(*arguments: Any, size: int | None = None) -> Any:
            draw = getattr(self.generator, name)
            return draw(*arguments) if size is None else [draw(*arguments) for _ in range(size)]

        return method

    def shuffle(self, x: Any) -> Any:
        copy = list(range(x)) if isinstance(x, int) else list(x)
        self.generator.shuffle(copy)
        return copy

    def sample(self, population: Any, k: int) -> Any:
        return self.generator.sample(range(population) if isinstance(population, int) else list(population), k)

    def choice(self, seq: Any) -> Any:
        return self.generator.choice(range(seq) if isinstance(seq, int) else seq)


def one(drawn: Any) -> float:
    """A number, where R returns a vector of length 1."""
    return float(np.asarray(drawn).item())


# one call of each kind; n draws where a number of draws can be asked for
CALLS: dict[str, Any] = {
    "random": lambda g, n: g.random(size=n),
    "uniform": lambda g, n: g.uniform(-3.7, 11.1, size=n),
    "uniform downwards": lambda g, n: g.uniform(2.0, -1e9, size=n),
    "gauss": lambda g, n: g.gauss(1.25, 0.3, size=n),
    "gauss of standard": lambda g, n: g.gauss(size=n),
    "getrandbits(0)": lambda g, n: g.getrandbits(0, size=n),
    "getrandbits(1)": lambda g, n: g.getrandbits(1, size=n),
    "getrandbits(31)": lambda g, n: g.getrandbits(31, size=n),
    "getrandbits(32)": lambda g, n: g.getrandbits(32, size=n),
    "getrandbits(33)": lambda g, n: g.getrandbits(33, size=n),
    "getrandbits(53)": lambda g, n: g.getrandbits(53, size=n),
    "randrange": lambda g, n: g.randrange(10, size=n),
    "randrange of one": lambda g, n: g.randrange(1, size=n),
    "randrange of a power of 2": lambda g, n: g.randrange(64, size=n),
    "randrange of 32 bits": lambda g, n: g.randrange(-5, 2**32 - 6, size=n),
    "randrange of 33 bits": lambda g, n: g.randrange(0, 2**32, size=n),
    "randrange of 53 bits": lambda g, n: g.randrange(-(2**52), 2**52 - 1, size=n),
    "randrange in steps": lambda g, n: g.randrange(3, 100, 7, size=n),
    "randrange in steps down": lambda g, n: g.randrange(10**14, -(10**14), -13, size=n),
    "randint": lambda g, n: g.randint(1, 6, size=n),
    "choice of a number": lambda g, n: [one(g.choice(n + 1)) for _ in range(min(n, 100))],
    "choice of a vector": lambda g, n: [one(g.choice(VECTOR)) for _ in range(min(n, 100))],
    "shuffle": lambda g, n: g.shuffle(n),
    "shuffle of a vector": lambda g, n: g.shuffle(np.arange(0.5, n + 2)),
    "sample of all, pool": lambda g, n: g.sample(n, n),
    "sample of most, pool": lambda g, n: g.sample(n + 3, n),
    "sample of few, set": lambda g, n: g.sample(100 + 17 * n, n),
    "sample of very many, set": lambda g, n: g.sample(2**40, n),
    "sample of a vector": lambda g, n: g.sample(np.arange(0.5, 3 * n + 2), n),
}
SIZED = [name for name in CALLS if not any(word in name for word in ["choice", "shuffle", "sample"])]


def all_three(r: Any, seed: Any) -> tuple[InR, PythonRandom, Original]:
    return InR(r, "PythonRandom", seed), PythonRandom(seed), Original(seed)


def assert_same_state(ours: Any, original: Original, what: str) -> None:
    """Compare a state that get_state of either language returned with Python's own."""
    version, words, gauss_next = original.generator.getstate()
    assert_same_bits(ours["version"], version, f"{what}: version")
    assert_same_bits(ours["key"], words[:-1], f"{what}: key")
    assert_same_bits(ours["pos"], words[-1], f"{what}: pos")
    assert (ours["gauss_next"] is None) == (gauss_next is None), f"{what}: gauss_next"
    if gauss_next is not None:
        assert_same_bits(ours["gauss_next"], gauss_next, f"{what}: gauss_next")


def assert_equal_generators(in_r: InR, twin: PythonRandom, original: Original, what: str) -> None:
    """Compare the states of all three, and the counts of words of two."""
    assert_same_state(in_r.get_state(), original, f"{what}, R")
    assert_same_state(twin.get_state(), original, f"{what}, Python")
    assert_same_bits(in_r.words_drawn(), twin.words_drawn(), f"{what}, words drawn in R and in Python")


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: str(seed)[:24])
def test_every_method_draws_what_python_draws(r: Any, seed: Any) -> None:
    in_r, twin, original = all_three(r, seed)
    for name, call in CALLS.items():
        expected = call(original, 501)
        assert_same_bits(call(in_r, 501), expected, f"{name}, seed {seed}, R")
        assert_same_bits(call(twin, 501), expected, f"{name}, seed {seed}, Python")
    assert_equal_generators(in_r, twin, original, f"after all, seed {seed}")


@pytest.mark.parametrize("name", CALLS)
def test_sizes_at_the_edges_draw_what_python_draws(r: Any, name: str) -> None:
    in_r, twin, original = all_three(r, 2024)
    for n in [0, 1, 2, 5, 6, 7, 311, 312, 313, 623, 624, 625]:
        expected = CALLS[name](original, n)
        assert_same_bits(CALLS[name](in_r, n), expected, f"{name} {n}, R")
        assert_same_bits(CALLS[name](twin, n), expected, f"{name} {n}, Python")
        assert_equal_generators(in_r, twin, original, f"after {name} {n}")


def test_samples_at_the_turn_from_pool_to_set_draw_what_python_draws(r: Any) -> None:
    in_r, twin, original = all_three(r, 12)
    for k in [0, 1, 4, 5, 6, 21, 22, 85, 86, 341, 342]:
        turn = 21 + (4 ** math.ceil(math.log(k * 3, 4)) if k > 5 else 0)
        for n in [turn - 1, turn, turn + 1]:
            if k <= n:
                expected = original.sample(n, k)
                assert_same_bits(in_r.sample(n, k), expected, f"sample({n}, {k}), R")
                assert_same_bits(twin.sample(n, k), expected, f"sample({n}, {k}), Python")
    assert_equal_generators(in_r, twin, original, "after samples")


def test_a_single_draw_is_a_number_and_shapes_are_filled_row_by_row(r: Any) -> None:
    in_r, twin, original = all_three(r, 3)
    for name in SIZED:
        expected = CALLS[name](original, None)
        single = CALLS[name](twin, None)
        assert np.ndim(single) == 0
        assert_same_bits(single, expected, f"{name}, Python")
        assert_same_bits(CALLS[name](in_r, None), expected, f"{name}, R")
        rows = np.reshape(CALLS[name](original, 24), (2, 3, 4))
        assert_same_bits(CALLS[name](twin, (2, 3, 4)), rows, f"{name}, Python")
        assert_same_bits(CALLS[name](in_r, (2, 3, 4)), rows, f"{name}, R")
    assert_equal_generators(in_r, twin, original, "after single draws and shapes")


def test_text_is_drawn_as_python_draws_it(r: Any) -> None:
    in_r, twin, original = all_three(r, 17)
    for _ in range(20):
        for name, arguments in [("shuffle", ()), ("sample", (3,)), ("choice", ())]:
            expected = getattr(original, name)(WORDS, *arguments)
            assert_same_bits(getattr(in_r, name)(WORDS, *arguments), expected, f"{name}, R")
            assert_same_bits(getattr(twin, name)(WORDS, *arguments), expected, f"{name}, Python")
    assert twin.shuffle(list(range(9))) == original.shuffle(9)


counts = st.integers(0, 40)
one_call = st.tuples(st.sampled_from(sorted(CALLS)), counts)
seeds = st.one_of(st.integers(-(2**53), 2**53), st.integers(-(2**200), 2**200).map(str))


@given(seed=seeds, calls=st.lists(one_call, min_size=1, max_size=12), handover=st.integers(0, 12))
@settings(max_examples=50, deadline=None)
def test_any_order_of_calls_and_a_handover_midway_follow_python(
    r: Any, seed: Any, calls: list[tuple[str, int]], handover: int
) -> None:
    in_r, twin, original = all_three(r, seed)
    for step, (name, n) in enumerate(calls):
        if step == handover:
            from_r, from_python = in_r.get_state(), twin.get_state()
            in_r.set_state(from_python)
            twin.set_state(from_r)
        expected = CALLS[name](original, n)
        assert_same_bits(CALLS[name](in_r, n), expected, f"{name} {n}, seed {seed}, step {step}, R")
        assert_same_bits(CALLS[name](twin, n), expected, f"{name} {n}, seed {seed}, step {step}, Python")
    assert_equal_generators(in_r, twin, original, f"seed {seed}, {calls}")


BAD_CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("getrandbits", (-1,)),
    ("randrange", (0,)),
    ("randrange", (-3,)),
    ("randrange", (5, 5)),
    ("randrange", (5, 9, -1)),
    ("randrange", (5, 9, 0)),
    ("randrange", (5, None, 2)),
    ("randint", (5, 4)),
    ("choice", (0,)),
    ("choice", (np.zeros(0),)),
    ("sample", (5, 6)),
    ("sample", (5, -1)),
    ("sample", (np.arange(3.0), 4)),
]


@pytest.mark.parametrize(("name", "arguments"), BAD_CALLS, ids=str)
def test_bad_arguments_are_refused_where_python_refuses_them(r: Any, name: str, arguments: Any) -> None:
    in_r, twin, original = all_three(r, 0)
    with pytest.raises((ValueError, TypeError, IndexError)):
        getattr(original, name)(*arguments)
    with pytest.raises(ValueError, match="` must be ") as in_python:
        getattr(twin, name)(*arguments)
    with pytest.raises(RError) as refused:
        getattr(in_r, name)(*arguments)
    assert refused.value.message == str(in_python.value)
    assert_equal_generators(in_r, twin, original, "after an error")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("random", (-1,)), ("random", (1.5,)), ("getrandbits", (54,)), ("shuffle", (np.eye(2),)), ("sample", (-1, 0))],
    ids=str,
)
def test_arguments_that_only_the_twins_have_are_checked(r: Any, name: str, arguments: Any) -> None:
    in_r, twin, _ = all_three(r, 0)
    with pytest.raises(ValueError, match="` must be ") as in_python:
        getattr(twin, name)(*arguments)
    with pytest.raises(RError) as refused:
        getattr(in_r, name)(*arguments)
    assert refused.value.message == str(in_python.value)


@pytest.mark.parametrize("seed", [1.5, "twelve", "1.5", "--1", None, float("inf")], ids=str)
def test_bad_seeds_are_refused(r: Any, seed: Any) -> None:
    with pytest.raises(ValueError, match="`seed` must be") as in_python:
        PythonRandom(seed)
    with pytest.raises(RError) as in_r:
        InR(r, "PythonRandom", seed)
    assert in_r.value.message == str(in_python.value)


def test_the_callers_generator_in_r_is_left_alone(r: Any) -> None:
    code = """
    everything <- function() {
      g <- PythonRandom(1)
      g$random(10); g$gauss(0, 1, 3); g$randint(1, 9, 4); g$shuffle(5); g$sample(50, 2)
      try(g$random(-1), silent = TRUE)
    }
    environment(everything) <- asNamespace("twinnet")
    set.seed(1)
    before <- .Random.seed; everything(); same <- identical(before, .Random.seed)
    rm(.Random.seed)
    everything()
    c(same, !exists(".Random.seed", globalenv()))
    """
    assert r.eval(code).tolist() == [True, True]


def test_the_golden_draws_are_pythons() -> None:
    with shared_data_path(f"golden/{STEM}.json").open() as file:
        golden = json.load(file)
    assert len(golden["cases"]) >= 5
    for case in golden["cases"]:
        twin, original = PythonRandom(case["seed"]), Original(case["seed"])
        for call in case["calls"]:
            arguments = dict(call["arguments"])
            size = arguments.pop("size", None)
            sized = {} if size is None else {"size": size}
            expected = [float.fromhex(number) for number in call["result"]]
            what = f"{call['method']} {call['arguments']}, seed {case['seed']}"
            assert_same_bits(getattr(twin, call["method"])(**arguments, **sized), expected, f"{what}, twin")
            assert_same_bits(getattr(original, call["method"])(*arguments.values(), **sized), expected, what)


@pytest.mark.full
@pytest.mark.parametrize("name", CALLS)
def test_a_million_draws_of_every_method_are_pythons(r: Any, name: str) -> None:
    in_r, twin, original = all_three(r, 20240229)
    expected = CALLS[name](original, 10**6)
    assert_same_bits(CALLS[name](in_r, 10**6), expected, f"{name}, R")
    assert_same_bits(CALLS[name](twin, 10**6), expected, f"{name}, Python")
    assert_equal_generators(in_r, twin, original, f"after {name}")


@pytest.mark.full
def test_ten_thousand_draws_of_every_method_for_a_hundred_seeds_are_pythons(r: Any) -> None:
    for seed in [*SEEDS, *range(1000, 1100 - len(SEEDS))]:
        in_r, twin, original = all_three(r, seed)
        for name, call in CALLS.items():
            assert_same_bits(call(in_r, 10000), call(original, 10000), f"{name}, seed {seed}")
            call(twin, 10000)
        assert_equal_generators(in_r, twin, original, f"seed {seed}")
