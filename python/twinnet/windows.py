"""Windows that slide over images: what a kernel or a pool sees from each of its places.

A window of size (kh, kw) that moves by a stride of (sh, sw) has oh x ow places in an image of h x w:
``oh = floor((h - kh) / sh) + 1``, and likewise for ow. Images are (n, c, h, w), the same index meaning the same number
in both languages. In memory they are (h, c, w, n): the image's index runs fastest, as it does in R, so that whatever
is done to a pixel is done to a run of n numbers; and what the places in one row of the output see lies together.
NumPy looks through slices of it, R gathers columns. Twin: r/R/windows.R.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from twinnet._types import AnyArray, Array
from twinnet.checks import check_argument
from twinnet.threads import shared_out

__all__ = ["check_image_batch", "check_pair", "check_window_size", "crop_images", "pad_images", "window_counts"]


def check_image_batch(x: Any, name: str) -> Array:
    """Return `x` if it is an array of images.

    Parameters
    ----------
    x : array, shape (n, c, h, w)
    name : str
        The argument's name.

    Returns
    -------
    array, shape (n, c, h, w)
        The same images, in memory (h, c, w, n).

    Raises
    ------
    ValueError
        If `x` is not an array of numbers with four dimensions.
    """
    ok = isinstance(x, np.ndarray) and x.dtype.kind in "fiu" and x.ndim == 4
    check_argument(ok, name, x, "an array of numbers (n, channels, height, width)")
    return laid_out(x)


def check_pair(value: Any, name: str, minimum: int) -> tuple[int, int]:
    """Return `value` as two whole numbers, (vertical, horizontal), if it is one or two of them.

    Parameters
    ----------
    value : int or sequence of two
        One number stands for both directions.
    name : str
        The argument's name.
    minimum : int
        The smallest number that is allowed.

    Returns
    -------
    (int, int)

    Raises
    ------
    ValueError
        If `value` is anything else.
    """
    numbers = value if isinstance(value, (list, tuple, np.ndarray)) and np.ndim(value) == 1 else [value]
    ok = len(numbers) in (1, 2) and all(is_whole(number) and number >= minimum for number in numbers)
    check_argument(ok, name, value, f"one or two whole numbers of at least {minimum}")
    return int(numbers[0]), int(numbers[-1])


def check_window_size(size: Sequence[int], extent: Sequence[int], name: str, value: Any, images: str) -> None:
    """Raise ``ValueError`` unless a window fits into the images.

    Parameters
    ----------
    size : (int, int)
        Height and width of the window.
    extent : (int, int)
        Height and width of the images.
    name : str
        Name of the argument that has the size.
    value : object
        That argument's value.
    images : str
        What the message calls the images.

    Raises
    ------
    ValueError
        If the window is empty or larger than the images.
    """
    fits = 1 <= size[0] <= extent[0] and 1 <= size[1] <= extent[1]
    check_argument(fits, name, value, f"from 1 x 1 to {extent[0]} x {extent[1]}, the size of the {images}")


def window_counts(extent: Sequence[int], size: Sequence[int], stride: Sequence[int]) -> tuple[int, int]:
    """How many places a window has down and across an image.

    Parameters
    ----------
    extent : (int, int)
        Height and width of the image.
    size, stride : (int, int)
        Of the window.

    Returns
    -------
    (int, int)
    """
    down, across = ((extent[axis] - size[axis]) // stride[axis] + 1 for axis in (0, 1))
    return down, across


def pad_images(x: Array, padding: Sequence[int]) -> Array:
    """Images with a margin of zeros.

    Parameters
    ----------
    x : array, shape (n, c, h, w)
    padding : (int, int)
        Rows above and below, columns to the left and to the right.

    Returns
    -------
    array, shape (n, c, h + 2 padding[0], w + 2 padding[1])
    """
    if padding[0] == 0 and padding[1] == 0:
        return x
    n, c, h, w = x.shape
    padded = zero_images((n, c, h + 2 * padding[0], w + 2 * padding[1]), x.dtype)
    crop_images(padded, padding)[:] = x
    return padded


def crop_images(x: Array, padding: Sequence[int]) -> Array:
    """Images without the margin that `pad_images` gave them.

    Parameters
    ----------
    x : array, shape (n, c, h + 2 padding[0], w + 2 padding[1])
    padding : (int, int)

    Returns
    -------
    array, shape (n, c, h, w)
    """
    down, across = padding
    return x[:, :, down : x.shape[2] - down, across : x.shape[3] - across]


def windows_of_row(x: AnyArray, row: int, width: int, stride: int) -> list[AnyArray]:
    """What places across one row of the images see: a view (c, ow, n) of `x` for each column of the window."""
    places = (x.shape[3] - width) // stride + 1
    return [in_memory(x)[row, :, j : j + stride * (places - 1) + 1 : stride] for j in range(width)]


def seen_across(x: AnyArray, width: int, stride: int) -> AnyArray:
    """What places across the rows of the images see: an array (h, width, c, ow, n).

    What a window of height kh sees from a place is in kh neighbouring rows of it: nothing is copied twice for them.
    """
    n, c, h, w = x.shape
    seen = np.empty((h, width, c, (w - width) // stride + 1, n), x.dtype)

    def fill_row(row: int) -> None:
        for j, window in enumerate(windows_of_row(x, row, width, stride)):
            seen[row, j] = window

    shared_out(fill_row, h, seen.size)
    return seen


def laid_out(x: AnyArray) -> AnyArray:
    """The same images, in memory (h, c, w, n); a copy only if they are not yet."""
    return as_images(np.ascontiguousarray(in_memory(x)))


def zero_images(shape: Sequence[int], dtype: Any) -> AnyArray:
    """Images of zeros."""
    n, c, h, w = shape
    return as_images(np.zeros((h, c, w, n), dtype))


def empty_images(shape: Sequence[int], dtype: Any) -> AnyArray:
    """Images yet to be filled."""
    n, c, h, w = shape
    return as_images(np.empty((h, c, w, n), dtype))


def in_memory(x: AnyArray) -> AnyArray:
    """A view (h, c, w, n) of images (n, c, h, w)."""
    return x.transpose(2, 1, 3, 0)


def as_images(memory: AnyArray) -> AnyArray:
    """A view (n, c, h, w) of memory (h, c, w, n)."""
    return memory.transpose(3, 1, 0, 2)


def is_whole(value: Any) -> bool:
    """Whether `value` is one finite whole number."""
    is_number = isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
    return is_number and math.isfinite(value) and value == math.floor(value)
