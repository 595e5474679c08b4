"""What the tests of twins share: assertions that look at every element and name both sides."""

from __future__ import annotations

from typing import Any

import numpy as np

RELATIVE = 1e-12


def assert_close(python: Any, r: Any, what: str, rtol: float = RELATIVE, atol: float = 0.0) -> None:
    """Assert that two arrays have one shape and agree elementwise.

    An element may be off by `rtol` times the largest finite element's size (the scaled absolute tolerance): sums of
    large terms that cancel leave small numbers with the large terms' rounding. Where even the largest element is such a
    remainder, the caller adds `atol`, and says of what size the terms were.
    """
    a, b = np.asarray(python, dtype=np.float64), np.asarray(r, dtype=np.float64)
    assert a.shape == b.shape, f"{what}: shape {a.shape} in Python, {b.shape} in R"
    if a.size == 0:
        return
    assert (np.isnan(a) == np.isnan(b)).all(), f"{what}: NaN in different places"
    scale = np.max(np.abs(b), initial=0.0, where=np.isfinite(b))
    with np.errstate(invalid="ignore"):
        off = np.where((a == b) | np.isnan(a), -1.0, np.abs(a - b) - rtol * scale - atol)
    worst = np.unravel_index(int(off.argmax()), off.shape)
    assert off[worst] <= 0, f"{what}{list(worst)}: {a[worst]!r} in Python, {b[worst]!r} in R"


def assert_same_bits(python: Any, r: Any, what: str) -> None:
    """Assert that two arrays have one shape and the same 64 bits in every element."""
    a, b = np.ascontiguousarray(python, np.float64), np.ascontiguousarray(r, np.float64)
    assert a.shape == b.shape, f"{what}: shape {a.shape} in Python, {b.shape} in R"
    differing = np.argwhere(a.view(np.uint64) != b.view(np.uint64))
    if len(differing) > 0:
        at = tuple(differing[0])
        raise AssertionError(
            f"{what}: {len(differing)} of {a.size} elements differ, the first at {list(at)}: "
            f"{float(a[at]).hex()} in Python, {float(b[at]).hex()} in R"
        )
