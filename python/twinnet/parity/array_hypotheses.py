"""What two arrays alone can tell of why they differ: that one is the other transposed, shifted, scaled or cast.

A `Guess` says what one array would be if the other were right and the porter had made a certain mistake. It knows
nothing of networks, so it works on a stranger's tensors; `layer_hypotheses` knows more. Whether a guess holds, and
which of several is the best, is for `causes` to say.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twinnet._types import AnyArray

__all__ = ["VALUE_BITS", "Guess", "array_guesses", "information"]

VALUE_BITS = 40.0  # what a real number tells or costs: agreement to 12 digits
LARGEST_SHIFT = 512
MANY = 100_000  # elements from which on a part is looked at first
PROBED = 32  # rows of that part
SMALLEST_IMAGE = 12  # columns from which on a row may be a flattened array
DISTINCT_FEW = 4  # a value that comes at least so often is one of few, like those of a mask


@dataclass(frozen=True)
class Guess:
    """What an array would be under a hypothesis.

    Attributes
    ----------
    name : str
        Of the cause, a key of `cause_table.CAUSES`; empty for the operation as it should be.
    predicted : array
    detail : str
        What was found by the way: the factor, the shift, the order of the columns.
    cost : float
        Bits of what was fitted to the arrays. A guess must explain more than it costs, and the cheapest is the best.
    """

    name: str
    predicted: AnyArray
    detail: str = ""
    cost: float = 0.0


def information(a: AnyArray, b: AnyArray) -> float:
    """Bits that two arrays tell where they differ: what a guess has to get right.

    Parameters
    ----------
    a, b : arrays
        If their shapes differ, all elements tell.

    Returns
    -------
    float
        40 for each distinct number; of few, such as a mask's 0 and 1, the entropy of each element.
    """
    differ = (a != b) if a.shape == b.shape else np.ones(b.shape, bool)
    n = int(np.count_nonzero(differ))
    seen = b[differ][:MANY] if a.shape != b.shape else np.concatenate([a[differ][:MANY], b[differ][:MANY]])
    if seen.size == 0:
        return 0.0
    _, counts = np.unique(seen, return_counts=True)
    if len(counts) * DISTINCT_FEW <= seen.size or bool(np.all(seen == np.floor(seen))):
        share = counts / seen.size
        return float(-n * np.sum(share * np.log2(share)))
    return VALUE_BITS * min(len(counts), n)


def array_guesses(
    a: AnyArray,
    b: AnyArray,
    sizes: Sequence[int] = (),
    factors: dict[tuple[str, str], float] | None = None,
    near: float = 1e-10,
) -> Iterator[Guess]:
    """What `b` would be if `a` were right, for each mistake that shows in the arrays alone.

    Parameters
    ----------
    a, b : arrays
    sizes : sequence of int
        Sizes that a sum may have been divided by, or not: of the batch, of a window.
    factors : dict of (str, str) to float, optional
        Factors that mean something, by cause and description: those of dropout, for example.
    near : float
        How far apart, relative to their size, two numbers may be by rounding.

    Yields
    ------
    Guess
    """
    with np.errstate(all="ignore"):
        yield from in_another_order(a, b, near)
        if a.shape != b.shape or a.size == 0:
            return
        yield from shifted(a, b, near)
        sizes = [*a.shape, a.size, *sizes]
        rows = probe_rows(a, b)
        if rows is None:
            yield from in_place(a, b, sizes, factors or {}, near)
            return
        probe = b[rows]
        likely = {guess.name for guess in in_place(a[rows], probe, sizes, factors or {}, near) if fits(guess, probe)}
        if likely:
            yield from (guess for guess in in_place(a, b, sizes, factors or {}, near) if guess.name in likely)


def probe_rows(a: AnyArray, b: AnyArray) -> Any:
    """Some rows of large arrays, on which to try what happens to each element; None if it is as well to try all."""
    if a.size <= MANY or a.size // len(a) * PROBED > MANY:
        return None
    differ = np.flatnonzero((a != b).reshape(len(a), -1).any(axis=1))
    return np.unique(np.concatenate([differ[: PROBED // 2], np.linspace(0, len(a) - 1, PROBED // 2).astype(np.int64)]))


def fits(guess: Guess, probe: AnyArray) -> bool:
    """Whether a guess is likely enough to be tried on all elements."""
    scale = float(np.max(np.abs(probe), initial=0.0, where=np.isfinite(probe)))
    return bool(np.allclose(guess.predicted, probe, rtol=0, atol=1e-4 * scale, equal_nan=True))


def in_place(
    a: AnyArray, b: AnyArray, sizes: Sequence[int], factors: dict[tuple[str, str], float], near: float
) -> Iterator[Guess]:
    """What may have happened to each element where it stands."""
    yield from scaled(a, b, sizes, factors, near)
    yield from transformed(a, b)
    yield from fitted(a, b)


def in_another_order(a: AnyArray, b: AnyArray, near: float) -> Iterator[Guess]:
    """The same elements in other places."""
    if a.size != b.size or a.size < 2:
        return
    for axes in itertools.permutations(range(a.ndim)):
        if axes != tuple(range(a.ndim)) and a.ndim <= 4:
            is_reversed = list(axes) == sorted(axes, reverse=True)
            name = "transposed" if a.ndim == 2 else "reversed_axes" if is_reversed else "axis_order"
            yield Guess(name, a.transpose(axes), f"axes {axes}")
    if a.ndim > 1 or b.ndim > 1:
        yield Guess("column_major", a.ravel("C").reshape(b.shape, order="F"))
        yield Guess("column_major", a.ravel("F").reshape(b.shape, order="C"))
    if a.shape != b.shape:
        return
    if a.ndim >= 3:
        yield Guess("kernel_flipped", np.flip(a, (-2, -1)))
    for axis in range(a.ndim):
        yield Guess("reversed", np.flip(a, axis), f"axis {axis}", cost=1.0)
    if a.ndim == 1:
        yield Guess("rows_permuted", np.sort(a), "sorted", cost=1.0)
    if a.ndim == 2 and a.shape[1] >= SMALLEST_IMAGE:
        yield from columns_regrouped(a, b, near)
    for axis in range(a.ndim):
        yield from permuted(a, b, axis)
    same_range = a.min() == b.min() and a.max() == b.max()
    if (a.ndim > 1 or a.size > 3) and (same_range or a.size <= MANY):
        values, places = np.sort(a, axis=None), np.argsort(b, axis=None)
        predicted = np.empty_like(a)
        predicted.reshape(-1)[places] = values
        yield Guess("elements_permuted", predicted, cost=math.lgamma(a.size + 1) / math.log(2))


def columns_regrouped(a: AnyArray, b: AnyArray, near: float) -> Iterator[Guess]:
    """Rows that are flattened arrays, flattened in another order: (c, h, w) as (w, h, c) or (h, w, c)."""
    d = a.shape[1]
    pairs = [(p, d // p) for p in range(2, d) if d % p == 0]
    triples = [(p, q, r) for p, pr in pairs for q in range(2, pr) if pr % q == 0 for r in [pr // q]]
    for shape in (*pairs, *triples):
        numbers = np.arange(d).reshape(shape)
        orders = [("reversed", np.flip(numbers, axis).ravel(), f"axis {axis}") for axis in range(len(shape))]
        for axes in itertools.permutations(range(len(shape))):
            if axes != tuple(range(len(shape))):
                name = "column_major" if list(axes) == sorted(axes, reverse=True) else "axis_order"
                orders.append((name, numbers.transpose(axes).ravel(), f"axes {axes}"))
        for name, order, text in orders:
            if np.allclose(a[0, order], b[0], rtol=10 * near, atol=near):
                yield Guess(name, a[:, order], f"each row as {shape}, {text}", math.log2(9 * len(triples) + 4))


def permuted(a: AnyArray, b: AnyArray, axis: int) -> Iterator[Guess]:
    """Slices along an axis in another order, found by sorting them by one number that is made of each."""
    n = a.shape[axis]
    tables = [np.moveaxis(x, axis, 0).reshape(n, -1).astype(np.float64) for x in (a, b)]
    weights = np.random.default_rng(0).uniform(1, 2, tables[0].shape[1])
    places = [np.argsort(table @ weights, kind="stable") for table in tables]
    order = np.empty(n, np.int64)
    order[places[1]] = places[0]
    if (order == np.arange(n)).all():
        return
    one_hot = a.ndim == 2 and axis == 1 and bool(np.isin(a, (0, 1)).all() and (a.sum(axis=1) == 1).all())
    last = axis == a.ndim - 1 and a.ndim > 1
    rolled = [int(order[0])] if (order == np.roll(np.arange(n), -int(order[0]))).all() else []
    if one_hot and rolled and rolled[0] in (1, n - 1):
        yield Guess("index_off_by_one", np.take(a, order, axis), "the classes are counted on by one")
    name = "classes_permuted" if one_hot else "columns_permuted" if last else "rows_permuted"
    shown = ", ".join(str(number) for number in order[:12]) + (", ..." if n > 12 else "")
    yield Guess(name, np.take(a, order, axis), f"the order is {shown}", math.lgamma(n + 1) / math.log(2))


def shifted(a: AnyArray, b: AnyArray, near: float) -> Iterator[Guess]:
    """Counting from another start, rows that are off by one, and streams that have lost step."""
    whole = bool(np.all(a == np.floor(a)) and np.all(b == np.floor(b)))
    if whole and len(np.unique(a.flat[:MANY])) > 2:
        yield Guess("index_off_by_one", a + 1, "counted from one more")
        yield Guess("index_off_by_one", a - 1, "counted from one less")
    for axis in range(a.ndim):
        for step in (1, -1):
            rolled = np.roll(a, step, axis)
            edge: list[Any] = [slice(None)] * a.ndim
            edge[axis] = slice(0, 1) if step == 1 else slice(-1, None)
            rolled[tuple(edge)] = b[tuple(edge)]
            if a.shape[axis] > 2:
                bits = VALUE_BITS / 2 if whole else VALUE_BITS
                yield Guess("index_off_by_one", rolled, f"{step:+d} along axis {axis}", bits * b[tuple(edge)].size)
    for order in ("F", "C") if a.ndim > 1 else ("C",):
        yield from streams(a, b, order, near)


def streams(a: AnyArray, b: AnyArray, order: Any, near: float) -> Iterator[Guess]:
    """Numbers drawn one after another of which one side has drawn some more."""
    x, y = a.ravel(order), b.ravel(order)
    start = int(np.argmax(x != y))
    few = len(np.unique(x[:MANY])) * DISTINCT_FEW <= x[:MANY].size
    bits = 1.0 if few else VALUE_BITS
    for k in range(1, min((x.size - start) // 2, LARGEST_SHIFT) + 1):
        seen = min(8, x.size - start - k)
        if not np.allclose(y[start : start + seen], x[start + k : start + k + seen], rtol=10 * near, atol=0):
            continue
        flat = np.concatenate([x[:start], x[start + k :], y[y.size - k :]])
        cost = k * bits + math.log2(x.size) + 1
        detail = f"by {k}, from element {start} on in the order of drawing"
        yield Guess("stream_shifted", flat.reshape(b.shape, order=order), detail, cost)


def scaled(
    a: AnyArray, b: AnyArray, sizes: Sequence[int], factors: dict[tuple[str, str], float], near: float
) -> Iterator[Guess]:
    """A factor between the two, with a name if it is one that porters know."""
    yield Guess("sign", -a)
    if np.isin(a, (0, 1)).all():
        yield Guess("mask_inverted", 1 - a)
    at = int(np.nanargmax(np.abs(a)))
    c = float(b.flat[at] / a.flat[at]) if a.flat[at] != 0 else math.nan
    if not math.isfinite(c) or abs(c) <= 1e-300:
        return
    sign = "with the other sign, " if c < 0 else ""
    size = abs(c)

    def is_near(value: float) -> bool:
        return abs(size - value) <= 0.1 * near * value

    known = [("factor_two", "2", 2.0)]
    known += [("pixel_scale", f"{value:.7g}", value) for value in (255.0, 256.0, 256.0 / 255.0)]
    known += [("sum_for_mean", f"{n}", float(n)) for n in sizes if n > 2]
    known += [(name, text, value) for (name, text), value in factors.items()]
    known += [(name, f"1 / ({text})", 1 / value) for (name, text), value in factors.items() if value > 0]
    for name, text, value in known:
        if value not in (0.0, 1.0) and is_near(value):
            yield Guess(name, a * math.copysign(value, c), f"{sign}factor {text}", float(c < 0))
    if size > 1 and size * size - 1 > 1000 * near:
        for power, text in ((1, "n / (n - 1)"), (2, "sqrt(n / (n - 1))")):
            n = round(1 / (1 - size**-power))
            likely = n > 2 and (a.size > 2 or n in sizes)
            if likely and is_near((n / (n - 1)) ** (1 / power)):
                yield Guess("n_minus_one", a * c, f"{sign}factor {text} with n = {n}", math.log2(n))
    if a.size > 2:
        yield Guess("scaled", a * c, f"factor {c:.12g}", VALUE_BITS)


def transformed(a: AnyArray, b: AnyArray) -> Iterator[Guess]:
    """A function of each element, or of each row, too many on one side."""
    x = a.astype(np.float64)
    yield Guess("float32", x.astype(np.float32).astype(np.float64))
    for digits in range(1, 8):
        yield Guess("rounded", np.round(x, digits), f"to {digits} decimals", 3.0)
    for digits in range(3, 11):
        unit = 10.0 ** (np.floor(np.log10(np.abs(np.where(x == 0, 1, x)))) - digits + 1)
        yield Guess("rounded", np.round(x / unit) * unit, f"to {digits} digits", 3.0)
    yield Guess("truncated", np.trunc(x), "towards 0")
    yield Guess("truncated", np.floor(x), "downwards")
    yield Guess("absolute", np.abs(x))
    yield Guess("missing_root", x * x)
    yield Guess("missing_activation", np.maximum(x, 0.0), "ReLU")
    between = bool((x >= 0).all() and (x <= 1).all())
    yield Guess("doubled_activation" if between else "missing_activation", 1 / (1 + np.exp(-x)), "sigmoid")
    yield Guess("doubled_activation" if (np.abs(x) <= 1).all() else "missing_activation", np.tanh(x), "tanh")
    yield Guess("log_for_plain", np.exp(x))
    if a.ndim == 2 and a.size > 1:
        e = np.exp(x - x.max(axis=1, keepdims=True))
        doubled = between and bool(np.allclose(x.sum(axis=1), 1))
        yield Guess("doubled_softmax" if doubled else "missing_softmax", e / e.sum(axis=1, keepdims=True))
    if (b == b.flat[0]).all() and not np.isnan(b.flat[0]):
        name = "zeros" if b.flat[0] == 0 else "max_for_pmax" if b.flat[0] in (x.max(), x.min()) else "constant"
        cost = VALUE_BITS if name == "constant" else 0.0
        yield Guess(name, np.full_like(x, b.flat[0]), f"{b.flat[0]:.12g} throughout", cost)
    if np.isnan(b).any():
        yield Guess("nan_pattern", np.where(np.isnan(b), np.nan, a), "NaN on one side")
    if np.isinf(b).any():
        yield Guess("nan_pattern", np.where(np.isinf(b), b, a), "infinite on one side")


def fitted(a: AnyArray, b: AnyArray) -> Iterator[Guess]:
    """A constant added throughout, one for each column or row, and columns brought to another scale."""
    apart = b.astype(np.float64) - a
    low, high = int(np.nanargmin(a)), int(np.nanargmax(a))
    if a.size > 3 and a.flat[high] > a.flat[low]:
        slope = (b.flat[high] - b.flat[low]) / (a.flat[high] - a.flat[low])
        text = f"factor {slope:.8g}, then {b.flat[low] - slope * a.flat[low]:.8g} is added"
        yield Guess("rescaled", (a - a.flat[low]) * slope + b.flat[low], text, 2 * VALUE_BITS)
    if a.size > 2:
        yield Guess("offset", a + np.median(apart), f"{np.median(apart):.12g} is added", VALUE_BITS)
    if a.ndim < 2 or a.shape[0] < 3:
        return
    n, k = a.shape[0], a.shape[1]
    others = (0,) if a.ndim == 2 else (0, *range(2, a.ndim))
    yield Guess("bias", a + np.median(apart, axis=others, keepdims=True), cost=VALUE_BITS * k)
    if a.ndim == 2 and k > 2:
        yield Guess("row_offset", a + np.median(apart, axis=1, keepdims=True), cost=VALUE_BITS * n)
        yield Guess("row_scaled", a * np.median(b / a, axis=1, keepdims=True), cost=VALUE_BITS * n)
    if a.ndim == 2:
        mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
        slope = ((a - mean_a) * (b - mean_b)).sum(axis=0) / ((a - mean_a) ** 2).sum(axis=0)
        if (slope > 0).all():
            yield Guess("columns_standardised", (a - mean_a) * slope + mean_b, cost=2 * VALUE_BITS * k)
