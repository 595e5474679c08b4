"""NumpyRandomState in both languages against the installed NumPy's own RandomState, bit by bit."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from bit_patterns import InR, assert_same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from twinnet.datasets import shared_data_path
from twinnet.generator_numpy_legacy import NumpyRandomState
from twinnet.parity.bridge import RError

STEM = "generator_numpy_legacy"
NUMBERS = [
    0,
    1,
    2,
    7,
    42,
    123,
    1234,
    65535,
    65536,
    19650218,
    2**31 - 1,
    2**31,
    2**31 + 1,
    3 * 10**9,
    2**32 - 2,
    2**32 - 1,
]
SEQUENCES = [
    [5],
    [0],
    [0, 0],
    [1, 2, 3],
    [2**32 - 1, 0, 7],
    [2**31] * 3,
    list(range(623)),
    list(range(624)),
    list(range(700)),
]
SEEDS = [*NUMBERS, *SEQUENCES]
P5 = np.array([0.1, 0.0, 0.3, 0.55, 0.05])
SKEWED = np.arange(1.0, 51.0) / 1275.0
WORDS = np.array(["pine", "oak", "elm", "ash"])
TABLE = np.arange(21.0).reshape(7, 3)

# one call of each kind; {n} draws where a number of draws can be asked for
CALLS: dict[str, Any] = {
    "random": lambda g, n: g.random(n),
    "uniform": lambda g, n: g.uniform(-3.7, 11.1, n),
    "uniform downwards": lambda g, n: g.uniform(2.0, -1e9, n),
    "standard_normal": lambda g, n: g.standard_normal(n),
    "randn": lambda g, n: g.randn(n),
    "normal": lambda g, n: g.normal(1.25, 0.3, n),
    "randint below 10": lambda g, n: g.randint(10, size=n),
    "randint of a power of 2": lambda g, n: g.randint(0, 256, n),
    "randint just above a power of 2": lambda g, n: g.randint(-3, 1022, n),
    "randint of one number": lambda g, n: g.randint(4, 5, n),
    "randint of 32 bits": lambda g, n: g.randint(0, 2**32, n),
    "randint of 31 bits and 1": lambda g, n: g.randint(-5, 2**31 - 4, n),
    "randint of 33 bits": lambda g, n: g.randint(0, 2**32 + 1, n),
    "randint of 53 bits": lambda g, n: g.randint(-(2**52), 2**52, n),
    "permutation of a count": lambda g, n: g.permutation(n),
    "permutation of a vector": lambda g, n: g.permutation(np.arange(0.5, n + 2)),
    "shuffle of a vector": lambda g, n: g.shuffle(np.arange(0.5, n + 2)),
    "choice from a count": lambda g, n: g.choice(1000, n),
    "choice with p": lambda g, n: g.choice(5, n, True, P5),
    "choice with many p": lambda g, n: g.choice(50, n, p=SKEWED),
    "choice without replacement": lambda g, n: g.choice(n + 10, n, False),
    "choice without replacement, with p": lambda g, n: g.choice(50, min(n, 40), False, SKEWED),
}
SIZED = [name for name in CALLS if "permutation" not in name and "shuffle" not in name and "without" not in name]


class Original:
    """NumPy's RandomState; only `shuffle`, which works in place, is called as the twins are."""

    def __init__(self, seed: Any) -> None:
        self.state = np.random.RandomState(seed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.state, name)

    def shuffle(self, x: Any) -> Any:
        copy = np.array(x)
        self.state.shuffle(copy)
        return copy


def assert_same_state(ours: Any, original: Any, what: str) -> None:
    """Compare a state that get_state of either language returned with NumPy's own."""
    theirs = original.get_state(legacy=False)
    assert_same_bits(ours["state"]["key"], theirs["state"]["key"], f"{what}: key")
    assert_same_bits(ours["state"]["pos"], theirs["state"]["pos"], f"{what}: pos")
    assert_same_bits(ours["has_gauss"], theirs["has_gauss"], f"{what}: has_gauss")
    assert_same_bits(ours["gauss"], theirs["gauss"], f"{what}: gauss")


def assert_equal_generators(in_r: InR, twin: NumpyRandomState, original: Any, what: str) -> None:
    """Compare the states of all three, and the counts of words of two."""
    assert_same_state(in_r.get_state(), original, f"{what}, R")
    assert_same_state(twin.get_state(), original, f"{what}, Python")
    assert_same_bits(in_r.words_drawn(), twin.words_drawn(), f"{what}, words drawn in R and in Python")


def all_three(r: Any, seed: Any) -> tuple[InR, NumpyRandomState, Original]:
    return InR(r, "NumpyRandomState", seed), NumpyRandomState(seed), Original(seed)


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: str(seed)[:20])
def test_every_method_draws_what_numpy_draws(r: Any, seed: Any) -> None:
    in_r, twin, original = all_three(r, seed)
    for name, call in CALLS.items():
        expected = call(original, 801)
        assert_same_bits(call(in_r, 801), expected, f"{name}, seed {seed}, R")
        assert_same_bits(call(twin, 801), expected, f"{name}, seed {seed}, Python")
    assert_equal_generators(in_r, twin, original, f"after all, seed {seed}")


@pytest.mark.parametrize("name", CALLS)
def test_sizes_at_the_edges_draw_what_numpy_draws(r: Any, name: str) -> None:
    in_r, twin, original = all_three(r, 2024)
    for n in [0, 1, 2, 3, 311, 312, 313, 623, 624, 625, 1247, 1248, 1249]:
        expected = CALLS[name](original, n)
        assert_same_bits(CALLS[name](in_r, n), expected, f"{name} {n}, R")
        assert_same_bits(CALLS[name](twin, n), expected, f"{name} {n}, Python")
        assert_equal_generators(in_r, twin, original, f"after {name} {n}")


@pytest.mark.parametrize("n", [32767, 32768, 32769, 65536, 65537])
def test_sizes_at_the_edges_of_a_block_draw_what_numpy_draws(r: Any, n: int) -> None:
    in_r, twin, original = all_three(r, 99)
    assert_same_bits(in_r.random(n), original.random(n), f"random {n}")
    assert_same_bits(in_r.standard_normal(n), original.standard_normal(n), f"standard_normal {n}")
    twin.random(n)
    twin.standard_normal(n)
    assert_equal_generators(in_r, twin, original, f"after {n}")


def test_without_a_size_a_single_number_is_drawn(r: Any) -> None:
    in_r, twin, original = all_three(r, 3)
    for name in SIZED:
        call = CALLS["standard_normal"] if name == "randn" else CALLS[name]
        expected = call(original, None)
        single = call(twin, None)
        assert np.ndim(single) == 0
        assert_same_bits(single, expected, f"{name}, Python")
        assert_same_bits(call(in_r, None), expected, f"{name}, R")
    expected = original.randn()
    assert_same_bits(in_r.randn(), expected, "randn(), R")
    assert_same_bits(twin.randn(), expected, "randn(), Python")
    assert_equal_generators(in_r, twin, original, "after single draws")


def test_shapes_are_filled_in_numpys_order(r: Any) -> None:
    in_r, twin, original = all_three(r, 8)
    for shape in [(2, 3), (4, 1, 3), (1, 1), (3, 0, 2), (2, 3, 4, 5), (5,)]:
        for name in SIZED:
            expected = CALLS[name](original, shape) if name != "randn" else original.randn(*shape)
            ours = CALLS[name](in_r, shape) if name != "randn" else in_r.randn(*shape)
            theirs = CALLS[name](twin, shape) if name != "randn" else twin.randn(*shape)
            assert_same_bits(ours, expected, f"{name} {shape}, R")
            assert_same_bits(theirs, expected, f"{name} {shape}, Python")
        assert_same_bits(in_r.choice(200, shape, False), original.choice(200, shape, False), f"choice {shape}")
        twin.choice(200, shape, False)
    assert_equal_generators(in_r, twin, original, "after all shapes")


def test_rows_of_arrays_and_text_are_permuted_as_numpy_does(r: Any) -> None:
    in_r, twin, original = all_three(r, 17)
    cube = np.arange(24.0).reshape(4, 3, 2)
    for x in [TABLE, cube, WORDS, TABLE[:1], TABLE[:0], TABLE[:, :0]]:
        for name in ["permutation", "shuffle"]:
            expected = getattr(original, name)(x)
            assert_same_bits(getattr(in_r, name)(x), expected, f"{name} of shape {x.shape}, R")
            assert_same_bits(getattr(twin, name)(x), expected, f"{name} of shape {x.shape}, Python")
    for arguments in [
        (WORDS, 9),
        (WORDS, 3, False),
        (WORDS, 2, False, np.array([0.1, 0.0, 0.3, 0.6])),
        (np.array([2.5, 0.5]), 4),
    ]:
        expected = original.choice(*arguments)
        assert_same_bits(in_r.choice(*arguments), expected, f"choice {arguments}, R")
        assert_same_bits(twin.choice(*arguments), expected, f"choice {arguments}, Python")
    assert_equal_generators(in_r, twin, original, "after rows and text")


def test_nothing_is_drawn_from_nothing(r: Any) -> None:
    in_r, twin, original = all_three(r, 1)
    empty = np.zeros(0)
    calls = [
        lambda g: g.permutation(0),
        lambda g: g.permutation(-3),
        lambda g: g.permutation(1),
        lambda g: g.permutation(empty),
        lambda g: g.shuffle(empty),
        lambda g: g.randint(5, 2, 0),
        lambda g: g.choice(0, 0),
        lambda g: g.choice(-2, 0),
        lambda g: g.choice(empty, 0, False),
    ]
    for call in calls:
        assert_same_bits(call(in_r), call(original), "R")
        call(twin)
    assert twin.words_drawn() == 0
    assert_equal_generators(in_r, twin, original, "after nothing")


counts = st.integers(0, 40)
one_call = st.tuples(st.sampled_from(sorted(CALLS)), counts)
seeds = st.one_of(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=5))


@given(seed=seeds, calls=st.lists(one_call, min_size=1, max_size=12), handover=st.integers(0, 12))
@settings(max_examples=40, deadline=None)
def test_any_order_of_calls_and_a_handover_midway_follow_numpy(
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


def test_states_of_numpys_own_are_taken_and_given(r: Any) -> None:
    original = np.random.RandomState(11)
    original.standard_normal(1001)
    own = original.get_state(legacy=False)
    in_r, twin = InR(r, "NumpyRandomState", 0), NumpyRandomState(0)
    own["state"]["key"] = own["state"]["key"].astype(np.float64)
    in_r.set_state(own)
    twin.set_state(original.get_state(legacy=False))
    assert twin.words_drawn() == 0
    expected = original.standard_normal(5)
    assert_same_bits(in_r.standard_normal(5), expected, "R")
    assert_same_bits(twin.standard_normal(5), expected, "Python")
    back = np.random.RandomState(0)
    back.set_state(twin.get_state())
    assert_same_bits(back.standard_normal(5), original.standard_normal(5), "NumPy from the twin's state")


def test_the_words_drawn_are_counted(r: Any) -> None:
    in_r, twin = InR(r, "NumpyRandomState", 5), NumpyRandomState(5)
    for generator in [in_r, twin]:
        assert generator.words_drawn() == 0
        generator.random(1000)
        assert generator.words_drawn() == 2000
        generator.randint(0, 2**32, 48)
        assert generator.words_drawn() == 2048


BAD_SEEDS = [-1, 2**32, 1.5, [], [1, -1], [2**32], float("nan")]
BAD_CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("random", (-1,)),
    ("random", ((2, -1),)),
    ("random", (1.5,)),
    ("standard_normal", (-1,)),
    ("randn", (3, -1)),
    ("uniform", (0.0, float("inf"))),
    ("uniform", (-1.7e308, 1.7e308)),
    ("uniform", (float("nan"), 1.0)),
    ("normal", (0.0, -1.0)),
    ("normal", (0.0, -0.0)),
    ("randint", (0,)),
    ("randint", (-4,)),
    ("randint", (5, 5)),
    ("randint", (5, 2)),
    ("randint", (5, 7, -2)),
    ("choice", (0,)),
    ("choice", (-1, 2)),
    ("choice", (np.zeros(0), 1)),
    ("choice", (TABLE, 1)),
    ("choice", (2.5, 1)),
    ("choice", (5, -1)),
    ("choice", (5, 6, False)),
    ("choice", (5, (2, 3), False)),
    ("choice", (5, 2, True, [0.5, 0.5])),
    ("choice", (2, 2, True, [0.5, 0.6])),
    ("choice", (2, 2, True, [0.5, 0.5 + 1e-7])),
    ("choice", (2, 2, True, [1.5, -0.5])),
    ("choice", (2, 2, True, [0.5, float("nan")])),
    ("choice", (3, 2, False, [1.0, 0.0, 0.0])),
    ("choice", (0, 0, True, [])),
]


@pytest.mark.parametrize("seed", BAD_SEEDS, ids=str)
def test_bad_seeds_are_refused_where_numpy_refuses_them(r: Any, seed: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        np.random.RandomState(seed)
    with pytest.raises(ValueError, match="`seed` must be") as in_python:
        NumpyRandomState(seed)
    with pytest.raises(RError) as in_r:
        InR(r, "NumpyRandomState", seed)
    if np.ndim(seed) == 0 or len(seed) > 1:  # R shows a sequence of one as a number, and of none as nothing
        assert in_r.value.message == str(in_python.value)


@pytest.mark.parametrize(("name", "arguments"), BAD_CALLS, ids=str)
def test_bad_arguments_are_refused_where_numpy_refuses_them(r: Any, name: str, arguments: Any) -> None:
    in_r, twin, original = all_three(r, 0)
    with pytest.raises((ValueError, TypeError, OverflowError)):
        getattr(original, name)(*arguments)
    with pytest.raises(ValueError, match="` must be ") as in_python:
        getattr(twin, name)(*arguments)
    for_probabilities = [np.array(x, dtype=float) if isinstance(x, list) else x for x in arguments]
    with pytest.raises(RError) as refused:
        getattr(in_r, name)(*for_probabilities)
    assert refused.value.message == str(in_python.value)
    assert_equal_generators(in_r, twin, original, "after an error")


def test_sums_within_numpys_tolerance_are_taken(r: Any) -> None:
    in_r, twin, original = all_three(r, 6)
    p = np.array([0.5, 0.5 + 1.4e-8])
    expected = original.choice(2, 100, True, p)
    assert_same_bits(in_r.choice(2, 100, True, p), expected, "R")
    assert_same_bits(twin.choice(2, 100, True, p), expected, "Python")


def test_the_callers_generator_in_r_is_left_alone(r: Any) -> None:
    code = """
    everything <- function() {
      g <- NumpyRandomState(1)
      g$random(10); g$standard_normal(3); g$randint(9, size = 4); g$permutation(5); g$choice(5, 2, FALSE)
      try(g$random(-1), silent = TRUE)
    }
    environment(everything) <- asNamespace("twinnet")
    RNGkind("Wichmann-Hill", "Box-Muller"); set.seed(1); rnorm(1)
    before <- .Random.seed; everything(); same <- identical(before, .Random.seed)
    RNGkind("default", "default", "default"); set.seed(1); rm(.Random.seed)
    everything()
    c(same, !exists(".Random.seed", globalenv()))
    """
    assert r.eval(code).tolist() == [True, True]


def test_the_golden_draws_are_numpys() -> None:
    with shared_data_path(f"golden/{STEM}.json").open() as file:
        golden = json.load(file)
    assert len(golden["cases"]) >= 5
    for case in golden["cases"]:
        twin, original = NumpyRandomState(case["seed"]), Original(case["seed"])
        for call in case["calls"]:
            expected = [float.fromhex(number) for number in call["result"]]
            what = f"{call['method']} {call['arguments']}, seed {case['seed']}"
            for generator in [twin, original]:
                draws = getattr(generator, call["method"])(**call["arguments"])
                assert_same_bits(np.ravel(draws), expected, what)


@pytest.mark.full
@pytest.mark.parametrize("name", CALLS)
def test_a_million_draws_of_every_method_are_numpys(r: Any, name: str) -> None:
    in_r, twin, original = all_three(r, 20240229)
    expected = CALLS[name](original, 10**6)
    assert_same_bits(CALLS[name](in_r, 10**6), expected, f"{name}, R")
    assert_same_bits(CALLS[name](twin, 10**6), expected, f"{name}, Python")
    assert_equal_generators(in_r, twin, original, f"after {name}")


@pytest.mark.full
def test_ten_thousand_draws_of_every_method_for_two_hundred_seeds_are_numpys(r: Any) -> None:
    for seed in [*SEEDS, *range(1000, 1200 - len(SEEDS))]:
        in_r, twin, original = all_three(r, seed)
        for name, call in CALLS.items():
            assert_same_bits(call(in_r, 10000), call(original, 10000), f"{name}, seed {seed}")
            call(twin, 10000)
        assert_equal_generators(in_r, twin, original, f"seed {seed}")
