"""Two traces side by side: the first tensor at which they part, and how far apart they are everywhere.

Tensors are compared in the order of execution: first whether both sides have them, then their shapes, then their
values, element by element, in pieces of half a megabyte, so that traces larger than memory can be compared. A NaN
equals a NaN. What counts as different is decided by, in this order,

1. `tolerance`, if it is given: an element may be off by that times the largest element of its tensor;
2. exact arithmetic on both sides: any bit that differs;
3. the noise floor of its tensor, if it has been measured (`twinnet.parity.noise`): off by more than `NOISE_LIMIT`
   times what rounding alone explains;
4. `TOLERANCES`, by the coarser of the two dtypes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twinnet._types import AnyArray
from twinnet.parity.trace import Trace, TraceEntry, TraceError

__all__ = ["NOISE_LIMIT", "TOLERANCES", "TensorDiff", "TraceDiff", "diff_arrays", "diff_traces"]

NOISE_LIMIT = 8.0
TOLERANCES = {"float64": 1e-9, "float32": 1e-5, "int64": 0.0, "bool": 0.0}
SMALL = 1e-6  # tensors whose largest element is smaller are taken to be remainders of sums that cancel
PIECE = 1 << 16  # elements compared at a time
RELEASE = 1 << 25  # bytes after which what was read is let go
BAD = ("different", "shape", "only_a", "only_b")


@dataclass(frozen=True)
class TensorDiff:
    """How far one tensor is apart.

    Attributes
    ----------
    key : str
        Its key in A, or in B if only B has it.
    status : str
        ``"identical"`` in every bit; ``"dtype"``, the same numbers in another dtype; ``"within"`` what is allowed;
        ``"different"``; ``"shape"``; ``"only_a"``, ``"only_b"``.
    shape_a, shape_b : tuple of int, or None
    dtype_a, dtype_b : str, or None
    size : int
        Elements compared.
    differing : int
        Elements whose bits differ, NaN in both apart.
    over : int
        Elements that differ by more than is allowed.
    nan : int
        Elements that are NaN in both.
    scale : float
        The largest finite magnitude in either.
    max_abs, max_rel : float
        The largest difference, and the largest relative to the larger of the two elements; infinite where one side
        alone is NaN or infinite.
    max_ulp : int
        The largest number of steps from one floating-point number to the next that lie between two elements (float32's
        if either side is float32; of whole numbers, their difference).
    limit : float
        What is allowed.
    floor_ratio : float, or None
        `max_abs` in units of the noise floor, None where none was measured.
    first_index : tuple of int, or None
        Counted from 0: the first element that differs by more than is allowed, or else the first that differs; in a
        tensor of more than `PIECE` elements the first in the order of memory.
    value_a, value_b : float, or None
        That element.
    worst_index, worst_a, worst_b
        The same for the element that differs most.
    """

    key: str
    status: str
    shape_a: tuple[int, ...] | None = None
    shape_b: tuple[int, ...] | None = None
    dtype_a: str | None = None
    dtype_b: str | None = None
    size: int = 0
    differing: int = 0
    over: int = 0
    nan: int = 0
    scale: float = 0.0
    max_abs: float = 0.0
    max_rel: float = 0.0
    max_ulp: int = 0
    limit: float = 0.0
    floor_ratio: float | None = None
    first_index: tuple[int, ...] | None = None
    value_a: float | None = None
    value_b: float | None = None
    worst_index: tuple[int, ...] | None = None
    worst_a: float | None = None
    worst_b: float | None = None

    @property
    def is_bad(self) -> bool:
        """Whether it is more than rounding, or cannot be compared."""
        return self.status in BAD


@dataclass(frozen=True)
class TraceDiff:
    """Two traces compared.

    Attributes
    ----------
    a, b : Trace
    tensors : tuple of TensorDiff
        In the order of execution.
    verdict : str
        ``"identical"``: every bit; ``"within"``: nothing beyond what is allowed; ``"different"``.
    rule : str
        What is allowed, in words.
    notes : tuple of str
        What else a reader should know.
    renamed : dict of str
        B's key for each of A's that was matched with another.
    inherited : str, or None
        Whether the first divergence is one of the ``"operation"`` itself or ``"inherited"`` from what went into it;
        None while nobody has run it again (`twinnet.parity.rerun`).
    inherited_because : str
        How that was found out.
    """

    a: Trace
    b: Trace
    tensors: tuple[TensorDiff, ...]
    verdict: str
    rule: str
    notes: tuple[str, ...] = ()
    renamed: dict[str, str] = field(default_factory=dict)
    inherited: str | None = None
    inherited_because: str = ""

    @property
    def first(self) -> TensorDiff | None:
        """The first divergence."""
        return next((tensor for tensor in self.tensors if tensor.is_bad), None)

    @property
    def growth(self) -> list[float]:
        """The largest difference in each tensor that both sides have, in the order of execution."""
        return [tensor.max_abs for tensor in self.tensors if tensor.shape_a == tensor.shape_b]

    @property
    def growth_by_step(self) -> dict[int, float]:
        """For each step the largest difference, in each tensor relative to its largest element."""
        found: dict[int, float] = {}
        for tensor in self.tensors:
            if tensor.shape_a is not None and tensor.shape_a == tensor.shape_b:
                apart = tensor.max_abs / tensor.scale if tensor.scale > 0 else tensor.max_abs
                step = self.a.by_key[tensor.key].step
                found[step] = max(found.get(step, 0.0), apart)
        return found

    def counts(self) -> dict[str, int]:
        """How many tensors there are of each status."""
        found: dict[str, int] = {}
        for tensor in self.tensors:
            found[tensor.status] = found.get(tensor.status, 0) + 1
        return found


def diff_traces(
    a: Trace,
    b: Trace,
    tolerance: float | None = None,
    floor: dict[str, float] | None = None,
    names: dict[str, str] | None = None,
    progress: Any = None,
) -> TraceDiff:
    """Compare two traces, tensor by tensor.

    Parameters
    ----------
    a, b : Trace
    tolerance : float, optional
        Relative to the largest element of a tensor; 0 for equality of all bits.
    floor : dict of float, optional
        By key, how far rounding alone takes a tensor.
    names : dict of str, optional
        What A's keys, or names, are called in B, where that differs.
    progress : callable, optional
        Called with the bytes that were compared so far and those there are.

    Returns
    -------
    TraceDiff

    Raises
    ------
    TraceError
        If a trace is empty, or they share no key.
    """
    pairs, renamed = matched(a, b, names or {})
    common = [(ours, theirs) for ours, theirs in pairs if ours is not None and theirs is not None]
    for trace in (a, b):
        if not trace.entries:
            raise TraceError(f"{trace.folder}: the trace is empty: nothing was recorded.")
    if not common:
        keys = f"{a.entries[0].key} in {a.folder} and {b.entries[0].key} in {b.folder}"
        raise TraceError(f"The traces share no tensor; their first are {keys}.")
    exact = a.manifest.get("arithmetic") == b.manifest.get("arithmetic") == "exact"
    tolerance = 0.0 if exact and tolerance is None else tolerance
    total = sum(entry.size * np.dtype(entry.dtype).itemsize for pair in common for entry in pair)
    done, released = 0, 0
    tensors = []
    for ours, theirs in pairs:
        if ours is None or theirs is None:
            tensors.append(one_sided(ours, theirs))
            continue
        rule = Allowance(tolerance, None if floor is None or tolerance is not None else floor.get(ours.key))
        tensors.append(diff_tensors(a, b, ours, theirs, rule))
        done += sum(entry.size * np.dtype(entry.dtype).itemsize for entry in (ours, theirs))
        if done - released > RELEASE:
            released = done
            a.release()
            b.release()
            if progress is not None:
                progress(done, total)
    verdict = "within"
    if any(tensor.is_bad for tensor in tensors):
        verdict = "different"
    elif all(tensor.status == "identical" for tensor in tensors):
        verdict = "identical"
    words = rule_in_words(tolerance, exact, floor is not None)
    return TraceDiff(a, b, tuple(tensors), verdict, words, notes_on(a, b, common, tensors, renamed), renamed)


def diff_arrays(key: str, a: AnyArray, b: AnyArray, limit: float = 0.0) -> TensorDiff:
    """Compare two arrays of one shape.

    Parameters
    ----------
    key : str
        What they are.
    a, b : arrays
        Of dtypes that a trace can hold.
    limit : float
        By how much an element may be off.

    Returns
    -------
    TensorDiff
    """
    found = Findings(a.dtype, b.dtype)
    for corner, x, y in pieces(a, b):
        found.add(corner, x, y)
    return found.tensor_diff(key, a, b, limit, None)


@dataclass(frozen=True)
class Allowance:
    """How much a tensor's elements may be off."""

    tolerance: float | None
    floor: float | None

    def limit(self, scale: float, dtypes: tuple[str, str]) -> float:
        """In absolute numbers."""
        if self.tolerance is None and self.floor is not None:
            return NOISE_LIMIT * self.floor
        tolerance = max(TOLERANCES[dtype] for dtype in dtypes) if self.tolerance is None else self.tolerance
        return tolerance * max(scale, SMALL)


class Findings:
    """What the pieces of two tensors show, put together."""

    def __init__(self, dtype_a: Any, dtype_b: Any) -> None:
        single = np.float32 in (dtype_a, dtype_b)
        self._steps = np.dtype(np.float32 if single else np.float64)
        self._same_dtype = dtype_a == dtype_b
        self.differing = self.nan = self.max_ulp = 0
        self.scale = self.max_rel = 0.0
        self.max_abs = -1.0
        self.worst: Any = None
        self.first: Any = None

    def add(self, corner: tuple[int, ...], x: AnyArray, y: AnyArray) -> None:
        """Look at a piece of both, whose first element is at `corner`."""
        if x.dtype.kind == "f":
            isnan = np.isnan(x)
            if isnan.any():
                self.nan += int((isnan & np.isnan(y)).sum())
        self.scale = max(self.scale, largest(x), largest(y))
        places = np.flatnonzero(differs(x, y))
        if places.size == 0:
            return
        self.differing += places.size
        u, v = x.ravel()[places], y.ravel()[places]
        apart = distance(u, v)
        worst = int(apart.argmax())
        if self.first is None:
            self.first = located(corner, x.shape, places[0], u[0], v[0])
        if apart[worst] > self.max_abs:
            self.max_abs = float(apart[worst])
            self.worst = located(corner, x.shape, places[worst], u[worst], v[worst])
        with np.errstate(invalid="ignore", divide="ignore"):
            relative = apart / np.maximum(np.abs(u), np.abs(v))
        relative[apart == 0] = 0.0  # 0 against -0
        relative[np.isinf(apart)] = np.inf
        self.max_rel = max(self.max_rel, float(relative.max()))
        self.max_ulp = max(self.max_ulp, int(steps_between(u, v, self._steps).max()))

    def tensor_diff(self, key: str, a: AnyArray, b: AnyArray, limit: float, floor: float | None) -> TensorDiff:
        """The whole tensor's difference, once all pieces were looked at."""
        first, worst, over = self.first, self.worst, 0
        max_abs = max(self.max_abs, 0.0)
        if self.differing > 0 and (limit == 0 or max_abs > limit):
            over = self.differing
            if limit > 0:
                first, over = first_over(a, b, limit)
        status = "different" if over else "within"
        if self.differing == 0:
            status = "identical" if self._same_dtype else "dtype"
        return TensorDiff(
            key,
            status,
            a.shape,
            b.shape,
            a.dtype.name,
            b.dtype.name,
            a.size,
            self.differing,
            over,
            self.nan,
            self.scale,
            max_abs,
            self.max_rel,
            self.max_ulp,
            limit,
            None if floor is None else max_abs / floor if floor > 0 else math.inf if max_abs > 0 else 0.0,
            *(first or (None, None, None)),
            *(worst or (None, None, None)),
        )


def diff_tensors(a: Trace, b: Trace, ours: TraceEntry, theirs: TraceEntry, allowed: Allowance) -> TensorDiff:
    """Compare a tensor of two traces."""
    if ours.shape != theirs.shape:
        sides = {"shape_a": ours.shape, "shape_b": theirs.shape, "dtype_a": ours.dtype, "dtype_b": theirs.dtype}
        return TensorDiff(ours.key, "shape", **sides)  # type: ignore[arg-type]
    x, y = a.load(ours.key), b.load(theirs.key)
    found = Findings(x.dtype, y.dtype)
    for number, (corner, piece_x, piece_y) in enumerate(pieces(x, y), start=1):
        found.add(corner, piece_x, piece_y)
        if number % (RELEASE // (8 * PIECE)) == 0:
            a.release()
            b.release()
    limit = allowed.limit(found.scale, (ours.dtype, theirs.dtype))
    return found.tensor_diff(ours.key, x, y, limit, allowed.floor)


def pieces(a: AnyArray, b: AnyArray) -> Iterator[tuple[tuple[int, ...], AnyArray, AnyArray]]:
    """Two arrays of one shape in pieces of at most `PIECE` elements, rows first in memory, with each one's corner."""
    if a.size <= PIECE:
        yield (0,) * a.ndim, np.ascontiguousarray(a), np.ascontiguousarray(b)
        return
    block = list(a.shape)
    while math.prod(block) > PIECE:  # halve the longest side: both memory orders then run along whole cache lines
        longest = block.index(max(block))
        block[longest] = (block[longest] + 1) // 2
    counts = [-(-size // side) for size, side in zip(a.shape, block, strict=True)]
    for place in np.ndindex(*counts):
        corner = tuple(number * side for number, side in zip(place, block, strict=True))
        part = tuple(slice(start, start + side) for start, side in zip(corner, block, strict=True))
        yield corner, np.ascontiguousarray(a[part]), np.ascontiguousarray(b[part])


def differs(x: AnyArray, y: AnyArray) -> AnyArray:
    """Where two arrays have other numbers: other bits, if they are of one dtype; NaN equals NaN."""
    if x.dtype != y.dtype:
        return (x != y) & ~(np.isnan(x) & np.isnan(y))  # type: ignore[no-any-return]
    if x.dtype.kind != "f":
        return x != y  # type: ignore[no-any-return]
    bits = np.dtype(f"u{x.dtype.itemsize}")
    found = x.view(bits) != y.view(bits)
    return found & ~(np.isnan(x) & np.isnan(y)) if found.any() else found  # type: ignore[no-any-return]


def distance(u: AnyArray, v: AnyArray) -> AnyArray:
    """Absolute differences of numbers that differ; infinite where one side alone is NaN or infinite."""
    if u.dtype.kind in "ib" and v.dtype.kind in "ib":
        return steps_between(u, v, u.dtype).astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(u.astype(np.float64, copy=False) - v.astype(np.float64, copy=False))
    apart[np.isnan(apart)] = np.inf
    return apart


def steps_between(u: AnyArray, v: AnyArray, steps: np.dtype[Any]) -> AnyArray:
    """How many numbers of the dtype `steps` one has to pass to come from one number to the other."""
    if u.dtype.kind in "ib" and v.dtype.kind in "ib":
        a, b = u.astype(np.int64), v.astype(np.int64)
    else:
        x, y = u.astype(steps, copy=False), v.astype(steps, copy=False)
        a, b = (number.view(np.dtype(f"i{steps.itemsize}")).astype(np.int64, copy=False) for number in (x, y))
        if ((a ^ b) < 0).any():  # within one sign the bits are in the numbers' order, or in the opposite one
            a, b = in_order(a, steps), in_order(b, steps)
    between: AnyArray = np.maximum(a, b).view(np.uint64) - np.minimum(a, b).view(np.uint64)
    return between


def in_order(bits: AnyArray, steps: np.dtype[Any]) -> AnyArray:
    """The bits of floating-point numbers as whole numbers in their order, neighbours to neighbours, 0 and -0 to 0."""
    lowest = np.int64(-(2 ** (8 * steps.itemsize - 1)))
    return np.where(bits < 0, lowest - bits, bits)


def largest(x: AnyArray) -> float:
    """The largest finite magnitude."""
    if x.size == 0:
        return 0.0
    low, high = float(x.min()), float(x.max())
    if math.isfinite(low) and math.isfinite(high):
        return max(abs(low), abs(high))
    return float(np.max(np.abs(x), initial=0.0, where=np.isfinite(x)))


def first_over(a: AnyArray, b: AnyArray, limit: float) -> tuple[Any, int]:
    """The first element that is off by more than `limit`, and how many there are."""
    first, over = None, 0
    for corner, x, y in pieces(a, b):
        places = np.flatnonzero(differs(x, y))
        if places.size > 0:
            u, v = x.ravel()[places], y.ravel()[places]
            beyond = np.flatnonzero(distance(u, v) > limit)
            over += beyond.size
            if beyond.size > 0 and first is None:
                first = located(corner, x.shape, places[beyond[0]], u[beyond[0]], v[beyond[0]])
    return first, over


def located(corner: tuple[int, ...], shape: tuple[int, ...], place: Any, u: Any, v: Any) -> tuple[Any, ...]:
    """An element's index in the whole tensor, and its two values."""
    index = tuple(int(i) + start for i, start in zip(np.unravel_index(place, shape), corner, strict=True))
    return index, u.item(), v.item()


def one_sided(ours: TraceEntry | None, theirs: TraceEntry | None) -> TensorDiff:
    """A tensor that one trace alone has."""
    if ours is not None:
        return TensorDiff(ours.key, "only_a", shape_a=ours.shape, dtype_a=ours.dtype)
    assert theirs is not None
    return TensorDiff(theirs.key, "only_b", shape_b=theirs.shape, dtype_b=theirs.dtype)


def matched(
    a: Trace, b: Trace, names: dict[str, str]
) -> tuple[list[tuple[TraceEntry | None, TraceEntry | None]], dict[str, str]]:
    """The tensors of both traces in pairs, in A's order, what B alone has after what precedes it there."""
    renamed = {}
    for entry in a.entries:
        key = names.get(entry.key) or entry.key.removesuffix(entry.name) + names.get(entry.name, entry.name)
        if key != entry.key:
            renamed[entry.key] = key
    taken = {renamed.get(entry.key, entry.key) for entry in a.entries}
    after: dict[str, list[TraceEntry]] = {}
    previous = ""
    for entry in b.entries:
        if entry.key in taken:
            previous = entry.key
        else:
            after.setdefault(previous, []).append(entry)
    pairs: list[tuple[TraceEntry | None, TraceEntry | None]] = [(None, entry) for entry in after.get("", [])]
    for entry in a.entries:
        key = renamed.get(entry.key, entry.key)
        pairs.append((entry, b.by_key.get(key)))
        if key in b.by_key:
            pairs += [(None, alone) for alone in after.get(key, [])]
    return pairs, {key: other for key, other in renamed.items() if other in b.by_key}


def rule_in_words(tolerance: float | None, exact: bool, has_floor: bool) -> str:
    """What is allowed, as a report says it."""
    if tolerance == 0:
        return "every bit must be the same" + (" (exact arithmetic)" if exact else "")
    if tolerance is not None:
        return f"off by at most {tolerance:g} of the tensor's largest element (the tolerance asked for)"
    by_dtype = ", ".join(f"{value:g} for {dtype}" for dtype, value in TOLERANCES.items() if value > 0)
    guessed = f"off by at most a tolerance of its tensor's largest element: {by_dtype}"
    return f"off by at most {NOISE_LIMIT:g} times the measured noise of rounding" if has_floor else guessed


def notes_on(
    a: Trace,
    b: Trace,
    common: list[tuple[TraceEntry, TraceEntry]],
    tensors: list[TensorDiff],
    renamed: dict[str, str],
) -> tuple[str, ...]:
    """What else a reader should know."""
    notes = []
    steps_a, steps_b = (len({entry.step for entry in trace.entries if entry.step > 0}) for trace in (a, b))
    if steps_a != steps_b:
        notes.append(f"The runs are of other lengths: {steps_a} steps in A, {steps_b} in B.")
    for status, side in (("only_a", "A"), ("only_b", "B")):
        alone = [tensor.key for tensor in tensors if tensor.status == status]
        if alone:
            more = f" and {len(alone) - 3} more" if len(alone) > 3 else ""
            notes.append(f"Only {side} has {', '.join(alone[:3])}{more}.")
    nan = sum(tensor.nan for tensor in tensors)
    if nan > 0:
        first = next(tensor.key for tensor in tensors if tensor.nan > 0)
        notes.append(f"{nan} elements are NaN on both sides, first in {first}; they count as equal.")
    other = [
        tensor
        for tensor in tensors
        if tensor.dtype_a != tensor.dtype_b and None not in (tensor.dtype_a, tensor.dtype_b)
    ]
    if other:
        kinds = f"{other[0].dtype_a} in A and {other[0].dtype_b} in B"
        notes.append(f"{len(other)} tensors are of other dtypes, first {other[0].key}: {kinds}; their numbers count.")
    places = [theirs.ordinal for _, theirs in common]
    turned = next((i for i in range(1, len(places)) if places[i] < places[i - 1]), None)
    if turned is not None:
        before, after = common[turned - 1][0].key, common[turned][0].key
        notes.append(f"The order of execution differs: {before} comes before {after} in A, and after it in B.")
    if renamed:
        notes.append(f"{len(renamed)} tensors of A go by other names in B, as {next(iter(renamed.items()))} does.")
    return tuple(notes)
