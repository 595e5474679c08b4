"""``twinnet compare EXPERIMENT``: train one experiment in several languages and compare them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from twinnet.dtypes import DTYPES
from twinnet.experiment import (
    GENERATORS,
    experiment_data,
    experiment_names,
    experiment_override,
    experiment_read,
    experiment_variants,
)
from twinnet.kernels import ARITHMETICS
from twinnet.parity.bridge import BridgeError
from twinnet.parity.compare import Comparison, compare_steps, compare_voices
from twinnet.parity.diff_report import diff_json, print_diff
from twinnet.parity.drift import check_streams
from twinnet.parity.originals import MissingOriginalError
from twinnet.parity.report import agreed, comparison_json, print_comparison, save_comparisons
from twinnet.parity.trace_command import Judged, compare_traces, parse_steps, traced
from twinnet.parity.voices import PythonVoice, RVoice, TorchVoice, Voice

__all__ = ["add_command", "run_compare"]

PIECES = 40
VOICES = ("r", "python", "torch")
DEVICES = ("auto", "cpu", "cuda")
OVERRIDES = ("seed", "generator", "dtype", "arithmetic", "hidden", "maxit", "lr", "reg", "images", "epochs")


def add_command(commands: Any) -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : the subparsers of an argparse.ArgumentParser
    """
    compare = commands.add_parser("compare", help="train an experiment in R and in Python and compare them")
    compare.add_argument("experiment", metavar="EXPERIMENT", help=f"one of: {', '.join(experiment_names())}")
    compare.add_argument(
        "--with",
        dest="others",
        type=names,
        default=None,
        metavar="VOICE[,VOICE]",
        help="what to compare: two or more of r, python (or numpy), torch (r,python)",
    )
    compare.add_argument("--seed", type=int, help="seed of the weights, batches and masks")
    compare.add_argument("--generator", choices=GENERATORS, help="whose random numbers")
    compare.add_argument("--dtype", choices=DTYPES, help="of all numbers")
    compare.add_argument("--arithmetic", choices=ARITHMETICS, help="how the kernels calculate")
    compare.add_argument("--hidden", type=sizes, metavar="N[,N...]", help="neurons of each hidden layer")
    compare.add_argument("--maxit", type=int, help="steps to take at most")
    compare.add_argument("--lr", type=float, help="learning rate")
    compare.add_argument("--reg", type=float, help="L2 strength")
    compare.add_argument("--images", type=int, metavar="N", help="how many of the training images to use")
    compare.add_argument("--epochs", type=int, metavar="N", help="how often to go through them, instead of --maxit")
    compare.add_argument("--device", choices=DEVICES, default="auto", help="where PyTorch calculates (auto)")
    compare.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    compare.add_argument(
        "--trace",
        type=Path,
        nargs="?",
        const=Path(),
        metavar="FOLDER",
        help="record every tensor of every step, and say where the voices part first (in runs/EXPERIMENT/trace)",
    )
    compare.add_argument("--steps", type=parse_steps, metavar="N[-N],...", help="the steps to record, as in 0-10,50")
    compare.add_argument("--output", type=Path, default=Path("runs"), help="folder for trajectories and picture (runs)")
    compare.set_defaults(run=run_compare)


def sizes(text: str) -> list[int]:
    """``"8,5"`` as the numbers of neurons of two hidden layers."""
    return [int(part) for part in text.split(",")]


def names(text: str) -> list[str]:
    """``"r,numpy"`` as the keys of voices; ``numpy`` is another name of ``python``."""
    keys = ["python" if part == "numpy" else part for part in text.split(",")]
    if not set(keys) <= set(VOICES) or len(set(keys)) != len(keys) or len(keys) < 2:
        raise argparse.ArgumentTypeError(f"must be two or more of {', '.join(VOICES)}, each once, not {text}")
    return keys


def run_compare(options: argparse.Namespace) -> int:
    """``twinnet compare``: train in each language, report, save."""
    wanted = {
        name: getattr(options, name)
        for name in ("seed", "hidden", "maxit", "lr", "reg", "generator", "dtype", "arithmetic")
    }
    overrides = {name: value for name, value in wanted.items() if value is not None}
    keys = options.others or ["r", "python"]
    messages = Console(stderr=True, highlight=False)
    comparisons: list[Comparison] = []
    judged: dict[str, dict[str, Judged]] = {}
    experiment = experiment_read(options.experiment)
    warn_of_drift(options.generator or experiment["generator"], messages)
    for variant, settings in experiment_variants(experiment).items():
        changed = experiment_override(settings, **overrides)
        earlier = next((done for done in comparisons if done.name == changed["init"].get("source")), None)
        sources = {} if earlier is None else {voice.key: voice.params for voice in earlier.voices}
        data = experiment_data(changed)
        walker = PythonVoice(changed, data, sources.get(keys[0]))  # first, to hear of wrong settings before R starts
        made: dict[str, Callable[[], Voice]] = {
            "python": partial(PythonVoice, changed, data, sources.get("python")),
            "r": partial(RVoice, options.experiment, variant, overrides, sources.get("r")),
            "torch": partial(TorchVoice, changed, data, sources.get("torch"), options.device),
        }
        voices = [made[key]() for key in keys]
        folder = trace_folder(options, variant)
        comparisons.append(train_and_compare(variant, changed, data, voices, walker, messages, folder, options.steps))
        if folder is not None:
            judged[variant] = compare_traces(folder, keys, messages)
    paths = save_comparisons(options.experiment, comparisons, options.output / options.experiment)
    if options.json:
        report = comparison_json(options.experiment, comparisons)
        if judged:
            report["traces"] = {
                variant: {key: diff_json(each.diff, each.causes) for key, each in found.items()}
                for variant, found in judged.items()
            }
        print(json.dumps(report, allow_nan=False))
    else:
        console = Console(highlight=False)
        for comparison in comparisons:
            print_comparison(comparison, console)
            for each in judged.get(comparison.name, {}).values():
                print_diff(each.diff, each.causes, console)
    messages.print("Saved " + ", ".join(str(path) for path in paths), soft_wrap=True)
    parted = any(each.diff.verdict == "different" for found in judged.values() for each in found.values())
    return 0 if agreed(comparisons) and not parted else 1


def trace_folder(options: argparse.Namespace, variant: str) -> Path | None:
    """Where the traces of a variant go; None if none are asked for."""
    if options.trace is None:
        return None
    folder: Path = options.output / options.experiment / "trace" if options.trace == Path() else options.trace
    return folder if variant == options.experiment else folder / variant


def warn_of_drift(generator: str, messages: Console) -> None:
    """Say so where the installed original of a generator has changed its stream, or is not there to be asked."""
    try:
        for warning in check_streams([generator]):
            messages.print(f"Warning: {warning}", style="bold yellow", soft_wrap=True)
    except (MissingOriginalError, BridgeError) as missing:
        first_line = str(missing).splitlines()[0]
        messages.print(f"Not checked for drift: {first_line}", soft_wrap=True)


def train_and_compare(
    variant: str,
    experiment: dict[str, Any],
    data: dict[str, Any],
    voices: Sequence[Voice],
    walker: PythonVoice,
    messages: Console,
    folder: Path | None = None,
    steps: Sequence[int] | None = None,
) -> Comparison:
    """Train an experiment in several languages, showing how far each is, and compare them.

    Parameters
    ----------
    variant : str
        The experiment's or its variant's name.
    experiment : dict
        The variant, with its overrides.
    data : dict
        Its data.
    voices : sequence of Voice
        Not trained yet.
    walker : PythonVoice
        One more, whose states are shared where the free runs part.
    messages : rich.console.Console
        Where the progress is shown.
    folder : Path, optional
        Where to record each voice, under its key; nothing is recorded unless it is given.
    steps : sequence of int, optional
        The steps to record; all unless given.

    Returns
    -------
    Comparison
    """
    maxit = int(experiment["maxit"])
    piece = max(1, maxit // PIECES)
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("steps")]
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=messages) as progress:
        for voice in voices:
            task = progress.add_task(f"{variant}: {voice.label}", total=maxit)
            with traced(voice, folder and folder / voice.key, steps):
                for done in range(0, maxit, piece):
                    more = voice.train(min(piece, maxit - done))
                    progress.update(task, completed=len(voice.loss))
                    if not more:
                        break
    comparison = compare_voices(variant, experiment, data, voices)
    if comparison.verdict == "different" and len({len(voice.loss) for voice in voices}) == 1:
        messages.print("The free runs part: taking single steps from shared states.")
        comparison = compare_steps(comparison, walker)
    return comparison
