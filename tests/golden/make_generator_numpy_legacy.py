"""Write shared_data/golden/generator_numpy_legacy.json: draws of NumPy's own RandomState, as hex floats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

STEM = "generator_numpy_legacy"
SEEDS: list[Any] = [0, 1, 42, 2**31, 2**32 - 1, [1, 2, 3], [5]]
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("random", {"size": 7}),
    ("standard_normal", {"size": 5}),
    ("uniform", {"low": -1.5, "high": 2.25, "size": 4}),
    ("normal", {"loc": 10.0, "scale": 0.1, "size": 4}),
    ("randint", {"low": 0, "high": 10, "size": 8}),
    ("randint", {"low": -5, "high": 1099511627776, "size": 4}),
    ("permutation", {"x": 9}),
    ("choice", {"a": 12, "size": 6}),
    ("choice", {"a": 12, "size": 6, "replace": False}),
    ("choice", {"a": 4, "size": 6, "p": [0.125, 0.5, 0.25, 0.125]}),
    ("choice", {"a": 4, "size": 3, "replace": False, "p": [0.125, 0.5, 0.25, 0.125]}),
    ("random", {"size": 700}),
    ("standard_normal", {"size": 3}),
]


def make_case(seed: Any) -> dict[str, Any]:
    """Make the calls of one generator after the other."""
    generator = np.random.RandomState(seed)
    calls = []
    for method, arguments in CALLS:
        draws = np.ravel(getattr(generator, method)(**arguments))
        result = [float(number).hex() for number in draws]
        calls.append({"method": method, "arguments": arguments, "result": result})
    return {"seed": seed, "calls": calls}


def main() -> None:
    """Write the file."""
    golden = {
        "made_by": f"tests/golden/make_{STEM}.py",
        "numpy": np.__version__,
        "cases": [make_case(seed) for seed in SEEDS],
    }
    path = Path(__file__).resolve().parents[2] / "shared_data" / "golden" / f"{STEM}.json"
    path.write_text(json.dumps(golden, indent=0) + "\n")


if __name__ == "__main__":
    main()
