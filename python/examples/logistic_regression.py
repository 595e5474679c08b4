"""Logistic regression on two species of iris, by gradient descent. Its twin is logistic_regression.R."""

import numpy as np
from twinnet import record, record_step
from twinnet.datasets import load_iris

iris = load_iris()
columns = ["Sepal.Length", "Sepal.Width", "Petal.Length", "Petal.Width"]
x = record("x", np.column_stack([iris[column][50:] for column in columns]))
y = record("y", (iris["Species"][50:] == "virginica") * 1.0)
w, b = np.zeros(4), 0.0

for step in range(1, 21):
    record_step(step)
    p = record("p", 1 / (1 + np.exp(-(x @ w + b))))
    loss = record("loss", -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
    d_w = record("d_w", x.T @ (p - y) / len(y))
    d_b = record("d_b", np.mean(p - y))
    w, b = w - 0.1 * d_w, b - 0.1 * d_b

print(f"loss {loss:.6f}, accuracy {np.mean((p > 0.5) == y):.2f}")
