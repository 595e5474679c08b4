"""What the tests of the generators share: equality of bit patterns, and R's generators as Python objects."""

from __future__ import annotations

from typing import Any

import numpy as np


def assert_same_bits(ours: Any, theirs: Any, what: str) -> None:
    """Fail unless two results hold the same numbers, bit by bit, in arrays of the same shape."""
    a, b = comparable(ours), comparable(theirs)
    assert a.shape == b.shape, f"{what}: shape {a.shape} here, {b.shape} there"
    if a.dtype.kind == "U" or b.dtype.kind == "U":
        assert a.tolist() == b.tolist(), f"{what}: {a.tolist()} here, {b.tolist()} there"
        return
    differ = np.flatnonzero(a.view(np.uint64).ravel() != b.view(np.uint64).ravel())
    if differ.size > 0:
        first = differ[0]
        ours_there, theirs_there = a.ravel()[first], b.ravel()[first]
        raise AssertionError(
            f"{what}: {differ.size} of {a.size} differ, first at {first}: "
            f"{ours_there!r} here, {theirs_there!r} there, {abs(ours_there - theirs_there):.3g} apart"
        )


def comparable(value: Any) -> Any:
    """Return a result as a float64 array; whole numbers must survive that, and text stays text."""
    array = np.atleast_1d(np.asarray(value))
    if array.dtype.kind == "U":
        return array
    as_float = array.astype(np.float64)
    if array.dtype.kind in "iu":
        assert (as_float.astype(array.dtype) == array).all(), "a whole number beyond 2^53 cannot be compared"
    return np.ascontiguousarray(as_float)


class InR:
    """A generator of the R package, with the methods of its Python twin."""

    def __init__(self, r: Any, constructor: str | None, *arguments: Any, handle: Any = None) -> None:
        self.r = r
        self.handle = handle
        if constructor is not None:
            self.handle = r.call(constructor, *[for_r(item) for item in arguments], convert=False)

    def __getattr__(self, name: str) -> Any:
        def method(*arguments: Any, convert: bool = True, **named: Any) -> Any:
            keywords = {key: for_r(item) for key, item in named.items()}
            return self.r.method(self.handle, name, *[for_r(item) for item in arguments], convert=convert, **keywords)

        return method


def for_r(value: Any) -> Any:
    """Return an argument with its whole numbers as doubles, the only whole numbers beyond 2^31 that R has."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "iu":
        return value.astype(np.float64)
    if isinstance(value, tuple):
        return np.array(value, dtype=np.float64)
    if isinstance(value, list):
        return [for_r(item) for item in value]
    return value
