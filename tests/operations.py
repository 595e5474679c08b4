"""What the tests of operations share: inputs, and a comparison in which every element is judged by its own size."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from twinnet.gradient_check import numerical_gradient
from twinnet.parity.bridge import RError

RELATIVE = 1e-12
# Where float64 changes its ways: both zeros, denormals, where 1 + x is 1, where exp over- and underflows, infinities.
POSITIVE_EDGES = [0.0, 5e-324, 1e-308, 1e-300, 1e-17, 1e-8, 0.5, 1, 19, 20, 36, 37, 708, 709, 709.5, 710]
POSITIVE_EDGES += [740, 745, 746, 1e3, 1e17, 1e300, 1.7e308, np.inf]
EDGES = np.array([sign * x for x in POSITIVE_EDGES for sign in (1, -1)])


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> Any:
    """Standard normal numbers, times `scale`."""
    return scale * np.random.default_rng([seed, *shape]).standard_normal(shape)


def class_numbers_of(n: int, k: int) -> Any:
    """Class numbers from 0, drawn at random."""
    return np.random.default_rng([n, k]).integers(0, k, n)


def assert_each_close(ours: Any, theirs: Any, what: str, rtol: float = RELATIVE, atol: Any = 0.0) -> None:
    """Assert that two arrays have one shape and agree elementwise, each within `rtol` of its own size, plus `atol`."""
    a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    assert a.shape == b.shape, f"{what}: shape {a.shape} here, {b.shape} there"
    if a.size == 0:
        return
    with np.errstate(invalid="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        off = np.where(same, -1.0, np.abs(a - b) - (rtol * np.abs(b) + atol))
    off = np.where(np.isnan(off) | (~same & ~np.isfinite(b)), np.inf, off)
    at = np.unravel_index(int(off.argmax()), off.shape)
    assert off[at] <= 0, (
        f"{what}{[int(i) for i in at]}: {a[at]!r} here, {b[at]!r} there, {abs(a[at] - b[at]):.3g} apart"
    )


def assert_central_differences(f: Callable[[Any], float], x: Any, gradient: Any, what: str) -> None:
    """Assert that a gradient is the one of central differences, h = 1e-5: truncation 1e-10, rounding 2e-11 of f."""
    assert_each_close(gradient, numerical_gradient(f, x), what, rtol=1e-7, atol=1e-9)


def assert_same_message(r: Any, name: str, python: Callable[..., Any], arguments: list[Any], message: str) -> None:
    """Assert that a function refuses its arguments with this message in both languages, and that R blames it."""
    with pytest.raises(ValueError, match="^" + re.escape(message) + "$"):
        python(*arguments)
    with pytest.raises(RError) as other:
        r.call(name, *arguments)
    assert other.value.message == message
    assert other.value.call_text.startswith(f"{name}(")
