"""Lesson A's code in NumPy, line by line: the twin of lesson_a.R.

What R's own functions round otherwise than NumPy's comes from the kernels, under ``arithmetic("r")``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from twinnet.datasets import load_iris, sample_per_class
from twinnet.generator_r import RGenerator
from twinnet.kernels import (
    arithmetic,
    array_exp,
    array_log,
    array_sum,
    column_sums,
    matmul,
    row_maxima,
    row_sums,
)

LETTERS = ("losses", "W1", "b1", "W2", "b2")


def train_dnn(x: Any, y: Any, hidden: int, maxit: int, lr: float, reg: float, random_seed: int) -> dict[str, Any]:
    """What lesson_a.R's train.dnn returns."""
    generator = RGenerator(random_seed)
    n, d = x.shape
    k = len(np.unique(y))
    rows = np.arange(n)
    w1 = 0.01 * generator.rnorm(d * hidden).reshape(d, hidden, order="F")
    b1 = np.zeros(hidden)
    w2 = 0.01 * generator.rnorm(hidden * k).reshape(hidden, k, order="F")
    b2 = np.zeros(k)
    losses = []
    for _ in range(maxit):
        hidden_layer = matmul(x, w1) + b1
        hidden_layer = np.maximum(hidden_layer, 0.0)
        score = matmul(hidden_layer, w2) + b2
        score = score - row_maxima(score)
        score_exp = array_exp(score)
        probs = score_exp / row_sums(score_exp)
        data_loss = array_sum(-array_log(probs[rows, y])) / n
        losses.append(data_loss + 0.5 * reg * (array_sum(w1**2) + array_sum(w2**2)))
        dscores = probs.copy()
        dscores[rows, y] -= 1.0
        dscores = dscores / n
        dw2 = matmul(hidden_layer.T, dscores) + reg * w2
        db2 = column_sums(dscores)
        dhidden = matmul(dscores, w2.T)
        dhidden[hidden_layer <= 0] = 0.0
        dw1 = matmul(x.T, dhidden) + reg * w1
        db1 = column_sums(dhidden)
        w1 = w1 - lr * dw1
        b1 = b1 - lr * db1
        w2 = w2 - lr * dw2
        b2 = b2 - lr * db2
    return dict(zip(LETTERS, (np.array(losses), w1, b1, w2, b2), strict=True))


def lesson_a(seed: int, maxit: int, setting: str = "r") -> dict[str, Any]:
    """The lesson's run: 25 of each species, drawn from seed 1, and weights drawn from `seed`."""
    table = load_iris()
    rows = sample_per_class(table["Species"], 25, RGenerator(1))
    x = np.column_stack([table[name][rows] for name in list(table)[:4]])
    y = np.unique(table["Species"], return_inverse=True)[1][rows]
    with arithmetic(setting):
        return train_dnn(x, y, 6, maxit, 1e-2, 1e-3, seed)


def unpacked(flat: Any, maxit: int) -> dict[str, Any]:
    """The numbers that lesson_a.R writes, as `lesson_a` returns them."""
    shapes = [(maxit,), (4, 6), (6,), (6, 3), (3,)]
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    pieces = np.split(flat, ends[:-1])
    return {key: piece.reshape(shape, order="F") for key, piece, shape in zip(LETTERS, pieces, shapes, strict=True)}
