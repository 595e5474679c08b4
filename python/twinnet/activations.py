"""Activations: functions applied to each element between the affine layers, forward and backward.

Convention: the derivative of ReLU at 0 is 0, as in the course's R (``dhidden[hidden <= 0] <- 0``) and in PyTorch.
Twin: r/R/activations.R.
"""

from __future__ import annotations

import numpy as np

from twinnet._types import Array

__all__ = ["relu_backward", "relu_forward"]


def relu_forward(x: Array) -> tuple[Array, dict[str, Array]]:
    """Rectified linear unit, ``max(x, 0)`` (course: lesson A; Nair and Hinton 2010).

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    out : array, the shape of `x`
    cache : dict
        What `relu_backward` needs.
    """
    out = np.maximum(x, 0.0)
    return out, {"out": out}


def relu_backward(d_out: Array, cache: dict[str, Array]) -> Array:
    """Gradient of `relu_forward`: `d_out` where x > 0, otherwise 0.

    The derivative is the sign of the output: 1 where it is above 0, 0 where it is 0.

    Parameters
    ----------
    d_out : array, the shape of x
        Gradient of the loss with respect to the output.
    cache : dict
        From `relu_forward`.

    Returns
    -------
    d_x : array, the shape of x
    """
    return d_out * np.sign(cache["out"])
