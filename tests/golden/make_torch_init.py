"""Write shared_data/golden/torch_init.json: initial weights of PyTorch's own, as hex floats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

STEM = "torch_init"
SEEDS = [0, 1, 42, 2**31, 2**32 - 1]
DTYPES = {"float32": torch.float32, "float64": torch.float64}


def layer(function: str, module: type[nn.Module], dtype: str = "float32", **sizes: Any) -> dict[str, Any]:
    """Make a layer's weights and biases; the module takes its sizes in the same order."""
    weights = module(*sizes.values(), dtype=DTYPES[dtype]).state_dict()
    return record(function, {**sizes, "dtype": dtype}, {name: value.numpy() for name, value in weights.items()})


def filled(function: str, dtype: str = "float32", **arguments: Any) -> dict[str, Any]:
    """Make a tensor filled by a function of torch.nn.init."""
    others = {name: value for name, value in arguments.items() if name != "shape"}
    tensor = getattr(nn.init, function)(torch.empty(arguments["shape"], dtype=DTYPES[dtype]), **others)
    return record(function, {**arguments, "dtype": dtype}, {"tensor": tensor.numpy()})


def record(function: str, arguments: dict[str, Any], arrays: dict[str, Any]) -> dict[str, Any]:
    """Record a call and its result, arrays row by row."""
    result = {
        name: {"shape": list(array.shape), "values": [float(number).hex() for number in np.ravel(array)]}
        for name, array in arrays.items()
    }
    return {"function": function, "arguments": arguments, "result": result}


def make_case(seed: int) -> dict[str, Any]:
    """Make the calls of one generator after the other."""
    torch.manual_seed(seed)
    calls = [
        layer("linear_init", nn.Linear, d_in=5, d_out=3),
        layer("conv2d_init", nn.Conv2d, in_channels=2, out_channels=3, kernel_size=[3, 2]),
        layer("linear_init", nn.Linear, "float64", d_in=4, d_out=2),
        filled("kaiming_uniform_", shape=[3, 4], mode="fan_out", nonlinearity="relu"),
        filled("kaiming_normal_", shape=[4, 5], a=0.2),
        filled("kaiming_normal_", "float64", shape=[2, 3]),
        filled("xavier_uniform_", shape=[4, 3], gain=5 / 3),
        filled("xavier_normal_", "float64", shape=[4, 5]),
    ]
    return {"seed": seed, "calls": calls}


def main() -> None:
    """Write the file."""
    capability = torch.backends.cpu.get_cpu_capability()
    if capability not in {"AVX2", "AVX512"}:
        raise SystemExit(f"The golden weights are those of PyTorch with AVX2; here it runs with {capability}.")
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
