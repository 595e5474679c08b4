"""The splits in both languages against the installed scikit-learn's own, row by row."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from bit_patterns import InR, assert_same_bits, for_r
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris
from sklearn.model_selection import KFold, train_test_split
from sklearn.utils import shuffle
from twinnet.datasets import shared_data_path
from twinnet.generator_numpy_legacy import NumpyRandomState
from twinnet.parity.bridge import RError
from twinnet.splits import kfold_indices, shuffle_indices, train_test_split_indices

STEM = "splits"
SEEDS = [0, 1, 2, 3, 7, 42, 99, 123, 1234, 2024, 65535, 2**31 - 1, 2**31, 2**32 - 1, *range(100, 104), [1, 2, 3], [5]]


def split_in_r(r: Any, n: int, **arguments: Any) -> tuple[np.ndarray, np.ndarray]:
    """R's rows, from 0."""
    rows = r.call("train_test_split_indices", float(n), **{key: for_r(value) for key, value in arguments.items()})
    return rows["train"] - 1, rows["test"] - 1


def as_scikit_learn_takes_it(arguments: dict[str, Any]) -> dict[str, Any]:
    """The same arguments for scikit-learn, whose seeds are numbers only, or generators."""
    return {**arguments, "random_state": np.random.RandomState(arguments["random_state"])}


def assert_same_split(r: Any, n: int, **arguments: Any) -> None:
    """Compare train_test_split_indices in both languages with scikit-learn's train_test_split."""
    train, test = train_test_split(np.arange(n), **as_scikit_learn_takes_it(arguments))
    in_r = split_in_r(r, n, **arguments)
    in_python = train_test_split_indices(n, **arguments)
    for ours, language in [(in_r, "R"), (in_python, "Python")]:
        assert_same_bits(ours[0], train, f"train, {n}, {arguments}, {language}")
        assert_same_bits(ours[1], test, f"test, {n}, {arguments}, {language}")


@pytest.mark.parametrize("seed", SEEDS, ids=str)
def test_plain_splits_are_scikit_learns(r: Any, seed: Any) -> None:
    for n in [2, 10, 623]:
        assert_same_split(r, n, random_state=seed)
        for test_size in [0.001, 1 / 3, 1]:
            assert_same_split(r, n, test_size=test_size, random_state=seed)
        assert_same_split(r, n, train_size=0.6, random_state=seed)
        assert_same_split(r, n, train_size=n - 1, random_state=seed)
    assert_same_split(r, 150, test_size=0.3, train_size=0.4, random_state=seed)
    assert_same_split(r, 150, test_size=7, train_size=0.4, random_state=seed)
    assert_same_split(r, 150, test_size=50, train_size=100, random_state=seed)


@pytest.mark.parametrize("seed", SEEDS, ids=str)
def test_stratified_splits_are_scikit_learns(r: Any, seed: Any) -> None:
    iris = load_iris()
    species = iris.target_names[iris.target]
    for test_size in [0.2, 1 / 3, 31]:
        assert_same_split(r, 150, test_size=test_size, random_state=seed, stratify=iris.target)
        assert_same_split(r, 150, test_size=test_size, random_state=seed, stratify=species)
    uneven = np.repeat(["b", "A", "c", "a", "Zz"], [2, 3, 17, 40, 5])
    assert_same_split(r, 67, test_size=0.3, random_state=seed, stratify=uneven)
    assert_same_split(r, 67, test_size=9, train_size=11, random_state=seed, stratify=uneven)
    assert_same_split(
        r, 8, test_size=4, random_state=seed, stratify=np.array([3.5, -1.0, 3.5, 2.0, 2.0, -1.0, 9.0, 9.0])
    )
    assert_same_split(r, 6, test_size=2, random_state=seed, stratify=np.array([True, False] * 3))


@given(
    seed=st.integers(0, 2**32 - 1),
    labels=st.lists(st.integers(0, 5), min_size=4, max_size=120),
    test_share=st.floats(0.01, 0.99),
    train_share=st.none() | st.floats(0.01, 0.99),
)
@settings(max_examples=100, deadline=None)
def test_any_stratified_split_is_scikit_learns_or_refused_alike(
    r: Any, seed: int, labels: list[int], test_share: float, train_share: float | None
) -> None:
    arguments = {
        "test_size": test_share,
        "train_size": train_share,
        "random_state": seed,
        "stratify": np.array(labels, dtype=float),
    }
    try:
        train_test_split(np.arange(len(labels)), **arguments)
    except ValueError:
        with pytest.raises(ValueError, match="` must be ") as in_python:
            train_test_split_indices(len(labels), **arguments)
        with pytest.raises(RError) as in_r:
            split_in_r(r, len(labels), **arguments)
        assert in_r.value.message == str(in_python.value)
    else:
        assert_same_split(r, len(labels), **arguments)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 300), share=st.floats(1e-9, 1 - 1e-9), of_train=st.booleans())
@settings(max_examples=100, deadline=None)
def test_any_plain_split_is_scikit_learns_or_refused_alike(
    r: Any, seed: int, n: int, share: float, of_train: bool
) -> None:
    arguments = {"train_size" if of_train else "test_size": share, "random_state": seed}
    try:
        train_test_split(np.arange(n), **arguments)
    except ValueError:
        with pytest.raises(ValueError, match="` must be ") as in_python:
            train_test_split_indices(n, **arguments)
        with pytest.raises(RError) as in_r:
            split_in_r(r, n, **arguments)
        assert in_r.value.message == str(in_python.value)
    else:
        assert_same_split(r, n, **arguments)


def test_splits_without_shuffling_are_scikit_learns(r: Any) -> None:
    for arguments in [{}, {"test_size": 0.3}, {"test_size": 4, "train_size": 5}]:
        train, test = train_test_split(np.arange(20), shuffle=False, **arguments)
        for ours in [
            split_in_r(r, 20, shuffle=False, **arguments),
            train_test_split_indices(20, shuffle=False, **arguments),
        ]:
            assert_same_bits(ours[0], train, f"train, {arguments}")
            assert_same_bits(ours[1], test, f"test, {arguments}")


@pytest.mark.parametrize("seed", SEEDS, ids=str)
def test_shuffled_rows_are_scikit_learns(r: Any, seed: Any) -> None:
    for n in [0, 1, 2, 150, 625]:
        expected = shuffle(np.arange(n), random_state=np.random.RandomState(seed))
        assert_same_bits(r.call("shuffle_indices", n, for_r(seed)) - 1, expected, f"{n}, seed {seed}, R")
        assert_same_bits(shuffle_indices(n, seed), expected, f"{n}, seed {seed}, Python")


@pytest.mark.parametrize("seed", [None, *SEEDS], ids=str)
def test_folds_are_scikit_learns(r: Any, seed: Any) -> None:
    for n, n_splits in [(2, 2), (7, 3), (10, 5), (23, 4), (150, 10), (150, 149)]:
        generator = None if seed is None else np.random.RandomState(seed)
        expected = list(KFold(n_splits, shuffle=seed is not None, random_state=generator).split(np.arange(n)))
        in_r = r.call("kfold_indices", n, n_splits, seed is not None, for_r(seed))
        in_python = kfold_indices(n, n_splits, seed is not None, seed)
        assert len(in_r) == len(in_python) == len(expected)
        for fold, (train, test) in enumerate(expected):
            assert_same_bits(in_r[fold]["train"] - 1, train, f"train of fold {fold}, {n}, {n_splits}, R")
            assert_same_bits(in_r[fold]["test"] - 1, test, f"test of fold {fold}, {n}, {n_splits}, R")
            assert_same_bits(in_python[fold][0], train, f"train of fold {fold}, {n}, {n_splits}, Python")
            assert_same_bits(in_python[fold][1], test, f"test of fold {fold}, {n}, {n_splits}, Python")


def test_splits_draw_from_a_generator_that_is_handed_in(r: Any) -> None:
    in_r, twin, original = InR(r, "NumpyRandomState", 5), NumpyRandomState(5), np.random.RandomState(5)
    labels = np.arange(30.0) % 3
    for _ in range(2):
        train, test = train_test_split(np.arange(30), random_state=original, stratify=labels)
        for ours in [
            split_in_r(r, 30, random_state=in_r.handle, stratify=labels),
            train_test_split_indices(30, random_state=twin, stratify=labels),
        ]:
            assert_same_bits(ours[0], train, "train")
            assert_same_bits(ours[1], test, "test")
        expected = shuffle(np.arange(9), random_state=original)
        assert_same_bits(r.call("shuffle_indices", 9, in_r.handle) - 1, expected, "shuffle, R")
        assert_same_bits(shuffle_indices(9, twin), expected, "shuffle, Python")
    assert_same_bits(in_r.words_drawn(), twin.words_drawn(), "words drawn")


LABELS = np.array([0.0, 0.0, 1.0, 1.0, 2.0])
BAD_SPLITS: list[tuple[int, dict[str, Any]]] = [
    (0, {}),
    (1, {}),
    (10, {"test_size": 0.0}),
    (10, {"test_size": -0.1}),
    (10, {"test_size": 1.5}),
    (10, {"test_size": 10}),
    (10, {"test_size": 0}),
    (10, {"train_size": 11}),
    (10, {"test_size": float("nan")}),
    (10, {"test_size": 0.6, "train_size": 0.6}),
    (10, {"test_size": 6, "train_size": 5}),
    (10, {"test_size": 0.999}),
    (10, {"train_size": 0.01}),
    (10, {"shuffle": False, "stratify": np.arange(10.0) % 2}),
    (5, {"stratify": LABELS, "test_size": 2}),
    (4, {"stratify": LABELS, "test_size": 2}),
    (6, {"stratify": np.arange(6.0) % 3, "test_size": 2}),
    (6, {"stratify": np.arange(6.0) % 3, "test_size": 4}),
]


@pytest.mark.parametrize(("n", "arguments"), BAD_SPLITS, ids=str)
def test_bad_arguments_are_refused_where_scikit_learn_refuses_them(r: Any, n: int, arguments: Any) -> None:
    with pytest.raises(ValueError):
        train_test_split(np.arange(n), **{"random_state": 0, **arguments})
    with pytest.raises(ValueError, match="` must be ") as in_python:
        train_test_split_indices(n, **{"random_state": 0, **arguments})
    with pytest.raises(RError) as in_r:
        split_in_r(r, n, **{"random_state": 0, **arguments})
    assert in_r.value.message == str(in_python.value)


@pytest.mark.parametrize("arguments", [(5, 1), (5, 0), (5, 6), (5, 2.5), (5, 2, False, 0)], ids=str)
def test_bad_folds_are_refused_where_scikit_learn_refuses_them(r: Any, arguments: tuple[Any, ...]) -> None:
    n, n_splits, *rest = arguments
    with pytest.raises(ValueError):
        list(KFold(n_splits, **dict(zip(["shuffle", "random_state"], rest, strict=False))).split(np.arange(n)))
    with pytest.raises(ValueError, match="` must be ") as in_python:
        kfold_indices(*arguments)
    with pytest.raises(RError) as in_r:
        r.call("kfold_indices", *arguments)
    assert in_r.value.message == str(in_python.value)


def test_a_split_without_a_seed_is_refused(r: Any) -> None:
    message = "`random_state` must be a seed or a NumpyRandomState, not nothing."
    for call in [lambda: train_test_split_indices(10), lambda: kfold_indices(10, 2, True)]:
        with pytest.raises(ValueError, match="`random_state` must be") as in_python:
            call()
        assert str(in_python.value) == message
    for call in [lambda: split_in_r(r, 10), lambda: r.call("kfold_indices", 10, 2, True)]:
        with pytest.raises(RError) as in_r:
            call()
        assert in_r.value.message == message


def test_the_golden_splits_are_scikit_learns() -> None:
    with shared_data_path(f"golden/{STEM}.json").open() as file:
        golden = json.load(file)
    assert len(golden["cases"]) >= 5
    for case in golden["cases"]:
        train, test = train_test_split_indices(case["n"], **case["arguments"])
        expected = train_test_split(np.arange(case["n"]), **case["arguments"])
        assert train.tolist() == case["train"] == expected[0].tolist(), case["arguments"]
        assert test.tolist() == case["test"] == expected[1].tolist(), case["arguments"]


@pytest.mark.full
@given(
    seed=st.integers(0, 2**32 - 1),
    counts=st.lists(st.integers(2, 400), min_size=1, max_size=12),
    share=st.floats(0.05, 0.95),
)
@settings(max_examples=2000, deadline=None)
def test_thousands_of_large_stratified_splits_are_scikit_learns(
    r: Any, seed: int, counts: list[int], share: float
) -> None:
    labels = np.random.RandomState(seed).permutation(np.repeat(np.arange(float(len(counts))), counts))
    n_test = int(np.ceil(share * labels.size))
    assume(len(counts) <= min(n_test, labels.size - n_test))
    assert_same_split(r, labels.size, test_size=share, random_state=seed, stratify=labels)


@pytest.mark.full
def test_a_split_of_a_million_rows_is_scikit_learns(r: Any) -> None:
    labels = np.random.RandomState(1).randint(0, 10, 10**6).astype(float)
    assert_same_split(r, 10**6, test_size=0.2, random_state=3)
    assert_same_split(r, 10**6, test_size=0.2, random_state=3, stratify=labels)
