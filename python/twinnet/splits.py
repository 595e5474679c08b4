"""How scikit-learn splits rows into train and test, as row numbers: ``train_test_split``, ``shuffle``, ``KFold``.

Source: scikit-learn 1.9.1, sklearn/model_selection/_split.py and sklearn/utils/_indexing.py. scikit-learn itself
draws here. Rows are numbered from 0 here and from 1 in the twin, r/R/splits.R, which makes the same draws in base R.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from twinnet._types import IntArray
from twinnet.checks import check_argument, check_flag, check_whole
from twinnet.generator_numpy_legacy import NumpyRandomState, is_real, numpy_legacy_seed

__all__ = ["kfold_indices", "shuffle_indices", "train_test_split_indices"]

RandomState: TypeAlias = int | Sequence[int] | NumpyRandomState


def train_test_split_indices(
    n: int,
    test_size: float | None = None,
    train_size: float | None = None,
    random_state: RandomState | None = None,
    shuffle: bool = True,
    stratify: ArrayLike | None = None,
) -> tuple[IntArray, IntArray]:
    """Return rows for training and for testing, as ``sklearn.model_selection.train_test_split`` chooses them.

    Parameters
    ----------
    n : int
        How many rows there are.
    test_size, train_size : float or int, optional
        Fractions of the rows, between 0 and 1, or how many, from 1 to `n` - 1. Without `train_size`, what is not for
        testing is for training, and vice versa; without either, a quarter is for testing.
    random_state : int, sequence of int or NumpyRandomState
        A seed, or a generator, from which then the draws are taken. Not needed without `shuffle`.
    shuffle : bool
        Whether the rows are shuffled. If not, the first ones are for training.
    stratify : array_like, shape (n,), optional
        The rows' classes, to be as frequent in both parts as in all rows.

    Returns
    -------
    train, test : ndarray of int64
        Row numbers, counted from 0.

    Raises
    ------
    ValueError
        If an argument is not what it must be: where scikit-learn raises an error, and if there is no `random_state`,
        since scikit-learn would draw from NumPy's global generator then.
    """
    from sklearn.model_selection import train_test_split

    n = check_whole(n, "n", 0)
    sizes = split_sizes(n, test_size, train_size)
    check_flag(shuffle, "shuffle")
    check_argument(shuffle or stratify is None, "stratify", stratify, "nothing without `shuffle`")
    if stratify is not None:
        check_classes(stratify, n, sizes)
    train, test = train_test_split(
        np.arange(n),
        test_size=sizes["test"],
        train_size=sizes["train"],
        random_state=random_state_generator(random_state) if shuffle else None,
        shuffle=shuffle,
        stratify=stratify,
    )
    return train, test


def shuffle_indices(n: int, random_state: RandomState) -> IntArray:
    """Return rows in random order, as ``sklearn.utils.shuffle`` puts them.

    Parameters
    ----------
    n : int
        How many rows there are.
    random_state : int, sequence of int or NumpyRandomState
        A seed, or a generator, from which then the draws are taken.

    Returns
    -------
    ndarray of int64, shape (n,)
        Row numbers, counted from 0.
    """
    from sklearn.utils import shuffle

    rows: IntArray = shuffle(np.arange(check_whole(n, "n", 0)), random_state=random_state_generator(random_state))
    return rows


def kfold_indices(
    n: int, n_splits: int = 5, shuffle: bool = False, random_state: RandomState | None = None
) -> list[tuple[IntArray, IntArray]]:
    """Return rows for training and for testing in each fold, as ``sklearn.model_selection.KFold`` chooses them.

    Parameters
    ----------
    n : int
        How many rows there are.
    n_splits : int
        How many folds, from 2 to `n`.
    shuffle : bool
        Whether the rows are shuffled before they are divided.
    random_state : int, sequence of int or NumpyRandomState
        A seed or generator, with `shuffle` only.

    Returns
    -------
    list of (train, test)
        For each fold row numbers, counted from 0 and ascending.
    """
    from sklearn.model_selection import KFold

    n = check_whole(n, "n", 0)
    n_splits = check_whole(n_splits, "n_splits", 2)
    check_argument(n_splits <= n, "n_splits", n_splits, f"at most `n`, {n}")
    check_flag(shuffle, "shuffle")
    check_argument(shuffle or random_state is None, "random_state", random_state, "nothing without `shuffle`")
    generator = random_state_generator(random_state) if shuffle else None
    return list(KFold(n_splits, shuffle=shuffle, random_state=generator).split(np.arange(n)))


def random_state_generator(random_state: Any) -> np.random.RandomState:
    """Return NumPy's generator that a seed stands for, or that draws for one of ours."""
    check_argument(random_state is not None, "random_state", random_state, "a seed or a NumpyRandomState")
    if isinstance(random_state, NumpyRandomState):
        return random_state._original
    return np.random.RandomState(numpy_legacy_seed(random_state))


def split_sizes(n: int, test_size: float | None, train_size: float | None) -> dict[str, int]:
    """Return how many rows are for training and how many for testing."""
    if train_size is None:
        test = split_size(n, 0.25 if test_size is None else test_size, "test_size", math.ceil)
        train = n - test
    elif test_size is None:
        train = split_size(n, train_size, "train_size", math.floor)
        test = n - train
    else:
        test = split_size(n, test_size, "test_size", math.ceil)
        train = split_size(n, train_size, "train_size", math.floor)
        fractions = test_size < 1 and train_size < 1
        fits = train + test <= n and not (fractions and train_size + test_size > 1)
        check_argument(fits, "train_size", train_size, "no more than what `test_size` leaves")
    check_argument(train > 0 and test > 0, "n", n, "so many that both parts have rows")
    return {"train": train, "test": test}


def split_size(n: int, size: float, name: str, rounded: Callable[[float], int]) -> int:
    """Return a size as a number of rows; a fraction of the rows is rounded."""
    must_be = f"between 0 and 1, or a whole number from 1 to {n - 1}"
    is_number = is_real(size) and math.isfinite(size)
    check_argument(is_number and size > 0 and (size < 1 or (size == int(size) and size < n)), name, size, must_be)
    return rounded(size * n) if size < 1 else int(size)


def check_classes(stratify: ArrayLike, n: int, sizes: dict[str, int]) -> None:
    """Check the rows' classes: at least two rows in each, and not more classes than rows in either part."""
    labels = np.asarray(stratify)
    check_argument(labels.shape == (n,), "stratify", stratify, f"a vector of `n`, {n}, classes")
    classes, counts = np.unique(labels, return_counts=True)
    check_argument(bool(np.all(counts >= 2)), "stratify", stratify, "classes of at least 2 rows each")
    for part, size in sizes.items():
        must_be = f"at most as many classes as rows for {part}ing, {size}"
        check_argument(classes.size <= size, "stratify", stratify, must_be)
