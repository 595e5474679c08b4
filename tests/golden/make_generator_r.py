"""Write shared_data/golden/generator_r.json: draws of R's own functions after `set.seed`, as hex floats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twinnet.parity.bridge import Bridge, start_r

STEM = "generator_r"
SEEDS = [0, 1, -1, 42, 2**31 - 1, -(2**31 - 1)]
MANY = [((7 * i) % 11 + 1) / 8 for i in range(250)]  # with ties, and enough for Walker's alias method
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("runif", {"n": 5}),
    ("runif", {"n": 4, "min": -1.5, "max": 2.25}),
    ("rnorm", {"n": 9}),
    ("rnorm", {"n": 5, "mean": [0.5, -2], "sd": 3}),
    ("rexp", {"n": 7}),
    ("rexp", {"n": 3, "rate": 0.25}),
    ("rbinom", {"n": 9, "size": 1, "prob": 0.5}),
    ("rbinom", {"n": 6, "size": 20, "prob": 0.75}),
    ("rbinom", {"n": 6, "size": 1000000, "prob": 0.3}),
    ("sample", {"x": 10}),
    ("sample", {"x": [0.5, 1.5, 2.5, 3.5], "size": 6, "replace": True}),
    ("sample", {"x": 150}),
    ("sample_int", {"n": 70000, "size": 5}),
    ("sample_int", {"n": 20000000, "size": 5}),
    ("sample_int", {"n": 6, "size": 8, "replace": True, "prob": [1, 2, 2, 1, 0, 3]}),
    ("sample_int", {"n": 6, "size": 4, "replace": False, "prob": [1, 2, 2, 1, 0, 3]}),
    ("sample_int", {"n": 250, "size": 8, "replace": True, "prob": MANY}),
    ("rnorm", {"n": 700}),
]


def make_case(r: Bridge, seed: int, sample_kind: str) -> dict[str, Any]:
    """Make the calls in R one after the other."""
    r.eval(f"suppressWarnings(set.seed({seed}, 'Mersenne-Twister', 'Inversion', '{sample_kind}'))")
    calls = []
    for method, arguments in CALLS:
        named = ", ".join(f"{name} = {r_literal(value)}" for name, value in arguments.items())
        draws = r.eval(f"{method.replace('_', '.')}({named})")
        result = [float(number).hex() for number in draws]
        calls.append({"method": method, "arguments": arguments, "result": result})
    # The first numbers of the state are enough to see that as many words were used.
    random_seed = r.eval(".Random.seed[1:5]").tolist()
    return {"seed": seed, "sample_kind": sample_kind, "calls": calls, "random_seed": random_seed}


def r_literal(value: Any) -> str:
    """Return an argument as R code."""
    if isinstance(value, list):
        return "c(" + ", ".join(r_literal(item) for item in value) + ")"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return repr(value)


def main() -> None:
    """Write the file."""
    r = start_r()
    golden = {
        "made_by": f"tests/golden/make_{STEM}.py",
        "r": str(r.eval("as.character(getRversion())")[0]),
        "cases": [make_case(r, seed, kind) for seed in SEEDS for kind in ("Rejection", "Rounding")],
    }
    path = Path(__file__).resolve().parents[2] / "shared_data" / "golden" / f"{STEM}.json"
    path.write_text(json.dumps(golden, indent=0) + "\n")


if __name__ == "__main__":
    main()
