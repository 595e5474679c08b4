"""Pooling: one number for each window of an image, its maximum or its mean, forward and backward.

Max pooling is the course's (lessons B and C), in PyTorch's ways: of equal maxima the first, row by row, gets the
gradient; a NaN is the maximum wherever it is seen, and the last one gets it. A window stands only where all of it lies
in the image. Shapes: x (n, c, h, w), out (n, c, oh, ow) with ``oh = floor((h - size) / stride) + 1``.
Twin: r/R/pooling.R.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from twinnet._types import AnyArray, Array
from twinnet.kernels import row_sums
from twinnet.threads import shared_out
from twinnet.windows import (
    as_images,
    check_image_batch,
    check_pair,
    check_window_size,
    empty_images,
    in_memory,
    laid_out,
    window_counts,
    windows_of_row,
    zero_images,
)

__all__ = [
    "average_pool2d_backward",
    "average_pool2d_forward",
    "global_average_pool2d_backward",
    "global_average_pool2d_forward",
    "max_pool2d_backward",
    "max_pool2d_forward",
]


def max_pool2d_forward(
    x: Array, size: int | Sequence[int], stride: int | Sequence[int] | None = None
) -> tuple[Array, dict[str, Any]]:
    """Largest number in each window.

    Parameters
    ----------
    x : array, shape (n, c, h, w)
        Images.
    size : int or two
        Of the window, (vertical, horizontal) or one for both.
    stride : int or two
        Step of the window; None for its size, so that windows neither overlap nor leave gaps.

    Returns
    -------
    out : array, shape (n, c, oh, ow)
    cache : dict
        What `max_pool2d_backward` needs.

    Raises
    ------
    ValueError
        If `x` is not an array of images, `size` is not that of a window in it, or `stride` is less than 1.
    """
    x = check_image_batch(x, "x")
    size, stride = check_pool(size, stride, x)
    n, c, *extent = x.shape
    down, across = window_counts(extent, size, stride)
    out = np.empty((down, c, across, n), x.dtype)
    winner = np.zeros(out.shape, np.min_scalar_type(size[0] * size[1]))  # positions in the window, in one byte

    def fill_row(row: int) -> None:
        seen = positions_of_row(x, row, size, stride)
        out[row] = seen[0]
        for position in range(1, len(seen)):
            later_wins = (seen[position] > out[row]) * winner.dtype.type(position)
            np.maximum(winner[row], later_wins, out=winner[row])
            np.maximum(out[row], seen[position], out=out[row])
        if np.isnan(out[row]).any():
            for position in range(len(seen)):
                winner[row][np.isnan(seen[position])] = position

    shared_out(fill_row, down, x.size)
    return as_images(out), {"winner": winner, "shape": x.shape, "size": size, "stride": stride}


def max_pool2d_backward(d_out: Array, cache: dict[str, Any]) -> Array:
    """Gradient of max pooling: the gradient of a window's output is that of its maximum.

    Parameters
    ----------
    d_out : array, shape (n, c, oh, ow)
        Gradient of the loss with respect to the output.
    cache : dict
        From `max_pool2d_forward`.

    Returns
    -------
    d_x : array, shape (n, c, h, w)
    """
    size, stride = cache["size"], cache["stride"]
    apart = stride[0] >= size[0] and stride[1] >= size[1]
    covered = stride == size and all(extent % side == 0 for extent, side in zip(cache["shape"][2:], size, strict=True))
    d_x = (empty_images if covered else zero_images)(cache["shape"], d_out.dtype)
    # Seen as integers: the bits times 1 or 0 are the number or 0; a negative number times 0 would be -0.
    integers = f"i{d_out.itemsize}"
    bits = in_memory(laid_out(d_out)).view(integers)

    def fill_row(row: int) -> None:
        for position, window in enumerate(positions_of_row(d_x, row, size, stride)):
            wins = cache["winner"][row] == position
            if apart:
                np.multiply(bits[row], wins, out=window.view(integers))  # into d_x, of which the window is a view
            else:  # windows overlap: a number may be the maximum of several, also of another row
                np.add(window, (bits[row] * wins).view(d_out.dtype), out=window)

    shared_out(fill_row, len(bits), d_x.size if apart else 0)
    return d_x


def average_pool2d_forward(
    x: Array, size: int | Sequence[int], stride: int | Sequence[int] | None = None
) -> tuple[Array, dict[str, Any]]:
    """Mean of each window.

    Parameters
    ----------
    x : array, shape (n, c, h, w)
        Images.
    size : int or two
        Of the window, (vertical, horizontal) or one for both.
    stride : int or two
        Step of the window; None for its size, so that windows neither overlap nor leave gaps.

    Returns
    -------
    out : array, shape (n, c, oh, ow)
    cache : dict
        What `average_pool2d_backward` needs.

    Raises
    ------
    ValueError
        As `max_pool2d_forward`.
    """
    x = check_image_batch(x, "x")
    size, stride = check_pool(size, stride, x)
    n, c, *extent = x.shape
    down, across = window_counts(extent, size, stride)
    out = np.zeros((down, c, across, n), np.result_type(x, np.float32))
    for row in range(down):
        for seen in positions_of_row(x, row, size, stride):
            out[row] += seen
        out[row] /= size[0] * size[1]
    return as_images(out), {"shape": x.shape, "size": size, "stride": stride}


def average_pool2d_backward(d_out: Array, cache: dict[str, Any]) -> Array:
    """Gradient of average pooling: every number in a window gets an equal share.

    Parameters
    ----------
    d_out : array, shape (n, c, oh, ow)
        Gradient of the loss with respect to the output.
    cache : dict
        From `average_pool2d_forward`.

    Returns
    -------
    d_x : array, shape (n, c, h, w)
    """
    size, stride = cache["size"], cache["stride"]
    d_x = zero_images(cache["shape"], d_out.dtype)
    share = in_memory(laid_out(d_out)) / (size[0] * size[1])
    for row in range(len(share)):
        for window in positions_of_row(d_x, row, size, stride):
            np.add(window, share[row], out=window)
    return d_x


def global_average_pool2d_forward(x: Array) -> tuple[Array, dict[str, Any]]:
    """Mean of each channel of each image.

    Parameters
    ----------
    x : array, shape (n, c, h, w)
        Images.

    Returns
    -------
    out : array, shape (n, c, 1, 1)
    cache : dict
        What `global_average_pool2d_backward` needs.

    Raises
    ------
    ValueError
        If `x` is not an array of images.
    """
    n, c, h, w = check_image_batch(x, "x").shape
    columns_first = x.transpose(0, 1, 3, 2)  # the order in which R adds
    out = row_sums(columns_first.reshape(n * c, h * w)) / (h * w)
    return out.reshape(n, c, 1, 1), {"shape": x.shape}


def global_average_pool2d_backward(d_out: Array, cache: dict[str, Any]) -> Array:
    """Gradient of the mean of each channel: every pixel gets an equal share.

    Parameters
    ----------
    d_out : array, shape (n, c, 1, 1)
        Gradient of the loss with respect to the output.
    cache : dict
        From `global_average_pool2d_forward`.

    Returns
    -------
    d_x : array, shape (n, c, h, w)
    """
    n, c, h, w = cache["shape"]
    d_x: Array = np.add(zero_images((n, c, h, w), d_out.dtype), d_out / (h * w))
    return d_x


def positions_of_row(x: AnyArray, row: int, size: Sequence[int], stride: Sequence[int]) -> list[AnyArray]:
    """What the places in one row see: a view (c, ow, n) for each position in the window, row by row."""
    top = row * stride[0]
    return [window for i in range(size[0]) for window in windows_of_row(x, top + i, size[1], stride[1])]


def check_pool(size: Any, stride: Any, x: Array) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return size and stride of a pool as pairs, if they are sound."""
    pair = check_pair(size, "size", 1)
    check_window_size(pair, x.shape[2:], "size", size, "images")
    return pair, pair if stride is None else check_pair(stride, "stride", 1)
