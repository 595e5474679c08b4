"""NumpyGenerator and SeedSequence in both languages against the installed NumPy's own, bit by bit."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from bit_patterns import InR, assert_same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from twinnet.datasets import shared_data_path
from twinnet.generator_numpy import NumpyGenerator, SeedSequence, pcg_distance
from twinnet.parity.bridge import RError

STEM = "generator_numpy"
NUMBERS = [0, 1, 2, 7, 42, 123, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 10**10, 2**53 - 1]
SEQUENCES = [
    [5],
    [0],
    [],
    [0, 0],
    [1, 2, 3],
    [2**32 - 1, 0, 7],
    [2**40, 3],
    list(range(4)),
    list(range(5)),
    list(range(50)),
]
TEXTS = [
    "12345678901234567890",
    "0x1f2e3d4c5b6a79880123456789abcdef",
    str(2**64),
    str(2**128),
    str(10**60),
    "0",
    "0x0",
]
SEEDS = [*NUMBERS, *SEQUENCES, *TEXTS]
P5 = np.array([0.1, 0.0, 0.3, 0.55, 0.05])
SKEWED = np.arange(1.0, 51.0) / 1275.0
WORDS = np.array(["pine", "oak", "elm", "ash"])
TABLE = np.arange(21.0).reshape(7, 3)

# one call of each kind; n draws where a number of draws can be asked for
CALLS: dict[str, Any] = {
    "random": lambda g, n: g.random(n),
    "random of 24 bits": lambda g, n: g.random(n, "float32"),
    "uniform": lambda g, n: g.uniform(-3.7, 11.1, n),
    "standard_normal": lambda g, n: g.standard_normal(n),
    "normal": lambda g, n: g.normal(1.25, 0.3, n),
    "standard_exponential": lambda g, n: g.standard_exponential(n),
    "exponential": lambda g, n: g.exponential(2.7, n),
    "integers below 10": lambda g, n: g.integers(10, size=n),
    "integers of a power of 2": lambda g, n: g.integers(0, 256, n),
    "integers often refused": lambda g, n: g.integers(-7, 3 * 2**30 - 7, n),
    "integers of one number": lambda g, n: g.integers(4, 5, n),
    "integers of 32 bits": lambda g, n: g.integers(0, 2**32, n),
    "integers of 32 bits, endpoint": lambda g, n: g.integers(5, 2**32 + 4, n, endpoint=True),
    "integers of 33 bits": lambda g, n: g.integers(0, 2**32 + 1, n),
    "integers of 50 bits": lambda g, n: g.integers(-(10**15), 3 * 10**14, n),
    "integers of 53 bits": lambda g, n: g.integers(-(2**52), 2**52, n),
    "int32": lambda g, n: g.integers(-(2**31), 2**31 - 1, n, "int32", True),
    "uint32": lambda g, n: g.integers(0, 2**31 + 1, n, "uint32"),
    "uint64": lambda g, n: g.integers(0, 2**53, n, "uint64"),
    "int16": lambda g, n: g.integers(-300, 20001, n, "int16"),
    "uint16": lambda g, n: g.integers(0, 2**16, n, "uint16"),
    "int8": lambda g, n: g.integers(-100, 30, n, "int8"),
    "uint8": lambda g, n: g.integers(0, 129, n, "uint8"),
    "uint8 of all 8 bits": lambda g, n: g.integers(0, 255, n, "uint8", True),
    "bool": lambda g, n: g.integers(0, 2, n, "bool"),
    "bool of one value": lambda g, n: g.integers(1, 1, n, "bool", True),
    "permutation of a count": lambda g, n: g.permutation(n),
    "permutation of a vector": lambda g, n: g.permutation(np.arange(0.5, n + 2)),
    "shuffle of a vector": lambda g, n: g.shuffle(np.arange(0.5, n + 2)),
    "choice from a count": lambda g, n: g.choice(1000, n),
    "choice from one": lambda g, n: g.choice(1, n),
    "choice with p": lambda g, n: g.choice(5, n, True, P5),
    "choice with many p": lambda g, n: g.choice(50, n, p=SKEWED),
    "choice of few of few, Floyd": lambda g, n: g.choice(n + 10, n, False),
    "choice of all, Floyd": lambda g, n: g.choice(n, n, False) if n > 0 else g.choice(1, 1, False),
    "choice of few of many, Floyd": lambda g, n: g.choice(50 * max(n, 300), n, False),
    "choice of few of many, in order": lambda g, n: g.choice(10**6, n, False, shuffle=False),
    "choice of few of very many": lambda g, n: g.choice(2**40, n, False),
    "choice of many of many, tail": lambda g, n: g.choice(10001 + 3 * n, 210 + n, False),
    "choice of many of many, tail, no shuffle": lambda g, n: g.choice(10001 + 3 * n, 520 + n, False, None, False),
    "choice of all of many, tail": lambda g, n: g.choice(10001 + n, 10001 + n, False),
    "choice without replacement, with p": lambda g, n: g.choice(50, min(n, 40), False, SKEWED),
}
SIZED = [
    name
    for name in CALLS
    if not any(word in name for word in ["permutation", "shuffle", "of few", "of all", "of many", "without"])
]


class Original:
    """NumPy's default_rng; only `shuffle`, which works in place, is called as the twins are."""

    def __init__(self, seed: Any) -> None:
        self.generator = np.random.default_rng(int(seed, 0) if isinstance(seed, str) else seed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.generator, name)

    def shuffle(self, x: Any) -> Any:
        copy = np.array(x)
        self.generator.shuffle(copy)
        return copy


def all_three(r: Any, seed: Any) -> tuple[InR, NumpyGenerator, Original]:
    return InR(r, "NumpyGenerator", seed), NumpyGenerator(seed), Original(seed)


def assert_same_state(ours: Any, original: Original, what: str) -> None:
    """Compare a state that get_state of either language returned with NumPy's own."""
    theirs: Any = original.bit_generator.state
    for key in ["state", "inc"]:
        text = np.asarray(ours["state"][key]).item()
        assert text == str(theirs["state"][key]), f"{what}: {key} {text} here, {theirs['state'][key]} there"
    assert_same_bits(ours["has_uint32"], theirs["has_uint32"], f"{what}: has_uint32")
    assert_same_bits(ours["uinteger"], theirs["uinteger"], f"{what}: uinteger")


def assert_equal_generators(in_r: InR, twin: NumpyGenerator, original: Original, what: str) -> None:
    """Compare the states of all three, and the counts of words of two."""
    assert_same_state(in_r.get_state(), original, f"{what}, R")
    assert_same_state(twin.get_state(), original, f"{what}, Python")
    assert_same_bits(in_r.words_drawn(), twin.words_drawn(), f"{what}, words drawn in R and in Python")


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: str(seed)[:24])
def test_every_method_draws_what_numpy_draws(r: Any, seed: Any) -> None:
    in_r, twin, original = all_three(r, seed)
    for name, call in CALLS.items():
        expected = call(original, 401)
        assert_same_bits(call(in_r, 401), expected, f"{name}, seed {seed}, R")
        assert_same_bits(call(twin, 401), expected, f"{name}, seed {seed}, Python")
    assert_equal_generators(in_r, twin, original, f"after all, seed {seed}")


@pytest.mark.parametrize("name", CALLS)
def test_sizes_at_the_edges_draw_what_numpy_draws(r: Any, name: str) -> None:
    in_r, twin, original = all_three(r, 2024)
    for n in [0, 1, 2, 3, 31, 33, 63, 64, 65, 129]:
        expected = CALLS[name](original, n)
        assert_same_bits(CALLS[name](in_r, n), expected, f"{name} {n}, R")
        assert_same_bits(CALLS[name](twin, n), expected, f"{name} {n}, Python")
        assert_equal_generators(in_r, twin, original, f"after {name} {n}")


@pytest.mark.parametrize("n", [16383, 16384, 16385, 32767, 32768, 32769, 49153])
def test_sizes_at_the_edges_of_a_block_draw_what_numpy_draws(r: Any, n: int) -> None:
    in_r, twin, original = all_three(r, 99)
    for name in [
        "random",
        "random of 24 bits",
        "standard_normal",
        "integers often refused",
        "int16",
        "integers of 33 bits",
    ]:
        assert_same_bits(CALLS[name](in_r, n), CALLS[name](original, n), f"{name} {n}")
        CALLS[name](twin, n)
        assert_equal_generators(in_r, twin, original, f"after {name} {n}")


def test_without_a_size_a_single_number_is_drawn(r: Any) -> None:
    in_r, twin, original = all_three(r, 3)
    for name in SIZED:
        expected = CALLS[name](original, None)
        single = CALLS[name](twin, None)
        assert np.ndim(single) == 0
        assert_same_bits(single, expected, f"{name}, Python")
        assert_same_bits(CALLS[name](in_r, None), expected, f"{name}, R")
    for arguments in [(9, None, False), (20000, None, False), (5, None, False, P5)]:
        expected = original.choice(*arguments)
        assert_same_bits(in_r.choice(*arguments), expected, f"choice {arguments}, R")
        assert_same_bits(twin.choice(*arguments), expected, f"choice {arguments}, Python")
    assert_equal_generators(in_r, twin, original, "after single draws")


def test_shapes_are_filled_in_numpys_order(r: Any) -> None:
    in_r, twin, original = all_three(r, 8)
    for shape in [(2, 3), (4, 1, 3), (1, 1), (3, 0, 2), (2, 3, 4, 5), (5,)]:
        for name in SIZED:
            expected = CALLS[name](original, shape)
            assert_same_bits(CALLS[name](in_r, shape), expected, f"{name} {shape}, R")
            assert_same_bits(CALLS[name](twin, shape), expected, f"{name} {shape}, Python")
        expected = original.choice(200, shape, False)
        assert_same_bits(in_r.choice(200, shape, False), expected, f"choice {shape}, R")
        assert_same_bits(twin.choice(200, shape, False), expected, f"choice {shape}, Python")
    assert_equal_generators(in_r, twin, original, "after all shapes")


def test_rows_of_arrays_and_text_are_permuted_as_numpy_does(r: Any) -> None:
    in_r, twin, original = all_three(r, 17)
    cube = np.arange(24.0).reshape(4, 3, 2)
    for x in [TABLE, cube, WORDS, TABLE[:1], TABLE[:0], TABLE[:, :0]]:
        for name in ["permutation", "shuffle"]:
            expected = getattr(original, name)(x)
            assert_same_bits(getattr(in_r, name)(x), expected, f"{name} of shape {x.shape}, R")
            assert_same_bits(getattr(twin, name)(x), expected, f"{name} of shape {x.shape}, Python")
    p4 = np.array([0.1, 0.0, 0.3, 0.6])
    for arguments in [(WORDS, 9), (WORDS, 3, False), (WORDS, 2, False, p4), (np.array([2.5, 0.5]), 4)]:
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
        lambda g: g.integers(5, 2, 0),
        lambda g: g.choice(0, 0),
        lambda g: g.choice(-2, 0),
        lambda g: g.choice(empty, 0, False),
        lambda g: g.choice(5, (0, 2), False),
        lambda g: g.choice(20000, 0, False),
    ]
    for call in calls:
        assert_same_bits(call(in_r), call(original), "R")
        call(twin)
    assert twin.words_drawn() == 0
    assert_equal_generators(in_r, twin, original, "after nothing")


counts = st.integers(0, 40)
one_call = st.tuples(st.sampled_from(sorted(CALLS)), counts)
seeds = st.one_of(
    st.integers(0, 2**53 - 1),
    st.integers(0, 2**200).map(str),
    st.integers(0, 2**200).map(hex),
    st.lists(st.integers(0, 2**53 - 1), max_size=9),
)


@given(seed=seeds, calls=st.lists(one_call, min_size=1, max_size=12), handover=st.integers(0, 12))
@settings(max_examples=60, deadline=None)
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


@given(
    state=st.integers(0, 2**128 - 1),
    increment=st.integers(0, 2**127 - 1),
    half=st.integers(0, 2**32 - 1),
    has_half=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_any_state_of_numpys_own_is_taken_and_goes_on_alike(
    r: Any, state: int, increment: int, half: int, has_half: bool
) -> None:
    original = Original(0)
    inner = {"state": state, "inc": 2 * increment + 1}
    own = {"bit_generator": "PCG64", "state": inner, "has_uint32": int(has_half), "uinteger": half}
    original.bit_generator.state = own
    in_r, twin = InR(r, "NumpyGenerator", 0), NumpyGenerator(0)
    in_r.set_state({**own, "uinteger": float(half), "state": {key: str(value) for key, value in inner.items()}})
    twin.set_state(own)
    for name in ["integers of 32 bits", "random", "standard_normal"]:
        expected = CALLS[name](original, 70)
        assert_same_bits(CALLS[name](in_r, 70), expected, f"{name}, R")
        assert_same_bits(CALLS[name](twin, 70), expected, f"{name}, Python")
    assert_equal_generators(in_r, twin, original, f"state {state}, increment {2 * increment + 1}")


def test_words_that_r_has_no_integer_for_are_combined(r: Any) -> None:
    words = np.array([0, 1, 2**31 - 1, 2**31, 2**31 + 1, 2**32 - 1, 123456789, 0xDEADBEEF], dtype=np.uint64)
    for a in words:
        for b in words:
            ours = r.call("xor_words", np.array([a - 2.0**31]), np.array([b - 2.0**31]))
            assert_same_bits(ours, float(a ^ b), f"{a} xor {b}")
    left, right = np.repeat(words, words.size), np.tile(words, words.size)
    ours = r.call("xor_words", left - 2.0**31, right - 2.0**31)
    assert_same_bits(ours, (left ^ right).astype(float), "all pairs at once")


def test_the_words_drawn_are_counted(r: Any) -> None:
    in_r, twin = InR(r, "NumpyGenerator", 5), NumpyGenerator(5)
    for generator in [in_r, twin]:
        assert generator.words_drawn() == 0
        generator.random(1000)
        assert generator.words_drawn() == 1000
        generator.integers(0, 2**32, 47)
        assert generator.words_drawn() == 1024
        generator.integers(0, 2**32, 1)
        assert generator.words_drawn() == 1024
    assert pcg_distance(0, 1, 1) == 1
    twin._bits.advance(2**100 + 3)
    assert twin.words_drawn() == 1024 + 2**100 + 3


@pytest.mark.parametrize("entropy", SEEDS, ids=lambda seed: str(seed)[:24])
def test_seed_sequences_mix_and_spawn_as_numpys(r: Any, entropy: Any) -> None:
    in_r, twin = InR(r, "SeedSequence", entropy), SeedSequence(entropy)
    original = np.random.SeedSequence(int(entropy, 0) if isinstance(entropy, str) else entropy)
    for n in [0, 1, 3, 4, 5, 8, 23]:
        assert_same_bits(in_r.generate_state(n), original.generate_state(n), f"{n} words, R")
        assert_same_bits(twin.generate_state(n), original.generate_state(n), f"{n} words, Python")
    for n in [2, 3]:
        children = zip(in_r.spawn(n, convert=False), twin.spawn(n), original.spawn(n), strict=True)
        for handle, child_twin, child in children:
            child_in_r = InR(r, None, handle=handle)
            assert_same_bits(child_in_r.generate_state(8), child.generate_state(8), "child, R")
            assert_same_bits(child_twin.generate_state(8), child.generate_state(8), "child, Python")
            grandchild = child.spawn(2)[1]
            in_r_too = InR(r, None, handle=child_in_r.spawn(2, convert=False)[1])
            assert_same_bits(in_r_too.generate_state(8), grandchild.generate_state(8), "grandchild, R")
            assert child_twin.spawn(2)[1].spawn_key == grandchild.spawn_key
    assert twin.n_children_spawned == original.n_children_spawned == 5


@pytest.mark.parametrize("pool_size", [4, 5, 8])
def test_pools_of_any_size_and_spawn_keys_are_mixed_as_numpys(r: Any, pool_size: int) -> None:
    for entropy in [0, 2**40, list(range(12))]:
        for spawn_key in [(), (0,), (1, 2**40), tuple(range(9))]:
            original = np.random.SeedSequence(entropy, spawn_key=spawn_key, pool_size=pool_size)
            expected = original.generate_state(11)
            what = f"entropy {entropy}, spawn_key {spawn_key}, pool_size {pool_size}"
            in_r = InR(r, "SeedSequence", entropy, spawn_key, pool_size)
            assert_same_bits(in_r.generate_state(11), expected, f"{what}, R")
            twin = SeedSequence(entropy, spawn_key, pool_size)
            assert_same_bits(twin.generate_state(11), expected, f"{what}, Python")


def test_generators_of_seed_sequences_and_spawned_ones_draw_what_numpys_draw(r: Any) -> None:
    sequence = np.random.SeedSequence(77).spawn(3)[2]
    handle = r.method(r.call("SeedSequence", 77.0, convert=False), "spawn", 3.0, convert=False)[2]
    in_r = InR(r, "NumpyGenerator", handle)
    twin = NumpyGenerator(SeedSequence(77).spawn(3)[2])
    original = np.random.default_rng(sequence)
    for _ in range(2):
        children = zip(in_r.spawn(2, convert=False), twin.spawn(2), original.spawn(2), strict=True)
        for child_handle, child_twin, child in children:
            expected = child.standard_normal(100)
            assert_same_bits(InR(r, None, handle=child_handle).standard_normal(100), expected, "child, R")
            assert_same_bits(child_twin.standard_normal(100), expected, "child, Python")
    expected = original.random(100)
    assert_same_bits(in_r.random(100), expected, "R")
    assert_same_bits(twin.random(100), expected, "Python")


BAD_SEEDS = [-1, 1.5, [1, -1], "12.5", "0x", "-3", "twelve", None, float("nan")]
BAD_CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("random", (-1,)),
    ("random", (3, "float16")),
    ("standard_normal", ((2, -1),)),
    ("uniform", (0.0, float("inf"))),
    ("uniform", (-1.7e308, 1.7e308)),
    ("uniform", (2.0, 1.0)),
    ("uniform", (0.0, -0.0)),
    ("normal", (0.0, -1.0)),
    ("exponential", (-0.0,)),
    ("integers", (0,)),
    ("integers", (5, 5)),
    ("integers", (5, 2)),
    ("integers", (5, 4, 3, "int64", True)),
    ("integers", (5, 7, -2)),
    ("integers", (0, 129, 3, "int8")),
    ("integers", (-129, 3, 3, "int8")),
    ("integers", (-1, 3, 3, "uint32")),
    ("integers", (0, 2**32, 3, "uint32", True)),
    ("integers", (0, 2**31 + 1, 3, "int32")),
    ("integers", (0, 3, 3, "bool")),
    ("integers", (0, 3, 3, "float64")),
    ("choice", (0,)),
    ("choice", (-1, 2)),
    ("choice", (np.zeros(0), 1)),
    ("choice", (2.5, 1)),
    ("choice", (5, -1)),
    ("choice", (5, 6, False)),
    ("choice", (5, 2, True, [0.5, 0.5])),
    ("choice", (2, 2, True, [0.5, 0.6])),
    ("choice", (2, 2, True, [1.5, -0.5])),
    ("choice", (2, 2, True, [0.5, float("nan")])),
    ("choice", (3, 2, False, [1.0, 0.0, 0.0])),
]


@pytest.mark.parametrize("seed", BAD_SEEDS, ids=str)
def test_bad_seeds_are_refused_where_numpy_refuses_them(r: Any, seed: Any) -> None:
    if seed is not None:  # NumPy takes the computer's entropy then, and no one could make the draws again
        with pytest.raises((ValueError, TypeError)):
            np.random.default_rng([seed])
    with pytest.raises(ValueError, match="`seed` must be") as in_python:
        NumpyGenerator(seed)
    with pytest.raises(RError) as in_r:
        InR(r, "NumpyGenerator", seed)
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


def test_states_that_are_no_states_are_refused(r: Any) -> None:
    in_r, twin = InR(r, "NumpyGenerator", 0), NumpyGenerator(0)
    good = twin.get_state()
    too_large = {"state": str(2**128), "inc": "1"}
    for bad in [
        {**good, "bit_generator": "MT19937"},
        {**good, "state": too_large},
        {**good, "uinteger": 2.0**32},
    ]:
        with pytest.raises(ValueError, match="` must be ") as in_python:
            twin.set_state(bad)
        with pytest.raises(RError) as refused:
            in_r.set_state(bad)
        assert refused.value.message == str(in_python.value)
        assert twin.get_state() == good


def test_the_callers_generator_in_r_is_left_alone(r: Any) -> None:
    code = """
    everything <- function() {
      g <- NumpyGenerator(1)
      g$random(10); g$standard_normal(3); g$integers(9, size = 4); g$permutation(5); g$choice(5, 2, FALSE)
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


def test_the_golden_draws_are_numpys() -> None:
    with shared_data_path(f"golden/{STEM}.json").open() as file:
        golden = json.load(file)
    assert len(golden["cases"]) >= 5
    for case in golden["cases"]:
        twin, original = NumpyGenerator(case["seed"]), Original(case["seed"])
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
    n = 10**5 if "shuffle" in name or "tail" in name else 10**6
    expected = CALLS[name](original, n)
    assert_same_bits(CALLS[name](in_r, n), expected, f"{name}, R")
    assert_same_bits(CALLS[name](twin, n), expected, f"{name}, Python")
    assert_equal_generators(in_r, twin, original, f"after {name}")


@pytest.mark.full
def test_ten_thousand_draws_of_every_method_for_a_hundred_seeds_are_numpys(r: Any) -> None:
    for seed in [*SEEDS, *range(1000, 1100 - len(SEEDS))]:
        in_r, twin, original = all_three(r, seed)
        for name, call in CALLS.items():
            assert_same_bits(call(in_r, 10000), call(original, 10000), f"{name}, seed {seed}")
            call(twin, 10000)
        assert_equal_generators(in_r, twin, original, f"seed {seed}")
