"""Write shared_data/golden/data_loader.json: all that is random in PyTorch's training of a small CNN."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from torch_cnn import torch_run
from twinnet.generator_torch import TorchGenerator

STEM = "data_loader"
SEEDS = [0, 2024]


def make_case(seed: int) -> dict[str, Any]:
    """Make one run; weights are hex floats row by row, masks strings of 0 and 1."""
    run = torch_run(seed)
    return {
        "seed": seed,
        "weights": {name: [float(w).hex() for w in np.ravel(value)] for name, value in run["weights"].items()},
        "batches": [batch.tolist() for batch in run["batches"]],
        "masks": ["".join(str(int(bit)) for bit in mask.ravel()) for mask in run["masks"]],
        "words_drawn": words_between(seed, run["state"]),
    }


def words_between(seed: int, state: Any) -> int:
    """Count the words from the seed to a state."""
    generator = TorchGenerator(seed)
    while not np.array_equal(generator.torch_state(), state):
        generator.words(1)
    return generator.words_drawn()


def main() -> None:
    """Write the file."""
    capability = torch.backends.cpu.get_cpu_capability()
    if capability not in {"AVX2", "AVX512"}:
        raise SystemExit(f"The golden run is that of PyTorch with AVX2; here it runs with {capability}.")
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
