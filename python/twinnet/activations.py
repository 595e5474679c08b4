"""Activations: functions applied to each element between the affine layers, forward and backward.

Course: step, sigmoid, ReLU and identity from lesson D (ReLU also A and B, sigmoid also A's regression); tanh and
leaky ReLU are what a reader tries next. Conventions: the derivative of ReLU at 0 is 0, as in the course's R
(``dhidden[hidden <= 0] <- 0``) and in PyTorch; that of leaky ReLU at 0 is the slope, as in PyTorch; step(0) is 0, and
the derivative of step is 0 everywhere, so nothing is learned through it. Twin: r/R/activations.R.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from twinnet._types import Array
from twinnet.checks import check_number
from twinnet.kernels import array_exp, array_tanh
from twinnet.threads import elementwise

__all__ = [
    "identity_backward",
    "identity_forward",
    "leaky_relu_backward",
    "leaky_relu_forward",
    "relu_backward",
    "relu_forward",
    "sigmoid_backward",
    "sigmoid_forward",
    "step_backward",
    "step_forward",
    "tanh_backward",
    "tanh_forward",
]


def step_forward(x: Array) -> tuple[Array, dict[str, Array]]:
    """Step function, 1 where x > 0, otherwise 0 (course: lesson D; McCulloch and Pitts 1943).

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    out : array, the shape of `x`
    cache : dict
        What `step_backward` needs: nothing.
    """
    out = np.maximum(np.sign(x), 0.0)
    return out, {}


def step_backward(d_out: Array, cache: dict[str, Array]) -> Array:
    """Gradient of `step_forward`: 0 everywhere.

    Parameters
    ----------
    d_out : array, the shape of x
        Gradient of the loss with respect to the output.
    cache : dict
        From `step_forward`.

    Returns
    -------
    d_x : array, the shape of x
    """
    return np.zeros_like(d_out)


def sigmoid_forward(x: Array) -> tuple[Array, dict[str, Array]]:
    """Logistic sigmoid, ``1 / (1 + exp(-x))`` (course: lessons A and D).

    It is sound for any x: where exp(-x) is beyond all numbers (x < -709) the result is 0, which is off by less than
    1e-307; where it vanishes (x > 37), 1.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    out : array, the shape of `x`
    cache : dict
        What `sigmoid_backward` needs.
    """
    with np.errstate(over="ignore"):  # R's exp says nothing of it either
        out = 1.0 / (1.0 + array_exp(-x))
    return out, {"out": out}


def sigmoid_backward(d_out: Array, cache: dict[str, Array]) -> Array:
    """Gradient of `sigmoid_forward`, ``d_out * out * (1 - out)``.

    Parameters
    ----------
    d_out : array, the shape of x
        Gradient of the loss with respect to the output.
    cache : dict
        From `sigmoid_forward`.

    Returns
    -------
    d_x : array, the shape of x
    """
    out = cache["out"]
    return d_out * (out * (1.0 - out))


def tanh_forward(x: Array) -> tuple[Array, dict[str, Array]]:
    """Hyperbolic tangent.

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    out : array, the shape of `x`
    cache : dict
        What `tanh_backward` needs.
    """
    out = array_tanh(x)
    return out, {"out": out}


def tanh_backward(d_out: Array, cache: dict[str, Array]) -> Array:
    """Gradient of `tanh_forward`, ``d_out * (1 - out^2)``.

    Parameters
    ----------
    d_out : array, the shape of x
        Gradient of the loss with respect to the output.
    cache : dict
        From `tanh_forward`.

    Returns
    -------
    d_x : array, the shape of x
    """
    out = cache["out"]
    return d_out * (1.0 - out * out)


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
    out = elementwise(np.maximum, x, 0.0)
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
    return elementwise(times_sign, d_out, cache["out"])


def times_sign(a: Array, b: Array, out: Array | None = None) -> Array:
    """``a * np.sign(b)``, in the memory of `out` if that is given."""
    return np.multiply(a, np.sign(b, out=out), out=out)


def leaky_relu_forward(x: Array, negative_slope: float = 0.01) -> tuple[Array, dict[str, Any]]:
    """Leaky rectified linear unit, ``max(x, negative_slope * x)`` (Maas, Hannun and Ng 2013).

    Parameters
    ----------
    x : array, any shape
    negative_slope : float
        Slope where x < 0, from 0 (ReLU) to 1 (identity).

    Returns
    -------
    out : array, the shape of `x`
    cache : dict
        What `leaky_relu_backward` needs.

    Raises
    ------
    ValueError
        If `negative_slope` is not a number from 0 to 1.
    """
    slope = check_number(negative_slope, "negative_slope", minimum=0, maximum=1)
    out = np.maximum(x, slope * x)
    return out, {"out": out, "negative_slope": slope}


def leaky_relu_backward(d_out: Array, cache: dict[str, Any]) -> Array:
    """Gradient of `leaky_relu_forward`: `d_out` where x > 0, otherwise ``negative_slope * d_out``.

    The derivative is the sign of the output, but not less than the slope.

    Parameters
    ----------
    d_out : array, the shape of x
        Gradient of the loss with respect to the output.
    cache : dict
        From `leaky_relu_forward`.

    Returns
    -------
    d_x : array, the shape of x
    """
    derivative: Array = np.maximum(np.sign(cache["out"]), cache["negative_slope"])
    return d_out * derivative


def identity_forward(x: Array) -> tuple[Array, dict[str, Array]]:
    """Identity, the output activation of a regression (course: lessons A and D).

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    out : array, the shape of `x`
    cache : dict
        What `identity_backward` needs: nothing.
    """
    return x, {}


def identity_backward(d_out: Array, cache: dict[str, Array]) -> Array:
    """Gradient of `identity_forward`: `d_out`.

    Parameters
    ----------
    d_out : array, the shape of x
        Gradient of the loss with respect to the output.
    cache : dict
        From `identity_forward`.

    Returns
    -------
    d_x : array, the shape of x
    """
    return d_out
