"""``twinnet pair mine.py mine.R``: run a stranger's two scripts, and say where they part first and why."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from twinnet.checks import check_number
from twinnet.parity.causes import Cause, find_causes
from twinnet.parity.diff_report import diff_json, print_diff
from twinnet.parity.names import Named, match_names, read_name_map
from twinnet.parity.page import write_page
from twinnet.parity.script_noise import script_floor, with_floor
from twinnet.parity.scripts import Script, find_script, run_script
from twinnet.parity.sources import Sources, align_records, base_name
from twinnet.parity.trace import Trace, read_trace
from twinnet.parity.trace_diff import TraceDiff, diff_traces

__all__ = ["add_command", "compare_pair", "run_pair"]

TIMEOUT = 600.0


def add_command(commands: Any) -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : the subparsers of an argparse.ArgumentParser
    """
    pair = commands.add_parser("pair", help="run two scripts, yours, and say where they part first and why")
    pair.add_argument("first", type=Path, metavar="mine.py", help="a script in Python or R that calls record()")
    pair.add_argument("second", type=Path, metavar="mine.R", help="its twin")
    pair.add_argument("--map", type=Path, metavar="FILE", help="names of the first and of the second: JSON or columns")
    pair.add_argument("--tolerance", type=float, metavar="T", help="what is allowed, relative to a tensor's largest")
    pair.add_argument("--noise", action="store_true", help="run the Python script more often, to measure its rounding")
    pair.add_argument("--timeout", type=float, default=TIMEOUT, metavar="S", help="seconds for each script (600)")
    pair.add_argument("--json", action="store_true", help="print one JSON object instead of the report")
    pair.add_argument("--html", type=Path, metavar="FILE", help="write the comparison as a page, with both sources")
    pair.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the traces, and what the scripts print, here")
    pair.set_defaults(run=run_pair)


def run_pair(options: argparse.Namespace) -> int:
    """``twinnet pair``: run both scripts, compare, report.

    Parameters
    ----------
    options : argparse.Namespace
        ``first``, ``second``, ``map``, ``tolerance``, ``noise``, ``timeout``, ``json``, ``html`` and ``keep``.

    Returns
    -------
    int
        0 if the two agree, 1 if not.

    Raises
    ------
    ValueError
        If the two cannot be compared: a script fails, does not end or records nothing, or a file is unsound.
    """
    check_number(options.timeout, "timeout", above=0)
    if options.tolerance is not None:
        check_number(options.tolerance, "tolerance", minimum=0)
    given = read_name_map(options.map) if options.map else {}
    if options.html and not options.html.parent.is_dir():
        raise ValueError(f"--html: there is no folder {options.html.parent}.")
    messages = Console(stderr=True, highlight=False)
    with kept(options.keep) as folder:
        scripts = find_scripts(options.first, options.second, folder)
        if options.noise and scripts[0].language != "Python":
            raise ValueError(f"--noise needs a script in Python first, not {scripts[0].label}.")
        for script in scripts:
            with messages.status(f"{script.label} runs"):
                run_script(script, options.timeout)
        with messages.status("comparing"):
            diff, causes = compare_pair(labelled(scripts[0]), labelled(scripts[1]), given, options.tolerance)
        if options.noise:
            diff = measured(scripts, diff, options.timeout, messages)
        if options.html:
            write_page(options.html, diff, causes, sources_of(scripts, diff))
            messages.print(f"Wrote {options.html}", soft_wrap=True)
        if options.json:
            print(json.dumps(diff_json(diff, causes), allow_nan=False))
        else:
            print_diff(diff, causes, Console(highlight=False))
    return 1 if diff.verdict == "different" else 0


def measured(scripts: tuple[Script, Script], diff: TraceDiff, timeout: float, messages: Console) -> TraceDiff:
    """The comparison, with each difference in units of the noise of the Python script."""
    with messages.status("measuring the noise of rounding") as status:

        def show(done: int, total: int) -> None:
            status.update(f"measuring the noise of rounding: run {done} of {total}")

        return with_floor(diff, script_floor(scripts[0], diff.a, timeout, show))


@contextmanager
def kept(folder: Path | None) -> Iterator[Path]:
    """A folder for the traces: the one asked for, or one that is removed at the end."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with TemporaryDirectory(prefix="twinnet-") as temporary:
        yield Path(temporary)


def find_scripts(first: Path, second: Path, folder: Path) -> tuple[Script, Script]:
    """Both scripts, with names of their own."""
    labels = (first.name, second.name)
    if first.name.lower() == second.name.lower():  # two versions of one script: told apart by their place
        labels = (f"1-{first.name}", f"2-{second.name}")
    return find_script(first, labels[0], folder), find_script(second, labels[1], folder)


def labelled(script: Script) -> Trace:
    """The trace of a script, which reports call by the script's name."""
    trace = read_trace(script.trace)
    return replace(trace, manifest={**trace.manifest, "label": script.label})


def compare_pair(
    a: Trace, b: Trace, given: dict[str, str], tolerance: float | None = None
) -> tuple[TraceDiff, list[Cause]]:
    """Match the names of two traces, compare them and look for causes.

    Parameters
    ----------
    a, b : Trace
    given : dict
        Names of `a` and what they are called in `b`.
    tolerance : float, optional
        As `diff_traces` takes it.

    Returns
    -------
    diff : TraceDiff
    causes : list of Cause
        The best first.
    """
    names, notes = match_names(named(a), named(b), given, (a.label, b.label))
    every = {
        entry.name: names[base_name(entry.name)] + entry.name.removeprefix(base_name(entry.name))
        for entry in a.entries
        if base_name(entry.name) in names
    }
    diff = diff_traces(a, b, tolerance, names=every)
    diff = replace(diff, notes=(*notes, *diff.notes))
    called_alike = {**b.by_key, **{ours: b.by_key[theirs] for ours, theirs in diff.renamed.items()}}
    return diff, find_causes(a, replace(b, by_key=called_alike), diff)


def named(trace: Trace) -> list[Named]:
    """The names of a trace in the order in which they were first recorded."""
    first: dict[str, Named] = {}
    for entry in trace.entries:
        first.setdefault(base_name(entry.name), Named(base_name(entry.name), entry.shape))
    return list(first.values())


def sources_of(scripts: tuple[Script, Script], diff: TraceDiff) -> Sources:
    """Both scripts, aligned by what they record."""
    one, other = (script.path.read_text(encoding="utf-8", errors="replace") for script in scripts)
    names = {
        base_name(diff.a.by_key[ours].name): base_name(diff.b.by_key[theirs].name)
        for ours, theirs in diff.renamed.items()
    }
    labels, languages = ((scripts[0].label, scripts[1].label), (scripts[0].language, scripts[1].language))
    return align_records((one, other), labels, languages, names)
