"""The affine (fully connected) layer: ``out = x w + b``.

Shapes: x (n, d_in), w (d_in, d_out), b (d_out,), out (n, d_out). Course: lesson A, "sweep(X %*% W, 2, b, '+')".
Twin: r/R/affine.R.
"""

from __future__ import annotations

from typing import Any

from twinnet._types import Array
from twinnet.kernels import column_sums, matmul, matmul_nt, matmul_tn

__all__ = ["affine_backward", "affine_forward"]


def affine_forward(x: Array, w: Array, b: Array) -> tuple[Array, dict[str, Array]]:
    """Output of an affine layer.

    Parameters
    ----------
    x : array, shape (n, d_in)
        Inputs, one row a sample.
    w : array, shape (d_in, d_out)
        Weights.
    b : array, shape (d_out,)
        Biases.

    Returns
    -------
    out : array, shape (n, d_out)
    cache : dict
        What `affine_backward` needs.
    """
    out = matmul(x, w) + b
    return out, {"x": x, "w": w}


def affine_backward(d_out: Array, cache: dict[str, Array], input_gradient: bool = True) -> tuple[Any, Array, Array]:
    """Gradients of an affine layer.

    Parameters
    ----------
    d_out : array, shape (n, d_out)
        Gradient of the loss with respect to the layer's output.
    cache : dict
        From `affine_forward`.
    input_gradient : bool
        Whether `d_x` is wanted; the first layer's is not, and costs as much as the rest.

    Returns
    -------
    d_x : array, shape (n, d_in), or None
    d_w : array, shape (d_in, d_out)
    d_b : array, shape (d_out,)
    """
    d_x = matmul_nt(d_out, cache["w"]) if input_gradient else None
    d_w = matmul_tn(cache["x"], d_out)
    d_b = column_sums(d_out)
    return d_x, d_w, d_b
