"""PyTorch's initial weights in both languages against the installed PyTorch's own, bit by bit."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from bit_patterns import InR, assert_same_bits
from torch import nn
from torch_streams import DTYPES, SEEDS
from twinnet import torch_init
from twinnet.datasets import shared_data_path
from twinnet.generator_torch import TorchGenerator
from twinnet.parity.bridge import RError, RWarning

STEM = "torch_init"
VARIANT = "avx2" if torch.backends.cpu.get_cpu_capability() in {"AVX2", "AVX512"} else "default"
LINEAR = [(1, 1), (1, 5), (4, 3), (7, 1), (13, 17), (300, 64)]
CONV2D = [(1, 1, 1), (1, 4, 3), (3, 8, (5, 2)), (8, 3, (1, 7)), (16, 32, 3)]
SHAPES = [(1, 1), (3, 5), (17, 4), (2, 3, 4), (4, 3, 5, 5)]
NONLINEARITIES = [*torch_init.TORCH_GAINS, "leaky_relu"]


class Sides:
    """The generators of both languages, and PyTorch's default one, from one seed."""

    def __init__(self, r: Any, seed: int) -> None:
        self.r = r
        self.in_r = InR(r, "TorchGenerator", seed if abs(seed) < 2**53 else str(seed), VARIANT)
        self.twin = TorchGenerator(seed, VARIANT)
        torch.manual_seed(seed)

    def compare(self, name: str, expected: Any, *arguments: Any, **named: Any) -> None:
        """Call a function of both languages, and compare its draws with PyTorch's."""
        ours = getattr(torch_init, name)(self.twin, *arguments, **named)
        for_r = [np.array(item, dtype=float) if isinstance(item, tuple) else item for item in arguments]
        in_r = self.r.call(name, self.in_r.handle, *for_r, **named)
        what = f"{name} {arguments} {named}"
        if isinstance(ours, dict):
            assert list(ours) == list(in_r) == list(expected), what
            for key, value in expected.items():
                assert ours[key].dtype == value.dtype, what
                assert_same_bits(ours[key], value, f"{what}, {key}, Python")
                assert_same_bits(in_r[key], value, f"{what}, {key}, R")
        else:
            assert ours.dtype == expected.dtype, what
            assert_same_bits(ours, expected, f"{what}, Python")
            assert_same_bits(in_r, expected, f"{what}, R")
        state = torch.get_rng_state().numpy()
        assert_same_bits(self.twin.torch_state(), state, f"after {what}, Python's state")
        bytes_in_r = self.r.call("as.integer", self.in_r.torch_state(convert=False))
        assert_same_bits(bytes_in_r, state, f"after {what}, R's state")


def parameters(module: nn.Module) -> dict[str, Any]:
    return {name: value.detach().numpy() for name, value in module.named_parameters()}


@pytest.mark.parametrize("seed", SEEDS)
def test_layers_start_from_pytorchs_weights(r: Any, seed: int) -> None:
    sides = Sides(r, seed)
    for dtype, torch_dtype in DTYPES.items():
        for bias in [True, False]:
            for d_in, d_out in LINEAR[:-1]:
                expected = parameters(nn.Linear(d_in, d_out, bias, dtype=torch_dtype))
                sides.compare("linear_init", expected, d_in, d_out, dtype, bias)
            for channels_in, channels_out, size in CONV2D[:-1]:
                layer = nn.Conv2d(channels_in, channels_out, size, bias=bias, dtype=torch_dtype)
                sides.compare("conv2d_init", parameters(layer), channels_in, channels_out, size, dtype, bias)


def test_large_layers_start_from_pytorchs_weights(r: Any) -> None:
    sides = Sides(r, 0)
    for dtype, torch_dtype in DTYPES.items():
        sides.compare("linear_init", parameters(nn.Linear(*LINEAR[-1], dtype=torch_dtype)), *LINEAR[-1], dtype)
        sides.compare("conv2d_init", parameters(nn.Conv2d(*CONV2D[-1], dtype=torch_dtype)), *CONV2D[-1], dtype)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ["kaiming_uniform_", "kaiming_normal_"])
def test_kaimings_numbers_are_pytorchs(r: Any, name: str, shape: tuple[int, ...]) -> None:
    sides = Sides(r, 3)
    original = getattr(nn.init, name)
    for dtype, torch_dtype in DTYPES.items():
        for nonlinearity in NONLINEARITIES:
            for a, mode in [(0, "fan_in"), (0.01, "fan_out"), (math.sqrt(5), "fan_in"), (-0.2, "fan_out")]:
                expected = original(torch.empty(shape, dtype=torch_dtype), a, mode, nonlinearity).numpy()
                sides.compare(name, expected, shape, a, mode, nonlinearity, dtype)
    sides.compare(name, original(torch.empty(shape)).numpy(), shape)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ["xavier_uniform_", "xavier_normal_"])
def test_xaviers_numbers_are_pytorchs(r: Any, name: str, shape: tuple[int, ...]) -> None:
    sides = Sides(r, 4)
    original = getattr(nn.init, name)
    for dtype, torch_dtype in DTYPES.items():
        for gain in [1, 0, 5 / 3, math.sqrt(2)]:
            expected = original(torch.empty(shape, dtype=torch_dtype), gain).numpy()
            sides.compare(name, expected, shape, gain, dtype)
    sides.compare(name, original(torch.empty(shape)).numpy(), shape)


def test_gains_are_pytorchs(r: Any) -> None:
    for name in NONLINEARITIES:
        assert torch_init.calculate_gain(name) == nn.init.calculate_gain(name)
        assert r.call("calculate_gain", name).tolist() == [nn.init.calculate_gain(name)]
    for slope in [0, 0.01, 0.1, 0.2, 1 / 3, -0.5, 5.5, math.sqrt(5)]:
        expected = nn.init.calculate_gain("leaky_relu", slope)
        assert torch_init.calculate_gain("leaky_relu", slope) == expected
        assert r.call("calculate_gain", "leaky_relu", slope).tolist() == [expected]


def test_a_gain_that_r_cannot_promise_is_warned_of(r: Any) -> None:
    """PyTorch squares a slope by the C library's pow, R by a product."""
    slopes = np.concatenate([np.arange(1, 10000) / 1000, np.random.default_rng(0).random(300000)])
    powers = np.array([math.sqrt(2 / (1 + slope**2)) for slope in slopes.tolist()])
    products = np.sqrt(2 / (1 + slopes * slopes))
    doubtful = slopes[powers != products]
    assert doubtful.size > 0
    for slope in doubtful:
        with pytest.warns(RWarning, match="^calculate_gain: for this slope the last bit"):
            r.call("calculate_gain", "leaky_relu", slope)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_fans_are_pytorchs(r: Any, shape: tuple[int, ...]) -> None:
    expected = nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
    assert torch_init.fan_in_and_fan_out(shape) == expected
    in_r = r.call("fan_in_and_fan_out", np.array(shape, dtype=float))
    assert (in_r["fan_in"].tolist(), in_r["fan_out"].tolist()) == ([expected[0]], [expected[1]])


BAD = [
    ("linear_init", (-1, 3), lambda: nn.Linear(-1, 3)),
    ("linear_init", (3, -1), lambda: nn.Linear(3, -1)),
    ("conv2d_init", (-1, 3, 3), lambda: nn.Conv2d(-1, 3, 3)),
    ("conv2d_init", (3, 3, -1), lambda: nn.Conv2d(3, 3, -1)),
    ("conv2d_init", (3, 3, (1, 2, 3)), lambda: nn.Conv2d(3, 3, (1, 2, 3)).forward(torch.zeros(1, 3, 9, 9))),
    ("kaiming_uniform_", ((3,),), lambda: nn.init.kaiming_uniform_(torch.empty(3))),
    ("kaiming_uniform_", ((3, 4), 0, "fan"), lambda: nn.init.kaiming_uniform_(torch.empty(3, 4), 0, "fan")),
    ("kaiming_normal_", ((3,),), lambda: nn.init.kaiming_normal_(torch.empty(3))),
    (
        "kaiming_normal_",
        ((3, 4), 0, "fan_in", "gelu"),
        lambda: nn.init.kaiming_normal_(torch.empty(3, 4), 0, "fan_in", "gelu"),
    ),
    ("xavier_uniform_", ((3,),), lambda: nn.init.xavier_uniform_(torch.empty(3))),
    ("xavier_uniform_", ((3, 4), -1), lambda: nn.init.xavier_uniform_(torch.empty(3, 4), -1)),
    ("xavier_normal_", ((3, 4), -1), lambda: nn.init.xavier_normal_(torch.empty(3, 4), -1)),
]


@pytest.mark.parametrize(("name", "arguments", "original"), BAD)
def test_bad_arguments_are_refused_where_pytorch_refuses_them(r: Any, name: str, arguments: Any, original: Any) -> None:
    with pytest.raises((ValueError, RuntimeError)):
        original()
    assert_refused(r, name, arguments)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("linear_init", (0, 3)),
        ("linear_init", (3, 0)),
        ("linear_init", (3, 2, "float16")),
        ("linear_init", (3, 2, "float32", 1)),
        ("conv2d_init", (3, 3, 0)),
        ("xavier_uniform_", ((3, 0),)),
    ],
)
def test_empty_layers_and_other_dtypes_are_refused(r: Any, name: str, arguments: Any) -> None:
    assert_refused(r, name, arguments)


def assert_refused(r: Any, name: str, arguments: Any) -> None:
    twin = TorchGenerator(0)
    with pytest.raises(ValueError, match="` must be ") as in_python:
        getattr(torch_init, name)(twin, *arguments)
    assert twin.words_drawn() == 0
    for_r = [np.array(item, dtype=float) if isinstance(item, tuple) else item for item in arguments]
    with pytest.raises(RError) as in_r:
        r.call(name, r.call("TorchGenerator", 0, convert=False), *for_r)
    if not any(isinstance(item, tuple) and len(item) == 1 for item in arguments):  # R shows (3) as 3
        assert in_r.value.message == str(in_python.value)


def test_the_golden_weights_are_pytorchs() -> None:
    with shared_data_path(f"golden/{STEM}.json").open() as file:
        golden = json.load(file)
    assert len(golden["cases"]) >= 5
    for case in golden["cases"]:
        twin = TorchGenerator(case["seed"], "avx2")
        for call in case["calls"]:
            draws = getattr(torch_init, call["function"])(twin, **call["arguments"])
            for name, values in call["result"].items():
                expected = np.array([float.fromhex(number) for number in values["values"]]).reshape(values["shape"])
                drawn = draws[name] if isinstance(draws, dict) else draws
                assert_same_bits(drawn, expected, f"{call['function']} {call['arguments']}, {name}")


@pytest.mark.full
def test_a_million_weights_are_pytorchs(r: Any) -> None:
    for seed in SEEDS[:3]:
        sides = Sides(r, seed)
        for dtype, torch_dtype in DTYPES.items():
            sides.compare("linear_init", parameters(nn.Linear(1000, 1000, dtype=torch_dtype)), 1000, 1000, dtype)
            layer = nn.Conv2d(128, 1000, 3, dtype=torch_dtype)
            sides.compare("conv2d_init", parameters(layer), 128, 1000, 3, dtype)
            for name in ["kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "xavier_normal_"]:
                expected = getattr(nn.init, name)(torch.empty(1000, 1000, dtype=torch_dtype)).numpy()
                sides.compare(name, expected, (1000, 1000), dtype=dtype)
