"""The order of PyTorch's DataLoader in both languages against the installed one, and a network's whole chance."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from bit_patterns import InR, assert_same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader
from torch_cnn import BATCH_SIZE, CHANNELS, DROPOUT, EPOCHS, LAYERS, SIDE, N, torch_run
from torch_streams import SEEDS
from twinnet import torch_init
from twinnet.data_loader import data_loader_batches, data_loader_order
from twinnet.datasets import shared_data_path
from twinnet.generator_torch import TorchGenerator
from twinnet.parity.bridge import RError

STEM = "data_loader"
VARIANT = "avx2" if torch.backends.cpu.get_cpu_capability() in {"AVX2", "AVX512"} else "default"


class PythonSide:
    """The functions of Python, with a generator of their own."""

    def __init__(self, seed: int) -> None:
        self.generator: Any = TorchGenerator(seed, VARIANT)

    def order(self, n: int, **named: bool) -> Any:
        return data_loader_order(self.generator, n, **named)

    def batches(self, order: Any, batch_size: int, drop_last: bool = False) -> list[Any]:
        return data_loader_batches(order, batch_size, drop_last)

    def init(self, function: str, **sizes: int) -> Any:
        return getattr(torch_init, function)(self.generator, **sizes)

    def state(self) -> Any:
        return self.generator.torch_state()


class RSide:
    """The functions of R, with a generator of their own."""

    def __init__(self, r: Any, seed: int) -> None:
        self.r = r
        self.generator: Any = InR(r, "TorchGenerator", seed if abs(seed) < 2**53 else str(seed), VARIANT)

    def order(self, n: int, **named: bool) -> Any:
        return self.r.call("data_loader_order", self.generator.handle, float(n), **named)

    def batches(self, order: Any, batch_size: int, drop_last: bool = False) -> list[Any]:
        batches: list[Any] = self.r.call("data_loader_batches", order, batch_size, drop_last)
        return batches

    def init(self, function: str, **sizes: int) -> Any:
        return self.r.call(function, self.generator.handle, **sizes)

    def state(self) -> Any:
        return self.r.call("as.integer", self.generator.torch_state(convert=False))


def assert_same_lists(ours: list[Any], theirs: list[Any], what: str) -> None:
    assert len(ours) == len(theirs), f"{what}: {len(ours)} here, {len(theirs)} there"
    for number, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert_same_bits(a, b, f"{what} {number}")


def assert_torchs_state(sides: list[Any], what: str) -> None:
    for side in sides:
        assert_same_bits(side.state(), torch.get_rng_state().numpy(), f"{what}, {type(side).__name__}")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("shuffle", [True, False])
def test_epochs_are_pytorchs_with_dropout_between_the_batches(r: Any, seed: int, shuffle: bool) -> None:
    sides = [PythonSide(seed), RSide(r, seed)]
    torch.manual_seed(seed)
    loader = DataLoader(range(37), batch_size=8, shuffle=shuffle)
    for epoch in range(3):
        orders = [side.order(37, shuffle=shuffle) for side in sides]
        expected, masks = [], []
        for batch in loader:
            expected.append(batch.numpy())
            masks.append((torch.nn.functional.dropout(torch.ones(len(batch), 5)) != 0).float().numpy())
        for side, order in zip(sides, orders, strict=True):
            what = f"seed {seed}, epoch {epoch}, {type(side).__name__}"
            assert_same_lists(side.batches(order, 8), expected, f"{what}, batch")
            drawn = [side.generator.dropout_mask((len(batch), 5)) for batch in expected]
            assert_same_lists(drawn, masks, f"{what}, mask")
    assert_torchs_state(sides, f"seed {seed}")


@given(
    seed=st.integers(-(2**63), 2**64 - 1),
    n=st.integers(1, 70),
    batch_size=st.integers(1, 40),
    drop_last=st.booleans(),
    shuffle=st.booleans(),
    draws=st.lists(st.integers(0, 20), min_size=1, max_size=4),
)
@settings(max_examples=40, deadline=None)
def test_any_loader_is_pytorchs(
    r: Any, seed: int, n: int, batch_size: int, drop_last: bool, shuffle: bool, draws: list[int]
) -> None:
    sides = [PythonSide(seed), RSide(r, seed)]
    torch.manual_seed(seed)
    loader = DataLoader(range(n), batch_size=batch_size, shuffle=shuffle, drop_last=drop_last)
    for number in draws:
        expected = [batch.numpy() for batch in loader]
        torch.randn(number)
        for side in sides:
            batches = side.batches(side.order(n, shuffle=shuffle), batch_size, drop_last)
            assert_same_lists(batches, expected, f"{type(side).__name__}, batch")
            side.generator.randn(number)
    assert_torchs_state(sides, "at the end")


@given(
    n=st.integers(1, 70),
    batch_size=st.integers(1, 40),
    drop_last=st.booleans(),
    shuffle=st.booleans(),
    epochs=st.integers(1, 3),
)
@settings(max_examples=40, deadline=None)
def test_loaders_with_a_generator_of_their_own_are_pytorchs(
    r: Any, n: int, batch_size: int, drop_last: bool, shuffle: bool, epochs: int
) -> None:
    sides = [PythonSide(9), RSide(r, 9)]
    own = torch.Generator().manual_seed(9)
    loader = DataLoader(range(n), batch_size, shuffle, drop_last=drop_last, generator=own)
    for _ in range(epochs):
        expected = [batch.numpy() for batch in loader]
        for side in sides:
            batches = side.batches(side.order(n, shuffle=shuffle, own_generator=True), batch_size, drop_last)
            assert_same_lists(batches, expected, f"{type(side).__name__}, batch")
    for side in sides:
        assert_same_bits(side.state(), own.get_state().numpy(), type(side).__name__)


@pytest.mark.parametrize(("n", "last_is_smaller"), [(40, False), (37, True)])
def test_a_loaders_own_generator_can_be_used_between_the_batches(r: Any, n: int, last_is_smaller: bool) -> None:
    sides = [PythonSide(5), RSide(r, 5)]
    own = torch.Generator().manual_seed(5)
    loader = DataLoader(range(n), batch_size=8, shuffle=True, generator=own)
    for _ in range(3):
        noise = [torch.rand(len(batch), generator=own).numpy() for batch in loader]
        for side in sides:
            batches = side.batches(side.order(n, own_generator=True, finish=False), 8)
            for number, batch in enumerate(batches):
                if last_is_smaller and number == len(batches) - 1:
                    side.generator.randperm(n)
                drawn = side.generator.rand(len(batch))
                assert_same_bits(drawn, noise[number], f"{type(side).__name__}, noise {number}")
            if not last_is_smaller:
                side.generator.randperm(n)
    for side in sides:
        assert_same_bits(side.state(), own.get_state().numpy(), type(side).__name__)


@pytest.mark.parametrize("own_generator", [True, False])
def test_an_epoch_left_early_is_pytorchs(r: Any, own_generator: bool) -> None:
    sides = [PythonSide(6), RSide(r, 6)]
    torch.manual_seed(6)
    own = torch.default_generator if own_generator else None
    loader = DataLoader(range(50), batch_size=8, shuffle=True, generator=own)
    for _ in range(2):
        first = next(iter(loader)).numpy()
        for side in sides:
            order = side.order(50, own_generator=own_generator, finish=False)
            assert_same_bits(side.batches(order, 8)[0], first, type(side).__name__)
    assert_torchs_state(sides, "after two epochs left early")


def test_a_network_is_pytorchs_in_all_that_is_random(r: Any) -> None:
    expected = torch_run(0)
    assert len(expected["batches"]) == len(expected["masks"]) == EPOCHS * 7
    for side in [PythonSide(0), RSide(r, 0)]:
        what = type(side).__name__
        for name, function, sizes in LAYERS:
            layer = side.init(function, **sizes)
            for part in ["weight", "bias"]:
                assert_same_bits(layer[part], expected["weights"][f"{name}.{part}"], f"{what}, {name}.{part}")
        batches, masks = [], []
        for _ in range(EPOCHS):
            for batch in side.batches(side.order(N), BATCH_SIZE):
                batches.append(batch)
                masks.append(side.generator.dropout_mask((len(batch), CHANNELS, SIDE, SIDE), DROPOUT))
        assert_same_lists(batches, expected["batches"], f"{what}, batch")
        assert_same_lists(masks, expected["masks"], f"{what}, mask")
        assert_same_bits(side.state(), expected["state"], f"{what}, state")


def test_bad_arguments_are_refused_where_pytorch_refuses_them(r: Any) -> None:
    with pytest.raises(ValueError, match="num_samples should be a positive"):
        DataLoader(range(0), shuffle=True)
    with pytest.raises(ValueError, match="batch_size should be a positive"):
        DataLoader(range(5), batch_size=0)
    for call in [
        lambda side: side.order(0),
        lambda side: side.order(-1, shuffle=False),
        lambda side: side.order(5, shuffle=1),
        lambda side: side.order(5, own_generator=1),
        lambda side: side.order(5, finish=1),
        lambda side: side.batches(np.arange(5), 0),
        lambda side: side.batches(np.arange(5), 2, 1),
    ]:
        in_python, in_r = PythonSide(0), RSide(r, 0)
        with pytest.raises(ValueError, match="` must be ") as refused:
            call(in_python)
        with pytest.raises(RError) as refused_in_r:
            call(in_r)
        assert refused_in_r.value.message == str(refused.value)
        assert in_python.generator.words_drawn() == 0
        assert in_r.generator.words_drawn() == 0


def test_no_data_are_visited_in_no_batches(r: Any) -> None:
    for side in [PythonSide(0), RSide(r, 0)]:
        order = side.order(0, shuffle=False)
        assert len(order) == 0
        assert side.batches(order, 3) == []
        assert side.batches(np.arange(2), 3, True) == []


def test_the_golden_run_is_pytorchs() -> None:
    with shared_data_path(f"golden/{STEM}.json").open() as file:
        golden = json.load(file)
    for case in golden["cases"]:
        side = PythonSide(case["seed"])
        side.generator.variant = "avx2"
        for name, function, sizes in LAYERS:
            layer = side.init(function, **sizes)
            for part in ["weight", "bias"]:
                expected = [float.fromhex(number) for number in case["weights"][f"{name}.{part}"]]
                assert_same_bits(layer[part].ravel(), expected, f"{name}.{part}")
        golden_batches = iter(zip(case["batches"], case["masks"], strict=True))
        for _ in range(EPOCHS):
            for batch in side.batches(side.order(N), BATCH_SIZE):
                positions, bits = next(golden_batches)
                assert batch.tolist() == positions
                mask = side.generator.dropout_mask((len(batch), CHANNELS, SIDE, SIDE), DROPOUT)
                assert "".join(str(int(bit)) for bit in mask.ravel()) == bits
        assert side.generator.words_drawn() == case["words_drawn"]


@pytest.mark.full
def test_long_epochs_are_pytorchs(r: Any) -> None:
    sides = [PythonSide(123), RSide(r, 123)]
    torch.manual_seed(123)
    loader = DataLoader(range(60000), batch_size=6000, shuffle=True)
    for _ in range(17):
        expected = [batch.numpy() for batch in loader]
        for side in sides:
            assert_same_lists(side.batches(side.order(60000), 6000), expected, type(side).__name__)
    assert_torchs_state(sides, "after a million positions")
