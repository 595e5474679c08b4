"""What a comparison shows: tables on the terminal, a JSON object, trajectories as CSV and a picture."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from twinnet.parity.compare import VERDICTS, Comparison
from twinnet.parity.image_report import draw_images
from twinnet.parity.voices import Voice

__all__ = ["agreed", "comparison_json", "print_comparison", "save_comparisons", "worst_verdict"]


def worst_verdict(comparisons: Sequence[Comparison]) -> str:
    """The worst verdict of several comparisons."""
    return max((comparison.verdict for comparison in comparisons), key=VERDICTS.index)


def agreed(comparisons: Sequence[Comparison]) -> bool:
    """Whether no comparison found its voices different."""
    return worst_verdict(comparisons) != "different"


def comparison_json(name: str, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """Comparisons as one JSON object.

    Parameters
    ----------
    name : str
        The experiment's name.
    comparisons : sequence of Comparison
        One for each of its variants.

    Returns
    -------
    dict
        ``experiment``, ``verdict``, ``max_abs_diff``, ``tolerance``; for an experiment without variants ``steps`` and
        under each voice's key its ``loss`` at each step, its ``accuracy`` (or ``test_loss``) at each step of
        ``score_step``, and its ``final_accuracy`` (or ``final_test_loss``); otherwise the same for each of its
        ``variants``. In exact arithmetic also ``differing_bits``, how many numbers differ in any bit, of all
        activations, losses, gradients and parameters; the voices' ``checksums``, which stand for all of them; and
        ``partings``, by voice, where it parts from the first.
    """
    largest = max(comparison.max_abs_diff for comparison in comparisons)
    report: dict[str, Any] = {
        "experiment": name,
        "verdict": worst_verdict(comparisons),
        "max_abs_diff": largest if np.isfinite(largest) else None,
        "tolerance": comparisons[0].tolerance,
    }
    if all(comparison.is_exact for comparison in comparisons):
        report["differing_bits"] = sum(comparison.differing_bits for comparison in comparisons)
    if [comparison.name for comparison in comparisons] == [name]:
        return {**report, **voices_json(comparisons[0])}
    variants = {
        comparison.name: {"verdict": comparison.verdict, **voices_json(comparison)} for comparison in comparisons
    }
    return {**report, "variants": variants}


def voices_json(comparison: Comparison) -> dict[str, Any]:
    """The voices of one comparison, by their keys."""
    report: dict[str, Any] = {"steps": comparison.steps}
    if comparison.is_exact:
        report["differing_bits"] = comparison.differing_bits
        report["checksums"] = comparison.checksums
        report["partings"] = {key: asdict(parting) for key, parting in comparison.partings.items()}
    if comparison.step_differences:
        report["step_difference"] = max(comparison.step_differences.values())
    score = comparison.score_name.replace(" ", "_")
    for voice in comparison.voices:
        report[voice.key] = {
            "loss": voice.loss.tolist(),
            "score_step": [int(step) for step in voice.score_step],
            score: voice.score.tolist(),
            f"final_{score}": comparison.final_scores[voice.key],
        }
    return report


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the trajectories, the confusion tables, the differences and the verdict.

    Parameters
    ----------
    comparison : Comparison
    console : rich.console.Console
    """
    voices = comparison.voices
    variant = f": {comparison.name}" if comparison.is_variant else ""
    title = comparison.experiment["title"] + variant
    table = Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False
    )
    scores = [dict(zip(voice.score_step.tolist(), voice.score.tolist(), strict=True)) for voice in voices]
    headings = ["step", *(f"loss\n{voice.label}" for voice in voices), "difference"]
    if any(scores):
        headings += [f"{comparison.score_name}\n{voice.label}" for voice in voices]
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for step in shown_steps(comparison.steps, int(comparison.experiment["display"])):
        losses = [float(voice.loss[step - 1]) for voice in voices]
        apart = max((loss - losses[0] for loss in losses), key=abs)
        cells = [f"{score[step]:.7g}" if step in score else "" for score in scores] if any(scores) else []
        shown = f"{apart:.1e}" if apart != 0 else "0"
        table.add_row(str(step), *(f"{loss:.7g}" for loss in losses), shown, *cells)
    console.print(table)
    if comparison.classes is not None and len(comparison.classes) <= 10:
        for group in same_confusions(comparison):
            console.print(confusion_grid(comparison, group[0].key, " = ".join(voice.label for voice in group)))
    else:
        for voice in voices:
            console.print(f"{voice.label}: {comparison.score_name} {comparison.final_scores[voice.key]:.7g}")
    for voice in voices[1:]:
        for difference in comparison.differences[voice.key]:
            same = "identical in every bit" if difference.differing == 0 else f"at most {difference.largest:.1e} apart"
            console.print(f"  {voice.label:<7} {difference.name:<14} {difference.size:>6} numbers, {same}")
    for voice in voices[1:]:
        verdict = comparison.verdict_on(voice.key)
        style = "bold red" if verdict == "different" else "bold green"
        console.print(verdict_line(comparison, voice.key, voice.label), style=style, soft_wrap=True)


def verdict_line(comparison: Comparison, key: str, label: str) -> str:
    """The verdict on one voice in one line."""
    first = comparison.voices[0]
    other = next(voice for voice in comparison.voices if voice.key == key)
    names = f"{first.label} and {label}"
    differences = comparison.differences[key]
    numbers = sum(difference.size for difference in differences)
    largest = max(difference.largest for difference in differences)
    match comparison.verdict_on(key):
        case "identical" if comparison.is_summed_up:
            return (
                f"IDENTICAL: {names} agree in every bit of every activation, loss, gradient and parameter over "
                f"{comparison.steps} steps, checksum {comparison.checksums[key]}."
            )
        case "identical":
            return f"IDENTICAL: {names} agree in every bit of {numbers} numbers over {comparison.steps} steps."
        case "equal":
            return (
                f"EQUAL: {names} agree over {comparison.steps} steps: of {numbers} losses, weights and predictions "
                f"none differs by more than {largest:.1e} (tolerance {comparison.tolerance:.0e})."
            )
        case "equal by steps":
            return (
                f"EQUAL BY STEPS: from a shared state {names} agree within {comparison.step_differences[key]:.1e} at "
                f"each of {comparison.steps_checked} steps checked; left to themselves they part by {largest:.1e}, "
                "because training amplifies rounding at these settings."
            )
    if len(first.loss) != len(other.loss):
        return f"DIFFERENT: {first.label} took {len(first.loss)} steps and {label} {len(other.loss)}."
    if key in comparison.partings:
        parting = comparison.partings[key]
        return (
            f"DIFFERENT: {names} part at {parting.place}: {parting.values[0]} in {first.label}, {parting.values[1]} in "
            f"{label}; {parting.differing} numbers of step {parting.step} differ."
        )
    worst = max(differences, key=lambda difference: difference.scaled)
    by_steps = comparison.step_differences.get(key)
    also = f", and by {by_steps:.1e} in one step from a shared state" if by_steps is not None else ""
    return (
        f"DIFFERENT: {names} differ by up to {worst.largest:.1e} in {worst.name}{also}; the tolerance is "
        f"{comparison.tolerance:.0e} of the larger of 1 and the number's size."
    )


def shown_steps(steps: int, display: int) -> list[int]:
    """The steps that a table shows: every `display` of them, and the last."""
    shown = list(range(display, steps + 1, display)) if display > 0 else []
    return shown if steps == 0 or (shown and shown[-1] == steps) else [*shown, steps]


def same_confusions(comparison: Comparison) -> list[list[Voice]]:
    """The voices, those with one and the same confusion table together."""
    groups: list[list[Voice]] = []
    for voice in comparison.voices:
        counts = comparison.confusions[voice.key]
        group = next((group for group in groups if (comparison.confusions[group[0].key] == counts).all()), None)
        if group is None:
            groups.append([voice])
        else:
            group.append(voice)
    return groups


def confusion_grid(comparison: Comparison, key: str, label: str) -> Table:
    """A confusion table, with the names of the classes."""
    title = f"{label}: true (rows) and predicted (columns), accuracy {comparison.final_scores[key]:.7g}"
    table = Table(title=title, title_justify="left", title_style="bold")
    classes = [str(name) for name in np.asarray(comparison.classes).tolist()]
    heads = classes
    if sum(map(len, classes)) > 40:  # too wide for a screen: numbers head the columns
        heads = [str(number) for number in range(len(classes))]
        classes = [f"{number} {name}" for number, name in zip(heads, classes, strict=True)]
    table.add_column()
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for name, counts in zip(classes, comparison.confusions[key], strict=True):
        table.add_row(name, *(str(count) for count in counts))
    return table


def save_comparisons(name: str, comparisons: Sequence[Comparison], folder: Path) -> list[Path]:
    """Save all trajectories as CSV and a picture of them.

    Parameters
    ----------
    name : str
        The experiment's name.
    comparisons : sequence of Comparison
        One for each of its variants.
    folder : Path
        Made if it is not there. Files of an earlier comparison are replaced, each in one move.

    Returns
    -------
    list of Path
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for comparison in comparisons:
        for voice in comparison.voices:
            scores = dict(zip(voice.score_step.tolist(), voice.score.tolist(), strict=True))
            lines = [f"step,loss,{comparison.score_name.replace(' ', '_')}"]
            for step, loss in enumerate(voice.loss.tolist(), start=1):
                lines.append(f"{step},{loss:.17g},{scores[step]:.17g}" if step in scores else f"{step},{loss:.17g},")
            variant = f"_{comparison.name}" if comparison.is_variant else ""
            paths.append(folder / f"trajectory{variant}_{voice.key}.csv")
            partial = paths[-1].with_suffix(".part")
            partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
            os.replace(partial, paths[-1])
    paths.append(folder / "comparison.png")
    draw_comparisons(name, comparisons, paths[-1])
    for comparison in comparisons:
        if comparison.data["x_test"].dtype == np.uint8:
            paths.append(folder / (f"images_{comparison.name}.png" if comparison.is_variant else "images.png"))
            draw_images(comparison, paths[-1])
    return paths


def draw_comparisons(name: str, comparisons: Sequence[Comparison], path: Path) -> None:
    """Draw the losses, the scores and the differences of the losses; variants share the panels, each in its colour.

    The first voice is a broad, pale band and the others are thin, dark lines on top of it, so that all show where they
    coincide.
    """
    from matplotlib import colormaps  # slow to import: only who draws pays for it
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    figure = Figure(figsize=(14, 4.4), layout="constrained")
    panels = figure.subplots(1, 3)
    styles: list[Any] = ["-", "--", ":"]
    largest = 0.0
    for number, comparison in enumerate(comparisons):
        color = colormaps["tab10"](number % 10)
        first, *others = comparison.voices
        steps = np.arange(1, comparison.steps + 1)
        for place, voice in enumerate(comparison.voices):
            shown = {"linewidth": 6, "alpha": 0.3} if place == 0 else {"linewidth": 1.3, "linestyle": styles[place]}
            panels[0].plot(steps, voice.loss[: len(steps)], color=color, **shown)
            scored = [*zip(voice.score_step, voice.score, strict=True)]
            scored.append((len(voice.loss) + 1, comparison.final_scores[voice.key]))
            panels[1].plot(*zip(*scored, strict=True), color=color, marker="o", markersize=3, **shown)
        for place, voice in enumerate(others):
            apart = np.abs(first.loss[: len(steps)] - voice.loss[: len(steps)])
            largest = max(largest, float(apart.max(initial=0.0)))
            panels[2].plot(steps, apart, ".x"[place], color=color, markersize=3)
    panels[0].set(xlabel="step", title="training loss")
    panels[1].set(xlabel="step", title=f"test {comparisons[0].score_name.removeprefix('test ')}")
    if comparisons[0].score_name == "accuracy":
        panels[1].set_ylim(0, 1.02)
    voices = comparisons[0].voices
    tolerance = comparisons[0].tolerance
    panels[2].axhline(tolerance, color="grey", linestyle=":")
    panels[2].set_yscale("symlog", linthresh=tolerance * 1e-4)
    panels[2].set_ylim(0, 10 * max(tolerance, largest))
    compared = ", ".join(f"{mark} {voice.label}" for mark, voice in zip(".x", voices[1:], strict=False))
    panels[2].set(xlabel="step", title=f"loss, |{voices[0].label} - {compared}|; tolerance {tolerance:.0e}")
    keys = [Line2D([], [], color="black", linewidth=6, alpha=0.3, label=voices[0].label)]
    keys += [
        Line2D([], [], color="black", linewidth=1.3, linestyle=styles[place], label=voice.label)
        for place, voice in enumerate(voices[1:], start=1)
    ]
    if len(comparisons) > 1:
        keys += [
            Line2D([], [], color=colormaps["tab10"](number % 10), label=comparison.name)
            for number, comparison in enumerate(comparisons)
        ]
    panels[0].legend(handles=keys, fontsize=8)
    figure.suptitle(f"{name}, seed {comparisons[0].experiment['seed']}: {worst_verdict(comparisons)}")
    partial = path.with_suffix(".part.png")
    figure.savefig(partial, dpi=110)
    os.replace(partial, path)
