"""Heat maps as PNG: a matrix of numbers, one pixel an element, or an element of a block where there are too many."""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import dataclass

import numpy as np

from twinnet._types import AnyArray, Array

__all__ = ["DIVERGING", "SEQUENTIAL", "View", "png_uri", "view_of"]

LARGEST = 128
NOT_A_NUMBER = (128, 128, 128)
# viridis and RdBu at nine places (matplotlib, ColorBrewer)
SEQUENTIAL = np.array(
    [(68, 1, 84), (71, 44, 122), (59, 81, 139), (44, 113, 142), (33, 144, 141), (39, 173, 129), (92, 200, 99),
     (170, 220, 50), (253, 231, 37)]
)  # fmt: skip
DIVERGING = np.array(
    [(33, 102, 172), (67, 147, 195), (146, 197, 222), (209, 229, 240), (247, 247, 247), (253, 219, 199),
     (244, 165, 130), (214, 96, 77), (178, 24, 43)]
)  # fmt: skip


@dataclass(frozen=True)
class View:
    """The part of two tensors that heat maps show: matrices of one shape.

    Attributes
    ----------
    a, b : arrays, shape (rows, columns)
    caption : str
        Which elements they are.
    mark : (int, int)
        Row and column of the first element that differs.
    """

    a: Array
    b: Array
    caption: str
    mark: tuple[int, int]


def view_of(a: AnyArray, b: AnyArray, first: tuple[int, ...]) -> View:
    """The matrix of two tensors in which they differ first.

    Parameters
    ----------
    a, b : arrays of one shape
    first : tuple of int
        The first element that differs.

    Returns
    -------
    View
        The last two axes at the first difference's place in the others; a vector as one row. Of a large matrix each
        block is shown by the element in which the two differ most, so that one of a million is still seen.
    """
    place = first[:-2]
    caption = f"[{', '.join([*(str(index) for index in place), ':', ':'])}]" if place else "all elements"
    matrices = [np.atleast_2d(np.asarray(x[place], dtype=np.float64)) for x in (a, b)]
    row, column = (0, *first)[-2:]
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(matrices[0] - matrices[1])
    apart = np.where(
        np.isnan(matrices[0]) != np.isnan(matrices[1]), np.inf, np.nan_to_num(apart, nan=0.0, posinf=np.inf)
    )
    apart[row, column] = np.inf
    blocks = [-(-length // LARGEST) for length in apart.shape]
    if max(blocks) > 1:
        caption += f"; a pixel is the most different of {blocks[0]} x {blocks[1]} elements"
    picked = most_different(apart, blocks)
    return View(matrices[0][picked], matrices[1][picked], caption, (row // blocks[0], column // blocks[1]))


def most_different(apart: Array, blocks: list[int]) -> tuple[AnyArray, AnyArray]:
    """Rows and columns of the largest element of each block of a matrix."""
    rows, columns = (range(0, length, block) for length, block in zip(apart.shape, blocks, strict=True))
    shape = (len(rows), len(columns))
    padded = np.full((shape[0] * blocks[0], shape[1] * blocks[1]), -1.0)
    padded[: apart.shape[0], : apart.shape[1]] = apart
    by_block = padded.reshape(shape[0], blocks[0], shape[1], blocks[1]).swapaxes(1, 2).reshape(*shape, -1)
    place = by_block.argmax(axis=2)
    return (
        np.arange(shape[0])[:, None] * blocks[0] + place // blocks[1],
        np.arange(shape[1])[None, :] * blocks[1] + place % blocks[1],
    )


def png_uri(values: Array, low: float, high: float, palette: AnyArray) -> str:
    """A matrix as a PNG in a data URI.

    Parameters
    ----------
    values : array, shape (rows, columns)
    low, high : float
        The numbers that have the palette's first and last colour; infinite ones have these too, NaN is grey.
    palette : array, shape (k, 3)

    Returns
    -------
    str
    """
    with np.errstate(invalid="ignore", over="ignore"):
        place = np.clip((values - low) / (high - low if high > low else 1.0), 0, 1)
    known = ~np.isnan(values)
    place = np.where(known, np.nan_to_num(place), 0) * (len(palette) - 1)
    channels = [np.interp(place, np.arange(len(palette)), palette[:, channel]) for channel in range(3)]
    pixels = np.where(known[..., None], np.stack(channels, axis=-1), NOT_A_NUMBER).round().astype(np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(data).decode("ascii")


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
