"""Rounding to float32 and the fused multiply-adds, in both languages, against exact rational arithmetic."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from bit_patterns import assert_same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from twinnet.datasets import shared_data_path
from twinnet.float32 import f32_round, fma32, fma64
from twinnet.parity.bridge import RError

STEM = "float32"
LARGEST = float(np.finfo(np.float32).max)
SMALLEST = 2.0**-149


def exact_fma64(a: float, b: float, c: float) -> float:
    """Return a * b + c rounded once to float64."""
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    return a * b + c if exact == 0 else float(exact)  # only a sum of zeros has its sign from a and b


def exact_fma32(a: float, b: float, c: float) -> float:
    """Return a * b + c rounded once to float32."""
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if exact == 0:
        return a * b + c
    size = abs(exact)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= Fraction(2) ** exponent > size
    step = Fraction(2) ** max(exponent - 23, -149)
    rounded = round(size / step) * step  # Python rounds ties to even
    return math.copysign(math.inf if rounded > LARGEST else float(rounded), -1 if exact < 0 else 1)


def hard_cases(bits: int, count: int) -> tuple[Any, Any, Any]:
    """Return a, b and c whose a * b + c lies on or next to a tie between two numbers of so many bits."""
    rng = np.random.default_rng(bits)
    ulp = 2.0 ** (1 - bits)
    a = 1 + rng.integers(0, 8, count) * ulp
    b = 1 + rng.integers(-8, 8, count) * ulp / 2
    scale = rng.choice([1, -1, 1 / ulp, 2 / ulp, ulp / 2, ulp / 4, 0.0, -0.0, -2 / ulp, -ulp / 4], count)
    c = scale * (1 + rng.integers(-3, 3, count) * ulp)
    return (a * rng.choice([1, -1, 2**-20], count), b, c)


def wide_cases(count: int) -> tuple[Any, Any, Any]:
    """Return numbers of very different sizes, and sums that cancel."""
    rng = np.random.default_rng(1)
    a, b, c = rng.standard_normal((3, count)) * 2.0 ** rng.integers(-30, 30, (3, count))
    c[::3] = -(a * b)[::3]
    return a, b, c


def assert_fma(r: Any, name: str, exact: Any, a: Any, b: Any, c: Any) -> None:
    expected = np.array([exact(*numbers) for numbers in zip(a.tolist(), b.tolist(), c.tolist(), strict=True)])
    ours = {"fma64": fma64, "fma32": fma32}[name]
    assert_same_bits(ours(a, b, c), expected, f"{name}, Python")
    assert_same_bits(r.call(name, a, b, c), expected, f"{name}, R")


def test_a_fused_multiply_add_is_rounded_once(r: Any) -> None:
    for cases in [hard_cases(53, 5000), wide_cases(5000)]:
        assert_fma(r, "fma64", exact_fma64, *cases)
    a, b, c = hard_cases(53, 5000)
    assert (fma64(a, b, c) != a * b + c).mean() > 0.05


def test_a_float32_fused_multiply_add_is_rounded_once(r: Any) -> None:
    for cases in [hard_cases(24, 5000), wide_cases(5000)]:
        a, b, c = (f32_round(numbers) for numbers in cases)
        assert_fma(r, "fma32", exact_fma32, a, b, c)
    a, b, c = (f32_round(numbers) for numbers in hard_cases(24, 20000))
    assert (fma32(a, b, c) != f32_round(f32_round(a * b) + c)).mean() > 0.05
    assert (fma32(a, b, c) != f32_round(a * b + c)).any(), "rounding the float64 sum is not enough"


def test_float32_subnormals_and_overflow_are_rounded_once(r: Any) -> None:
    tiny = SMALLEST * np.arange(-5.0, 6.0)
    a, b, c = (grid.ravel() for grid in np.meshgrid(tiny * 2.0**30, [0.5, 0.75, 1.5, 1 + 2.0**-23], tiny))
    assert_fma(r, "fma32", exact_fma32, a * 2.0**-30, b, c)
    big = np.array([LARGEST, LARGEST, -LARGEST, 1.5 * 2.0**127, 2.0**127])
    b, c = np.array([1, 1, 2, 1, 1.0]), np.array([2.0**102, 2.0**104, 0, 2.0**126, -0.0])
    assert_fma(r, "fma32", exact_fma32, big, b, c)


def test_a_fused_multiply_add_of_zeros_has_ieees_sign(r: Any) -> None:
    zeros = np.array([(a, b, c) for a in (0.0, -0.0) for b in (1.0, -1.0) for c in (0.0, -0.0)]).T
    assert_fma(r, "fma64", exact_fma64, *zeros)
    assert_fma(r, "fma32", exact_fma32, *zeros)


doubles = st.floats(-(2.0**100), 2.0**100, allow_nan=False).filter(lambda x: x == 0 or abs(x) > 2.0**-400)
floats = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(a=doubles, b=doubles, c=doubles)
@settings(max_examples=300, deadline=None)
def test_any_fused_multiply_add_is_exact(a: float, b: float, c: float) -> None:
    assert_same_bits(fma64(a, b, c), exact_fma64(a, b, c), f"fma64({a!r}, {b!r}, {c!r})")


@given(a=floats, b=floats, c=floats)
@settings(max_examples=300, deadline=None)
def test_any_float32_fused_multiply_add_is_exact(a: float, b: float, c: float) -> None:
    assert_same_bits(fma32(a, b, c), exact_fma32(a, b, c), f"fma32({a!r}, {b!r}, {c!r})")


def test_rounding_to_float32_is_the_processors(r: Any) -> None:
    rng = np.random.default_rng(0)
    mantissa = 2.0**23 + rng.integers(0, 2**23, 4000)
    ties = (mantissa + 0.5) * 2.0 ** rng.integers(-160, 100, 4000)
    x = np.concatenate(
        [
            rng.standard_normal(4000) * 10.0 ** rng.integers(-50, 45, 4000),
            ties,
            -np.nextafter(ties, np.inf),
            np.nextafter(ties, 0),
            SMALLEST * np.array([0.25, 0.5, np.nextafter(0.5, 1), 0.75, 1, 1.5, 2.5, -0.5, -1.5]),
            [0.0, -0.0, np.inf, -np.inf, 1e300, -1e300, LARGEST, LARGEST + 2.0**102, LARGEST + 2.0**103],
        ]
    )
    with np.errstate(over="ignore", under="ignore"):
        expected = x.astype(np.float32)
    assert_same_bits(f32_round(x), expected, "Python")
    assert_same_bits(r.call("f32_round", x), expected, "R")
    assert math.isnan(f32_round(np.nan))
    assert np.isnan(r.call("f32_round", np.array([np.nan]))).all()


def test_rounding_keeps_the_shape(r: Any) -> None:
    x = np.arange(24.0).reshape(2, 3, 4) / 7
    assert_same_bits(f32_round(x), x.astype(np.float32), "Python")
    assert_same_bits(r.call("f32_round", x), x.astype(np.float32), "R")
    assert r.call("f32_round", np.zeros(0)).shape == (0,)


BAD = [
    (2.0**960, 1.0, 1.0),
    (1.0, -(2.0**970), 1.0),
    (1.0, 1.0, math.inf),
    (math.nan, 1.0, 1.0),
    (2.0**500, 2.0**500, 1.0),
    (2.0**-500, 2.0**-500, 1.0),
]


@pytest.mark.parametrize("numbers", BAD, ids=str)
def test_numbers_that_would_over_or_underflow_are_refused(r: Any, numbers: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="in size") as in_python:
        fma64(*numbers)
    with pytest.raises(RError) as in_r:
        r.call("fma64", *numbers)
    assert in_r.value.message == str(in_python.value)


def test_the_golden_values_are_exact() -> None:
    with shared_data_path(f"golden/{STEM}.json").open() as file:
        golden = json.load(file)
    for case in golden["cases"]:
        a, b, c, expected = (
            np.array([float.fromhex(number) for number in case[key]]) for key in ["a", "b", "c", "result"]
        )
        exact, ours = (exact_fma64, fma64) if case["function"] == "fma64" else (exact_fma32, fma32)
        assert_same_bits(ours(a, b, c), expected, case["function"])
        numbers = zip(a.tolist(), b.tolist(), c.tolist(), strict=True)
        assert_same_bits(np.array([exact(*three) for three in numbers]), expected, "rational arithmetic")


@pytest.mark.full
@pytest.mark.parametrize(("name", "bits"), [("fma64", 53), ("fma32", 24)])
def test_a_million_fused_multiply_adds_are_exact(r: Any, name: str, bits: int) -> None:
    exact = exact_fma64 if name == "fma64" else exact_fma32
    for cases in [hard_cases(bits, 500000), wide_cases(500000)]:
        a, b, c = cases if name == "fma64" else (f32_round(numbers) for numbers in cases)
        assert_fma(r, name, exact, a, b, c)
