"""``twinnet compare EXPERIMENT``: train one experiment in several languages and compare them."""

from __future__ import annotations

import argparse
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from twinnet.checks import check_argument
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
from twinnet.parity.bits import find_parting
from twinnet.parity.bridge import BridgeError
from twinnet.parity.compare import Comparison, compare_steps, compare_voices
from twinnet.parity.diff_report import diff_json, print_diff
from twinnet.parity.drift import check_streams
from twinnet.parity.originals import MissingOriginalError
from twinnet.parity.report import agreed, comparison_json, print_comparison, save_comparisons
from twinnet.parity.saved_runs import SavedRun, read_saved_run
from twinnet.parity.trace_command import Judged, compare_traces, parse_steps, traced
from twinnet.parity.voices import PythonVoice, RVoice, TorchVoice, Voice
from twinnet.torch_twin import DEVICES

__all__ = ["add_command", "run_compare"]

PIECES = 40  # of a run, at least: how often its progress is shown
PIECE_SECONDS = 0.3  # a piece is shorter, unless a step is longer: so soon Ctrl-C is heard
SAVE_SECONDS = 60  # how often a long run is saved
VOICES = ("r", "python", "torch")
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
    compare.add_argument("--resume", action="store_true", help="go on with the run that was stopped, with its settings")
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
    messages = Console(stderr=True, highlight=False)
    comparisons: list[Comparison] = []
    judged: dict[str, dict[str, Judged]] = {}
    experiment = experiment_read(options.experiment)
    saved = run_to_save(options)
    overrides, keys = saved.overrides, saved.voices
    warn_of_drift(overrides.get("generator", experiment["generator"]), messages)
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
        for voice in voices:
            if saved.has(variant, voice.key):
                resume_voice(voice, saved.path(variant, voice.key), int(changed["maxit"]))
        saved, stopped = train_voices(variant, int(changed["maxit"]), voices, saved, messages, folder, options.steps)
        if stopped:
            steps = ", ".join(f"{voice.label} after {len(voice.loss)}" for voice in voices)
            place = "" if options.output == Path("runs") else f" --output {options.output}"
            again = f"twinnet compare {options.experiment} --resume{place}"
            messages.print(f"Stopped: {steps} of {changed['maxit']} steps. Go on with: {again}", soft_wrap=True)
            return 130
        comparisons.append(find_partings(compare_trained(variant, changed, data, voices, walker, messages), made))
        if folder is not None:
            judged[variant] = compare_traces(folder, keys, messages)
    paths = save_comparisons(options.experiment, comparisons, saved.folder)
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


def run_to_save(options: argparse.Namespace) -> SavedRun:
    """The run that the options ask for: a new one, or the one that was stopped, with settings that they replace."""
    given = {name: getattr(options, name) for name in OVERRIDES}
    overrides = {name: value for name, value in given.items() if value is not None}
    folder = options.output / options.experiment
    check_argument(not (options.resume and options.trace is not None), "trace", True, "left out when a run is resumed")
    if not options.resume:
        return SavedRun(folder, options.experiment, overrides, tuple(options.others or ["r", "python"]))
    saved = read_saved_run(folder)
    outdated = {"maxit", "epochs"} if {"maxit", "epochs"} & {*overrides} else set()
    kept = {name: value for name, value in saved.overrides.items() if name not in outdated}
    return replace(saved, overrides={**kept, **overrides}, voices=tuple(options.others or saved.voices))


def resume_voice(voice: Voice, path: Path, maxit: int) -> None:
    """Let a voice go on from its checkpoint."""
    voice.resume(path)
    steps = len(voice.loss)
    check_argument(steps <= maxit, "maxit", maxit, f"at least {steps}, the steps in {path}")


def warn_of_drift(generator: str, messages: Console) -> None:
    """Say so where the installed original of a generator has changed its stream, or is not there to be asked."""
    try:
        for warning in check_streams([generator]):
            messages.print(f"Warning: {warning}", style="bold yellow", soft_wrap=True)
    except (MissingOriginalError, BridgeError) as missing:
        first_line = str(missing).splitlines()[0]
        messages.print(f"Not checked for drift: {first_line}", soft_wrap=True)


@contextmanager
def listening_to_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Within this, Ctrl-C is a wish, to be asked for between pieces of training.

    So no voice is stopped within a step, and R hears it too: an exception from here would be lost in rpy2, which calls
    Python from within R. A second Ctrl-C ends the process.
    """
    wishes: list[int] = []

    def hear(number: int, _: Any) -> None:
        if wishes:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        wishes.append(number)
        os.write(2, b"\nStopping at the end of this step. Ctrl-C once more ends at once, and saves nothing.\n")

    before = signal.signal(signal.SIGINT, hear)
    try:
        yield lambda: len(wishes) > 0
    finally:
        signal.signal(signal.SIGINT, before)


def train_voices(
    variant: str,
    maxit: int,
    voices: Sequence[Voice],
    saved: SavedRun,
    messages: Console,
    folder: Path | None = None,
    steps: Sequence[int] | None = None,
) -> tuple[SavedRun, bool]:
    """Train voices, showing how far each is; save each at its end, once a minute, and where Ctrl-C stops it.

    Parameters
    ----------
    variant : str
        The experiment's or its variant's name.
    maxit : int
        The step to stop at.
    voices : sequence of Voice
    saved : SavedRun
        What has a checkpoint already.
    messages : rich.console.Console
        Where the progress is shown.
    folder : Path, optional
        Where to record each voice, under its key; nothing is recorded unless it is given.
    steps : sequence of int, optional
        The steps to record; all unless given.

    Returns
    -------
    saved : SavedRun
        What has a checkpoint then.
    stopped : bool
        Whether Ctrl-C stopped it.
    """
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("steps")]
    progress = Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=messages)
    with listening_to_ctrl_c() as stopped, progress:
        for voice in voices:
            task = progress.add_task(f"{variant}: {voice.label}", total=maxit, completed=len(voice.loss))
            piece, more, saved_at = 1, True, time.monotonic()
            with traced(voice, folder and folder / voice.key, steps):
                while more and len(voice.loss) < maxit and not stopped():
                    began = time.monotonic()
                    more = voice.train(min(piece, maxit - len(voice.loss)))
                    progress.update(task, completed=len(voice.loss))
                    now = time.monotonic()
                    in_time = int(piece * PIECE_SECONDS / (now - began))
                    piece = max(1, min(in_time, 2 * piece, maxit // PIECES))
                    if now - saved_at > SAVE_SECONDS:
                        saved, saved_at = saved.save(variant, voice), now
            saved = saved.save(variant, voice)
            if stopped():
                break
        return saved, stopped()


def find_partings(comparison: Comparison, made: dict[str, Callable[[], Voice]]) -> Comparison:
    """A comparison with the place where each voice parts from the first, if its checksums tell that it does."""
    first, *others = comparison.voices
    steps = {voice.key: comparison.parted_step(voice.key) for voice in others}
    found = {key: find_parting(step, made[first.key], made[key]) for key, step in steps.items() if step > 0}
    return replace(comparison, partings={key: parting for key, parting in found.items() if parting is not None})


def compare_trained(
    variant: str,
    experiment: dict[str, Any],
    data: dict[str, Any],
    voices: Sequence[Voice],
    walker: PythonVoice,
    messages: Console,
) -> Comparison:
    """Compare voices that have been trained; where the free runs part, by single steps from shared states.

    Parameters
    ----------
    variant : str
        The experiment's or its variant's name.
    experiment : dict
        The variant, with its overrides.
    data : dict
        Its data.
    voices : sequence of Voice
    walker : PythonVoice
        One more, not trained, whose states are shared.
    messages : rich.console.Console
        Where it is said that this is done.

    Returns
    -------
    Comparison
    """
    comparison = compare_voices(variant, experiment, data, voices)
    if comparison.verdict == "different" and len({len(voice.loss) for voice in voices}) == 1:
        messages.print("The free runs part: taking single steps from shared states.")
        comparison = compare_steps(comparison, walker)
    return comparison
