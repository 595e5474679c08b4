"""MNIST and Fashion-MNIST: digits and clothes, read from IDX files and kept as bytes until a batch of them is used.

An IDX file is two zero bytes, a type (08: unsigned bytes), the number of dimensions, their sizes as 32-bit words with
the highest byte first, and the values with the last index running fastest (LeCun, Cortes, Burges; the files and their
licences are in shared_data/mnist and shared_data/fashion_mnist_small). Twin: r/R/mnist.R.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from twinnet._types import AnyArray, Array, IntArray
from twinnet.checks import check_argument, refuse_file
from twinnet.datasets import shared_data_folder, shared_data_path
from twinnet.preprocessing import scale_pixels

__all__ = ["FASHION_MNIST_CLASSES", "load_fashion_mnist", "load_mnist", "mnist_batch", "mnist_images", "read_idx"]

# The files of each data set, and the MD5 of what they hold unpacked.
MNIST_CHECKSUMS = {
    "train-images-idx3-ubyte.gz": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte.gz": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte.gz": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte.gz": "27ae3e4e09519cfbb04c329615203637",
}
FASHION_MNIST_CHECKSUMS = {
    "train-images-idx3-ubyte.gz": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte.gz": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte.gz": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte.gz": "15d484375f8d13e6eb1aabb0c3f46965",
}
# Its first 2000 and 500 images, which are in shared_data.
FASHION_MNIST_SMALL_CHECKSUMS = {
    "train-images-idx3-ubyte.gz": "7f9091a9289757d4759f4db021f25698",
    "train-labels-idx1-ubyte.gz": "286ec15c542ee97cbedb47658809cb4d",
    "t10k-images-idx3-ubyte.gz": "4255ad7a7e77f5f027f05fd7644a6d38",
    "t10k-labels-idx1-ubyte.gz": "46aa1f456ad6a5c48b50f4f28b2cc651",
}
FASHION_MNIST_DEBIAN = "/usr/share/datasets/fashion-mnist"
FASHION_MNIST_HOME = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
FASHION_MNIST_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


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
        Where the four files are; if left out, those of MNIST in `shared_data`, and their checksums are checked.

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
    return read_image_set(folder) if folder else read_image_set(shared_data_path("mnist"), MNIST_CHECKSUMS)


def load_fashion_mnist(train: int = 60000, test: int = 10000) -> dict[str, AnyArray]:
    """The Fashion-MNIST images and labels: clothes instead of digits (Xiao, Rasul and Vollgraf 2017).

    Parameters
    ----------
    train, test : int
        How many training and test images are needed, at least. The first 2000 and 500 are read from
        ``shared_data/fashion_mnist_small``; for more, all are read from ``shared_data/fashion_mnist`` or from where
        Debian's package dataset-fashion-mnist has them. Checksums are checked.

    Returns
    -------
    dict
        As `load_mnist`; label i is of class i of `FASHION_MNIST_CLASSES`, from 0.

    Raises
    ------
    FileNotFoundError
        If there are not that many images; says how to get them.
    ValueError
        Names the file that is damaged or is another.
    """
    folder = shared_data_folder() / "fashion_mnist"
    small = (folder.parent / "fashion_mnist_small", FASHION_MNIST_SMALL_CHECKSUMS)
    places = [small] if train <= 2000 and test <= 500 else []
    places += [(folder, FASHION_MNIST_CHECKSUMS), (Path(FASHION_MNIST_DEBIAN), FASHION_MNIST_CHECKSUMS)]
    for place, checksums in places:
        if (place / "train-images-idx3-ubyte.gz").is_file():
            return read_image_set(place, checksums)
    raise FileNotFoundError(
        f"There are no {train} + {test} images of Fashion-MNIST. Get them by `make fashion` in a checkout of twinnet, "
        "or on Debian or Ubuntu by `sudo apt-get install dataset-fashion-mnist`, or put the four files of "
        f"{FASHION_MNIST_HOME} into {folder}. The first 2000 + 500 are in twinnet's shared_data."
    )


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


def read_image_set(folder: str | os.PathLike[str], checksums: dict[str, str] | None = None) -> dict[str, AnyArray]:
    """The images and labels of the four files in a folder."""
    x_train, labels_train = read_part("train", folder, checksums)
    x_test, labels_test = read_part("t10k", folder, checksums)
    return {"x_train": x_train, "labels_train": labels_train, "x_test": x_test, "labels_test": labels_test}


def read_part(
    part: str, folder: str | os.PathLike[str], checksums: dict[str, str] | None
) -> tuple[npt.NDArray[np.uint8], IntArray]:
    """The images and labels of the files of one part, ``train`` or ``t10k``, if they go together."""
    names = [f"{part}-images-idx3-ubyte.gz", f"{part}-labels-idx1-ubyte.gz"]
    paths = [Path(folder) / name for name in names]
    images, labels = (read_idx(path, checksums[path.name] if checksums else None) for path in paths)
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


def check_rows(rows: IntArray, n: int) -> IntArray:
    """Return `rows` if they are rows of `n`."""
    within = bool(np.all((rows >= 0) & (rows < n)))
    check_argument(within, "rows", rows, f"numbers of the {n} images, from 0")
    return rows
