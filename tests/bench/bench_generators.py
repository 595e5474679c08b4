"""Speed of the twins' random numbers, as ratios to the originals in the same run. Run by `make bench`.

The programs of a pair take turns; each ratio is the median of the ratios of neighbouring runs. R is timed by itself:
what it draws does not cross the bridge. PyTorch's numbers in R have a limit in seconds.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from twinnet.generator_r import RGenerator
from twinnet.parity.bridge import start_r

ROUNDS = 7
N = 1e6
r = start_r()


def in_r(constructor: str, method: str, *arguments: Any) -> Callable[[], Any]:
    """A method of a twin in R, whose generator is made beforehand."""
    generator = r.call(constructor, 1, convert=False)
    return lambda: r.method(generator, method, *arguments, convert=False)


ours = RGenerator(1)
legacy = np.random.RandomState(1)
generator = np.random.default_rng(1)
PAIRS: list[tuple[str, Callable[[], Any], Callable[[], Any], float]] = [
    ("R's rnorm, 1e6, in Python / R", lambda: ours.rnorm(N), lambda: r.call("stats::rnorm", N, convert=False), 1.5),
    (
        "R's sample of 60000, in Python / R",
        lambda: ours.sample_int(60000),
        lambda: r.call("sample.int", 60000, convert=False),
        5,
    ),
    (
        "RandomState's random, 1e6, in R / NumPy",
        in_r("NumpyRandomState", "random", N),
        lambda: legacy.random(int(N)),
        10,
    ),
    (
        "default_rng's random, 1e6, in R / NumPy",
        in_r("NumpyGenerator", "random", N),
        lambda: generator.random(int(N)),
        60,
    ),
    (
        "default_rng's standard_normal, 1e6, in R / NumPy",
        in_r("NumpyGenerator", "standard_normal", N),
        lambda: generator.standard_normal(int(N)),
        60,
    ),
]
TORCH = ("PyTorch's randn, 1e6 of float32, in R", in_r("TorchGenerator", "randn", N), 2.0)


def seconds_of(program: Callable[[], Any]) -> float:
    """How long one run takes."""
    started = time.perf_counter()
    program()
    return time.perf_counter() - started


def main() -> int:
    print(f"Random numbers, median of {ROUNDS} rounds")
    for number, (name, one, other, goal) in enumerate(PAIRS, start=1):
        print(f"\rpair {number} of {len(PAIRS)}", end="\r", file=sys.stderr, flush=True)
        rounds = [(seconds_of(one), seconds_of(other)) for _ in range(ROUNDS + 1)][1:]  # the first round warms up
        ratio = statistics.median(a / b for a, b in rounds)
        took = [statistics.median(times) * 1e3 for times in zip(*rounds, strict=True)]
        print(f"  {name:<50} {ratio:6.2f} (goal: at most {goal:g}; {took[0]:.1f} and {took[1]:.1f} ms)")
    name, program, limit = TORCH
    took = statistics.median([seconds_of(program) for _ in range(ROUNDS + 1)][1:])
    print(f"  {name:<50} {took:6.2f} s (goal: below {limit:g} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
