"""The data that both languages read, and how it is split.

Files lie in `shared_data`, one copy for both languages. Twin: r/R/datasets.R.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Protocol

import numpy as np

from twinnet._types import AnyArray, IntArray
from twinnet.checks import check_argument, check_whole
from twinnet.labels import class_levels

__all__ = ["load_iris", "sample_per_class", "shared_data_folder", "shared_data_path"]


class SampleSource(Protocol):
    """What draws the split: any generator with R's ``sample_int``."""

    def sample_int(self, n: int, size: int) -> IntArray:
        """Draw `size` different numbers from 1 to `n`."""


def shared_data_folder() -> Path:
    """The folder of the files that both languages read.

    Returns
    -------
    Path
        The one that the environment variable TWINNET_SHARED_DATA names, or else the package's own, which has not MNIST
        unless the package is installed as a link to a checkout: it is large.
    """
    return Path(os.environ.get("TWINNET_SHARED_DATA") or Path(__file__).parent / "shared_data")


def shared_data_path(name: str) -> Path:
    """Path of a file that both languages read.

    Parameters
    ----------
    name : str
        Path below `shared_data`, such as ``"iris.csv"``.

    Returns
    -------
    Path
        In `shared_data_folder`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    folder = shared_data_folder()
    path = folder / name
    if not path.exists():
        hint = "TWINNET_SHARED_DATA names the folder; that of a checkout of twinnet, shared_data, has all files."
        raise FileNotFoundError(f'There is no "{name}" in the shared data, {folder}. {hint}')
    return path


def load_iris() -> dict[str, AnyArray]:
    """The iris data (Fisher 1936; R's ``iris``): 50 flowers of each of three species.

    Returns
    -------
    dict of arrays, shape (150,)
        ``Sepal.Length``, ``Sepal.Width``, ``Petal.Length``, ``Petal.Width`` in cm, and ``Species``.
    """
    with shared_data_path("iris.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    return {
        name: np.asarray(cells) if name == "Species" else np.asarray(cells, dtype=np.float64)
        for name, cells in columns.items()
    }


def sample_per_class(labels: AnyArray, size: int, generator: SampleSource) -> IntArray:
    """Rows of a random sample with as many of each class, the first class's first.

    Course, lesson A: ``c(sample(1:50, 25), sample(51:100, 25), sample(101:150, 25))``.

    Parameters
    ----------
    labels : array, shape (n,)
        Class labels; classes are taken in ascending order.
    size : int
        Rows of each class.
    generator : generator
        Draws the rows.

    Returns
    -------
    array of int, shape (size * classes,)
        Row numbers, from 0.

    Raises
    ------
    ValueError
        If a class has fewer rows than `size`.
    """
    size = check_whole(size, "size", minimum=1)
    sampled = []
    for level in class_levels(labels, "labels"):
        rows = np.flatnonzero(labels == level)
        check_argument(size <= len(rows), "size", size, f"at most {len(rows)}, the rows of class {level}")
        sampled.append(rows[generator.sample_int(len(rows), size) - 1])
    return np.concatenate(sampled)
