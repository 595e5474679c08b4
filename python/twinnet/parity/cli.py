"""The command line: ``twinnet compare EXPERIMENT``.

Exit status: 0 the voices agree, 1 they differ, 2 they could not be compared.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from twinnet.experiment import experiment_names, experiment_override, experiment_read
from twinnet.parity.bridge import BridgeError, RError
from twinnet.parity.compare import Comparison, compare_steps, compare_voices
from twinnet.parity.report import agreed, comparison_json, print_comparison, save_comparison
from twinnet.parity.voices import PythonVoice, RVoice, Voice

__all__ = ["main"]

PIECES = 40


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after ``twinnet``; those of the process unless given.

    Returns
    -------
    int
        The exit status.
    """
    options = build_parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except (ValueError, OSError, BridgeError, RError) as error:
        print(f"twinnet: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("twinnet: stopped; nothing was saved.", file=sys.stderr)
        return 130
    return status


def build_parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(prog="twinnet", description="Neural networks in R and in Python, proven equal.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    compare = commands.add_parser("compare", help="train an experiment in R and in Python and compare them")
    compare.add_argument("experiment", metavar="EXPERIMENT", help=f"one of: {', '.join(experiment_names())}")
    compare.add_argument("--seed", type=int, help="seed of the initial weights")
    compare.add_argument("--hidden", type=sizes, metavar="N[,N...]", help="neurons of each hidden layer")
    compare.add_argument("--maxit", type=int, help="steps to take at most")
    compare.add_argument("--lr", type=float, help="learning rate")
    compare.add_argument("--reg", type=float, help="L2 strength")
    compare.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    compare.add_argument("--output", type=Path, default=Path("runs"), help="folder for trajectories and picture (runs)")
    compare.set_defaults(run=run_compare)
    return parser


def sizes(text: str) -> list[int]:
    """``"8,5"`` as the numbers of neurons of two hidden layers."""
    return [int(part) for part in text.split(",")]


def run_compare(options: argparse.Namespace) -> int:
    """``twinnet compare``: train in both languages, report, save."""
    wanted = {name: getattr(options, name) for name in ("seed", "hidden", "maxit", "lr", "reg")}
    overrides = {name: value for name, value in wanted.items() if value is not None}
    messages = Console(stderr=True, highlight=False)
    comparison = train_and_compare(options.experiment, overrides, messages)
    paths = save_comparison(comparison, options.output / options.experiment)
    if options.json:
        print(json.dumps(comparison_json(comparison), allow_nan=False))
    else:
        print_comparison(comparison, Console(highlight=False))
    messages.print("Saved " + ", ".join(str(path) for path in paths), soft_wrap=True)
    return 0 if agreed(comparison) else 1


def train_and_compare(name: str, overrides: dict[str, Any], messages: Console) -> Comparison:
    """Train an experiment in Python and in R, showing how far each is, and compare them.

    Parameters
    ----------
    name : str
        The experiment's name.
    overrides : dict
        Settings to replace, as `twinnet.experiment.experiment_override` takes them.
    messages : rich.console.Console
        Where the progress is shown.

    Returns
    -------
    Comparison
    """
    experiment = experiment_override(experiment_read(name), **overrides)
    python = PythonVoice(experiment)  # first: where a setting is unsound, its message comes without starting R
    voices: tuple[Voice, Voice] = (RVoice(name, overrides), python)
    maxit = int(experiment["maxit"])
    piece = max(1, maxit // PIECES)
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("steps")]
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=messages) as progress:
        for voice in voices:
            task = progress.add_task(f"Training in {voice.label:<6}", total=maxit)
            for done in range(0, maxit, piece):
                more = voice.train(min(piece, maxit - done))
                progress.update(task, completed=len(voice.loss))
                if not more:
                    break
    comparison = compare_voices(experiment, *voices)
    if not agreed(comparison) and len(voices[0].loss) == len(voices[1].loss):
        messages.print("The free runs part: taking single steps from shared states.")
        comparison = compare_steps(comparison, PythonVoice(experiment))
    return comparison


if __name__ == "__main__":
    sys.exit(main())
