"""From images to the rows of a table (flatten), and from rows to images (unflatten).

The columns are in PyTorch's order (``nn.Flatten``, ``nn.Unflatten``), the last index running fastest: channel by
channel, row by row. So a weight of the affine layer that follows means the same in R, in NumPy and in PyTorch.
Twin: r/R/flatten.R.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from twinnet._types import Array
from twinnet.checks import check_argument

__all__ = ["flatten_backward", "flatten_forward", "unflatten_backward", "unflatten_forward"]


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


def unflatten_forward(x: Array, shape: Sequence[int]) -> tuple[Array, dict[str, Any]]:
    """Each row's numbers as a sample of some shape.

    Parameters
    ----------
    x : array, shape (n, product of the sizes)
        Samples, one row each.
    shape : sequence of int
        Sizes of a sample: of an image channels, height, width.

    Returns
    -------
    out : array, shape (n, *shape)
    cache : dict
        What `unflatten_backward` needs.

    Raises
    ------
    ValueError
        If `x` is not a table of as many columns.
    """
    columns = math.prod(shape)
    ok = isinstance(x, np.ndarray) and x.dtype.kind in "fiu" and x.ndim == 2 and x.shape[1] == columns
    sizes = " x ".join(str(size) for size in shape)
    check_argument(ok, "x", x, f"an array of numbers (n, {columns}): a row holds the {sizes} numbers of a sample")
    return x.reshape(len(x), *shape), {}


def unflatten_backward(d_out: Array, cache: dict[str, Any]) -> Array:
    """Gradient of `unflatten_forward`: the samples as rows.

    Parameters
    ----------
    d_out : array, shape (n, ...)
        Gradient of the loss with respect to the output.
    cache : dict
        From `unflatten_forward`.

    Returns
    -------
    d_x : array, shape (n, product of the other sizes)
    """
    return flatten_forward(d_out)[0]
