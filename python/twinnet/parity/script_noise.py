"""How far rounding alone takes what a stranger's script records: the script runs again, rounding disturbed.

Some runs disturb whatever passes through ``record`` by one unit in the last place, up or down at random; that reaches
what is calculated from it where the script goes on with what ``record`` returns: ``h = record("hidden", h)``. The
others change the threads and the instructions of the BLAS and of NumPy. Labels, masks and counts, which hold whole
numbers only, are left as they are.

As a program, ``python -m twinnet.parity.script_noise SEED SCRIPT`` is one disturbed run.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from twinnet.parity.noise import ENVIRONMENTS, disturbed, lowest_floor
from twinnet.parity.scripts import Script, run_script
from twinnet.parity.trace import Trace, read_trace
from twinnet.parity.trace_diff import TraceDiff, diff_traces
from twinnet.record import exchange_recorder

__all__ = ["script_floor", "with_floor"]

SEEDS = (1, 2, 3)


def script_floor(
    script: Script, baseline: Trace, timeout: float, progress: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, float]:
    """Run a script again and again, and see how far its tensors move.

    Parameters
    ----------
    script : Script
        In Python.
    baseline : Trace
        Of a run of it.
    timeout : float
        The most seconds that a run may take.
    progress : callable
        Called with the number of runs done and of all.

    Returns
    -------
    dict of float
        By key, the largest difference of any run, and at least one unit in the last place of the largest element.

    Raises
    ------
    ScriptError
        If a run fails.
    """
    runs: list[tuple[tuple[str, ...], dict[str, str]]] = []
    runs += [(("-m", "twinnet.parity.script_noise", str(seed)), {}) for seed in SEEDS]
    runs += [((), settings) for settings in ENVIRONMENTS.values()]
    floor = {entry.key: lowest_floor(entry.name, baseline.load(entry.key)) for entry in baseline.entries}
    for number, (words, settings) in enumerate(runs, 1):
        again = replace(script, trace=script.trace.with_name(f"{script.trace.name}.again"))
        run_script(again, timeout, words, settings)
        for tensor in diff_traces(baseline, read_trace(again.trace)).tensors:
            if tensor.shape_a is not None and tensor.shape_a == tensor.shape_b:
                floor[tensor.key] = max(floor[tensor.key], tensor.max_abs)
        progress(number, len(runs))
    return floor


def with_floor(diff: TraceDiff, floor: dict[str, float]) -> TraceDiff:
    """A comparison that also says how many times the noise each difference is.

    What is allowed stays as it was: a script that does not go on with what ``record`` returns shows less noise than it
    has, and would be blamed for rounding.

    Parameters
    ----------
    diff : TraceDiff
    floor : dict of float
        By key of the first trace.

    Returns
    -------
    TraceDiff
    """
    tensors = tuple(
        replace(tensor, floor_ratio=tensor.max_abs / floor[tensor.key])
        if tensor.max_abs > 0 and floor.get(tensor.key, 0.0) > 0
        else tensor
        for tensor in diff.tensors
    )
    return replace(diff, tensors=tensors)


def disturbed_numbers(x: Any, random: np.random.Generator) -> Any:
    """A tensor with every number off by a unit in its last place, if it is not one of whole numbers."""
    with np.errstate(invalid="ignore"):
        is_whole = isinstance(x, (float, np.ndarray)) and bool(np.all(np.asarray(x) == np.floor(x)))
    return x if is_whole else disturbed(x, random)


def run_disturbed(seed: int, path: str) -> None:
    """Run a script as if from a terminal, its records disturbed."""
    recorder, random = exchange_recorder(None), np.random.default_rng(seed)
    keep = recorder.add
    recorder.add = lambda name, x: keep(name, disturbed_numbers(x, random))
    exchange_recorder(recorder)
    sys.argv = [path]
    runpy.run_path(path, run_name="__main__")


if __name__ == "__main__":
    run_disturbed(int(sys.argv[1]), sys.argv[2])
