"""``twinnet predict EXPERIMENT --index 7``: show one test image and what each language's trained model says it is."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from twinnet._types import Array
from twinnet.checks import check_argument, check_choice, check_whole
from twinnet.experiment import (
    experiment_data,
    experiment_names,
    experiment_override,
    experiment_read,
    experiment_variants,
)
from twinnet.objectives import output_probabilities
from twinnet.parity.saved_runs import SavedRun, read_saved_run
from twinnet.parity.voices import PythonVoice, RVoice, TorchVoice, Voice

__all__ = ["add_command", "run_predict"]

SHADES = " ░▒▓█"  # from black to white, as the images are


def add_command(commands: Any) -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : the subparsers of an argparse.ArgumentParser
    """
    predict = commands.add_parser("predict", help="show a test image and what each language's trained model says it is")
    predict.add_argument("experiment", metavar="EXPERIMENT", help=f"one of: {', '.join(experiment_names())}")
    predict.add_argument("--index", type=int, default=0, metavar="N", help="which of the test images, from 0 (0)")
    predict.add_argument("--variant", help="which of the experiment's variants (the last)")
    predict.add_argument("--json", action="store_true", help="print one JSON object instead of picture and table")
    predict.add_argument("--output", type=Path, default=Path("runs"), help="folder of the trained runs (runs)")
    predict.set_defaults(run=run_predict)


def run_predict(options: argparse.Namespace) -> int:
    """``twinnet predict``: load what `twinnet compare` trained, show, save."""
    name = options.experiment
    variants = list(experiment_variants(experiment_read(name)))
    variant = variants[-1] if options.variant is None else check_choice(options.variant, "variant", variants)
    saved = read_saved_run(options.output / name)
    keys = [key for key in saved.voices if saved.has(variant, key)]
    check_argument(len(keys) > 0, "variant", variant, f"one that was trained in {saved.folder}")
    experiment = overridden(saved, variant)
    data = experiment_data(experiment)
    is_images = data["x_test"].dtype == np.uint8
    check_argument(is_images, "experiment", name, "one whose data are images")
    index = check_whole(options.index, "index", 0, len(data["x_test"]) - 1)
    voices = [trained_voice(saved, variant, key, data) for key in keys]
    found = {}
    for voice in voices:
        outputs = voice.test_outputs(np.asarray([index]))
        found[voice.label] = output_probabilities(experiment["loss"], outputs.astype(np.float64))[0]
    classes = [str(label) for label in data["classes"].tolist()]
    image, truth = data["x_test"][index], classes[int(data["labels_test"][index])]
    path = saved.folder / f"prediction_{index}.png"
    draw_prediction(image, f"{name}: test image {index}, {truth}", found, classes, path)
    if options.json:
        said = {label: {"class": classes[int(p.argmax())], "probabilities": p.tolist()} for label, p in found.items()}
        print(json.dumps({"experiment": name, "variant": variant, "index": index, "true": truth, "voices": said}))
    else:
        console = Console(highlight=False)
        console.print(picture(image), soft_wrap=True)
        console.print(probability_table(found, classes, f"Test image {index}: {truth}"))
        console.print(verdict(found, classes, truth), soft_wrap=True)
    Console(stderr=True, highlight=False).print(f"Saved {path}", soft_wrap=True)
    return 0


def overridden(saved: SavedRun, variant: str) -> dict[str, Any]:
    """A variant under the settings of the saved run."""
    return experiment_override(experiment_variants(experiment_read(saved.experiment))[variant], **saved.overrides)


def trained_voice(saved: SavedRun, variant: str, key: str, data: dict[str, Any] | None = None) -> Voice:
    """A voice as it was when its training ended.

    Parameters
    ----------
    saved : SavedRun
    variant : str
        Which of the experiment's variants; its own name if it has none.
    key : str
        The voice's key.
    data : dict, optional
        The variant's data, if they are there already.

    Returns
    -------
    Voice
    """
    experiment = overridden(saved, variant)
    data = experiment_data(experiment) if data is None else data
    earlier = experiment["init"].get("source")
    source = trained_voice(saved, earlier, key).params if earlier else None
    voice: Voice
    match key:
        case "python":
            voice = PythonVoice(experiment, data, source)
        case "r":
            voice = RVoice(saved.experiment, variant, saved.overrides, source)
        case _:
            voice = TorchVoice(experiment, data, source)
    voice.resume(saved.path(variant, key))
    return voice


def picture(image: npt.NDArray[np.uint8]) -> str:
    """An image in characters, two for each pixel: a terminal's are twice as high as they are wide; no empty rows."""
    levels = image.astype(int) * len(SHADES) // 256
    inked = np.flatnonzero(levels.any(axis=1))
    levels = levels[inked.min(initial=len(levels)) : inked.max(initial=-1) + 1]
    return "\n".join("".join(2 * SHADES[level] for level in row).rstrip() for row in levels)


def probability_table(found: dict[str, Array], classes: list[str], title: str) -> Table:
    """Each class's probability in each language, the largest of each in bold."""
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("class")
    for label in found:
        table.add_column(label, justify="right")
    for number, name in enumerate(classes):
        cells = [f"[bold]{p[number]:.6f}[/]" if number == p.argmax() else f"{p[number]:.6f}" for p in found.values()]
        table.add_row(name, *cells)
    return table


def verdict(found: dict[str, Array], classes: list[str], truth: str) -> str:
    """What the languages say, and how far their probabilities are apart."""
    said = {label: classes[int(p.argmax())] for label, p in found.items()}
    words = []
    for name in dict.fromkeys(said.values()):
        *most, last = [label for label in said if said[label] == name]
        who = f"{', '.join(most)} and {last} say" if most else f"{last} says"
        words.append(f"{who} {name}, {'rightly' if name == truth else 'wrongly'}")
    first, *others = found.values()
    apart = max((float(np.abs(first - other).max()) for other in others), default=0.0)
    how_far = f"at most {apart:.1e} apart" if apart > 0 else "the same"
    return f"{'; '.join(words)}. Their probabilities are {how_far}."


def draw_prediction(
    image: npt.NDArray[np.uint8], title: str, found: dict[str, Array], classes: list[str], path: Path
) -> None:
    """Draw an image, and beside it the probabilities that each language gives the classes."""
    from matplotlib.figure import Figure  # slow to import: only who draws pays for it

    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.3])
    left.imshow(image, cmap="gray", vmin=0, vmax=255)
    left.set_axis_off()
    height = 0.8 / len(found)
    for place, (label, p) in enumerate(found.items()):
        right.barh(np.arange(len(classes)) + (place - (len(found) - 1) / 2) * height, p, height, label=label)
    right.set_yticks(np.arange(len(classes)), classes)
    right.invert_yaxis()
    right.set(xlim=(0, 1), xlabel="probability")
    right.legend()
    figure.suptitle(title)
    partial = path.with_suffix(".part.png")
    figure.savefig(partial, dpi=110)
    os.replace(partial, path)
