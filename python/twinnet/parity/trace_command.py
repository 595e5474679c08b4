"""``twinnet diff A B``: two traces compared; and what ``twinnet compare NAME --trace`` does with its voices' traces."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from twinnet.checks import check_number
from twinnet.parity.causes import Cause, find_causes
from twinnet.parity.diff_report import diff_json, print_diff
from twinnet.parity.noise import noise_floor
from twinnet.parity.page import write_page
from twinnet.parity.rerun import locate_cause
from twinnet.parity.trace import Trace, read_trace
from twinnet.parity.trace_diff import TraceDiff, diff_traces
from twinnet.parity.trace_plot import draw_drift
from twinnet.parity.voices import Voice

__all__ = ["Judged", "add_command", "compare_traces", "judge_traces", "parse_steps", "run_diff", "traced"]


@dataclass(frozen=True)
class Judged:
    """Two traces, compared and explained.

    Attributes
    ----------
    diff : TraceDiff
    causes : list of Cause
        The best first.
    floor : dict of float, or None
        The noise floor by key; None where none was measured.
    """

    diff: TraceDiff
    causes: list[Cause]
    floor: dict[str, float] | None


def add_command(commands: Any) -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : the subparsers of an argparse.ArgumentParser
    """
    diff = commands.add_parser("diff", help="compare two recorded traces and say where they part first")
    diff.add_argument("a", type=Path, metavar="A", help="folder of a trace")
    diff.add_argument("b", type=Path, metavar="B", help="folder of another")
    diff.add_argument("--tolerance", type=float, metavar="T", help="what is allowed, relative to a tensor's largest")
    diff.add_argument("--no-floor", action="store_true", help="do not measure the noise of rounding of a model's run")
    diff.add_argument("--json", action="store_true", help="print one JSON object instead of the report")
    diff.add_argument("--html", type=Path, metavar="FILE", help="write the comparison as a page")
    diff.add_argument("--plot", type=Path, metavar="FILE", help="draw the drift against the noise as a PNG")
    diff.set_defaults(run=run_diff)


def run_diff(options: argparse.Namespace) -> int:
    """``twinnet diff``: compare two traces, report.

    Parameters
    ----------
    options : argparse.Namespace
        ``a``, ``b``, ``tolerance``, ``no_floor``, ``json``, ``html`` and ``plot``.

    Returns
    -------
    int
        0 if the two agree, 1 if not.

    Raises
    ------
    TraceError
        If they cannot be compared.
    """
    if options.tolerance is not None:
        check_number(options.tolerance, "tolerance", minimum=0)
    for option, path in (("--html", options.html), ("--plot", options.plot)):
        if path is not None and not path.parent.is_dir():
            raise ValueError(f"{option}: there is no folder {path.parent}.")
    messages = Console(stderr=True, highlight=False)
    a, b = read_trace(options.a), read_trace(options.b)
    cache = None if options.no_floor else a.folder.parent / "noise_floor.json"
    judged = judge_traces(a, b, options.tolerance, cache, messages)
    if options.plot:
        draw_drift(judged.diff, judged.floor, options.plot)
    if options.html:
        write_page(options.html, judged.diff, judged.causes, None)
    if options.json:
        print(json.dumps(diff_json(judged.diff, judged.causes), allow_nan=False))
    else:
        print_diff(judged.diff, judged.causes, Console(highlight=False))
    return 1 if judged.diff.verdict == "different" else 0


def judge_traces(a: Trace, b: Trace, tolerance: float | None, cache: Path | None, messages: Console) -> Judged:
    """Compare two traces, against the noise of rounding where it can be measured, and explain the first divergence.

    Parameters
    ----------
    a, b : Trace
    tolerance : float or None
        As `diff_traces` takes it.
    cache : Path or None
        Where the noise floor is kept; None not to measure it.
    messages : rich.console.Console
        Where the progress is shown.

    Returns
    -------
    Judged
    """
    floor = None
    if tolerance is None and cache is not None and has_noise(a, b):
        floor = floor_of(a, cache, messages)
    columns = [TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()]
    with Progress(*columns, console=messages, transient=True) as progress:
        task = progress.add_task("comparing", total=None)
        diff = diff_traces(
            a, b, tolerance, floor, progress=lambda done, total: progress.update(task, completed=done, total=total)
        )
        progress.update(task, description="looking for the cause")
        diff = locate_cause(diff)
        causes = find_causes(a, b, diff) if diff.first is not None else []
    return Judged(diff, causes, floor)


def has_noise(a: Trace, b: Trace) -> bool:
    """Whether two traces are of one experiment, calculated as the machine does it, so that a rerun shows its noise."""
    experiment = a.manifest.get("experiment")
    if experiment is None or experiment != b.manifest.get("experiment") or experiment["arithmetic"] != "native":
        return False
    return "source" not in experiment["init"] or any(entry.phase == "init" for entry in a.entries)


def floor_of(trace: Trace, cache: Path, messages: Console) -> dict[str, float]:
    """The noise floor of a trace's experiment; the progress is shown where it has to be measured."""
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    with Progress(*columns, console=messages) as progress:
        task = progress.add_task("noise of rounding: repeating the run", total=None, visible=False)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total, visible=True)

        return noise_floor(trace, cache, show)


@contextmanager
def traced(voice: Voice, folder: Path | None, steps: Sequence[int] | None = None) -> Iterator[None]:
    """Record what a voice does within a ``with`` block, from its beginning; nothing if there is no folder.

    Parameters
    ----------
    voice : Voice
        Not trained yet.
    folder : Path or None
    steps : sequence of int, optional
        Those to keep; all unless given.
    """
    if folder is None:
        yield
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    voice.start_trace(folder, steps)
    whole = False
    try:
        yield
        whole = True
    finally:
        voice.stop_trace(whole)


def compare_traces(folder: Path, keys: Sequence[str], messages: Console) -> dict[str, Judged]:
    """Compare the traces of several voices with that of the first.

    Parameters
    ----------
    folder : Path
        It holds a trace under each voice's key; the noise floor is kept, and the drift drawn, beside them.
    keys : sequence of str
        The voices.
    messages : rich.console.Console
        Where the progress is shown.

    Returns
    -------
    dict of Judged
        By the key of the voice that was compared.
    """
    first, *others = (read_trace(folder / key) for key in keys)
    size = sum(path.stat().st_size for key in keys for path in (folder / key).iterdir())
    messages.print(f"Recorded {', '.join(keys)} in {folder} ({size / 1e6:.0f} MB)", soft_wrap=True)
    found = {}
    for key, trace in zip(keys[1:], others, strict=True):
        found[key] = judge_traces(first, trace, None, folder / "noise_floor.json", messages)
        draw_drift(found[key].diff, found[key].floor, folder / f"drift_{keys[0]}_{key}.png")
    return found


def parse_steps(text: str) -> list[int]:
    """``"0-10,50"`` as the steps to keep."""
    steps: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdigit() or not (last or first).isdigit() or int(last or first) < int(first):
            raise argparse.ArgumentTypeError(f"must be steps and ranges of steps, as in 0-10,50, not {text}")
        steps += range(int(first), int(last or first) + 1)
    return steps
