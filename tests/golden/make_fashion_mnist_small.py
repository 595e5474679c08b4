"""Write shared_data/fashion_mnist_small: the first 2000 training and 500 test images of Fashion-MNIST and their labels.

The full files come from where `twinnet.mnist.load_fashion_mnist` finds them; their checksums are checked.
"""

from __future__ import annotations

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
from twinnet.mnist import load_fashion_mnist

FOLDER = Path(__file__).resolve().parents[2] / "shared_data" / "fashion_mnist_small"


def main() -> None:
    """Write the files, and print the MD5 of what they hold unpacked."""
    data = load_fashion_mnist()
    FOLDER.mkdir(exist_ok=True)
    for name, key, size in (
        ("train-images-idx3", "x_train", 2000),
        ("train-labels-idx1", "labels_train", 2000),
        ("t10k-images-idx3", "x_test", 500),
        ("t10k-labels-idx1", "labels_test", 500),
    ):
        array = data[key][:size].astype(np.uint8)
        header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
        unpacked = header + array.tobytes()
        path = FOLDER / f"{name}-ubyte.gz"
        path.write_bytes(gzip.compress(unpacked, mtime=0))
        print(path.name, len(unpacked), hashlib.md5(unpacked).hexdigest())


if __name__ == "__main__":
    main()
