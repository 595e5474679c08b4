"""The convolution of images with kernels, forward and backward.

``out[i, o, p, q] = b[o] + sum_cuv x[i, c, p sh + u, q sw + v] w[o, c, u, v]``, the kernels not flipped: what machine
learning calls a convolution is a cross-correlation (course: lessons B and C; PyTorch's ``nn.Conv2d``). Shapes: x
(n, c, h, w), w (o, c, kh, kw), b (o,), out (n, o, oh, ow) with ``oh = floor((h + 2 padding - kh) / stride) + 1``.

Each row of the output is an affine layer, whose samples are the patches that the kernels see from the places in that
row (Chellapilla, Puri and Simard 2006). Backward, each row of the images gets its gradient from the rows of the output
that saw it. Row by row, because what one row needs stays in the processor's cache. Twin: r/R/conv2d.R.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from twinnet._types import Array, IntArray
from twinnet.checks import check_argument
from twinnet.kernels import column_sums, matmul, matmul_nt, matmul_tn
from twinnet.threads import shared_out
from twinnet.windows import (
    as_images,
    check_image_batch,
    check_pair,
    check_window_size,
    crop_images,
    in_memory,
    laid_out,
    pad_images,
    seen_across,
    window_counts,
    windows_of_row,
    zero_images,
)

__all__ = ["conv2d_backward", "conv2d_forward"]


def conv2d_forward(
    x: Array, w: Array, b: Array, stride: int | Sequence[int] = 1, padding: int | Sequence[int] = 0
) -> tuple[Array, dict[str, Any]]:
    """Output of a convolution.

    Parameters
    ----------
    x : array, shape (n, c, h, w)
        Images.
    w : array, shape (o, c, kh, kw)
        Kernels, one for each channel of the output.
    b : array, shape (o,)
        Biases.
    stride : int or two
        Step of the kernels, (vertical, horizontal) or one for both, at least 1.
    padding : int or two
        Zeros added on each side, (vertical, horizontal) or one for both, at least 0.

    Returns
    -------
    out : array, shape (n, o, oh, ow)
    cache : dict
        What `conv2d_backward` needs; it holds kw times as many numbers as `x`.

    Raises
    ------
    ValueError
        If an argument has a wrong shape, or the kernels are larger than the padded images.
    """
    stride, padding = check_pair(stride, "stride", 1), check_pair(padding, "padding", 0)
    x = pad_images(check_image_batch(x, "x"), padding)
    check_kernels(w, b, x)
    n, (o, _, kh, kw) = len(x), w.shape
    down, across = window_counts(x.shape[2:], (kh, kw), stride)
    kernels = w.transpose(0, 2, 3, 1).reshape(o, -1)  # (o, kh kw c)
    seen = seen_across(x, kw, stride[1])
    out = np.empty((down, o, across, n), np.result_type(x, w, b))

    def fill_row(row: int) -> None:
        patches = patches_of_row(seen, row, kh, stride[0])
        np.add(matmul_nt(patches, kernels), b, out=out[row].reshape(o, across * n).T)

    shared_out(fill_row, down, out.size)
    cache = {"seen": seen, "w": w, "shape": x.shape, "stride": stride, "padding": padding}
    return as_images(out), cache


def conv2d_backward(d_out: Array, cache: dict[str, Any], input_gradient: bool = True) -> tuple[Any, Array, Array]:
    """Gradients of a convolution.

    Parameters
    ----------
    d_out : array, shape (n, o, oh, ow)
        Gradient of the loss with respect to the layer's output.
    cache : dict
        From `conv2d_forward`.
    input_gradient : bool
        Whether `d_x` is wanted; the first layer's is not, and costs more than the rest.

    Returns
    -------
    d_x : array, shape (n, c, h, w), or None
    d_w : array, shape (o, c, kh, kw)
    d_b : array, shape (o,)
    """
    w, seen, stride = cache["w"], cache["seen"], cache["stride"]
    (o, c, kh, kw), (n, _, down, across) = w.shape, d_out.shape
    d_rows = in_memory(laid_out(d_out)).reshape(down, o, across * n)

    def gradients_of_row(row: int) -> tuple[Array, Array]:
        patches = patches_of_row(seen, row, kh, stride[0])
        return matmul_tn(d_rows[row].T, patches), column_sums(d_rows[row].T)

    d_kernels, d_b = np.zeros((o, kh * kw * c), w.dtype, order="F"), np.zeros(o, w.dtype)
    for d_kernels_of_row, d_b_of_row in shared_out(gradients_of_row, down, d_out.size):
        d_kernels += d_kernels_of_row
        d_b += d_b_of_row
    d_w = np.ascontiguousarray(d_kernels.reshape(o, kh, kw, c).transpose(0, 3, 1, 2))  # in memory as kernels are drawn
    if not input_gradient:
        return None, d_w, d_b
    kernels = np.ascontiguousarray(w.transpose(2, 0, 3, 1))  # (kh, o, kw, c)
    d_x = zero_images(cache["shape"], d_out.dtype)

    def fill_row(row: int) -> None:
        rows, heights = rows_that_saw(row, down, kh, stride[0])
        if len(heights) == 0:
            return
        d_patches = matmul(d_rows[rows].reshape(-1, across * n).T, kernels[heights].reshape(-1, kw * c))
        for window, d_window in zip(
            windows_of_row(d_x, row, kw, stride[1]), d_patches.T.reshape(kw, c, across, n), strict=True
        ):
            np.add(window, d_window, out=window)  # into d_x, of which the window is a view

    shared_out(fill_row, len(seen), d_out.size)
    return crop_images(d_x, cache["padding"]), d_w, d_b


def patches_of_row(seen: Array, row: int, height: int, stride: int) -> Array:
    """What the kernels see from the places in one row of the output: a view (ow n, kh kw c)."""
    _, _, _, across, n = seen.shape
    return seen[row * stride : row * stride + height].reshape(-1, across * n).T


def rows_that_saw(row: int, down: int, height: int, stride: int) -> tuple[slice, IntArray]:
    """Rows of the output whose kernels saw a row of the images, and with which of the kernel's rows each did."""
    first, last = max(0, (row - height) // stride + 1), min(row // stride, down - 1)
    return slice(first, last + 1), row - stride * np.arange(first, last + 1)


def check_kernels(w: Any, b: Any, x: Array) -> None:
    """Raise ``ValueError`` unless the kernels and biases fit the padded images."""
    channels = x.shape[1]
    ok = isinstance(w, np.ndarray) and w.dtype.kind in "fiu" and w.ndim == 4 and w.shape[1] == channels
    check_argument(ok, "w", w, f"an array of kernels (out_channels, {channels}, height, width), as `x` has channels")
    check_window_size(w.shape[2:], x.shape[2:], "w", w, "padded images")
    ok = isinstance(b, np.ndarray) and b.dtype.kind in "fiu" and b.shape == (len(w),)
    check_argument(ok, "b", b, f"a vector with one number for each of the {len(w)} kernels")
