"""Write shared_data/golden/splits.json: rows that scikit-learn's own train_test_split chose, counted from 0."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn.model_selection import train_test_split

LABELS = [0, 1, 2, 2, 1, 0, 2, 2, 2, 1, 1, 0, 2, 0, 1, 2, 2, 0, 1, 2]
CASES: list[tuple[int, dict[str, Any]]] = [
    (150, {"test_size": 0.2, "random_state": 0}),
    (10, {"random_state": 42}),
    (33, {"train_size": 20, "random_state": 4294967295}),
    (20, {"test_size": 0.3, "random_state": 1, "stratify": LABELS}),
    (20, {"test_size": 5, "train_size": 7, "random_state": 7, "stratify": LABELS}),
    (20, {"test_size": 0.5, "random_state": 123, "stratify": ["b" if label else "A" for label in LABELS]}),
    (12, {"test_size": 0.25, "shuffle": False}),
]


def main() -> None:
    """Write the file."""
    cases = []
    for n, arguments in CASES:
        train, test = train_test_split(np.arange(n), **arguments)
        cases.append({"n": n, "arguments": arguments, "train": train.tolist(), "test": test.tolist()})
    golden = {
        "made_by": "tests/golden/make_splits.py",
        "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
        "cases": cases,
    }
    path = Path(__file__).resolve().parents[2] / "shared_data" / "golden" / "splits.json"
    path.write_text(json.dumps(golden, indent=0) + "\n")


if __name__ == "__main__":
    main()
