"""From images to the rows of a table, and back.

The columns are in PyTorch's order (``nn.Flatten``), the last index running fastest: channel by channel, row by row. So
a weight of the affine layer that follows means the same in R, in NumPy and in PyTorch. Twin: r/R/flatten.R.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from twinnet._types import Array
from twinnet.checks import check_argument

__all__ = ["flatten_backward", "flatten_forward"]


def flatten_forward(x: Array) -> tuple[Array, dict[str, Any]]:
    """Each sample's numbers as one row.

    Parameters
    ----------
    x : array, shape (n, ...)
        Samples of any shape: images are (n, c, h, w).

    Returns
    -------
    out : array, shape (n, product of the other sizes)
    cache : dict
        What `flatten_backward` needs.

    Raises
    ------
    ValueError
        If `x` is not an array of numbers with at least two dimensions.
    """
    ok = isinstance(x, np.ndarray) and x.dtype.kind in "fiu" and x.ndim >= 2
    check_argument(ok, "x", x, "an array of numbers with at least two dimensions, one sample each along the first")
    columns = np.moveaxis(x, 0, -1).reshape(math.prod(x.shape[1:]), len(x))
    return columns.T, {"shape": x.shape}  # columns first in memory, as `kernels` has its matrices


def flatten_backward(d_out: Array, cache: dict[str, Any]) -> Array:
    """Gradient of `flatten_forward`: the rows in the samples' shape.

    Parameters
    ----------
    d_out : array, shape (n, d)
        Gradient of the loss with respect to the output.
    cache : dict
        From `flatten_forward`.

    Returns
    -------
    d_x : array, the shape of x
    """
    return d_out.reshape(cache["shape"])
