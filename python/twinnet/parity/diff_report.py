"""What a comparison of two traces shows on a terminal, in one screen, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinnet.parity.advice import next_steps
from twinnet.parity.causes import Cause
from twinnet.parity.trace_diff import TensorDiff, TraceDiff

__all__ = ["diff_json", "facts", "place_text", "print_diff", "status_text", "verdict_line"]

BEFORE = 2
SHOWN = 7
CAUSES_SHOWN = 2
MANY_ULP = 10**7
STATUS_WORDS = {
    "identical": "identical",
    "within": "within what is allowed",
    "dtype": "of other dtypes",
    "different": "different",
    "shape": "of other shapes",
    "only_a": "only in {}",
    "only_b": "only in {}",
}
STYLES = {"identical": "green", "within": "green", "dtype": "yellow"}


def print_diff(diff: TraceDiff, causes: Sequence[Cause], console: Console) -> None:
    """Print the first divergence, its likeliest cause, how it goes on, and the verdict as the last line.

    Parameters
    ----------
    diff : TraceDiff
    causes : sequence of Cause
        The best first.
    console : rich.console.Console
    """

    def say(*lines: str, style: str = "") -> None:
        for line in lines:
            console.print(Text(line, style), soft_wrap=False)

    first = diff.first
    counts = diff.counts()
    words = [f"{count} {status_text(status, diff)}" for status in STATUS_WORDS if (count := counts.get(status, 0))]
    say(f"{diff.a.label} and {diff.b.label}: {len(diff.tensors)} tensors, {', '.join(words)}")
    say(f"allowed: {diff.rule}", *(f"note: {note}" for note in diff.notes[:SHOWN]))
    if first is not None:
        say("", f"The two part first at {place_text(first)}", style="bold")
        lines = facts(diff, first)
        width = max(len(term) for term, _ in lines)
        say(*(f"  {term:<{width}}  {text}" for term, text in lines))
    for cause in causes[:CAUSES_SHOWN]:
        title = "Probably" if cause is causes[0] else "Or"
        where = f", in {cause.side}" if cause.side else ""
        say(f"{title} {cause.name.replace('_', ' ')}{where}: {cause.explanation}", style="bold")
    console.print(table_around(diff, first))
    say(*(f"Next: {step}" for step in next_steps(diff, causes)))
    say(verdict_line(diff), style="bold red" if diff.verdict == "different" else "bold green")


def facts(diff: TraceDiff, first: TensorDiff) -> list[tuple[str, str]]:
    """What each side has at the first divergence, how far it is apart, how it goes on, and where it comes from.

    Parameters
    ----------
    diff : TraceDiff
    first : TensorDiff
        Its first divergence.

    Returns
    -------
    list of (str, str)
        What is said, and what it is.
    """
    found = [(diff.a.label, value_text(first.value_a, first.shape_a))]
    found.append((diff.b.label, value_text(first.value_b, first.shape_b)))
    if first.status == "different":
        found.append(("apart", apart_text(first)))
    if growth := growth_text(diff, first):
        found.append(("then", growth))
    if diff.inherited is not None:
        origin = {"operation": "the operation itself", "inherited": "inherited from what went in"}[diff.inherited]
        found.append(("origin", f"{origin}: {diff.inherited_because}" if diff.inherited_because else origin))
    return found


def growth_text(diff: TraceDiff, first: TensorDiff) -> str:
    """How the largest relative difference of a step grows after the first divergence; empty if there is one step."""
    start = (diff.a.by_key.get(first.key) or diff.b.by_key[first.key]).step
    growth = [(step, apart) for step, apart in diff.growth_by_step.items() if step >= start]
    chosen = [growth[round(i * (len(growth) - 1) / 3)] for i in range(4)] if len(growth) > 4 else growth
    shown = ", ".join(f"{apart:.1e} at step {step}" for step, apart in chosen)
    return f"relative to the largest element: {shown}" if len(growth) > 1 else ""


def place_text(tensor: TensorDiff) -> str:
    """A tensor and the element in it, as Python and as R count."""
    if tensor.first_index is None:
        return tensor.key
    from_0, from_1 = ([str(place + base) for place in tensor.first_index] for base in (0, 1))
    return f"{tensor.key}[{', '.join(from_0)}], which is [{', '.join(from_1)}] in R"


def value_text(value: float | None, shape: Sequence[int] | None) -> str:
    """A number with all its digits, or the shape of what was recorded."""
    if value is not None:
        return repr(value)
    return "nothing recorded" if shape is None else f"shape ({', '.join(str(size) for size in shape)})"


def apart_text(tensor: TensorDiff) -> str:
    """How far apart two tensors are, in words."""
    ulp = f"{tensor.max_ulp:,} ULP" if tensor.max_ulp < MANY_ULP else f"{float(tensor.max_ulp):.2g} ULP"
    parts = [f"at most {tensor.max_abs:.3g} absolute, {tensor.max_rel:.3g} relative, {ulp}"]
    if tensor.floor_ratio is not None:
        parts.append(f"{tensor.floor_ratio:.3g} times the noise of rounding")
    parts.append(f"{tensor.over} of {tensor.size} elements")
    return "; ".join(parts)


def table_around(diff: TraceDiff, first: TensorDiff | None) -> Table:
    """The tensors around the first divergence; where there is none, those that differ most."""
    if first is None:
        shown = sorted(diff.tensors, key=lambda tensor: (-(tensor.floor_ratio or 0), -tensor.max_abs))[:SHOWN]
    else:
        place = diff.tensors.index(first)
        shown = list(diff.tensors[max(0, place - BEFORE) : max(0, place - BEFORE) + SHOWN])
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("tensor", "status"):
        table.add_column(heading, no_wrap=True, overflow="ellipsis")
    has_floor = any(tensor.floor_ratio is not None for tensor in diff.tensors)
    headings = ["differ", "absolute", "/ noise" if has_floor else "relative", "ULP"]
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for tensor in shown:
        compared = tensor.shape_a == tensor.shape_b
        ulp = f"{tensor.max_ulp}" if tensor.max_ulp < MANY_ULP else f"{float(tensor.max_ulp):.2g}"
        ratio = tensor.max_rel if tensor.floor_ratio is None else tensor.floor_ratio
        numbers = [f"{tensor.differing}/{tensor.size}", f"{tensor.max_abs:.2g}", f"{ratio:.2g}", ulp]
        word = "within" if tensor.status == "within" else status_text(tensor.status, diff)
        status = Text(word, STYLES.get(tensor.status, "red"))
        table.add_row(Text(tensor.key), status, *(numbers if compared else [""] * len(headings)))
    return table


def status_text(status: str, diff: TraceDiff) -> str:
    """A status in words."""
    return STATUS_WORDS[status].format(diff.a.label if status == "only_a" else diff.b.label)


def verdict_line(diff: TraceDiff) -> str:
    """The verdict in one line."""
    both = f"{diff.a.label} and {diff.b.label}"
    if diff.first is not None:
        bad = sum(tensor.is_bad for tensor in diff.tensors)
        return f"DIFFERENT: {both} part in {bad} of {len(diff.tensors)} tensors, first in {diff.first.key}."
    numbers = sum(tensor.size for tensor in diff.tensors)
    if diff.verdict == "identical":
        return f"IDENTICAL: {both} agree in every bit of {numbers} numbers in {len(diff.tensors)} tensors."
    largest = max(tensor.max_abs for tensor in diff.tensors)
    return f"EQUAL: {both} agree: of {numbers} numbers none differs by more than {largest:.1e}."


def diff_json(diff: TraceDiff, causes: Sequence[Cause]) -> dict[str, Any]:
    """A comparison as one JSON object.

    Parameters
    ----------
    diff : TraceDiff
    causes : sequence of Cause

    Returns
    -------
    dict
        ``a`` and ``b``, the labels; ``verdict``; ``rule``; ``counts`` by status; ``first``, the first divergence or
        null; ``inherited``; ``causes``; ``next``; ``notes``; ``renamed``; ``tensors``, in the order of execution.
        Numbers that JSON has not are strings.
    """
    return {
        "a": diff.a.label,
        "b": diff.b.label,
        "verdict": diff.verdict,
        "rule": diff.rule,
        "counts": diff.counts(),
        "first": None if diff.first is None else tensor_json(diff.first),
        "inherited": diff.inherited,
        "causes": [{key: plain(value) for key, value in vars(cause).items()} for cause in causes],
        "next": next_steps(diff, causes),
        "notes": list(diff.notes),
        "renamed": diff.renamed,
        "tensors": [tensor_json(tensor) for tensor in diff.tensors],
    }


def tensor_json(tensor: TensorDiff) -> dict[str, Any]:
    """One tensor's difference for JSON."""
    return {key: plain(value) for key, value in vars(tensor).items()}


def plain(value: Any) -> Any:
    """A value that JSON can hold: infinite numbers and NaN as strings."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
