"""Dropout and noise: what a layer adds to its values at random while it learns, and not when it predicts.

Inverted dropout (course: lessons D and E; Srivastava et al. 2014): a share p of the values is set to 0 and the others
are divided by 1 - p, so that the expected value stays and prediction needs no correction. Lesson D also adds noise to
hidden values. Nothing is drawn here: the mask or the noise is handed in, so that both languages use the same one.
Twin: r/R/dropout.R.
"""

from __future__ import annotations

from twinnet._types import AnyArray, Array
from twinnet.checks import check_number, check_same_shape
from twinnet.dtypes import as_dtype, dtype_of

__all__ = ["dropout_backward", "dropout_forward", "noise_backward", "noise_forward"]


def dropout_forward(x: Array, mask: AnyArray, p: float) -> tuple[Array, dict[str, Array]]:
    """Inverted dropout, ``x * (mask / (1 - p))``, as PyTorch computes it.

    Parameters
    ----------
    x : array, any shape
    mask : array, the shape of `x`
        1 (or true) where the value is kept, 0 (or false) where it is dropped.
    p : float
        Probability with which the mask drops a value, at least 0 and below 1.

    Returns
    -------
    out : array, the shape of `x`
    cache : dict
        What `dropout_backward` needs.

    Raises
    ------
    ValueError
        If `mask` is not of the shape of `x`, or `p` not a number of at least 0 and below 1.
    """
    check_same_shape(mask, "mask", x, "x")
    scale = as_dtype(mask, dtype_of(x)) / (1.0 - check_number(p, "p", minimum=0, below=1))
    return x * scale, {"scale": scale}


def dropout_backward(d_out: Array, cache: dict[str, Array]) -> Array:
    """Gradient of `dropout_forward`, ``d_out * (mask / (1 - p))``.

    Parameters
    ----------
    d_out : array, the shape of x
        Gradient of the loss with respect to the output.
    cache : dict
        From `dropout_forward`.

    Returns
    -------
    d_x : array, the shape of x
    """
    return d_out * cache["scale"]


def noise_forward(x: Array, noise: Array) -> tuple[Array, dict[str, Array]]:
    """Noise injected into a layer, ``x + noise``.

    Parameters
    ----------
    x : array, any shape
    noise : array, the shape of `x`

    Returns
    -------
    out : array, the shape of `x`
    cache : dict
        What `noise_backward` needs: nothing.

    Raises
    ------
    ValueError
        If `noise` is not of the shape of `x`.
    """
    check_same_shape(noise, "noise", x, "x")
    return x + as_dtype(noise, dtype_of(x)), {}


def noise_backward(d_out: Array, cache: dict[str, Array]) -> Array:
    """Gradient of `noise_forward`: `d_out`.

    Parameters
    ----------
    d_out : array, the shape of x
        Gradient of the loss with respect to the output.
    cache : dict
        From `noise_forward`.

    Returns
    -------
    d_x : array, the shape of x
    """
    return d_out
