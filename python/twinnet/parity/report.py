"""What a comparison shows: a table on the terminal, a JSON object, trajectories as CSV and a picture."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from twinnet.parity.compare import TOLERANCE, Comparison

__all__ = ["comparison_json", "print_comparison", "save_comparison"]


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """A comparison as one JSON object.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    dict
        ``experiment``, ``verdict``, ``max_abs_diff``, ``tolerance``, ``steps``; and under each voice's key its ``loss``
        and ``accuracy`` at each step and its ``final_accuracy``.
    """
    report: dict[str, Any] = {
        "experiment": comparison.experiment["name"],
        "verdict": comparison.verdict,
        "max_abs_diff": comparison.max_abs_diff if np.isfinite(comparison.max_abs_diff) else None,
        "tolerance": TOLERANCE,
        "steps": comparison.steps,
    }
    if comparison.verdict == "equal by steps":
        report["step_difference"] = comparison.step_difference
    for number, voice in enumerate(comparison.voices):
        report[voice.key] = {
            "loss": voice.loss.tolist(),
            "accuracy": voice.accuracy.tolist(),
            "final_accuracy": comparison.final_accuracy(number),
        }
    return report


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the trajectories, the confusion tables, the differences and the verdict.

    Parameters
    ----------
    comparison : Comparison
    console : rich.console.Console
    """
    one, other = comparison.voices
    table = Table(title=comparison.experiment["title"], title_justify="left", title_style="bold")
    headings = [f"loss, {one.label}", f"loss, {other.label}", "difference"]
    headings += [f"accuracy, {one.label}", f"accuracy, {other.label}"]
    for heading in ["step", *headings]:
        table.add_column(heading, justify="right", no_wrap=True)
    for step in shown_steps(comparison.steps, int(comparison.experiment["display"])):
        a, b = one.loss[step - 1], other.loss[step - 1]
        accuracies = [f"{voice.accuracy[step - 1]:.7g}" for voice in comparison.voices]
        table.add_row(str(step), f"{a:.7g}", f"{b:.7g}", f"{a - b:.1e}" if a != b else "0", *accuracies)
    console.print(table)
    for number in range(len(comparison.voices)):
        console.print(confusion_grid(comparison, number))
    for difference in comparison.differences:
        same = "identical in every bit" if difference.differing == 0 else f"at most {difference.largest:.1e} apart"
        console.print(f"  {difference.name:<14} {difference.size:>6} numbers, {same}", highlight=False)
    style = "bold green" if agreed(comparison) else "bold red"
    console.print(verdict_line(comparison), style=style, highlight=False, soft_wrap=True)


def verdict_line(comparison: Comparison) -> str:
    """The verdict in one line."""
    one, other = comparison.voices
    names = f"{one.label} and {other.label}"
    numbers = sum(difference.size for difference in comparison.differences)
    if comparison.verdict == "identical":
        return f"IDENTICAL: {names} agree in every bit of {numbers} numbers over {comparison.steps} steps."
    if comparison.verdict == "equal":
        return (
            f"EQUAL: {names} agree over {comparison.steps} steps: of {numbers} losses, weights and predictions "
            f"none differs by more than {comparison.max_abs_diff:.1e} (tolerance {TOLERANCE:.0e})."
        )
    if comparison.verdict == "equal by steps":
        return (
            f"EQUAL BY STEPS: from a shared state {names} agree within {comparison.step_difference:.1e} at each of "
            f"{comparison.steps_checked} steps checked; left to themselves they part by {comparison.max_abs_diff:.1e}, "
            "because training amplifies rounding at these settings."
        )
    worst = max(comparison.differences, key=lambda difference: difference.scaled)
    if len(one.loss) != len(other.loss):
        return f"DIFFERENT: {one.label} took {len(one.loss)} steps and {other.label} {len(other.loss)}."
    return (
        f"DIFFERENT: {names} differ by up to {worst.largest:.1e} in {worst.name}; the tolerance is {TOLERANCE:.0e} "
        "of the larger of 1 and the number's size."
    )


def agreed(comparison: Comparison) -> bool:
    """Whether the verdict is that the voices agree."""
    return comparison.verdict != "different"


def shown_steps(steps: int, display: int) -> list[int]:
    """The steps that a table shows: every `display` of them, and the last."""
    shown = list(range(display, steps + 1, display)) if display > 0 else []
    return shown if steps == 0 or (shown and shown[-1] == steps) else [*shown, steps]


def confusion_grid(comparison: Comparison, number: int) -> Table:
    """One voice's confusion table, with the names of the classes."""
    voice = comparison.voices[number]
    accuracy = comparison.final_accuracy(number)
    title = f"{voice.label}: true (rows) and predicted (columns), accuracy {accuracy:.7g}"
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column()
    for name in comparison.classes:
        table.add_column(str(name), justify="right", no_wrap=True)
    for name, counts in zip(comparison.classes, comparison.confusions[number], strict=True):
        table.add_row(str(name), *(str(count) for count in counts))
    return table


def save_comparison(comparison: Comparison, folder: Path) -> list[Path]:
    """Save both trajectories as CSV and a picture of them.

    Parameters
    ----------
    comparison : Comparison
    folder : Path
        Made if it is not there. Files of an earlier comparison are replaced, each in one move.

    Returns
    -------
    list of Path
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for voice in comparison.voices:
        rows = zip(range(1, len(voice.loss) + 1), voice.loss, voice.accuracy, strict=True)
        lines = ["step,loss,accuracy", *(f"{step},{loss:.17g},{accuracy:.17g}" for step, loss, accuracy in rows)]
        paths.append(folder / f"trajectory_{voice.key}.csv")
        partial = paths[-1].with_suffix(".part")
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
        os.replace(partial, paths[-1])
    paths.append(folder / "comparison.png")
    draw_comparison(comparison, paths[-1])
    return paths


def draw_comparison(comparison: Comparison, path: Path) -> None:
    """Draw both loss curves, both accuracy curves and the difference of the losses."""
    from matplotlib.figure import Figure  # slow to import: only who draws pays for it

    one, other = comparison.voices
    steps = np.arange(1, comparison.steps + 1)
    figure = Figure(figsize=(13, 4), layout="constrained")
    panels = figure.subplots(1, 3)
    curves = [("loss", "Training loss", panels[0]), ("accuracy", "Test accuracy", panels[1])]
    for quantity, title, panel in curves:
        # the second voice is drawn dashed on top of the first, so that both show where they coincide
        panel.plot(steps, getattr(one, quantity)[: len(steps)], color="#8fb8de", linewidth=5, label=one.label)
        panel.plot(
            steps, getattr(other, quantity)[: len(steps)], "--", color="#1a1a2e", linewidth=1.4, label=other.label
        )
        panel.set(xlabel="step", title=title)
        panel.legend()
    panels[1].set_ylim(0, 1.02)
    apart = np.abs(one.loss[: len(steps)] - other.loss[: len(steps)])
    panels[2].plot(steps, apart, ".", color="#b23a48", markersize=3)
    panels[2].axhline(TOLERANCE, color="grey", linestyle=":", label=f"tolerance {TOLERANCE:.0e}")
    panels[2].set_yscale("symlog", linthresh=1e-16)
    panels[2].set_ylim(0, max(1e-11, 10 * float(apart.max(initial=0.0))))
    panels[2].set(
        xlabel="step", title=f"|loss in {one.label} - loss in {other.label}|, {int((apart == 0).sum())} are 0"
    )
    panels[2].legend()
    settings = comparison.experiment
    figure.suptitle(f"{settings['name']}, seed {settings['seed']}: {comparison.verdict}")
    partial = path.with_suffix(".part.png")
    figure.savefig(partial, dpi=110)
    os.replace(partial, path)
