"""Write shared_data/golden/generator_torch.json: draws of PyTorch's own CPU generator, as hex floats."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from torch_streams import TorchOriginal

STEM = "generator_torch"
SEEDS: list[int | str] = [0, 1, 42, -1, 2**31, 2**32 + 5, str(2**63), str(2**64 - 1), str(-(2**63))]
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("rand", {"size": 7}),
    ("rand", {"size": 5, "dtype": "float64"}),
    ("uniform_", {"size": 6, "a": -0.0625, "b": 0.3}),
    ("uniform_", {"size": 4, "a": 1000.1, "b": 1000.2, "dtype": "float64"}),
    ("randn", {"size": 5}),
    ("randn", {"size": 37}),
    ("randn", {"size": 33, "dtype": "float64"}),
    ("normal_", {"size": 3, "mean": 1.5, "std": 0.25}),
    ("normal_", {"size": 16, "mean": -2.0, "std": 10.0}),
    ("randint", {"low": -5, "high": 5, "size": 9}),
    ("randint", {"low": 0, "high": 1099511627776, "size": 4}),
    ("randperm", {"n": 12}),
    ("bernoulli", {"p": [0.0, 0.25, 0.5, 0.75, 1.0]}),
    ("bernoulli", {"p": [0.1, 0.9], "dtype": "float64"}),
    ("bernoulli_", {"size": 9, "p": 0.3}),
    ("dropout_mask", {"size": 9, "p": 0.5}),
    ("rand", {"size": 700}),
    ("randn", {"size": 2}),
]


def make_case(seed: int | str) -> dict[str, Any]:
    """Make the calls of one generator after the other."""
    generator = TorchOriginal(int(seed))
    calls = []
    for method, arguments in CALLS:
        draws = np.ravel(getattr(generator, method)(**arguments))
        result = [float(number).hex() for number in draws]
        calls.append({"method": method, "arguments": arguments, "result": result})
    return {"seed": seed, "calls": calls}


def main() -> None:
    """Write the file."""
    capability = torch.backends.cpu.get_cpu_capability()
    if capability not in {"AVX2", "AVX512"}:
        raise SystemExit(f"The golden draws are those of PyTorch with AVX2; here it runs with {capability}.")
    golden = {
        "made_by": f"tests/golden/make_{STEM}.py",
        "torch": torch.__version__,
        "variant": "avx2",
        "cases": [make_case(seed) for seed in SEEDS],
    }
    path = Path(__file__).resolve().parents[2] / "shared_data" / "golden" / f"{STEM}.json"
    path.write_text(json.dumps(golden, indent=0) + "\n")


if __name__ == "__main__":
    main()
