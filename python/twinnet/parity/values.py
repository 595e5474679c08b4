"""Two nested results, one from Python and one from R, compared element by element.

A result is a number, a text, an array, or a list or dict of results. A number is an array of one element, as in R; a
data frame is a dict of its columns; a tensor of PyTorch is an array.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from twinnet._types import AnyArray

__all__ = ["ATOL", "RTOL", "Mismatch", "Tolerance", "compare_values", "describe"]

RTOL = 1e-9
ATOL = 1e-12
LARGEST_EXPLAINED = 50_000  # elements: beyond it trying all causes may take many seconds


@dataclass(frozen=True)
class Tolerance:
    """How far apart two numbers may be.

    Attributes
    ----------
    rtol : float
        Relative to the larger of the two.
    atol : float
        Absolute; the larger of the two allowances counts.
    exact : bool
        Whether every bit must be the same instead. A NaN is a NaN, whatever its bits.
    """

    rtol: float = RTOL
    atol: float = ATOL
    exact: bool = False

    def __str__(self) -> str:
        return "every bit" if self.exact else f"rtol {self.rtol:g}, atol {self.atol:g}"


@dataclass(frozen=True)
class Mismatch:
    """Where two results part.

    Attributes
    ----------
    place : str
        Where in the results: ``['grads']['w']``; empty for the results themselves.
    what : str
        What is different there, in words, if it is not a number: the keys, the lengths, the shapes, the types.
    python, r : arrays
        What each side has there.
    differing : array of bool
        Which elements are too far apart; empty if `what` says it.
    """

    place: str
    what: str
    python: AnyArray
    r: AnyArray
    differing: AnyArray


def compare_values(python: Any, r: Any, tolerance: Tolerance) -> list[Mismatch]:
    """Compare two results.

    Parameters
    ----------
    python, r : object
    tolerance : Tolerance

    Returns
    -------
    list of Mismatch
        One for each array, list or dict that is different, in order; empty if all agree.
    """
    return list(walk(python, r, tolerance, ""))


def walk(python: Any, r: Any, tolerance: Tolerance, place: str) -> Iterator[Mismatch]:
    """Compare two results, and the results in them."""
    a, b = as_tree(python), as_tree(r)
    if isinstance(a, np.ndarray) and isinstance(b, list):  # a Python list of numbers is an array, an R list is not
        a = list(np.atleast_1d(a))
    if isinstance(a, list) and isinstance(b, np.ndarray):
        b = list(np.atleast_1d(b))
    none = np.empty(0)
    if isinstance(a, dict) and isinstance(b, dict):
        if set(a) != set(b):
            sides = [("Python", [key for key in a if key not in b]), ("R", [key for key in b if key not in a])]
            said = [f"only {side} has {shown_names(keys)}" for side, keys in sides if keys]
            yield Mismatch(place, " and ".join(said), none, none, none)
        for key in a:
            if key in b:
                yield from walk(a[key], b[key], tolerance, f"{place}[{key!r}]")
    elif isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            yield Mismatch(place, f"{len(a)} items in Python, {len(b)} in R", none, none, none)
        for index, (one, other) in enumerate(zip(a, b, strict=False)):
            yield from walk(one, other, tolerance, f"{place}[{index}]")
    elif isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        yield from compare_arrays(a, b, tolerance, place)
    elif a is not None or b is not None:
        yield Mismatch(place, f"{kind_of(a)} in Python, {kind_of(b)} in R", none, none, none)


def as_tree(value: Any) -> Any:
    """A result as a dict, a list, an array or None."""
    if hasattr(value, "detach"):  # a tensor of PyTorch
        value = value.detach().cpu().numpy()
    if hasattr(value, "_asdict"):  # a named tuple
        value = value._asdict()
    if hasattr(value, "to_numpy"):  # a table or a column of pandas or polars
        value = (
            {name: value[name].to_numpy() for name in value.columns} if hasattr(value, "columns") else value.to_numpy()
        )
    if isinstance(value, Mapping):
        return dict(value)
    if value is None or isinstance(value, np.ndarray):
        return value
    if isinstance(value, (list, tuple)):
        plain = all(np.isscalar(item) for item in value) and len(value) > 0
        return np.asarray(value) if plain and len({kind_of(np.asarray(item)) for item in value}) == 1 else list(value)
    if np.isscalar(value) or hasattr(value, "__array__"):
        return np.asarray(value)
    raise TypeError(
        f"twinnet compares numbers, text, arrays, lists and dicts, not an object of type {type(value).__name__}."
    )


def compare_arrays(a: AnyArray, b: AnyArray, tolerance: Tolerance, place: str) -> Iterator[Mismatch]:
    """Compare two arrays: kinds, then shapes, then elements."""
    none = np.empty(0)
    if kind_of(a) != kind_of(b):
        yield Mismatch(place, f"{kind_of(a)} in Python, {kind_of(b)} in R", a, b, none)
        return
    shape_a, shape_b = a.shape or (1,), b.shape or (1,)
    if shape_a != shape_b:
        yield Mismatch(place, f"shape {shape_a} in Python, {shape_b} in R", a, b, none)
        return
    differing = elements_apart(a.reshape(shape_a), b.reshape(shape_b), tolerance)
    if differing.any():
        yield Mismatch(place, "", a.reshape(shape_a), b.reshape(shape_b), differing)


def elements_apart(a: AnyArray, b: AnyArray, tolerance: Tolerance) -> AnyArray:
    """Which elements of two arrays of one shape and kind are too far apart."""
    if a.dtype.kind not in "fciub":
        return np.asarray(a != b)
    if a.dtype.kind in "iub" and b.dtype.kind in "iub":
        return np.asarray(a != b)
    if "c" in (a.dtype.kind, b.dtype.kind):
        parts = [elements_apart(part(a), part(b), tolerance) for part in (np.real, np.imag)]
        return np.asarray(parts[0] | parts[1])
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    both_nan = np.isnan(a) & np.isnan(b)
    if tolerance.exact:
        return np.asarray(
            (np.ascontiguousarray(a).view(np.uint64) != np.ascontiguousarray(b).view(np.uint64)) & ~both_nan
        )
    with np.errstate(invalid="ignore", over="ignore"):
        allowed = np.maximum(tolerance.atol, tolerance.rtol * np.maximum(np.abs(a), np.abs(b)))
        close = (a == b) | (np.isfinite(a) & np.isfinite(b) & (np.abs(a - b) <= allowed))
    return np.asarray(~(close | both_nan))


def kind_of(value: Any) -> str:
    """What a result is, in a word."""
    if value is None:
        return "nothing"
    if isinstance(value, np.ndarray):
        return "numbers" if value.dtype.kind in "fciub" else "text" if value.dtype.kind in "US" else "objects"
    return "a dict" if isinstance(value, dict) else "a list"


def shown_names(names: list[Any]) -> str:
    """Names in quotes, six at most."""
    return ", ".join([*(repr(name) for name in names[:6]), *["..."] * (len(names) > 6)])


def describe(mismatches: list[Mismatch], tolerance: Tolerance) -> str:
    """Say where two results part first, what each side has there, and how many elements differ.

    Parameters
    ----------
    mismatches : list of Mismatch
        At least one, from `compare_values`.
    tolerance : Tolerance
        What they were compared by.

    Returns
    -------
    str
        Several lines.
    """
    first = mismatches[0]
    others = [mismatch.place or "the whole" for mismatch in mismatches[1:]]
    more = [f"  also different: {shown_places(others)}"] if others else []
    more = [*likely_cause(first), *more]
    if first.what:
        return "\n".join([f"The twins differ{at(first.place)}: {first.what}.", *more])
    differing = np.argwhere(first.differing)
    index = tuple(differing[0])
    a, b = first.python[index], first.r[index]
    in_python = f"{first.place}[{', '.join(str(place) for place in index)}]"
    in_r = ", ".join(str(place + 1) for place in index)
    lines = [
        f"The twins differ first at {in_python}, which is [{in_r}] in R:",
        f"  Python  {a.item()!r}",
        f"  R       {b.item()!r}",
    ]
    if kind_of(first.python) == "numbers":
        lines.append(f"  apart   {distance(a, b)}; allowed: {tolerance}")
    lines.append(f"  differing: {len(differing)} of {first.differing.size} elements{worst(first)}")
    return "\n".join(lines + more)


def likely_cause(mismatch: Mismatch) -> list[str]:
    """The likeliest cause of a difference, as a line; none if nothing is known to remove it."""
    from twinnet.parity.causes import array_causes

    arrays = (mismatch.python, mismatch.r)
    if not all(x.dtype.kind in "fiub" and 1 < x.size <= LARGEST_EXPLAINED for x in arrays):
        return []
    causes = array_causes(*arrays, labels=("Python", "R"))
    where = f", in {causes[0].side}" if causes and causes[0].side else ""
    return [f"  cause   {causes[0].name.replace('_', ' ')}{where}: {causes[0].explanation}"] if causes else []


def at(place: str) -> str:
    """A place, as a part of a sentence."""
    return f" at {place}" if place else ""


def shown_places(places: list[str]) -> str:
    """Places, six at most."""
    return ", ".join([*places[:6], *[f"and {len(places) - 6} more"] * (len(places) > 6)])


def distance(a: Any, b: Any) -> str:
    """How far apart two numbers are, in words."""
    apart = abs(complex(a) - complex(b))
    size = max(abs(a), abs(b))
    if not np.isfinite(apart):
        return "infinitely far"
    relative = f", {apart / size:.2g} relative" if size > 0 else ""
    steps = ulps_apart(float(a), float(b)) if not isinstance(a.item(), complex) else 0
    return f"{apart:.2g} absolute{relative}" + (f", {steps} ULP{'s' * (steps != 1)}" if steps else "")


def ulps_apart(a: float, b: float) -> int:
    """How many float64 lie between two finite numbers, plus one."""

    def place(x: float) -> int:
        bits = int(np.float64(x).view(np.int64))
        return bits if bits >= 0 else -(bits & (2**63 - 1))

    return abs(place(a) - place(b))


def worst(mismatch: Mismatch) -> str:
    """Where the largest difference is, in words, if it is a number."""
    if kind_of(mismatch.python) != "numbers" or mismatch.differing.size == 1:
        return ""
    with np.errstate(invalid="ignore"):
        apart = np.abs(mismatch.python.astype(complex) - mismatch.r.astype(complex))
    apart[~mismatch.differing] = 0
    if np.isnan(apart).any():
        return ""
    place = np.unravel_index(int(apart.argmax()), apart.shape)
    return f", the largest difference {apart[place]:.2g} at [{', '.join(str(part) for part in place)}]"
