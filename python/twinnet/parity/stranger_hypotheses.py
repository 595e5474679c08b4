"""What a trace tells without a model: a tensor may be another recorded tensor, or differ from the other side's by one.

This is all that is known of a stranger's scripts: the names mean nothing here, only what was recorded before counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from twinnet._types import AnyArray
from twinnet.parity.array_hypotheses import Guess
from twinnet.parity.forward_hypotheses import OTHER_ACTIVATIONS, softmax_of
from twinnet.parity.recorded import Recorded

__all__ = ["stranger_guesses"]

EARLIER = 40  # recorded tensors that are looked at


def stranger_guesses(side: Recorded, other: AnyArray) -> Iterator[Guess]:
    """What one side's tensor would be if it were made of the tensors recorded before it, and `other` were right.

    Parameters
    ----------
    side : Recorded
    other : array
        The other side's tensor.

    Yields
    ------
    Guess
    """
    entries = side.trace.entries
    at = side.trace.by_key[side.key].ordinal
    before = [entry for entry in entries[max(0, at - EARLIER) : at] if math.prod(entry.shape) > 0][::-1]
    cost = math.log2(len(before) + 1)
    for place, entry in enumerate(before):
        x = np.asarray(side.trace.load(entry.key), np.float64)
        if x.shape == other.shape:
            name = "missing_operation" if place == 0 else "another_tensor"
            yield Guess(name, x, f"it is {entry.name}", cost)
            yield from functions_of(x, other, entry.name, cost)
        fits = x.shape == other.shape or (x.ndim == 1 and x.shape == other.shape[-1:] and len(x) > 1)
        if fits:
            name = "bias" if x.ndim < other.ndim else "term"
            for factor in (1, -1):
                yield Guess(name, other + factor * x, f"the difference is {entry.name}", cost)
            recycled = np.resize(x, other.size).reshape(other.shape, order="F")
            if x.ndim < other.ndim:
                yield Guess("recycled", other - x + recycled, entry.name, cost)


def functions_of(x: AnyArray, other: AnyArray, name: str, cost: float) -> Iterator[Guess]:
    """Where the other side is a known function of an earlier tensor: other functions of it."""
    known = {kind: f(x) for kind, f in OTHER_ACTIVATIONS.items() if kind != "identity"}
    right = [kind for kind, value in known.items() if np.allclose(value, other, rtol=1e-9, atol=0)]
    for kind, value in known.items() if right else ():
        yield Guess("other_activation", value, f"{kind} of {name} for {right[0]}", cost)
    if x.ndim == 2 and np.allclose(softmax_of(x), other, rtol=1e-9, atol=0):
        yield Guess("softmax_axis", softmax_of(x, 0), f"of {name}", cost)
