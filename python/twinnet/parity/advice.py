"""What to look at next, once two traces were compared."""

from __future__ import annotations

from collections.abc import Sequence

from twinnet.parity.causes import Cause
from twinnet.parity.trace_diff import TensorDiff, TraceDiff

__all__ = ["next_steps"]


def next_steps(diff: TraceDiff, causes: Sequence[Cause] = ()) -> list[str]:
    """What to look at next.

    Parameters
    ----------
    diff : TraceDiff
    causes : sequence of Cause
        The best first.

    Returns
    -------
    list of str
        Sentences, the most useful first.
    """
    first = diff.first
    if first is None:
        return if_equal(diff)
    steps = []
    if causes:
        where = f" in {causes[0].side}" if causes[0].side else ""
        steps.append(f"Mend what the first cause names{where} and compare again: {first.key} should then agree.")
    match first.status:
        case "only_a" | "only_b":
            lacks = diff.b.label if first.status == "only_a" else diff.a.label
            steps.append(f"Record {first.key} in {lacks} too, or say with a map of names what it is called there.")
        case "shape":
            turned = sorted(first.shape_a or ()) == sorted(first.shape_b or ())
            also = ": the same lengths in another order, as a transpose makes them" if turned else ""
            steps.append(f"The shapes differ, so no element was compared{also}.")
        case _:
            steps.append(where_to_look(diff, first))
    return steps


def if_equal(diff: TraceDiff) -> list[str]:
    """What to do where nothing differs by more than is allowed."""
    if diff.verdict == "identical":
        return ["Nothing differs in these runs. Other data or another seed may still show a difference: try them too."]
    worst = max(diff.tensors, key=lambda tensor: tensor.max_abs / tensor.scale if tensor.scale > 0 else 0.0)
    return [f"What differs is no more than rounding, most in {worst.key}. Other data or another seed may show more."]


def where_to_look(diff: TraceDiff, first: TensorDiff) -> str:
    """Between which tensors the cause of a difference is."""
    if diff.inherited == "operation":
        return f"What goes into {first.key} agrees, so look at the operation that calculates it."
    if diff.inherited == "inherited":
        return f"The operation that calculates {first.key} agrees, so look at what goes into it, and record that too."
    place = diff.tensors.index(first)
    before = next((tensor.key for tensor in reversed(diff.tensors[:place]) if not tensor.is_bad), None)
    if before is None:
        return f"{first.key} is the first tensor of both: look at the data and at the first values, and record them."
    return (
        f"Look at what is calculated between {before}, which agrees, and {first.key}; record more there to come closer."
    )
