"""The drift of two traces as a picture: how far each tensor is apart, against what rounding alone explains."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from twinnet.parity.trace_diff import NOISE_LIMIT, TensorDiff, TraceDiff

__all__ = ["draw_drift"]

SHOWN = 20000
CEILING = 1e18
COLORS = {"within": "#2b6cb0", "different": "#c53030"}


def draw_drift(diff: TraceDiff, floor: dict[str, float] | None, path: Path) -> None:
    """Draw each tensor's largest difference in units of its noise, and the drift from step to step.

    Parameters
    ----------
    diff : TraceDiff
    floor : dict of float, or None
        By key, as `twinnet.parity.noise.noise_floor` returns it. Without it the units are what is allowed.
    path : Path
        Of the PNG; replaced in one move.
    """
    from matplotlib.figure import Figure  # slow to import: only who draws pays for it

    figure = Figure(figsize=(12, 7), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(3, 2))
    draw_tensors(above, diff, floor is not None)
    draw_steps(below, diff, floor)
    first = diff.first
    ratio = "" if first is None or first.floor_ratio is None else f", by {first.floor_ratio:.3g} times the noise"
    found = "agree" if first is None else f"part first at {first.key}{ratio}"
    figure.suptitle(f"{diff.a.label} and {diff.b.label} {found}")
    partial = path.with_suffix(".part.png")
    figure.savefig(partial, dpi=110)
    os.replace(partial, path)


def draw_tensors(axes: Any, diff: TraceDiff, has_floor: bool) -> None:
    """The tensors in the order of execution, each in units of its own noise, or of what is allowed for it."""
    points: dict[str, list[tuple[int, float]]] = {"within": [], "different": []}
    same = []
    for place, tensor in enumerate(diff.tensors):
        if tensor.status in points:
            unit = tensor.floor_ratio if has_floor else tensor.max_abs / tensor.limit if tensor.limit > 0 else np.inf
            points[tensor.status].append((place, min(CEILING if unit is None else unit, CEILING)))
        elif tensor.status in ("identical", "dtype"):
            same.append(place)
    axes.axhline(1, color="#718096", linewidth=1, label="noise of rounding, measured" if has_floor else "allowed")
    if has_floor:
        axes.axhline(NOISE_LIMIT, color="#d69e2e", linewidth=1, label=f"allowed: {NOISE_LIMIT:g} times the noise")
    for status, word in (("within", "apart, within what is allowed"), ("different", "different")):
        if points[status]:
            shown = thinned(points[status])
            xs, ys = [place for place, _ in shown], [value for _, value in shown]
            axes.plot(xs, ys, ".", color=COLORS[status], markersize=4, label=word)
    values = [value for found in points.values() for _, value in found if value > 0]
    bottom = min([0.1, *values]) / 3
    shown_same = thinned(same)
    axes.plot(shown_same, [bottom] * len(shown_same), "|", color="#38a169", markersize=5, label="identical")
    if diff.first is not None:
        place = diff.tensors.index(diff.first)
        axes.axvline(place, color=COLORS["different"], linewidth=0.8)
    axes.set_yscale("log")
    axes.set_ylim(bottom / 1.5, 4 * max([NOISE_LIMIT, *values]))
    axes.set_ylabel("difference / noise of rounding" if has_floor else "difference / allowed")
    axes.set_xlabel("tensors in the order of execution")
    begins: dict[int, int] = {}
    for place, tensor in enumerate(diff.tensors):
        begins.setdefault(step_of(diff, tensor), place)
    steps = list(begins)[:: max(1, -(-len(begins) // 10))]
    axes.set_xticks([begins[step] for step in steps], [f"step {step}" for step in steps])
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8)


def draw_steps(axes: Any, diff: TraceDiff, floor: dict[str, float] | None) -> None:
    """Step by step the largest difference of all tensors, each relative to its largest element, and their noise."""
    growth = diff.growth_by_step
    noise: dict[int, float] = {}
    for tensor in diff.tensors:
        if floor is not None and tensor.scale > 0:
            step = step_of(diff, tensor)
            noise[step] = max(noise.get(step, 0.0), floor.get(tensor.key, 0.0) / tensor.scale)
    shown = {step: min(value, CEILING) for step, value in growth.items() if value > 0}
    axes.plot(list(shown), list(shown.values()), ".-", color=COLORS["within"], linewidth=0.8, label="apart")
    if noise:
        axes.plot(list(noise), list(noise.values()), color="#718096", linewidth=1, label="noise of rounding")
    axes.set_yscale("log")
    axes.set_ylabel("largest difference of a step,\nrelative to the tensor")
    axes.set_xlabel("step")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8)


def thinned(points: Sequence[Any]) -> Sequence[Any]:
    """Not more points than a picture can show."""
    return points[:: max(1, -(-len(points) // SHOWN))]


def step_of(diff: TraceDiff, tensor: TensorDiff) -> int:
    """The step that a tensor belongs to."""
    return (diff.a.by_key.get(tensor.key) or diff.b.by_key[tensor.key]).step
