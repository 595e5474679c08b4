"""RGenerator in both languages against R itself: `set.seed`, then R's own functions, bit by bit."""

from __future__ import annotations

import json
import math
import random
import timeit
import warnings
from typing import Any

import numpy as np
import pytest
from bit_patterns import assert_same_bits, for_r
from hypothesis import given, settings
from hypothesis import strategies as st
from test_mersenne_twister import untemper
from twinnet import _r_algorithms
from twinnet.datasets import shared_data_path
from twinnet.generator_r import RGenerator
from twinnet.parity.bridge import RError, RWarning

KINDS = ["Rejection", "Rounding"]
SEEDS = [0, 1, -1, 2, 7, 42, 123, 1234, 2024, 65535, 65536, -65536, 10**6, -(10**6), 10**9, -(10**9)]
SEEDS += [2**30, -(2**30), 2**31 - 2, 2**31 - 1, -(2**31 - 2), -(2**31 - 1), 19650218, 314159265]
SIZES = [0, 1, 2, 7, 311, 312, 313, 623, 624, 625, 1001]  # 624 words are made at a time

Call = tuple[str, list[Any]]


def weights(n: int, ties: bool) -> Any:
    """Make weights for unequal sampling; with ties, their order is for R's heapsort to decide."""
    draw = random.Random(n)
    return np.array([draw.choice([0.5, 1.0, 2.0, 0.0]) if ties else draw.random() for _ in range(n)])


def sized_calls(n: int) -> dict[str, list[Call]]:
    """Make calls of every method that draws as many as it is told, by method."""
    binomials = [(1, 0.5), (1, 0.3), (1, 0.9), (10, 0.4), (59, 0.5), (60, 0.5), (61, 0.7), (100, 0.3)]
    binomials += [(1000, 0.5), (1000, 0.97), (10**6, 0.3), (10**9, 0.25), (2**31 - 2, 0.5), (10**9, 1e-8)]
    return {
        "runif": [("runif", [n]), ("runif", [n, -1.5, 2.25]), ("runif", [n, -1e308, 1e308])],
        "rnorm": [("rnorm", [n]), ("rnorm", [n, 10, 0.1]), ("rnorm", [n, -3.25])],
        "rexp": [("rexp", [n]), ("rexp", [n, 0.3]), ("rexp", [n, 1e300])],
        "rbinom": [("rbinom", [n, size, prob]) for size, prob in binomials],
        "sample with replacement": [
            ("sample_int", [top, n, True]) for top in (1, 2, 10, 256, 257, 65536, 65537, 10**8)
        ],
        "sample of weights with replacement": [
            ("sample_int", [many, n, True, weights(many, ties)])
            for many in (1, 5, 200, 300, 1000)
            for ties in (False, True)
            if many > 1 or not ties
        ],
        "sample of very many": [
            ("sample_int", [top, n, replace])
            for top in (10**7 + 1, 2**31 - 1, 2**31, 3 * 10**9, 10**15, 2**50 + 1)
            for replace in (True, False)
        ],
    }


UNSIZED_CALLS: dict[str, list[Call]] = {
    "sample": [
        ("sample", [x]) for x in (1, 2, 3, 5.7, 150, 255, 256, 257, 623, 624, 625, 4097, 0.5, np.array([3.0, 1.0, 2.0]))
    ],
    "sample without replacement": [
        ("sample_int", [n, size])
        for n, size in ((10, 3), (5, 5), (1000, 999), (1000, 10), (32769, 2000), (10**6, 500), (0, 0), (7, 0))
    ],
    "sample of weights without replacement": [
        ("sample_int", [n, size, False, weights(n, ties)])
        for n, size in ((1, 1), (5, 3), (17, 9), (200, 100), (1000, 400), (500, 0))
        for ties in (False, True)
        if n > 1 or not ties
    ],
    "shuffle": [("shuffle", [np.arange(0.5, n)]) for n in (1, 2, 33, 624, 1000)],
    "recycled arguments": [
        ("runif", [7, np.array([1.0, 2.0, 3.0]), np.array([3.0, 4.0])]),
        ("runif", [6, 1, np.array([1.0, 4.0])]),
        ("rnorm", [7, np.array([1.0, 2.0, -math.inf]), np.array([1.0, 0.0])]),
        ("rnorm", [3, np.array([-0.0, 5.0, math.inf, 7.0]), 0]),
        ("rexp", [9, np.array([1.0, math.inf, 2.0, 1e-300])]),
        ("rbinom", [60, np.array([10.0, 1000.0, 0.0]), np.array([0.1, 0.9, 0.0, 1.0])]),
    ],
}


# The kind of sampling is for `sample` alone.
GROUPS = [(group, kind) for group in sized_calls(0) for kind in KINDS if kind == "Rejection" or "sample" in group]


class InR:
    """The generator of the R package, with the methods of its Python twin."""

    def __init__(self, r: Any, *arguments: Any) -> None:
        self.r = r
        self.handle = r.call("RGenerator", *[for_r(item) for item in arguments], convert=False)

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.r.method(self.handle, name, *[for_r(item) for item in arguments])


class BareR:
    """R itself: `set.seed`, and then its own functions on its global state."""

    def __init__(self, r: Any, seed: int, sample_kind: str) -> None:
        self.r = r
        r.eval(f"suppressWarnings(set.seed({seed}, 'Mersenne-Twister', 'Inversion', '{sample_kind}'))")

    def draw(self, method: str, arguments: list[Any]) -> Any:
        function = {"sample_int": "sample.int", "shuffle": "sample"}.get(method, method)
        return self.r.call(function, *[for_r(item) for item in arguments])

    def random_seed(self) -> Any:
        """Return `.Random.seed`, with -2^31 where R has its NA."""
        return self.r.eval("local({ seed <- as.double(.Random.seed); seed[is.na(seed)] <- -2^31; seed })")

    def set_random_seed(self, seed: Any) -> None:
        entries = ", ".join("NA" if entry == -(2**31) else str(int(entry)) for entry in seed)
        self.r.eval(f".Random.seed <- as.integer(c({entries}))")


def assert_same_state(in_r: InR, twin: RGenerator, bare: BareR, what: str) -> None:
    """Compare the states of all three, and the counts of words of two."""
    expected = bare.random_seed()
    assert_same_bits(twin.get_random_seed(), expected, f"{what}: .Random.seed, Python and R")
    state, state_in_r = twin.get_state(), in_r.get_state()
    assert_same_bits(state_in_r["key"], expected[2:] % 2**32, f"{what}: key, the class in R and R")
    assert_same_bits(state_in_r["pos"], expected[1], f"{what}: position, the class in R and R")
    assert_same_bits(state_in_r["drawn"], state["drawn"], f"{what}: words drawn, R and Python")
    assert state["sample_kind"] == state_in_r["sample_kind"][0]


def assert_same_draws(r: Any, seed: int, kind: str, calls: list[Call]) -> int:
    """Make the calls one after the other in all three, compare draws and states; count the draws."""
    bare, in_r, twin = BareR(r, seed, kind), InR(r, seed, kind), RGenerator(seed, kind)
    expected = [bare.draw(method, arguments) for method, arguments in calls]
    for (method, arguments), draws in zip(calls, expected, strict=True):
        what = f"{method}{tuple(arguments)!s:.60}, seed {seed}, {kind}"
        assert_same_bits(getattr(twin, method)(*arguments), draws, f"{what}, Python and R")
        assert_same_bits(getattr(in_r, method)(*arguments), draws, f"{what}, the class in R and R")
    assert_same_state(in_r, twin, bare, f"seed {seed}, {kind}")
    return sum(np.size(draws) for draws in expected)


@pytest.mark.parametrize(("group", "kind"), GROUPS)
def test_ten_thousand_draws_of_every_method_over_many_seeds_are_rs_own(r: Any, group: str, kind: str) -> None:
    drawn = 0
    for turn, seed in enumerate(SEEDS):
        # Every size with another of the group's calls for every seed.
        choices = [sized_calls(n)[group] for n in SIZES]
        calls = [choice[(turn + place) % len(choice)] for place, choice in enumerate(choices)]
        drawn += assert_same_draws(r, seed, kind, calls)
    assert drawn >= 1e4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("group", UNSIZED_CALLS)
def test_permutations_and_recycled_arguments_draw_what_r_draws(r: Any, group: str, kind: str) -> None:
    for seed in SEEDS[:: 1 if kind == "Rejection" else 4]:
        assert_same_draws(r, seed, kind, UNSIZED_CALLS[group])


def test_a_long_permutation_is_rs_own(r: Any) -> None:
    for kind in KINDS:
        assert_same_draws(r, 5, kind, [("sample", [60000]), ("sample", [65536]), ("sample", [65537])])


def any_calls() -> Any:
    """Make a strategy for calls of every method, of sizes up to a few blocks."""
    groups = st.sampled_from([*sized_calls(0), *UNSIZED_CALLS])
    sizes = st.sampled_from([*SIZES, 3, 1248]) | st.integers(0, 1300)
    choices = st.tuples(groups, sizes, st.integers(0, 10**6))
    return st.lists(choices.map(lambda choice: choose_call(*choice)), max_size=8)


def choose_call(group: str, n: int, which: int) -> Call:
    calls = sized_calls(n)[group] if group in sized_calls(0) else UNSIZED_CALLS[group]
    return calls[which % len(calls)]


@settings(max_examples=40, deadline=None)
@given(st.integers(-(2**31 - 1), 2**31 - 1), st.sampled_from(KINDS), any_calls())
def test_calls_in_any_order_draw_what_r_draws(r: Any, seed: int, kind: str, calls: list[Call]) -> None:
    assert_same_draws(r, seed, kind, calls)


@pytest.mark.full
@settings(max_examples=1000, deadline=None)
@given(st.integers(-(2**31 - 1), 2**31 - 1), st.sampled_from(KINDS), any_calls())
def test_many_more_calls_in_any_order_draw_what_r_draws(r: Any, seed: int, kind: str, calls: list[Call]) -> None:
    assert_same_draws(r, seed, kind, calls)


@pytest.mark.full
@pytest.mark.parametrize(("group", "kind"), GROUPS)
def test_a_million_draws_of_every_method_are_rs_own(r: Any, group: str, kind: str) -> None:
    assert_same_draws(r, 20240607, kind, sized_calls(10**6)[group])


@pytest.mark.full
@pytest.mark.parametrize("kind", KINDS)
def test_a_permutation_of_ten_million_is_rs_own(r: Any, kind: str) -> None:
    assert_same_draws(r, -77, kind, [("sample", [10**6]), ("sample", [10**7]), ("sample_int", [10**7, 3])])
    assert_same_draws(r, -78, kind, [("sample_int", [2 * 10**7, 10**6]), ("shuffle", [np.arange(1e6)])])


# --- words that hardly ever come: planted in the key, so that the next draws are made of them ---

EXTREME_WORDS = [0, 1, 2, 31, 32, 2**15, 2**16 - 1, 2**16, 2**24, 2**31 - 1, 2**31, 2**31 + 1]
EXTREME_WORDS += [2**32 - 2**16, 2**32 - 33, 2**32 - 32, 2**32 - 2, 2**32 - 1]
PLANTED_CALLS: list[Call] = [
    ("rnorm", [40]),
    ("rexp", [40]),
    ("runif", [40]),
    ("rbinom", [30, 1000, 0.4]),
    ("rbinom", [30, 2**31 - 2, 0.5]),
    ("rbinom", [30, 70, 0.45]),
    ("rbinom", [30, 40, 0.5]),
    ("rbinom", [30, 10**9, 2e-8]),
    ("rbinom", [30, 3, 0.75]),
    ("rexp", [20]),
    ("rnorm", [5]),
    ("sample", [20]),
    ("sample_int", [70000, 20, True]),
    ("sample_int", [300, 20, True, weights(300, False)]),
    ("sample_int", [30, 20, True, weights(30, True)]),
    ("sample_int", [30, 12, False, weights(30, True)]),
    ("sample_int", [10**15, 9]),
]


def assert_same_draws_of_words(r: Any, words: list[int], kind: str, calls: list[Call]) -> None:
    """Compare the draws that all three make of the words that come next."""
    key = np.resize([untemper(word) for word in words], 624).astype(np.uint32)
    planted = np.concatenate([[{"Rejection": 10403, "Rounding": 403}[kind], 1], key.view(np.int32)])
    bare, in_r, twin = BareR(r, 1, kind), InR(r, 1, kind), RGenerator(1, kind)
    bare.set_random_seed(planted)
    twin.set_random_seed(planted)
    in_r.set_state(twin.get_state())
    for method, arguments in calls:
        expected = bare.draw(method, arguments)
        what = f"{method}{tuple(arguments)!s:.60} of planted words, {kind}"
        assert_same_bits(getattr(twin, method)(*arguments), expected, f"{what}, Python and R")
        assert_same_bits(getattr(in_r, method)(*arguments), expected, f"{what}, the class in R and R")
    assert_same_state(in_r, twin, bare, "after planted words")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(EXTREME_WORDS) | st.integers(0, 2**32 - 1), min_size=1, max_size=623).filter(any),
    st.sampled_from(KINDS),
    st.permutations(PLANTED_CALLS),
)
def test_the_rarest_words_make_what_r_makes_of_them(r: Any, words: list[int], kind: str, calls: list[Call]) -> None:
    assert_same_draws_of_words(r, words, kind, calls)


def test_a_probability_that_rounds_to_1_gives_infinity_as_in_r(r: Any) -> None:
    planted = [2**32 - 1] * 623
    assert_same_draws_of_words(r, planted, "Rejection", [("rnorm", [3])])
    twin = RGenerator(1)
    key = np.resize(np.uint32(untemper(2**32 - 1)), 624).view(np.int32)
    assert twin.set_random_seed(np.concatenate([[10403, 1], key])).rnorm(1) == math.inf


# --- states handed over ---


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", SIZES)
def test_a_stream_goes_on_in_the_other_language_and_in_r_itself(r: Any, n: int, kind: str) -> None:
    bare, in_r, twin = BareR(r, 99, kind), InR(r, 99, kind), RGenerator(99, kind)
    for method in ("rnorm", "rexp", "sample"):
        bare.draw(method, [n + 1])
        getattr(twin, method)(n + 1)
    in_r.set_state(twin.get_state())
    assert_same_bits(in_r.rnorm(700), bare.draw("rnorm", [700]), f"from Python to R after {n}")
    back = RGenerator(0).set_state(in_r.get_state())
    assert_same_bits(back.sample(625), bare.draw("sample", [625]), f"from R to Python after {n}")
    assert twin.words_drawn() + 1400 < back.words_drawn()
    resumed = RGenerator(0).set_random_seed(bare.random_seed())
    assert_same_bits(resumed.sample(625), bare.draw("sample", [625]), f"from .Random.seed after {n}")
    bare.set_random_seed(resumed.get_random_seed())
    assert_same_bits(resumed.runif(5), bare.draw("runif", [5]), f"to .Random.seed after {n}")


def test_words_are_counted_from_the_seed_or_the_random_seed_on() -> None:
    generator = RGenerator(1)
    generator.runif(3)
    generator.rnorm(2)
    assert generator.words_drawn() == 7
    assert generator.set_random_seed(generator.get_random_seed()).words_drawn() == 0


@pytest.mark.parametrize("kinds", ["'Wichmann-Hill', 'Box-Muller', 'Rounding'", "'Mersenne', 'Inversion', 'Rejection'"])
def test_the_callers_generator_in_r_stays_as_it_is(r: Any, kinds: str) -> None:
    r.eval(f"suppressWarnings({{ RNGkind({kinds}); set.seed(3) }})")
    before = r.eval("list(.Random.seed, RNGkind())")
    in_r = InR(r, 4, "Rounding")
    for group in UNSIZED_CALLS.values():
        for method, arguments in group:
            getattr(in_r, method)(*arguments)
    with pytest.raises(RError):
        in_r.sample(3, 4)
    in_r.set_random_seed(in_r.get_random_seed())
    in_r.words_drawn()
    after = r.eval("list(.Random.seed, RNGkind())")
    r.eval("RNGkind('default', 'default', 'default')")
    assert_same_bits(after[0], before[0], ".Random.seed after and before")
    assert after[1].tolist() == before[1].tolist()


# --- errors ---

NAN = math.nan
BAD_CALLS: list[tuple[str, list[Any]]] = [
    ("RGenerator", [NAN]),
    ("RGenerator", [2**31]),
    ("RGenerator", [-(2**31)]),
    ("RGenerator", [1.5]),
    ("RGenerator", ["1"]),
    ("RGenerator", [None]),
    ("RGenerator", [1, "rejection"]),
    ("runif", [-1]),
    ("runif", [NAN]),
    ("runif", [np.array([1.0, 2.0])]),
    ("runif", [2, 1, 0]),
    ("runif", [3, np.array([0.0, 2.0]), np.array([1.0, 1.0])]),
    ("runif", [2, -math.inf]),
    ("runif", [2, 0, NAN]),
    ("runif", [2, np.array([])]),
    ("rnorm", ["3"]),
    ("rnorm", [2, NAN]),
    ("rnorm", [2, 0, -1]),
    ("rnorm", [2, 0, math.inf]),
    ("rnorm", [2, 0, np.array([1.0, NAN])]),
    ("rexp", [2, 0]),
    ("rexp", [2, -1]),
    ("rexp", [2, 1e-310]),
    ("rexp", [2, NAN]),
    ("rbinom", [2, 2.5, 0.5]),
    ("rbinom", [2, -1, 0.5]),
    ("rbinom", [2, 1, 1.5]),
    ("rbinom", [2, 1, -0.1]),
    ("rbinom", [2, 1, NAN]),
    ("rbinom", [2, NAN, 0.5]),
    ("sample", [5, 6]),
    ("sample", [np.array([1.0, 2.0]), 3]),
    ("sample", [5, -1]),
    ("sample", [5, NAN]),
    ("sample", [5, 2, None]),
    ("sample", [np.zeros((2, 2))]),
    ("sample_int", [-1]),
    ("sample_int", [0, 1]),
    ("sample_int", [5e15]),
    ("sample_int", [3, 2, False, np.array([1.0, 2.0])]),
    ("sample_int", [3, 2, False, np.array([1.0, -2.0, 1.0])]),
    ("sample_int", [3, 2, False, np.array([1.0, NAN, 1.0])]),
    ("sample_int", [3, 2, False, np.array([1.0, math.inf, 1.0])]),
    ("sample_int", [3, 2, False, np.array([1.0, 0.0, 0.0])]),
    ("sample_int", [3, 2, True, np.zeros(3)]),
    ("sample_int", [3, 0, False, np.zeros(3)]),
    ("set_random_seed", [np.array([10403.0, 624.0])]),
    ("set_random_seed", [np.array([10203.0, 1.0, *range(1, 625)])]),
    ("set_random_seed", [np.array([10403.0, 0.0, *range(1, 625)])]),
    ("set_random_seed", [np.array([10403.0, 1.0, *[0.0] * 624])]),
    ("set_random_seed", [np.array([10403.0, 1.0, *[0.5] * 624])]),
]


@pytest.mark.parametrize(("method", "arguments"), BAD_CALLS, ids=lambda item: f"{item!s:.50}")
def test_bad_arguments_are_refused_with_the_same_words_and_draw_nothing(
    r: Any, method: str, arguments: list[Any]
) -> None:
    in_r, twin = InR(r, 1, "Rejection"), RGenerator(1)
    constructors = method == "RGenerator"
    ours = RGenerator if constructors else getattr(twin, method)
    theirs = (lambda *arguments: InR(r, *arguments)) if constructors else getattr(in_r, method)
    with pytest.raises(ValueError, match="must be") as error:
        ours(*arguments)
    with pytest.raises(RError) as error_in_r:
        theirs(*arguments)
    assert error_in_r.value.message == str(error.value)
    assert_same_bits(in_r.runif(3), RGenerator(1).runif(3), "the next draws in R after an error")
    assert_same_bits(twin.runif(3), RGenerator(1).runif(3), "the next draws in Python after an error")


# What R takes after all: the length of a vector for `n`, a number in quotes, the elements of a matrix.
ONLY_OURS = [["3"], [np.array([1.0, 2.0])], [np.zeros((2, 2))]]


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        (method, arguments)
        for method, arguments in BAD_CALLS
        if method not in ("RGenerator", "set_random_seed") and str(arguments) not in map(str, ONLY_OURS)
    ],
    ids=lambda item: f"{item!s:.50}",
)
def test_what_is_refused_is_an_error_or_nan_with_a_warning_in_r_too(r: Any, method: str, arguments: list[Any]) -> None:
    bare = BareR(r, 1, "Rejection")
    with warnings.catch_warnings():
        warnings.simplefilter("error", RWarning)
        with pytest.raises((RError, RWarning)):
            bare.draw(method, arguments)


# --- the logarithm ---


def test_the_fast_logarithm_has_the_bits_of_the_librarys() -> None:
    x = np.concatenate([np.random.default_rng(1).random(10**6) * 0.075, 2.0 ** -np.arange(1, 1000)])
    assert_same_bits(_r_algorithms.exact_log(x), np.array([math.log(value) for value in x]), "log")


def test_without_the_fast_logarithm_the_draws_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = RGenerator(8)
    expected = [fast.rnorm(20000), fast.rbinom(2000, 10**6, 0.5)]
    monkeypatch.setattr(_r_algorithms, "scipy_log_is_exact", lambda: False)
    slow = RGenerator(8)
    for method, draws in zip([slow.rnorm(20000), slow.rbinom(2000, 10**6, 0.5)], expected, strict=True):
        assert_same_bits(method, draws, "draws by the library's logarithm")


# --- time ---


@pytest.mark.full
def test_a_million_normal_draws_take_at_most_half_as_long_again_as_in_r(r: Any) -> None:
    generator = RGenerator(1)
    ours, theirs = fastest(r, lambda: generator.rnorm(10**6), "rnorm(1e6)")
    assert ours <= 1.5 * theirs, f"rnorm(1e6): {ours * 1e3:.1f} ms in Python, {theirs * 1e3:.1f} ms in R"


@pytest.mark.full
def test_a_permutation_of_60000_takes_at_most_five_times_as_long_as_in_r(r: Any) -> None:
    generator = RGenerator(1)
    ours, theirs = fastest(r, lambda: generator.sample(60000), "sample(60000)")
    assert ours <= 5 * theirs, f"sample(60000): {ours * 1e3:.1f} ms in Python, {theirs * 1e3:.1f} ms in R"


def fastest(r: Any, draw: Any, code: str) -> tuple[float, float]:
    """Return the least of many times in seconds, in Python and in R, taken in turn."""
    r.eval(f"time_of_ten <- function() system.time(for (i in 1:10) {code})[[3]] / 10")
    r.eval("set.seed(1, 'Mersenne-Twister', 'Inversion', 'Rejection')")
    ours, theirs = [], []
    for _ in range(10):
        ours.append(min(timeit.repeat(draw, number=1, repeat=5)))
        theirs.append(r.eval("time_of_ten()").item())
    r.eval("rm(time_of_ten)")
    return min(ours), min(theirs)


# --- golden streams, in Python alone ---

GOLDEN = json.loads(shared_data_path("golden/generator_r.json").read_text())


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: f"{case['seed']} {case['sample_kind']}")
def test_the_draws_are_those_that_r_once_made(case: dict[str, Any]) -> None:
    generator = RGenerator(case["seed"], case["sample_kind"])
    for call in case["calls"]:
        draws = getattr(generator, call["method"])(**call["arguments"])
        expected = np.array([float.fromhex(text) for text in call["result"]])
        assert_same_bits(draws, expected, f"{call['method']}{call['arguments']!s:.60}")
    assert generator.get_random_seed()[:5].tolist() == case["random_seed"]
