"""TorchGenerator in both languages against the installed PyTorch's own generator, bit by bit."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch_streams
from bit_patterns import InR, assert_same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_streams import CALLS, SEEDS, TorchOriginal
from twinnet import generator_torch
from twinnet.datasets import shared_data_path
from twinnet.generator_torch import TorchGenerator
from twinnet.parity.bridge import RError, RWarning

STEM = "generator_torch"
VARIANT = "avx2" if torch.backends.cpu.get_cpu_capability() in {"AVX2", "AVX512"} else "default"
SHAPED = [name for name in CALLS if name.split()[0] not in {"randperm", "bernoulli", "random_"}]


def seed_for_r(seed: int) -> int | str:
    return seed if abs(seed) < 2**53 else str(seed)


def all_three(r: Any, seed: int) -> tuple[InR, TorchGenerator, TorchOriginal]:
    in_r = InR(r, "TorchGenerator", seed_for_r(seed), VARIANT)
    return in_r, TorchGenerator(seed, VARIANT), TorchOriginal(seed)


def state_in_r(in_r: InR) -> Any:
    """Return the 5056 bytes as whole numbers."""
    return in_r.r.call("as.integer", in_r.torch_state(convert=False))


def assert_equal_generators(in_r: InR, twin: TorchGenerator, original: TorchOriginal, what: str) -> None:
    """Compare the 5056 bytes of the states of all three, and the counts of words of two."""
    assert_same_bits(state_in_r(in_r), original.torch_state(), f"{what}, bytes of R's state")
    assert_same_bits(twin.torch_state(), original.torch_state(), f"{what}, bytes of Python's state")
    assert_same_bits(in_r.words_drawn(), twin.words_drawn(), f"{what}, words drawn in R and in Python")


@pytest.mark.parametrize("seed", SEEDS)
def test_every_method_draws_what_pytorch_draws(r: Any, seed: int) -> None:
    in_r, twin, original = all_three(r, seed)
    for name, call in CALLS.items():
        expected = call(original, 801)
        ours = call(twin, 801)
        assert ours.dtype == expected.dtype, name
        assert_same_bits(ours, expected, f"{name}, seed {seed}, Python")
        assert_same_bits(call(in_r, 801), expected, f"{name}, seed {seed}, R")
    assert_equal_generators(in_r, twin, original, f"after all, seed {seed}")


@pytest.mark.parametrize("name", CALLS)
def test_sizes_at_the_edges_draw_what_pytorch_draws(r: Any, name: str) -> None:
    in_r, twin, original = all_three(r, 2024)
    for n in [0, 1, 2, 3, 7, 15, 16, 17, 31, 32, 33, 623, 624, 625, 1249]:
        expected = CALLS[name](original, n)
        assert_same_bits(CALLS[name](twin, n), expected, f"{name} {n}, Python")
        assert_same_bits(CALLS[name](in_r, n), expected, f"{name} {n}, R")
        assert_equal_generators(in_r, twin, original, f"after {name} {n}")


@pytest.mark.parametrize("n", [16383, 16384, 16385, 32768, 32785])
def test_sizes_at_the_edges_of_a_block_draw_what_pytorch_draws(r: Any, n: int) -> None:
    in_r, twin, original = all_three(r, 99)
    for name in ["randn", "randn float64"]:
        expected = CALLS[name](original, n)
        assert_same_bits(CALLS[name](twin, n), expected, f"{name} {n}, Python")
        assert_same_bits(CALLS[name](in_r, n), expected, f"{name} {n}, R")
    assert_equal_generators(in_r, twin, original, f"after {n}")


def test_shapes_are_filled_in_pytorchs_order(r: Any) -> None:
    in_r, twin, original = all_three(r, 8)
    for shape in [(2, 3), (4, 1, 3), (1, 1), (3, 0, 2), (2, 3, 4, 5), (5,), ()]:
        for name in SHAPED:
            expected = CALLS[name](original, shape)
            ours = CALLS[name](twin, shape)
            assert (ours.shape, ours.dtype) == (expected.shape, expected.dtype), name
            assert_same_bits(ours, expected, f"{name} {shape}, Python")
            assert_same_bits(CALLS[name](in_r, shape), expected, f"{name} {shape}, R")
        p = np.linspace(0, 1, math.prod(shape)).reshape(shape or (1,))
        expected = original.bernoulli(p)
        assert_same_bits(twin.bernoulli(p), expected, f"bernoulli {shape}, Python")
        assert_same_bits(in_r.bernoulli(p), expected, f"bernoulli {shape}, R")
        expected = original.random_(shape).astype(str)
        assert_same_bits(twin.random_(shape).astype(str), expected, f"random_ {shape}, Python")
        assert_same_bits(in_r.random_(shape), expected, f"random_ {shape}, R")
    assert_equal_generators(in_r, twin, original, "after all shapes")


@pytest.mark.parametrize("seed", SEEDS)
def test_the_initial_seed_is_pytorchs(r: Any, seed: int) -> None:
    in_r, twin, original = all_three(r, seed)
    expected = original.initial_seed()
    assert twin.initial_seed() == expected
    in_text = r.call("format", in_r.initial_seed(convert=False), scientific=False, digits=17.0)
    assert in_text.tolist() == [str(expected)]
    for generator in [in_r, twin]:
        generator.randn(5)
        generator.manual_seed(seed_for_r(seed))
    assert_equal_generators(in_r, twin, original, f"after seeding again with {seed}")


def test_the_words_are_those_of_numpys_mersenne_twister(r: Any) -> None:
    in_r, twin, original = all_three(r, 5)
    expected = np.random.RandomState(5).randint(0, 2**32, 2000, dtype=np.uint32)
    assert_same_bits(in_r.words(2000), expected, "R")
    assert_same_bits(twin.words(2000), expected, "Python")
    original.rand(2000)
    assert_equal_generators(in_r, twin, original, "after 2000 words")


def test_the_words_drawn_are_counted(r: Any) -> None:
    in_r, twin, _ = all_three(r, 5)
    for generator in [in_r, twin]:
        assert generator.words_drawn() == 0
        generator.rand(1000)
        generator.rand(100, "float64")
        assert generator.words_drawn() == 1200
        generator.randn(17)
        assert generator.words_drawn() == 1200 + 17 + 16
        generator.manual_seed(1)
        assert generator.words_drawn() == 0


one_call = st.tuples(st.sampled_from(sorted(CALLS)), st.integers(0, 40))
hand_overs = st.sampled_from(["none", "states", "PyTorch's states"])


@given(seed=st.integers(-(2**63), 2**64 - 1), calls=st.lists(st.tuples(one_call, hand_overs), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_any_order_of_calls_and_handovers_between_follow_pytorch(r: Any, seed: int, calls: list[Any]) -> None:
    in_r, twin, original = all_three(r, seed)
    for step, ((name, n), hand_over) in enumerate(calls):
        if hand_over == "states":
            from_r, from_python = in_r.get_state(), twin.get_state()
            in_r.set_state(from_python)
            twin.set_state(from_r)
        elif hand_over == "PyTorch's states":
            in_r.from_torch_state(bytes(original.torch_state()))
            twin.from_torch_state(original.torch_state())
        expected = CALLS[name](original, n)
        assert_same_bits(CALLS[name](twin, n), expected, f"{name} {n}, seed {seed}, step {step}, Python")
        assert_same_bits(CALLS[name](in_r, n), expected, f"{name} {n}, seed {seed}, step {step}, R")
    assert_equal_generators(in_r, twin, original, f"seed {seed}, {calls}")


@pytest.mark.parametrize("before", [[], [("rand", 1)], [("randn", 3)], [("rand", 624)], [("rand", 625), ("randn", 1)]])
def test_states_go_to_pytorch_and_come_from_it(r: Any, before: list[tuple[str, int]]) -> None:
    in_r, twin, original = all_three(r, 11)
    for name, n in before:
        CALLS[name](original, n)
    taken = TorchGenerator(0, VARIANT).from_torch_state(bytes(original.torch_state()))
    assert_same_bits(taken.torch_state(), original.torch_state(), "taken from bytes")
    taken.from_torch_state(torch.from_numpy(original.torch_state()))
    in_r.from_torch_state(bytes(original.torch_state()))
    assert_equal_generators(in_r, taken, original, "taken from PyTorch")
    for name, n in before:
        CALLS[name](twin, n)
    given_to = torch.Generator()
    given_to.set_state(torch.from_numpy(twin.torch_state()))
    expected = original.randn(5)
    assert_same_bits(torch.randn(5, generator=given_to).numpy(), expected, "PyTorch, from the twin's state")
    assert_same_bits(taken.randn(5), expected, "Python, from PyTorch's state")
    assert_same_bits(in_r.randn(5), expected, "R, from PyTorch's state")


def test_a_kept_float_of_pytorchs_state_survives(r: Any) -> None:
    state = TorchOriginal(3).torch_state().copy()
    state[5048:5052] = np.frombuffer(np.float32(0.1).tobytes(), np.uint8)
    state[5052] = 1
    generator = torch.Generator()
    generator.set_state(torch.from_numpy(state))
    in_r, twin, original = all_three(r, 0)
    original.generator = generator
    in_r.from_torch_state(bytes(state))
    twin.from_torch_state(state)
    assert twin.next_float_normal == float(np.float32(0.1))
    assert_equal_generators(in_r, twin, original, "with a kept float")


@pytest.mark.parametrize(("capability", "variant"), [("avx2", "avx2"), ("default", "default")])
def test_the_variant_is_that_of_pytorchs_kernels(r: Any, tmp_path: Path, capability: str, variant: str) -> None:
    if capability == "avx2" and VARIANT == "default":
        pytest.skip("this processor has no AVX2")
    out = tmp_path / "draws.npz"
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": capability}
    subprocess.run([sys.executable, torch_streams.__file__, str(out), "200"], env=environment, check=True)
    draws = np.load(out)
    assert str(draws["capability"]).lower() == capability
    for seed in SEEDS[::4]:
        in_r = InR(r, "TorchGenerator", seed_for_r(seed), variant)
        twin = TorchGenerator(seed, variant)
        for name, call in CALLS.items():
            assert_same_bits(call(twin, 200), draws[f"{seed} {name}"], f"{name}, seed {seed}, Python")
            assert_same_bits(call(in_r, 200), draws[f"{seed} {name}"], f"{name}, seed {seed}, R")
        assert_same_bits(twin.torch_state(), draws[f"{seed} state"], f"seed {seed}, Python's state")
        assert_same_bits(state_in_r(in_r), draws[f"{seed} state"], f"seed {seed}, R's state")


def test_the_two_variants_differ() -> None:
    fused, plain = TorchGenerator(0, "avx2"), TorchGenerator(0, "default")
    for name in ["uniform_", "uniform_ float64", "randn", "normal_"]:
        assert (CALLS[name](fused, 5000) != CALLS[name](plain, 5000)).any(), name
    assert_same_bits(fused.torch_state(), plain.torch_state(), "the same words for both")


def test_the_variant_left_out_is_the_one_that_pytorch_takes_here(r: Any, monkeypatch: Any) -> None:
    assert TorchGenerator(0).variant == VARIANT
    assert InR(r, "TorchGenerator", 0).get_state()["variant"].tolist() == [VARIANT]
    for asked, expected in [("default", "default"), ("avx2", "avx2"), ("avx512", "avx2")]:
        monkeypatch.setenv("ATEN_CPU_CAPABILITY", asked)
        assert TorchGenerator(0).variant == expected
        r.call("Sys.setenv", ATEN_CPU_CAPABILITY=asked)
        assert r.call("torch_default_variant").tolist() == [expected]
    before = os.environ.get("ATEN_CPU_CAPABILITY")
    monkeypatch.undo()
    assert before == "avx512"
    r.call("Sys.unsetenv", "ATEN_CPU_CAPABILITY")


def test_another_c_library_is_warned_of_once(r: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(generator_torch.platform, "system", lambda: "Plan9")
    twin = TorchGenerator(0)
    twin.randn(16)
    with pytest.warns(UserWarning, match=r"^normal_: float64, and fewer than 16") as in_python:
        twin.randn(3)
    twin.randn(3)
    code = """
    everything <- function() {
      g <- TorchGenerator(0)
      g$warn_of_libm <- eval(
        as.call(list(as.name("function"), as.pairlist(alist(name = )), body(g$warn_of_libm))),
        list2env(list(self = g, Sys.info = function() c(sysname = "Plan9", machine = "x86_64")), parent = globalenv())
      )
      g$randn(16); g$randn(3); g$randn(3)
    }
    environment(everything) <- asNamespace("twinnet")
    everything()
    """
    with pytest.warns(RWarning) as in_r:
        r.eval(code)
    assert [str(warning.message) for warning in in_r] == [str(in_python[0].message)]


BAD_SEEDS = [2**64, -(2**63) - 1, 1.5, "a", "", "1.0", "--1", True, float("nan"), 10**30]
BAD_CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("rand", (-1,)),
    ("rand", ((2, -1),)),
    ("rand", (3, "float16x")),
    ("randn", (-1,)),
    ("uniform_", (3, 1.0, 0.0)),
    ("uniform_", (0, 1.0, 0.0)),
    ("uniform_", (3, 0.0, math.inf)),
    ("uniform_", (3, math.nan, 1.0)),
    ("uniform_", (3, 0.0, 1e39)),
    ("uniform_", (3, -3e38, 3e38)),
    ("uniform_", (3, -1e308, 1e308, "float64")),
    ("normal_", (3, 0.0, -1.0)),
    ("normal_", (0, 0.0, -1.0)),
    ("normal_", (3, 0.0, math.nan)),
    ("randint", (3, 3, 2)),
    ("randint", (4, 3, 0)),
    ("randint", (0, 3, -1)),
    ("randperm", (-1,)),
    ("bernoulli", (np.array([0.5, 1.5]),)),
    ("bernoulli", (np.array([-0.1, 0.5]),)),
    ("bernoulli", (np.array([0.5, math.nan]),)),
    ("bernoulli_", (3, 1.5)),
    ("bernoulli_", (0, -0.5)),
    ("bernoulli_", (3, math.nan)),
    ("dropout_mask", (3, 1.5)),
    ("dropout_mask", (0, -0.5)),
    ("dropout_mask", (3, math.nan)),
]
# where PyTorch goes on, and the twins do not
LIMITS: list[tuple[str, tuple[Any, ...]]] = [
    ("normal_", (3, math.inf, 1.0)),
    ("normal_", (3, 0.0, math.inf)),
    ("normal_", (3, 0.0, 1e-300)),
    ("normal_", (3, -1e300, 1.0)),
    ("uniform_", (3, -1e300, 1.0, "float64")),
    ("uniform_", (3, 0.0, 1e-300)),
    ("randint", (-(2**53), 2**53, 3)),
    ("randint", (0, 2**54, 3)),
    ("randperm", (214748364,)),
    ("rand", (1.5,)),
]


@pytest.mark.parametrize("seed", BAD_SEEDS, ids=str)
def test_bad_seeds_are_refused_in_the_same_words(r: Any, seed: Any) -> None:
    with pytest.raises(ValueError, match="`seed` must be a whole number from -2\\^63") as in_python:
        TorchGenerator(seed)
    with pytest.raises(RError) as in_r:
        InR(r, "TorchGenerator", str(seed) if isinstance(seed, int) and seed is not True else seed)
    if not isinstance(seed, int) or seed is True:
        assert in_r.value.message == str(in_python.value)


def test_a_bad_variant_is_refused_in_the_same_words(r: Any) -> None:
    with pytest.raises(ValueError, match="`variant` must be") as in_python:
        TorchGenerator(0, "sse2")
    with pytest.raises(RError) as in_r:
        InR(r, "TorchGenerator", 0, "sse2")
    assert in_r.value.message == str(in_python.value)


@pytest.mark.parametrize(("name", "arguments"), BAD_CALLS, ids=str)
def test_bad_arguments_are_refused_where_pytorch_refuses_them(r: Any, name: str, arguments: Any) -> None:
    in_r, twin, original = all_three(r, 0)
    with pytest.raises((ValueError, TypeError, RuntimeError, KeyError)):
        getattr(original, name)(*arguments)
    assert_refused(in_r, twin, name, arguments)
    if name != "bernoulli":  # PyTorch has drawn for the elements before the bad one
        assert_equal_generators(in_r, twin, original, "after an error")


@pytest.mark.parametrize(("name", "arguments"), LIMITS, ids=str)
def test_what_is_not_covered_is_refused(r: Any, name: str, arguments: Any) -> None:
    in_r, twin, _ = all_three(r, 0)
    assert_refused(in_r, twin, name, arguments)


def assert_refused(in_r: InR, twin: TorchGenerator, name: str, arguments: Any) -> None:
    with pytest.raises(ValueError, match="` must be ") as in_python:
        getattr(twin, name)(*arguments)
    with pytest.raises(RError) as refused:
        getattr(in_r, name)(*arguments)
    assert refused.value.message == str(in_python.value)
    assert twin.words_drawn() == 0
    assert in_r.words_drawn() == 0


@pytest.mark.parametrize("spoil", [(8, 0), (12, 0), (16, 7), (17, 255)])
def test_bad_states_are_refused(r: Any, spoil: tuple[int, int]) -> None:
    in_r, twin, original = all_three(r, 0)
    original.rand(5)
    state = original.torch_state().copy()
    with pytest.raises(ValueError, match="`state` must be the 5056 bytes"):
        twin.from_torch_state(state[:-1])
    with pytest.raises(RError, match="`state` must be the 5056 bytes"):
        in_r.from_torch_state(bytes(state[:-1]))
    state[spoil[0]] = spoil[1]
    with pytest.raises(ValueError, match="`state` must be a seeded state"):
        twin.from_torch_state(state)
    with pytest.raises(RError, match="`state` must be a seeded state"):
        in_r.from_torch_state(bytes(state))


def test_the_callers_generator_in_r_is_left_alone(r: Any) -> None:
    code = """
    everything <- function() {
      g <- TorchGenerator(1)
      g$rand(10); g$randn(3); g$randn(30); g$randint(0, 9, 4); g$randperm(5); g$bernoulli(0.1); g$dropout_mask(5)
      data_loader_order(g, 10); linear_init(g, 2, 3)
      try(g$rand(-1), silent = TRUE)
    }
    environment(everything) <- asNamespace("twinnet")
    RNGkind("Wichmann-Hill", "Box-Muller"); set.seed(1); rnorm(1)
    before <- .Random.seed; everything(); same <- identical(before, .Random.seed)
    RNGkind("default", "default", "default"); set.seed(1); rm(.Random.seed)
    everything()
    c(same, !exists(".Random.seed", globalenv()))
    """
    assert r.eval(code).tolist() == [True, True]


def test_the_golden_draws_are_pytorchs() -> None:
    with shared_data_path(f"golden/{STEM}.json").open() as file:
        golden = json.load(file)
    assert len(golden["cases"]) >= 5
    for case in golden["cases"]:
        generators: list[Any] = [TorchGenerator(case["seed"], "avx2")]
        if VARIANT == "avx2":
            generators.append(TorchOriginal(int(case["seed"])))
        for call in case["calls"]:
            expected = [float.fromhex(number) for number in call["result"]]
            what = f"{call['method']} {call['arguments']}, seed {case['seed']}"
            for generator in generators:
                draws = getattr(generator, call["method"])(**call["arguments"])
                assert_same_bits(np.ravel(draws), expected, what)


@pytest.mark.full
@pytest.mark.parametrize("name", CALLS)
def test_a_million_draws_of_every_method_are_pytorchs(r: Any, name: str) -> None:
    in_r, twin, original = all_three(r, 20240229)
    expected = CALLS[name](original, 10**6)
    assert_same_bits(CALLS[name](twin, 10**6), expected, f"{name}, Python")
    assert_same_bits(CALLS[name](in_r, 10**6), expected, f"{name}, R")
    assert_equal_generators(in_r, twin, original, f"after {name}")


@pytest.mark.full
def test_a_hundred_thousand_small_draws_of_normal_numbers_are_pytorchs(r: Any) -> None:
    in_r, twin, original = all_three(r, 77)
    for n in [15, 1, 14, 13] * 2300:
        expected = original.randn(n, "float64")
        assert_same_bits(twin.randn(n, "float64"), expected, "Python")
        assert_same_bits(in_r.randn(n, "float64"), expected, "R")
    assert_equal_generators(in_r, twin, original, "after all")


@pytest.mark.full
def test_ten_thousand_draws_of_every_method_for_two_hundred_seeds_are_pytorchs(r: Any) -> None:
    for seed in [*SEEDS, *range(1000, 1200 - len(SEEDS))]:
        in_r, twin, original = all_three(r, seed)
        for name, call in CALLS.items():
            expected = call(original, 10000)
            assert_same_bits(call(twin, 10000), expected, f"{name}, seed {seed}, Python")
            assert_same_bits(call(in_r, 10000), expected, f"{name}, seed {seed}, R")
        assert_equal_generators(in_r, twin, original, f"seed {seed}")
