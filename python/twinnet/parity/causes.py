"""Why two traces part: hypotheses tried on the first tensor that differs, and those named that remove the difference.

A hypothesis must give every element of the tensor, to rounding, and explain more than was fitted to it: a false cause
is worse than none. Of those that do, the one that had the least to fit comes first, and of equals the one that knows
the layer: what is computed again from the recorded inputs says more than what two arrays show.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twinnet._types import AnyArray
from twinnet.parity.array_hypotheses import Guess, array_guesses, information
from twinnet.parity.cause_table import CAUSES
from twinnet.parity.layer_hypotheses import layer_guesses
from twinnet.parity.recorded import Recorded, known_factors, known_sizes
from twinnet.parity.stranger_hypotheses import stranger_guesses

__all__ = ["Cause", "array_causes", "find_causes", "remaining"]

TOLERANCE = {4: 1e-4, 8: 1e-10}  # of the largest element, by bytes of a number: what may remain is rounding
REDUCTION = 1e-3  # ... and it must be this much smaller than the difference was
LUCK = 20.0  # bits by which a guess must explain more than it costs: one in a million is luck
SAMPLED = 1009  # elements of a large array that are looked at first
FLOAT32 = 1e-5  # of the largest element: what some operations in float32 make
ROUNDING = 64  # units in the last place of the largest element: what another order of summing makes


@dataclass(frozen=True)
class Cause:
    """Why two tensors differ.

    Attributes
    ----------
    name : str
        A key of `cause_table.CAUSES`.
    explanation : str
        A sentence for a porter, and what was found by the way.
    reference : str
        Where people met it.
    explains : float
        The largest difference that remains under the hypothesis.
    side : str
        Whose tensor the mistake makes, as the trace's manifest calls it: ``"R"``; empty where the arrays alone do
        not tell.
    """

    name: str
    explanation: str
    reference: str
    explains: float
    side: str


@dataclass(frozen=True)
class Found:
    """A guess that holds."""

    guess: Guess
    rest: float
    side: str
    knows_layer: bool


def find_causes(a: Any, b: Any, diff: Any) -> list[Cause]:
    """The causes that explain the first tensor in which two traces differ.

    Parameters
    ----------
    a, b : Trace
    diff : TraceDiff
        Of the two.

    Returns
    -------
    list of Cause
        The best first; empty if no hypothesis removes the difference.
    """
    if diff.first is None:
        return []
    key = diff.first.key
    other_key = diff.renamed.get(key, key)
    if not (a.has(key) and b.has(other_key)):
        return []
    sides = (Recorded(a, key), Recorded(b, other_key))
    in_a, in_b = np.asarray(a.load(key)), np.asarray(b.load(other_key))
    by_a, by_b = by_layer(sides[0], in_a, in_b), by_layer(sides[1], in_b, in_a)
    labels = (sides[0].label, sides[1].label)
    found = [*by_arrays(in_a, in_b, labels, known_sizes(sides[0]), known_factors(sides[0]))]
    if by_a is None and by_b is not None:
        found = [replace(hit, side=labels[1]) for hit in found]
    if by_b is None and by_a is not None:
        found = [replace(hit, side=labels[0]) for hit in found]
    return ranked([*(by_a or []), *(by_b or []), *found])


def array_causes(
    a: AnyArray,
    b: AnyArray,
    labels: tuple[str, str] = ("A", "B"),
    sizes: Sequence[int] = (),
    factors: dict[tuple[str, str], float] | None = None,
) -> list[Cause]:
    """The causes that explain why two arrays differ, of which nothing else is known.

    Parameters
    ----------
    a, b : arrays
    labels : (str, str)
        What the causes call the two sides.
    sizes, factors
        As `array_guesses` takes them.

    Returns
    -------
    list of Cause
        The best first; empty if no hypothesis removes the difference.
    """
    return ranked(by_arrays(np.asarray(a), np.asarray(b), labels, sizes, factors or {}))


def remaining(predicted: AnyArray, actual: AnyArray) -> float:
    """The largest difference of two elements; infinite if the shapes or the places of NaN and infinity differ.

    Parameters
    ----------
    predicted, actual : arrays

    Returns
    -------
    float
    """
    if predicted.shape != actual.shape:
        return np.inf
    if predicted.size == 0:
        return 0.0
    a, b = np.asarray(predicted, np.float64), np.asarray(actual, np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    return float(np.where(np.isnan(apart), np.inf, apart).max())


def by_arrays(
    a: AnyArray, b: AnyArray, labels: tuple[str, str], sizes: Sequence[int], factors: dict[tuple[str, str], float]
) -> list[Found]:
    """The guesses from two arrays alone that hold, either taken as right."""
    if not all(np.issubdtype(x.dtype, np.number) or x.dtype == bool for x in (a, b)):
        return []
    near = tolerance(a, b)
    eps = max(np.finfo(x.dtype).eps for x in (a, b)) if near > TOLERANCE[8] else 2.0**-52
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if (apart := remaining(a, b)) <= ROUNDING * eps * largest(b):
        return [Found(Guess("rounding", a), apart, "", knows_layer=False)]
    found = []
    alone = a.shape == b.shape and a.size > 2 and np.count_nonzero((a != b) & ~(np.isnan(a) & np.isnan(b))) == 1
    for right, wrong, side in ((a, b, labels[1]), (b, a, labels[0])):
        told = information(right, wrong)
        for guess in array_guesses(right, wrong, sizes, factors, near):
            if alone and guess.name != "nan_pattern":
                continue  # what happens to one element alone happened to no array
            if (rest := rest_of(guess, wrong, right, told, near)) is not None:
                found.append(Found(guess, rest, side, knows_layer=False))
        if apart <= FLOAT32 * largest(right) and is_float32(wrong) and not is_float32(right):
            found.append(Found(Guess("float32", right, "its numbers are all float32"), apart, side, knows_layer=False))
    return found


def is_float32(x: AnyArray) -> bool:
    """Whether every number is one of float32, which is no luck: 29 bits of each are 0."""
    return bool(np.all((x == x.astype(np.float32)) | np.isnan(x))) and not np.all(x == np.floor(x))


def by_layer(side: Recorded, own: AnyArray, other: AnyArray) -> list[Found] | None:
    """The guesses that a side's own recorded inputs give and that hold; None if its operation is as it should be."""
    right, guesses = layer_guesses(side)
    if not guesses:
        with np.errstate(all="ignore"):
            guesses = list(stranger_guesses(side, np.asarray(other, np.float64)))
    near = tolerance(own)
    if right is not None and remaining(right, own) <= near * largest(own):
        return None
    reference = other if right is None else right
    told = information(np.asarray(reference, np.float64), np.asarray(own, np.float64))
    found = []
    for guess in guesses:
        if (rest := rest_of(guess, own, reference, told, near)) is not None:
            found.append(Found(guess, rest, side.label, knows_layer=True))
    return found


def rest_of(guess: Guess, actual: AnyArray, right: AnyArray, told: float, near: float) -> float | None:
    """What remains of the difference under a guess; None if that is too much, or too little to be more than luck."""
    if told < guess.cost + LUCK or not plausible(guess.predicted, actual, near):
        return None
    rest = remaining(guess.predicted, actual)
    removed = rest <= near * largest(actual) and rest <= REDUCTION * remaining(right, actual)
    return rest if removed else None


def plausible(predicted: AnyArray, actual: AnyArray, near: float) -> bool:
    """Whether some elements of a large array are as predicted; all of a small one are looked at anyway."""
    if predicted.shape != actual.shape:
        return False
    if actual.size <= SAMPLED:
        return True
    places = np.unravel_index(np.linspace(0, actual.size - 1, SAMPLED).astype(np.int64), actual.shape)
    return remaining(predicted[places], actual[places]) <= 100 * near * largest(actual[places])


def tolerance(*arrays: AnyArray) -> float:
    """What may remain of the largest element."""
    return TOLERANCE[4 if np.float32 in [x.dtype for x in arrays] else 8]


def largest(x: AnyArray) -> float:
    """The size of the largest finite element."""
    return float(np.max(np.abs(x), initial=0.0, where=np.isfinite(x)))


def ranked(found: Iterable[Found]) -> list[Cause]:
    """The causes by what had to be fitted, each named once."""
    best: dict[str, Cause] = {}
    for hit in sorted(found, key=lambda hit: (hit.guess.cost, not hit.knows_layer)):
        explanation, reference = CAUSES[hit.guess.name]
        detail = f" ({hit.guess.detail})" if hit.guess.detail else ""
        cause = Cause(hit.guess.name, explanation + detail + ".", reference, hit.rest, hit.side)
        best.setdefault(hit.guess.name, cause)
    return list(best.values())
