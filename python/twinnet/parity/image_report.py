"""A picture of what a network for images has learned: its first filters, its confusion table, the images it misread."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from twinnet._types import Array
from twinnet.parity.compare import Comparison

__all__ = ["draw_images"]

SHOWN = 40


def draw_images(comparison: Comparison, path: Path) -> None:
    """Draw the first layer's filters, the confusion table and images that were misread, of the first voice.

    What the other voices have otherwise is said in the headings: how far their filters are apart, and how many of the
    test images they read differently.

    Parameters
    ----------
    comparison : Comparison
        Of an experiment whose test rows are images, (m, h, w) bytes.
    path : Path
        Of the PNG; a file that is there is replaced in one move.
    """
    from matplotlib.figure import Figure  # slow to import: only who draws pays for it

    figure = Figure(figsize=(15, 5.6), layout="constrained")
    parts: Any = figure.subfigures(1, 3, width_ratios=[1, 1.25, 1.6])
    for draw, part in zip((draw_filters, draw_confusion, draw_misread), parts, strict=True):
        draw(comparison, part)
    first = comparison.voices[0]
    accuracy = f"accuracy {comparison.final_scores[first.key]:.4f} after {comparison.steps} steps"
    title = f"{comparison.experiment['name']}, {comparison.name}" if comparison.is_variant else comparison.name
    figure.suptitle(f"{title}, seed {comparison.experiment['seed']}: {accuracy} in {first.label}")
    partial = path.with_suffix(".part.png")
    figure.savefig(partial, dpi=110)
    os.replace(partial, path)


def draw_filters(comparison: Comparison, figure: Any) -> None:
    """The first convolution's kernels, one after the other; of a network without, the first layer's strongest rows."""
    first, *others = comparison.voices
    key, filters = first_filters(comparison)
    largest = max(float(np.abs(filters).max()), 1e-300)
    panels = grid(figure, len(filters), width=filters.shape[2])
    for panel, kernel in zip(panels, filters, strict=False):
        panel.imshow(kernel, cmap="RdBu_r", vmin=-largest, vmax=largest)
    apart = max((float(np.abs(first.params[key] - voice.params[key]).max()) for voice in others), default=0.0)
    said = "the same in every bit" if apart == 0 else f"at most {apart:.0e} apart"
    figure.suptitle(
        f"filters of the first layer, blue below 0\n{', '.join(v.label for v in comparison.voices)}: {said}"
    )


def first_filters(comparison: Comparison) -> tuple[str, Array]:
    """The key of the first layer's weights, and its filters as pictures (f, h, w)."""
    layer = next(layer for layer in comparison.experiment["model"] if "w" in layer)
    w = comparison.voices[0].params[layer["w"]]
    if w.ndim == 4:
        return layer["w"], w[:, 0]
    strongest = np.argsort(-(w**2).sum(axis=0), kind="stable")[:SHOWN]
    return layer["w"], w[:, strongest].T.reshape(-1, *comparison.data["x_test"].shape[1:])


def draw_confusion(comparison: Comparison, figure: Any) -> None:
    """The confusion table; the colours are of the share of a true class, so that rare mistakes show."""
    first, *others = comparison.voices
    counts = comparison.confusions[first.key]
    classes = [str(name) for name in np.asarray(comparison.classes).tolist()]
    panel = figure.subplots()
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    panel.imshow(share**0.4, cmap="Blues", vmin=0, vmax=1)
    for true, row in enumerate(counts):
        for predicted, count in enumerate(row):
            color = "white" if share[true, predicted] > 0.3 else "black"
            panel.text(predicted, true, str(count) if count else "", ha="center", va="center", color=color, fontsize=8)
    panel.set_xticks(range(len(classes)), classes, rotation=0 if max(map(len, classes)) == 1 else 60, ha="right")
    panel.set_yticks(range(len(classes)), classes)
    panel.set(xlabel="predicted", ylabel="true")
    read = comparison.predictions
    said = [f"{int((read[voice.key] != read[first.key]).sum())} by {voice.label}" for voice in others]
    figure.suptitle(f"confusion table of {first.label}, {counts.sum()} images\nread otherwise {', '.join(said)}")


def draw_misread(comparison: Comparison, figure: Any) -> None:
    """The first test images that were misread, each with its class and what it was taken for."""
    labels, predicted = comparison.data["labels_test"], comparison.predictions[comparison.voices[0].key]
    wrong = np.flatnonzero(labels != predicted)
    classes = [str(name) for name in np.asarray(comparison.classes).tolist()]
    for panel, row in zip(grid(figure, min(len(wrong), SHOWN), width=28), wrong, strict=False):
        panel.imshow(comparison.data["x_test"][row], cmap="gray_r", vmin=0, vmax=255)
        short = len(max(classes, key=len)) == 1
        text = f"{classes[labels[row]]} as {classes[predicted[row]]}"
        panel.set_title(text if short else text.replace(" as ", "\nas "), fontsize=8 if short else 6, pad=2)
    shown = f"the first {min(len(wrong), SHOWN)}" if len(wrong) > SHOWN else "all"
    figure.suptitle(f"misread: {len(wrong)} of {len(labels)} images, {shown} shown" if len(wrong) else "none misread")


def grid(figure: Any, n: int, width: int) -> list[Any]:
    """Panels without axes for `n` small pictures, at least one."""
    columns = 8 if width > 3 else 6
    rows = max(1, -(-n // columns))
    panels = np.atleast_1d(figure.subplots(rows, columns)).ravel().tolist()
    for panel in panels:
        panel.set_axis_off()
    return panels
