"""Softmax regression on small pictures. Its twin softmax_regression.R has a mistake, planted to be found."""

import numpy as np
from twinnet import record, record_phase, record_step

images = record("images", (np.arange(12 * 4 * 3) * 7 % 11 / 10).reshape(12, 4, 3))
labels = np.arange(12) % 3
target = record("target", np.eye(3)[labels])
w = record("w", np.zeros((12, 3)))

for step in range(1, 11):
    record_step(step)
    record_phase("forward")
    x = record("x", images.reshape(12, -1))
    scores = record("scores", x @ w)
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    p = record("p", e / e.sum(axis=1, keepdims=True))
    loss = record("loss", -np.mean(np.log(p[np.arange(12), labels])))
    record_phase("backward")
    d_w = record("d_w", x.T @ (p - target) / 12)
    record_phase("update")
    w = record("w", w - 0.5 * d_w)

print(f"loss {loss:.6f}")
