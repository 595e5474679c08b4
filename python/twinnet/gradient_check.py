"""Numerical gradients: the check beside every backward pass.

Central differences, ``(f(p + h) - f(p - h)) / 2h``, over every element of every parameter (course: lesson D). With
h = 1e-5 the error is about 1e-10 where f is smooth. Twin: r/R/gradient_check.R.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from twinnet._types import Array, Params
from twinnet.checks import check_number
from twinnet.train import loss_and_gradients

__all__ = ["gradient_check", "numerical_gradient"]


def numerical_gradient(f: Callable[[Array], float], x: Array, h: float = 1e-5) -> Array:
    """Gradient of a function of an array, by central differences.

    Parameters
    ----------
    f : callable
        From an array of the shape of `x` to a number.
    x : array, any shape
    h : float
        Step, above 0.

    Returns
    -------
    array, the shape of `x`
    """
    check_number(h, "h", above=0)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] = x[index] + h
        down[index] = x[index] - h
        gradient[index] = (f(up) - f(down)) / (2 * h)
    return gradient


def gradient_check(
    experiment: dict[str, Any], params: Params, x: Array, target: Array, h: float = 1e-5
) -> dict[str, float]:
    """Largest difference between backpropagation and central differences, for each parameter of a model.

    Parameters
    ----------
    experiment : dict
        Its ``model``, ``loss``, ``reg`` and ``arithmetic`` are used.
    params : dict of arrays
    x : array, shape (n, d_in)
        Inputs, one row a sample.
    target : array, shape (n, k)
        One-hot rows.
    h : float
        Step, above 0.

    Returns
    -------
    dict of float
        The keys of `params`: the largest absolute difference over the elements of each.
    """
    _, grads = loss_and_gradients(experiment, params, x, target)
    differences = {}
    for key in params:

        def loss_at(value: Array, key: str = key) -> float:
            return loss_and_gradients(experiment, {**params, key: value}, x, target)[0]

        numerical = numerical_gradient(loss_at, params[key], h)
        differences[key] = float(np.abs(grads[key] - numerical).max())
    return differences
