"""Write shared_data/golden/exact_runs.json: checksums of exact runs, which every voice has on every machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twinnet.checksum import run_checksum
from twinnet.experiment import experiment_override, experiment_read, experiment_variants

CASES: list[tuple[str, dict[str, Any]]] = [
    ("iris_dnn", {"maxit": 2000}),
    ("iris_dnn", {"maxit": 100, "seed": 7, "generator": "numpy"}),
    ("iris_dnn", {"maxit": 100, "seed": 8, "generator": "numpy-legacy"}),
    ("iris_dnn", {"maxit": 100, "seed": 9, "generator": "torch"}),
    ("iris_dnn", {"maxit": 100, "hidden": [20, 10], "lr": 0.1}),
    ("iris_dnn", {"maxit": 100, "dtype": "float32"}),
    ("iris_dnn_two_hidden", {"maxit": 100}),
    ("iris_regression", {"maxit": 100}),
    ("iris_logistic", {"maxit": 100}),
    ("xor_mlp", {"maxit": 100}),
    ("notes_2_3_3_1", {"maxit": 100}),
    ("optimizers_iris", {"maxit": 20}),
    ("gradient_methods", {"maxit": 20}),
    ("mnist_mlp", {"maxit": 2}),
    ("overfitting", {"maxit": 3}),
    ("mnist_cnn_small", {"maxit": 2}),
    ("mnist_cnn", {"maxit": 1}),
]


def main() -> None:
    """Write the file."""
    cases = []
    for name, overrides in CASES:
        for variant, experiment in experiment_variants(experiment_read(name)).items():
            changed = experiment_override(experiment, **overrides, arithmetic="exact")
            checksum = run_checksum(changed)["run"]
            needs_mnist = changed["data"]["name"].startswith("mnist")
            case = {"experiment": name, "variant": variant, "overrides": overrides, "needs_mnist": needs_mnist}
            cases.append({**case, "checksum": checksum})
    golden = {"made_by": "tests/golden/make_exact_runs.py", "cases": cases}
    path = Path(__file__).resolve().parents[2] / "shared_data" / "golden" / "exact_runs.json"
    path.write_text(json.dumps(golden, indent=0) + "\n")


if __name__ == "__main__":
    main()
