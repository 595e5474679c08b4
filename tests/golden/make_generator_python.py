"""Write shared_data/golden/generator_python.json: draws of Python's own random.Random, as hex floats."""

from __future__ import annotations

import json
import platform
import random
from pathlib import Path
from typing import Any

SEEDS: list[Any] = [0, 42, -7, 2**40, "12345678901234567890", "0x1f2e3d4c5b6a79880123456789abcdef"]
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("random", {"size": 7}),
    ("gauss", {"mu": 0.0, "sigma": 1.0, "size": 5}),
    ("uniform", {"a": -1.5, "b": 2.25, "size": 4}),
    ("getrandbits", {"k": 32, "size": 3}),
    ("getrandbits", {"k": 52, "size": 3}),
    ("randrange", {"start": 3, "stop": 1000, "step": 7, "size": 5}),
    ("randint", {"a": 1, "b": 6, "size": 8}),
    ("shuffle", {"x": 9}),
    ("sample", {"population": 30, "k": 6}),
    ("sample", {"population": 3000, "k": 6}),
    ("choice", {"seq": 100}),
    ("random", {"size": 700}),
    ("gauss", {"mu": 10.0, "sigma": 0.5, "size": 3}),
]


def draw(generator: random.Random, method: str, arguments: dict[str, Any]) -> list[float]:
    """Make the draws of one call; a number stands for a range where Python takes a sequence."""
    values = [value for key, value in arguments.items() if key != "size"]
    if method == "shuffle":
        shuffled = list(range(arguments["x"]))
        generator.shuffle(shuffled)
        return [float(number) for number in shuffled]
    if method in ("sample", "choice"):
        values[0] = range(values[0])
    if "size" in arguments:
        return [float(getattr(generator, method)(*values)) for _ in range(arguments["size"])]
    drawn = getattr(generator, method)(*values)
    return [float(number) for number in (drawn if isinstance(drawn, list) else [drawn])]


def make_case(seed: Any) -> dict[str, Any]:
    """Make the calls of one generator after the other."""
    generator = random.Random(int(seed, 0) if isinstance(seed, str) else seed)
    calls = []
    for method, arguments in CALLS:
        result = [number.hex() for number in draw(generator, method, arguments)]
        calls.append({"method": method, "arguments": arguments, "result": result})
    return {"seed": seed, "calls": calls}


def main() -> None:
    """Write the file."""
    golden = {
        "made_by": "tests/golden/make_generator_python.py",
        "python": platform.python_version(),
        "cases": [make_case(seed) for seed in SEEDS],
    }
    path = Path(__file__).resolve().parents[2] / "shared_data" / "golden" / "generator_python.json"
    path.write_text(json.dumps(golden, indent=0) + "\n")


if __name__ == "__main__":
    main()
