"""What recording and comparing cost.

Recording: a step of mnist_cnn_small (batch 100) that records every tensor against one that does not, in each language;
recorded and unrecorded runs take turns, each ratio is the median of those of neighbours. Where nothing records: the
time of as many calls of `record` as a step of iris makes, against that step.

Comparing: two traces of 1 GB of images each, one in C order and one in F order as R writes them, whose elements differ
by units in the last place, in a process of its own, so that its memory can be told.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from twinnet.experiment import experiment_data, experiment_read
from twinnet.parity.bridge import start_r
from twinnet.parity.trace import read_trace
from twinnet.record import record, record_start, record_step, record_stop, recording
from twinnet.train import train, train_start

ROUNDS = 9
STEPS = 10
IRIS_CALLS = 26  # of record, record_step and record_phase in a step of iris
GIGABYTE = 10**9
GOALS = {"recorded / unrecorded": 2.0, "MB/s": 200, "MB": 500}

COMPARE = """
import resource, sys, time
from twinnet.parity.trace import read_trace
from twinnet.parity.trace_diff import diff_traces
started, worked = time.perf_counter(), time.process_time()
diff = diff_traces(read_trace(sys.argv[1]), read_trace(sys.argv[2]))
seconds, worked = time.perf_counter() - started, time.process_time() - worked
print(seconds, worked, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, diff.verdict, len(diff.tensors))
"""


def python_runs(folder):
    experiment = experiment_read("mnist_cnn_small")
    data, run = experiment_data(experiment), train_start(experiment)

    def plain():
        train(experiment, data, run, STEPS)

    def recorded():
        record_start(folder)
        train(experiment, data, run, STEPS)
        record_stop()

    return plain, recorded


def r_runs(folder):
    r = start_r()
    experiment = r.call("experiment_read", "mnist_cnn_small", convert=False)
    data = r.call("experiment_data", experiment, convert=False)
    run = r.call("train_start", experiment, convert=False)

    def plain():
        r.call("train", experiment, data, run, STEPS, convert=False)

    def recorded():
        r.call("record_start", str(folder))
        plain()
        r.call("record_stop")

    return plain, recorded


def timed(function):
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def bench_recording(folder):
    print(f"Recording every tensor of {STEPS} steps of mnist_cnn_small, median of {ROUNDS} rounds")
    programs = {"Python": python_runs(folder / "python"), "R": r_runs(folder / "r")}
    seconds = {name: ([], []) for name in programs}
    for number in range(ROUNDS):
        for name, pair in programs.items():
            print(f"\rround {number + 1} of {ROUNDS}: {name:<8}", end="", file=sys.stderr, flush=True)
            for times, function in zip(seconds[name], pair, strict=True):
                times.append(timed(function))
    print(file=sys.stderr)
    for name, (plain, recorded) in seconds.items():
        ratio = statistics.median(b / a for a, b in zip(plain, recorded, strict=True))
        a, b = (1000 * statistics.median(times) / STEPS for times in (plain, recorded))
        size = sum(array.nbytes for array in read_trace(folder / name.lower()).files.values()) / STEPS / 1e6
        goal = GOALS["recorded / unrecorded"]
        print(
            f"  {name:<7} {a:5.1f} ms a step, {b:5.1f} ms recorded ({size:.1f} MB): {ratio:.2f} (goal: at most {goal})"
        )


def bench_silence():
    experiment = experiment_read("iris_dnn")
    data, run = experiment_data(experiment), train_start(experiment)
    layer = {"name": "affine1"}

    def calls():
        for _ in range(1000 * IRIS_CALLS):
            record("out", 1.0, of=layer["name"])

    def loop():
        for _ in range(1000 * IRIS_CALLS):
            layer["name"]

    steps = [timed(lambda: train(experiment, data, run, 1000)) for _ in range(ROUNDS)]
    silent = [timed(calls) - timed(loop) for _ in range(ROUNDS)]
    share = 100 * statistics.median(silent) / statistics.median(steps)
    print(f"Where nothing records, record() takes {share:.1f} % of a step of iris in Python")


def write_large(folder, layout):
    """A trace of 1 GB: 20 steps of images, as a convolution puts them out."""
    rng = np.random.default_rng(0)
    shape = (100, 32, 24, 26)
    x = rng.standard_normal(shape)
    other = x * (1 + np.finfo(float).eps * rng.integers(-2, 3, shape)) if layout == "F" else x
    laid = np.asfortranarray(other) if layout == "F" else other
    with recording(folder):
        for step in range(round(GIGABYTE / x.nbytes)):
            record_step(step)
            record("conv1.out", laid)


def bench_comparing(folder):
    for name, layout in (("a", "C"), ("b", "F")):
        write_large(folder / name, layout)
    size = sum(array.nbytes for array in read_trace(folder / "a").files.values())
    found = []
    for number in range(3):
        print(f"\rcomparing: {number + 1} of 3", end="", file=sys.stderr, flush=True)
        command = [sys.executable, "-c", COMPARE, str(folder / "a"), str(folder / "b")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append(done.stdout.split())
    print(file=sys.stderr)
    seconds = statistics.median(float(line[0]) for line in found)
    worked = statistics.median(float(line[1]) for line in found)
    memory = max(float(line[2]) for line in found)
    print(f"Comparing two traces of {size / 1e9:.2f} GB, C against F order: {found[0][4]} tensors, {found[0][3]}")
    print(f"  {seconds:.1f} s, {size / seconds / 1e6:.0f} MB/s of each (goal: at least {GOALS['MB/s']})")
    print(f"  {worked:.1f} s of them this process's, {size / worked / 1e6:.0f} MB/s: the rest waits for others")
    print(f"  {memory:.0f} MB of memory at most (goal: at most {GOALS['MB']})")


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="twinnet-") as temporary:
        # first, while this process is small: a child's memory begins with what its parent holds
        bench_comparing(Path(temporary))
        bench_silence()
        bench_recording(Path(temporary))
    return 0


if __name__ == "__main__":
    sys.exit(main())
