"""The scoreboard: every fault of the catalogue is planted, both languages run and record, and the instrument is asked.

``make faults`` prints it. A fault scores three times: if it is detected at all, if the first divergence is at the
right tensor, and if the right cause is named first; of a mistake of no known kind the right cause is none.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faults.catalogue import FAULTS, Fault
from faults.mutation import StaleFaultError, mutated
from faults.runs import python_trace, r_trace, settings
from rich.console import Console
from rich.progress import track
from rich.table import Table
from threadpoolctl import threadpool_limits
from twinnet.experiment import GENERATORS, experiment_check
from twinnet.kernels import ARITHMETICS
from twinnet.parity.bridge import Bridge, start_r
from twinnet.parity.causes import Cause, find_causes
from twinnet.parity.trace import Trace
from twinnet.parity.trace_diff import TraceDiff, diff_traces

STEPS = 5
SEEDS = (1, 2, 3, 5, 8, 13, 21)
THREADS = (1, 2)


@dataclass(frozen=True)
class Outcome:
    """What the instrument said of a fault."""

    fault: Fault
    at: str
    causes: tuple[Cause, ...]

    @property
    def detected(self) -> bool:
        """Whether the traces were found to differ where they must, and only there."""
        return bool(self.at) == bool(self.fault.at)

    @property
    def address(self) -> bool:
        """Whether the first divergence is at the right tensor."""
        return self.at == self.fault.at

    @property
    def cause(self) -> bool:
        """Whether the right cause comes first, and the right side is blamed."""
        first = self.causes[0] if self.causes else None
        named = first.name if first else ""
        return self.address and named == self.fault.cause and (not first or first.side == self.fault.language)

    def __str__(self) -> str:
        said = ", ".join(f"{cause.name} in {cause.side or '?'}" for cause in self.causes[:3]) or "no cause"
        fault = self.fault
        wanted = f"{fault.at or 'nowhere'}: {fault.cause or 'no cause'}"
        return f"{fault.language} {fault.stem}: {fault.name}: at {self.at or 'nowhere'}: {said}; wanted {wanted}"


class Laboratory:
    """Where faults are planted: R, a folder for traces, and clean runs to compare with.

    Parameters
    ----------
    r : Bridge
    folder : Path
    """

    def __init__(self, r: Bridge, folder: Path) -> None:
        self._r, self._folder = r, folder
        self._settings = settings()
        self._clean: dict[tuple[str, str], Trace] = {}
        self._number = itertools.count()

    def try_fault(self, fault: Fault) -> Outcome:
        """Plant a fault, run both languages, and ask where and why they part."""
        other = "R" if fault.language == "Python" else "Python"
        traces = {other: self._run_clean(other, fault.setting)}
        keeps_data = "/data/" not in fault.at and fault.at != ""
        with mutated(self._r, fault.language, fault.stem, fault.old, fault.new):
            experiment = self._settings[fault.setting]
            try:
                traces[fault.language] = self._run(fault.language, experiment, fault.setting if keeps_data else "")
            except Exception as error:
                raise StaleFaultError(f"{fault.name}: the fault stops the run, and must change its numbers") from error
        diff = diff_traces(traces["R"], traces["Python"])
        causes = find_causes(traces["R"], traces["Python"], diff)
        return Outcome(fault, diff.first.key if diff.first else "", tuple(causes))

    def try_clean(self, experiment: dict[str, Any], kept: str) -> TraceDiff:
        """Run both languages as they are."""
        return diff_traces(*(self._run(language, experiment, kept) for language in ("R", "Python")))

    def _run_clean(self, language: str, setting: str) -> Trace:
        key = (language, setting)
        if key not in self._clean:
            self._clean[key] = self._run(language, self._settings[setting], setting)
        return self._clean[key]

    def _run(self, language: str, experiment: dict[str, Any], kept: str) -> Trace:
        folder = self._folder / f"trace{next(self._number)}"
        if language == "R":
            return r_trace(self._r, experiment, folder, STEPS, kept)
        return python_trace(experiment, folder, STEPS)


def clean_experiments() -> Iterator[tuple[str, dict[str, Any], str, int]]:
    """More than 200 runs without a fault: what to call them, the experiment, the name of its data, and the threads."""
    numbers = itertools.count()
    for name, experiment in settings().items():
        for seed in SEEDS:
            number = next(numbers)
            generator = GENERATORS[number % len(GENERATORS)]
            if experiment["init"]["name"] == "torch":
                generator = "torch"
            arithmetic = ARITHMETICS[number // len(GENERATORS) % len(ARITHMETICS)]
            threads = THREADS[number // (len(GENERATORS) * len(ARITHMETICS)) % len(THREADS)]
            settled = {"seed": seed, "generator": generator, "arithmetic": arithmetic}
            what = f"{name}, seed {seed}, {generator}'s numbers, {arithmetic} arithmetic, {threads} threads"
            yield what, experiment_check({**experiment, **settled}), f"{name}, {arithmetic}", threads


def false_alarms(laboratory: Laboratory, runs: Iterable[tuple[str, dict[str, Any], str, int]]) -> tuple[int, list[str]]:
    """How many runs without a fault there were, and those that are said to differ."""
    count, alarms = 0, []
    for what, experiment, kept, threads in runs:
        with threadpool_limits(threads):
            diff = laboratory.try_clean(experiment, kept)
        count += 1
        if diff.verdict == "different":
            alarms.append(f"{what}: {diff.first}")
    return count, alarms


def print_scores(outcomes: Sequence[Outcome], count: int, alarms: Sequence[str], console: Console) -> None:
    """The scoreboard as a table, and below it what was not as it should be."""
    table = Table("faults in", "phase", "planted", "detected", "right address", "right cause first")
    for language, phase in itertools.product(
        ("R", "Python"), ("init", "data", "forward", "loss", "backward", "update")
    ):
        rows = [o for o in outcomes if o.fault.language == language and f"/{phase}/" in o.fault.at]
        table.add_row(language, phase, *scores_of(rows))
    rows = [outcome for outcome in outcomes if outcome.fault.at]
    table.add_row("both", "all", *scores_of(rows), style="bold")
    console.print(table)
    harmless = [outcome for outcome in outcomes if not outcome.fault.at]
    silent = sum(outcome.detected for outcome in harmless)
    console.print(f"Faults that change no number: {len(harmless)}, of which {silent} are not reported.")
    console.print(f"Runs without a fault: {count}, false alarms: {len(alarms)}.")
    for line in [*(str(outcome) for outcome in outcomes if not outcome.cause), *alarms]:
        console.print(line, soft_wrap=True)


def scores_of(rows: Sequence[Outcome]) -> list[str]:
    """The cells of a row of the table."""
    scores = [len(rows), *(sum(getattr(row, kind) for row in rows) for kind in ("detected", "address", "cause"))]
    return [str(scores[0])] + [f"{score} ({score / max(scores[0], 1):.0%})" for score in scores[1:]]


def main() -> int:
    """Plant all faults and print the scoreboard."""
    with tempfile.TemporaryDirectory() as folder:
        laboratory = Laboratory(start_r(), Path(folder))
        messages, console = Console(stderr=True), Console(highlight=False)
        outcomes = [laboratory.try_fault(fault) for fault in track(FAULTS, "Faults", console=messages)]
        runs = list(clean_experiments())
        count, alarms = false_alarms(laboratory, track(runs, "Runs without a fault", console=messages))
        print_scores(outcomes, count, alarms, console)
    return int(bool(alarms) or not all(outcome.detected for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
