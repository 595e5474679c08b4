"""The installed PyTorch's generator with the methods of its twins, and calls of each kind.

Run as a script, it writes what PyTorch draws to a file: so a test can start it under another ATEN_CPU_CAPABILITY,
which PyTorch reads once, when it starts.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

DTYPES = {"float32": torch.float32, "float64": torch.float64}
SEEDS = [
    0,
    1,
    2,
    7,
    42,
    123,
    1234,
    65535,
    19650218,
    2**31 - 1,
    2**31,
    2**31 + 1,
    2**32 - 1,
    2**32,
    2**32 + 5,
    2**40 + 12345,
    2**53 - 1,
    2**53 + 1,
    2**63 - 1,
    2**63,
    2**64 - 1,
    -1,
    -42,
    -(2**31) - 1,
    -(2**63),
]

# one call of each kind, {n} draws long
CALLS: dict[str, Any] = {
    "rand": lambda g, n: g.rand(n),
    "rand float64": lambda g, n: g.rand(n, "float64"),
    "uniform_": lambda g, n: g.uniform_(n, -0.0625, 0.3),
    "uniform_ wide": lambda g, n: g.uniform_(n, -1e30, 3e30),
    "uniform_ far from 0": lambda g, n: g.uniform_(n, 1000.1, 1000.2),
    "uniform_ of one number": lambda g, n: g.uniform_(n, 1.1, 1.1),
    "uniform_ float64": lambda g, n: g.uniform_(n, -0.0625, 0.3, "float64"),
    "uniform_ wide float64": lambda g, n: g.uniform_(n, -1e200, 3e200, "float64"),
    "uniform_ far from 0 float64": lambda g, n: g.uniform_(n, 1000.1, 1000.2, "float64"),
    "randn": lambda g, n: g.randn(n),
    "randn float64": lambda g, n: g.randn(n, "float64"),
    "normal_": lambda g, n: g.normal_(n, 1.3, 0.07),
    "normal_ negative": lambda g, n: g.normal_(n, -1e-3, 1e10),
    "normal_ without spread": lambda g, n: g.normal_(n, 0.3, 0.0),
    "normal_ float64": lambda g, n: g.normal_(n, 1.3, 0.07, "float64"),
    "normal_ negative float64": lambda g, n: g.normal_(n, -1e-3, 1e10, "float64"),
    "randint": lambda g, n: g.randint(0, 10, n),
    "randint of one number": lambda g, n: g.randint(4, 5, n),
    "randint below 2^28": lambda g, n: g.randint(-3, 2**28 - 4, n),
    "randint of 2^28": lambda g, n: g.randint(0, 2**28, n),
    "randint of 33 bits": lambda g, n: g.randint(-5, 2**33, n),
    "randint of 53 bits": lambda g, n: g.randint(-(2**52), 2**52 - 1, n),
    "random_": lambda g, n: np.asarray(g.random_(n)).astype(str),
    "randperm": lambda g, n: g.randperm(n),
    "bernoulli": lambda g, n: g.bernoulli(np.linspace(0, 1, n)),
    "bernoulli float64": lambda g, n: g.bernoulli(np.linspace(0, 1, n), "float64"),
    "bernoulli_": lambda g, n: g.bernoulli_(n, 0.3),
    "bernoulli_ float64": lambda g, n: g.bernoulli_(n, 0.7, "float64"),
    "dropout_mask": lambda g, n: g.dropout_mask(n, 0.25),
    "dropout_mask float64": lambda g, n: g.dropout_mask(n, 0.9, "float64"),
    "dropout_mask of nothing": lambda g, n: g.dropout_mask(n, 0.0),
    "dropout_mask of all": lambda g, n: g.dropout_mask(n, 1.0),
}


class TorchOriginal:
    """PyTorch's own draws, from a ``torch.Generator`` of their own, as NumPy arrays."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def rand(self, size: Any, dtype: str = "float32") -> Any:
        return torch.rand(size, dtype=DTYPES[dtype], generator=self.generator).numpy()

    def uniform_(self, size: Any, a: float = 0, b: float = 1, dtype: str = "float32") -> Any:
        return torch.empty(size, dtype=DTYPES[dtype]).uniform_(a, b, generator=self.generator).numpy()

    def randn(self, size: Any, dtype: str = "float32") -> Any:
        return torch.randn(size, dtype=DTYPES[dtype], generator=self.generator).numpy()

    def normal_(self, size: Any, mean: float = 0, std: float = 1, dtype: str = "float32") -> Any:
        return torch.empty(size, dtype=DTYPES[dtype]).normal_(mean, std, generator=self.generator).numpy()

    def randint(self, low: int, high: int, size: Any) -> Any:
        shape = (size,) if isinstance(size, int) else size
        return torch.randint(low, high, shape, generator=self.generator).numpy()

    def random_(self, size: Any) -> Any:
        return torch.empty(size, dtype=torch.int64).random_(generator=self.generator).numpy()

    def randperm(self, n: int) -> Any:
        return torch.randperm(n, generator=self.generator).numpy()

    def bernoulli(self, p: Any, dtype: str = "float32") -> Any:
        return torch.bernoulli(torch.tensor(p, dtype=DTYPES[dtype]), generator=self.generator).numpy()

    def bernoulli_(self, size: Any, p: float = 0.5, dtype: str = "float32") -> Any:
        return torch.empty(size, dtype=DTYPES[dtype]).bernoulli_(p, generator=self.generator).numpy()

    def dropout_mask(self, size: Any, p: float = 0.5, dtype: str = "float32") -> Any:
        """Return 1 where dropout keeps a one, by PyTorch's default generator in this one's state."""
        before = torch.get_rng_state()
        torch.set_rng_state(self.generator.get_state())
        kept = torch.nn.functional.dropout(torch.ones(size, dtype=DTYPES[dtype]), p)
        self.generator.set_state(torch.get_rng_state())
        torch.set_rng_state(before)
        return (kept != 0).to(DTYPES[dtype]).numpy()

    def initial_seed(self) -> int:
        return self.generator.initial_seed()

    def torch_state(self) -> Any:
        return self.generator.get_state().numpy()


def main(path: str, n: int) -> None:
    """Write `n` draws of every kind for every seed, the states after them, and the kernels in use."""
    draws = {"capability": np.array(torch.backends.cpu.get_cpu_capability())}
    for seed in SEEDS:
        original = TorchOriginal(seed)
        for name, call in CALLS.items():
            draws[f"{seed} {name}"] = call(original, n)
        draws[f"{seed} state"] = original.torch_state()
    np.savez(Path(path), **draws)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
