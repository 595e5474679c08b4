"""MNIST: handwritten digits, read from IDX files and kept as bytes until a batch of them is used.

An IDX file is two zero bytes, a type (08: unsigned bytes), the number of dimensions, their sizes as 32-bit words with
the highest byte first, and the values with the last index running fastest (LeCun, Cortes, Burges; the files and their
licence are in shared_data/mnist). Fashion-MNIST's files are of the same form. Twin: r/R/mnist.R.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import zlib
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from twinnet._types import AnyArray, Array, IntArray
from twinnet.checks import check_argument
from twinnet.datasets import shared_data_path
from twinnet.preprocessing import scale_pixels

__all__ = ["load_mnist", "mnist_batch", "mnist_images", "read_idx"]

# The files of MNIST, and the MD5 of what they hold unpacked.
MNIST_CHECKSUMS = {
    "train-images-idx3-ubyte.gz": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte.gz": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte.gz": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte.gz": "27ae3e4e09519cfbb04c329615203637",
}


def read_idx(path: str | os.PathLike[str], checksum: str | None = None) -> npt.NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes.

    Parameters
    ----------
    path : str or path
        The file, as it is or compressed by gzip.
    checksum : str, optional
        The MD5 of the file's unpacked bytes, in hexadecimal digits, if it is to be checked.

    Returns
    -------
    array of uint8
        Of the dimensions that the file's header says.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not an IDX file of unsigned bytes, or is damaged, or is another than the checksum's.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {os.fspath(path)}.")
    with Path(path).open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path, "rb") if packed else Path(path).open("rb") as file:
        magic = read_bytes(file, 4)
        if len(magic) < 4 or magic[:3] != b"\0\0\x08" or magic[3] == 0:
            begins = magic.hex(" ") or "nothing"
            refuse_file(path, f"is not an IDX file of unsigned bytes: it begins with {begins}, not with 00 00 08")
        sizes = read_bytes(file, 4 * magic[3])
        if len(sizes) < 4 * magic[3]:
            refuse_file(path, f"is damaged: it ends before the sizes of its {magic[3]} dimensions")
        shape = np.frombuffer(sizes, ">u4").tolist()
        size = math.prod(shape)
        data = read_bytes(file, size + 1) if size < 2**31 - 1 else b""
    if len(data) != size:
        promised = " x ".join(str(extent) for extent in shape)
        refuse_file(path, f"is damaged: it does not hold the {promised} bytes that its header promises")
    if checksum is not None:
        digest = hashlib.md5(magic + sizes, usedforsecurity=False)
        digest.update(data)
        if digest.hexdigest() != checksum:
            refuse_file(path, f"is not the file expected: its MD5 is {digest.hexdigest()}, not {checksum}")
    return np.frombuffer(data, np.uint8).reshape(shape)


def load_mnist(folder: str | os.PathLike[str] | None = None) -> dict[str, AnyArray]:
    """The MNIST images and labels, or others in files of the same names.

    Parameters
    ----------
    folder : str or path, optional
        Where the four files are, such as Fashion-MNIST's; if left out, those of MNIST in `shared_data`, and their
        checksums are checked.

    Returns
    -------
    dict
        ``x_train`` (60000, 28, 28) and ``x_test`` (10000, 28, 28), pixels from 0 to 255 as uint8, read-only;
        ``labels_train`` and ``labels_test``, whole numbers from 0 to 9.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        Names the file that is damaged, is another, or does not go with the others.
    """
    x_train, labels_train = read_part("train", folder)
    x_test, labels_test = read_part("t10k", folder)
    return {"x_train": x_train, "labels_train": labels_train, "x_test": x_test, "labels_test": labels_test}


def mnist_images(x: npt.NDArray[np.uint8], rows: IntArray) -> Array:
    """Some of the images, as a convolution layer takes them.

    Parameters
    ----------
    x : array of uint8, shape (n, h, w)
        From `load_mnist`.
    rows : array of int, shape (m,)
        Which images, from 0.

    Returns
    -------
    array, shape (m, 1, h, w)
        Pixels in [0, 1].

    Raises
    ------
    ValueError
        If a row is not one of the images.
    """
    return scale_pixels(x[check_rows(rows, len(x))])[:, np.newaxis]


def mnist_batch(x: npt.NDArray[np.uint8], rows: IntArray) -> Array:
    """Some of the images, as an affine layer takes them.

    Parameters
    ----------
    x : array of uint8, shape (n, h, w)
        From `load_mnist`.
    rows : array of int, shape (m,)
        Which images, from 0.

    Returns
    -------
    array, shape (m, h * w)
        Pixels in [0, 1], those of an image's first row first.

    Raises
    ------
    ValueError
        If a row is not one of the images.
    """
    pixels = x[check_rows(rows, len(x))]
    return scale_pixels(pixels.reshape(len(pixels), x.shape[1] * x.shape[2]))


def read_part(part: str, folder: str | os.PathLike[str] | None) -> tuple[npt.NDArray[np.uint8], IntArray]:
    """The images and labels of the files of one part, ``train`` or ``t10k``, if they go together."""
    paths, arrays = [], []
    for name in (f"{part}-images-idx3-ubyte.gz", f"{part}-labels-idx1-ubyte.gz"):
        path = shared_data_path(f"mnist/{name}") if folder is None else Path(folder) / name
        paths.append(path)
        arrays.append(read_idx(path, MNIST_CHECKSUMS[name] if folder is None else None))
    images, labels = arrays
    for path, array, of in ((paths[0], images, 3), (paths[1], labels, 1)):
        if array.ndim != of:
            refuse_file(path, f"holds an array of {array.ndim} dimensions, not of {of}")
    if len(labels) != len(images):
        refuse_file(paths[1], f"holds {len(labels)} labels for {len(images)} images")
    if len(labels) > 0 and labels.max() > 9:
        refuse_file(paths[1], f"holds the label {labels.max()}, and labels are from 0 to 9")
    return images, labels.astype(np.int64)


def read_bytes(file: Any, n: int) -> bytes:
    """The next `n` bytes of a file, or none if it cannot be unpacked that far."""
    try:
        data: bytes = file.read(n)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return b""
    return data


def refuse_file(path: str | os.PathLike[str], what: str) -> NoReturn:
    """Raise an error that names a file and what is wrong with it."""
    raise ValueError(f"{os.fspath(path)} {what}.")


def check_rows(rows: IntArray, n: int) -> IntArray:
    """Return `rows` if they are rows of `n`."""
    within = bool(np.all((rows >= 0) & (rows < n)))
    check_argument(within, "rows", rows, f"numbers of the {n} images, from 0")
    return rows
