"""The noise floor: how far rounding alone takes each tensor of a run, measured and not guessed.

A run is repeated in Python, and each tensor compared with that of the first time. Some repetitions disturb every
tensor that passes through `twinnet.record.record` by one unit in the last place, up or down at random: the batches, the
outputs of every layer, every gradient, every updated parameter (Monte Carlo arithmetic; Parker 1997). The others leave
the numbers alone and change how they are calculated, each in a process of its own: the BLAS on two threads, the BLAS
without its newest instructions, NumPy without SIMD. The floor of a tensor is the largest difference that any of them
shows, of its neighbours in time too, and at least one unit in the last place of its largest element.

What is drawn or picked and not calculated has no noise: masks, rows, targets, counts of draws.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from twinnet._types import AnyArray, Params
from twinnet.experiment import experiment_data
from twinnet.parity.trace import Trace, read_trace
from twinnet.parity.trace_diff import diff_arrays
from twinnet.record import exchange_recorder, recording, tensor_key, trace_origin
from twinnet.train import train, train_start

__all__ = ["ENVIRONMENTS", "NOISE_SEEDS", "measure_floor", "noise_floor"]

NOISE_SEEDS = (1, 2, 3, 4, 5)


def dispatched_features() -> list[str]:
    """The features of this processor that NumPy has code of its own for, by the names that this NumPy gives them."""
    package = "numpy._core" if hasattr(np, "_core") else "numpy.core"  # before NumPy 2
    core = importlib.import_module(f"{package}._multiarray_umath")
    return [name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)]


ENVIRONMENTS = {
    "BLAS on two threads": {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"},
    "BLAS without AVX": {"OPENBLAS_CORETYPE": "Nehalem"},
    "NumPy without SIMD": {"NPY_DISABLE_CPU_FEATURES": " ".join(dispatched_features())},
}
EXACT = ("batch.rows", "batch.target", "generator.words_drawn", ".mask")
NEIGHBOURS = 5  # steps before and after whose floor counts too: a small tensor's own noise may happen to be none


class Meter:
    """What `record` hands its tensors to, to be disturbed and compared with those of a recorded run.

    Parameters
    ----------
    baseline : Trace
    seed : int, optional
        Of the disturbance; without it nothing is disturbed.
    """

    def __init__(self, baseline: Trace, seed: int | None = None) -> None:
        self.step = 0
        self.phase: str | None = ""
        self.apart: dict[str, float] = {}
        self._baseline = baseline
        self._random = None if seed is None else np.random.default_rng(seed)

    def add(self, name: str, x: Any) -> Any:
        """Disturb a tensor, note how far it is from the recorded run's, and return it."""
        if self.phase is None or x is None:
            return x
        if self._random is not None and not name.endswith(EXACT):
            x = disturbed(x, self._random)
        key = tensor_key(self.step, self.phase, name)
        if self._baseline.has(key):
            self.apart[key] = apart(self._baseline.load(key), np.atleast_1d(x))
        return x


def apart(theirs: AnyArray, ours: AnyArray) -> float:
    """The largest difference between two tensors; infinite where they cannot be compared."""
    if theirs.shape != ours.shape:
        return np.inf
    if theirs.dtype.kind != "f":
        return diff_arrays("", theirs, ours.astype(theirs.dtype)).max_abs
    with np.errstate(invalid="ignore", over="ignore"):
        found = float(np.abs(theirs - ours).max(initial=0.0))
    return found if np.isfinite(found) else diff_arrays("", theirs, ours.astype(theirs.dtype)).max_abs


def disturbed(x: Any, random: np.random.Generator) -> Any:
    """Floating-point numbers, each changed by a unit in its last place, up or down."""
    if isinstance(x, float):
        return x * (1 + random.choice((-1, 1)) * np.finfo(np.float64).eps)
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        return x
    eps = np.finfo(x.dtype).eps
    signs = random.integers(0, 2, x.size, dtype=np.int8).astype(x.dtype) * (2 * eps) + (1 - eps)
    return x * signs.reshape(x.shape, order="F" if x.flags.f_contiguous else "C")


@contextmanager
def listening(meter: Meter) -> Iterator[Meter]:
    """Hand what is recorded within a ``with`` block to a meter."""
    before = exchange_recorder(meter)
    try:
        yield meter
    finally:
        exchange_recorder(before)


def repeat_run(baseline: Trace, seed: int | None) -> dict[str, float]:
    """Repeat a recorded run; how far each tensor is from the recorded one."""
    with listening(Meter(baseline, seed)) as meter:
        run_again(baseline)
    baseline.release()
    return meter.apart


def repeat_elsewhere(baseline: Trace, environment: dict[str, str]) -> dict[str, float]:
    """Repeat a recorded run in a process of its own, with other settings of the libraries."""
    command = [sys.executable, "-m", "twinnet.parity.noise", str(baseline.folder)]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"The noise floor could not be measured with {environment}:\n{done.stderr.strip()}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def run_again(trace: Trace) -> None:
    """Run the experiment of a trace again in Python, from its beginning."""
    experiment = trace.manifest["experiment"]
    source: Params = {entry.name: trace.load(entry.key) for entry in trace.entries if entry.phase == "init"}
    data = experiment_data(experiment)
    with np.errstate(over="ignore", invalid="ignore"):  # train() looks for what is not finite
        run = train_start(experiment, source)
        train(experiment, data, run, max(entry.step for entry in trace.entries))


def measure_floor(
    trace: Trace,
    seeds: Sequence[int] = NOISE_SEEDS,
    environments: dict[str, dict[str, str]] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, float]:
    """How far rounding alone takes each tensor of a model's run.

    The run that the repetitions are compared with is taken anew: a trace may hold what other code calculated.

    Parameters
    ----------
    trace : Trace
        Of a model's run in any language, whose manifest carries the experiment.
    seeds : sequence of int
        One repetition with disturbed numbers for each.
    environments : dict, optional
        One repetition in a process of its own for each; `ENVIRONMENTS` unless given. They are left out where a process
        of its own does not give this one's numbers: then its code is another, and no noise.
    progress : callable, optional
        Called with the number of repetitions done and of all.

    Returns
    -------
    dict of float
        By key; 0 for what is not calculated.
    """
    others = list((ENVIRONMENTS if environments is None else environments).values())
    total = 1 + len(seeds) + (1 + len(others) if others else 0)
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    with TemporaryDirectory(prefix="twinnet-") as temporary:
        steps = sorted({entry.step for entry in trace.entries})
        with recording(temporary, steps, {"experiment": trace.manifest["experiment"]}):
            run_again(trace)
        baseline = read_trace(temporary)
        worst = {entry.key: lowest_floor(entry.name, baseline.load(entry.key)) for entry in baseline.entries}
        advance()
        for seed in seeds:
            enlarge(worst, repeat_run(baseline, seed))
            advance()
        if others and not any(repeat_elsewhere(baseline, {}).values()):
            advance()
            for environment in others:
                enlarge(worst, repeat_elsewhere(baseline, environment))
                advance()
        return spread(baseline, worst)


def enlarge(worst: dict[str, float], found: dict[str, float]) -> None:
    """Take over those differences that are larger than what was found before."""
    for key, apart in found.items():
        worst[key] = max(worst[key], apart)


def lowest_floor(name: str, x: AnyArray) -> float:
    """One unit in the last place of a tensor's largest element; 0 for what is not calculated."""
    if name.endswith(EXACT) or x.dtype.kind != "f" or x.size == 0:
        return 0.0
    return float(np.spacing(np.max(np.abs(x), initial=0.0, where=np.isfinite(x)).astype(x.dtype)))


def spread(baseline: Trace, floor: dict[str, float]) -> dict[str, float]:
    """Floors of which each is at least those of the same tensor at the neighbouring steps; of data, at all steps."""
    tracks: dict[tuple[str, str], list[str]] = {}
    for entry in baseline.entries:
        tracks.setdefault((entry.phase, entry.name), []).append(entry.key)
    found = {}
    for (phase, _), keys in tracks.items():
        steps = [baseline.by_key[key].step for key in keys]
        values = [floor[key] for key in keys]
        for i, key in enumerate(keys):
            near = range(max(0, i - NEIGHBOURS), min(len(keys), i + NEIGHBOURS + 1))
            beside = [values[j] for j in near if abs(steps[j] - steps[i]) <= NEIGHBOURS]
            found[key] = max(values if phase == "data" else beside)
    return found


def noise_floor(trace: Trace, cache: Path, progress: Callable[[int, int], None] | None = None) -> dict[str, float]:
    """The noise floor of a run, measured once: a file keeps it for the same experiment, versions and repetitions.

    Parameters
    ----------
    trace : Trace
        As for `measure_floor`.
    cache : Path
        The file.
    progress : callable, optional
        As for `measure_floor`; not called where the file is used.

    Returns
    -------
    dict of float
    """
    asked = [trace.manifest["experiment"], trace_origin(), NOISE_SEEDS, ENVIRONMENTS, NEIGHBOURS]
    asked += [[entry.key for entry in trace.entries]]
    fingerprint = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    try:
        kept = json.loads(cache.read_text(encoding="utf-8"))
        if kept["fingerprint"] == fingerprint:
            found: dict[str, float] = {key: float(value) for key, value in kept["floor"].items()}
            return found
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # not measured yet, or by another version of this
    floor = measure_floor(trace, progress=progress)
    cache.parent.mkdir(parents=True, exist_ok=True)
    partial = cache.with_suffix(".part")
    partial.write_text(json.dumps({"fingerprint": fingerprint, "floor": floor}), encoding="utf-8")
    os.replace(partial, cache)
    return floor


if __name__ == "__main__":
    print(json.dumps(repeat_run(read_trace(sys.argv[1]), None)))
