"""Write shared_data/golden/float32.json: fused multiply-adds by rational arithmetic, as hex floats."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from test_float32 import STEM, exact_fma32, exact_fma64, hard_cases, wide_cases


def make_case(name: str, exact: Any, cases: tuple[Any, Any, Any]) -> dict[str, Any]:
    """Make the results of one function for many numbers."""
    a, b, c = ([float(number) for number in numbers] for numbers in cases)
    result = [exact(*numbers) for numbers in zip(a, b, c, strict=True)]
    values = {"a": a, "b": b, "c": c, "result": result}
    return {"function": name} | {key: [number.hex() for number in value] for key, value in values.items()}


def main() -> None:
    """Write the file."""
    narrow = [tuple(np.float32(numbers) for numbers in cases) for cases in (hard_cases(24, 300), wide_cases(100))]
    golden = {
        "made_by": f"tests/golden/make_{STEM}.py",
        "python": sys.version.split()[0],
        "cases": [
            make_case("fma64", exact_fma64, hard_cases(53, 300)),
            make_case("fma64", exact_fma64, wide_cases(100)),
            *[make_case("fma32", exact_fma32, cases) for cases in narrow],
        ],
    }
    path = Path(__file__).resolve().parents[2] / "shared_data" / "golden" / f"{STEM}.json"
    path.write_text(json.dumps(golden, indent=0) + "\n")


if __name__ == "__main__":
    main()
