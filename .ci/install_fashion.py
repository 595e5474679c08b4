"""Installs all of Fashion-MNIST: Debian's package where there is apt, or else a download from its home, checked.

The first argument, if there is one, is another address to download the four files from.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from rich.progress import wrap_file
from twinnet.datasets import shared_data_folder
from twinnet.mnist import FASHION_MNIST_CHECKSUMS, FASHION_MNIST_HOME, load_fashion_mnist, read_idx


def main(home: str | None = None) -> int:
    """Install what is not there; return the exit status."""
    if is_there():
        print("Fashion-MNIST is there.")
        return 0
    if home is None and shutil.which("apt-get"):
        subprocess.run([Path(__file__).with_name("install-system"), "dataset-fashion-mnist"], check=False)
        if is_there():
            print("Fashion-MNIST is installed.")
            return 0
        print("Debian's package could not be installed: downloading.")
    folder = shared_data_folder() / "fashion_mnist"
    try:
        for name, checksum in FASHION_MNIST_CHECKSUMS.items():
            download((home or FASHION_MNIST_HOME).rstrip("/") + "/" + name, folder / name, checksum)
    except (ValueError, OSError) as error:
        print(f"Fashion-MNIST could not be downloaded: {error}", file=sys.stderr)
        return 1
    print(f"Fashion-MNIST is in {folder}.")
    return 0


def is_there() -> bool:
    """Whether all images are where they are looked for, and sound."""
    try:
        load_fashion_mnist()
    except FileNotFoundError:
        return False
    except ValueError as damaged:
        print(damaged)
        return False
    return True


def download(address: str, path: Path, checksum: str) -> None:
    """Download a file beside its place, and move it there if it is the one expected."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    try:
        with urllib.request.urlopen(address, timeout=60) as answer, partial.open("wb") as file:
            size = int(answer.headers.get("Content-Length") or 0)
            with wrap_file(answer, size, description=path.name) as source:
                shutil.copyfileobj(source, file)
        read_idx(partial, checksum)
        os.replace(partial, path)
    except urllib.error.URLError as error:
        raise OSError(f"{address}: {error.reason}") from error
    except ValueError as other:
        raise ValueError(f"{address}: {other}") from other
    finally:
        partial.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
