"""What exact arithmetic costs: training and exp and log, exact over native, in Python and in R. Run by `make bench`.

Native and exact take turns; each ratio is the median of the ratios of neighbouring runs. Training is 200 steps of
iris_dnn and a few of the CNNs, after a first round that warms up; exp and log are of a million numbers. One BLAS
thread.
"""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np
from twinnet.exact_functions import exact_exp, exact_log
from twinnet.experiment import experiment_data, experiment_override, experiment_read
from twinnet.parity.bridge import start_r
from twinnet.train import train, train_start

ROUNDS = 5
RUNS = {"iris_dnn": (200, 5.0), "mnist_cnn_small": (2, 5.0), "mnist_cnn": (1, 8.0)}  # steps, and the goal
FUNCTIONS = {"exp": (np.exp, exact_exp, 10.0), "log": (np.log, exact_log, 10.0)}
SIZE = 1_000_000

r = start_r()
R_CODE = """
seconds_of_training <- function(experiment, data, run, steps) system.time(train(experiment, data, run, steps))[[3]]
seconds_of_function <- function(f, x) system.time(f(x))[[3]]
"""
r.eval(R_CODE, convert=False)


def seconds(function, *arguments) -> float:
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


def report(what: str, native: list[float], exact: list[float], unit: float, name: str, goal: float) -> None:
    """Print the ratio; the first round warmed up."""
    ratio = statistics.median(b / a for a, b in zip(native[1:], exact[1:], strict=True))
    middle = [statistics.median(values[1:]) * unit for values in (native, exact)]
    print(f"  {what:<28} {middle[0]:9.2f} {middle[1]:9.2f} {name}   {ratio:5.2f} (goal: at most {goal:g})", flush=True)


def bench_training(name: str, steps: int, goal: float) -> None:
    """One experiment in both languages."""
    experiments = [experiment_override(experiment_read(name), arithmetic=kind) for kind in ("native", "exact")]
    data = experiment_data(experiments[0])
    runs = [train_start(experiment) for experiment in experiments]
    in_r = [
        r.call("experiment_override", r.call("experiment_read", name, convert=False), arithmetic=kind, convert=False)
        for kind in ("native", "exact")
    ]
    r_data = r.call("experiment_data", in_r[0], convert=False)
    r_runs = [r.call("train_start", experiment, convert=False) for experiment in in_r]
    python: tuple[list[float], list[float]] = ([], [])
    theirs: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS + 1):
        print(f"\r{name}: round {number} of {ROUNDS}", end="", file=sys.stderr, flush=True)
        for kind in (0, 1):
            python[kind].append(seconds(train, experiments[kind], data, runs[kind], steps))
            theirs[kind].append(r.call("seconds_of_training", in_r[kind], r_data, r_runs[kind], steps).item())
    print(file=sys.stderr)
    report(f"{name}, Python", *python, 1e3 / steps, "ms a step", goal)
    report(f"{name}, R", *theirs, 1e3 / steps, "ms a step", goal)


def bench_function(name: str) -> None:
    """One function in both languages."""
    native, exact, goal = FUNCTIONS[name]
    x = np.random.default_rng(0).standard_normal(SIZE)
    x = np.abs(x) if name == "log" else x
    r_x = r.call("identity", x, convert=False)
    r_functions = [r.eval(code, convert=False) for code in (name, f"exact_{name}")]
    python: tuple[list[float], list[float]] = ([], [])
    theirs: tuple[list[float], list[float]] = ([], [])
    for _ in range(2 * ROUNDS + 1):
        for kind, function in enumerate((native, exact)):
            python[kind].append(seconds(function, x))
            theirs[kind].append(r.call("seconds_of_function", r_functions[kind], r_x).item())
    report(f"{name}, Python", *python, 1e9 / SIZE, "ns each  ", goal)
    report(f"{name}, R", *theirs, 1e9 / SIZE, "ns each  ", goal)


def main() -> int:
    print("What exact arithmetic costs:        native     exact             ratio")
    for name, (steps, goal) in RUNS.items():
        bench_training(name, steps, goal)
    for name in FUNCTIONS:
        bench_function(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
