"""Preprocessing: against scikit-learn's StandardScaler and R's scale, and R against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from bit_patterns import assert_same_bits
from sklearn.preprocessing import StandardScaler
from twinnet.datasets import load_iris
from twinnet.parity.bridge import RError
from twinnet.preprocessing import scale_pixels, standardise, standardise_fit
from twins import assert_close


def table(n, d, mean=0.0, sd=1.0, seed=0):
    return mean + sd * np.random.default_rng([seed, n, d]).standard_normal((n, d))


def iris():
    data = load_iris()
    return np.column_stack([data[name] for name in data if name != "Species"])


def with_constants():
    """Columns that do not vary, some of numbers that doubles do not hold exactly, between columns that do."""
    x = table(75, 6)
    for column, value in ((1, 0.1), (3, 1e8 / 3), (4, 0.0)):
        x[:, column] = value
    return x


TABLES = {
    "iris": iris(),
    "one row": table(1, 3),
    "one column": table(40, 1),
    "many rows": table(5000, 4),
    "constant columns": with_constants(),
    "far from 0": table(200, 3, mean=1e6),
    "small": table(50, 3, mean=1e-9, sd=1e-10),
    "large": table(50, 3, sd=1e12),
}


@pytest.mark.parametrize("name", TABLES)
def test_columns_are_standardised_as_by_scikit_learn(name):
    x = TABLES[name]
    fitted, scaler = standardise_fit(x), StandardScaler().fit(x)
    assert_close(fitted["mean"], scaler.mean_, f"{name}: mean")
    assert_close(fitted["sd"], scaler.scale_, f"{name}: sd", rtol=1e-9 if name == "far from 0" else 1e-12)
    # a mean's rounding error, divided by the sd
    atol = 4 * 2.0**-52 * np.max(np.abs(fitted["mean"]) / fitted["sd"])
    assert_close(standardise(x, fitted), scaler.transform(x), f"{name}: standardised", atol=atol)


@pytest.mark.parametrize("name", TABLES)
def test_r_standardises_alike(r, name):
    x = TABLES[name]
    fitted, in_r = standardise_fit(x), r.call("standardise_fit", x)
    assert list(fitted) == list(in_r)
    assert_close(fitted["mean"], in_r["mean"], f"{name}: mean")
    assert_close(fitted["sd"], in_r["sd"], f"{name}: sd")
    assert_same_bits(standardise(x, fitted), r.call("standardise", x, fitted), f"{name}: from the same mean and sd")


@pytest.mark.parametrize("name", ["iris", "one column", "many rows"])
def test_rs_scale_differs_by_the_factor_that_its_n_minus_1_makes(r, name):
    x = TABLES[name]
    scaled = r.eval("function(x) array(scale(x), dim(x))", convert=False)(r.to_r(x))
    factor = np.sqrt((len(x) - 1) / len(x))
    assert_close(factor * standardise(x, standardise_fit(x)), r.from_r(scaled), name)


def test_constant_columns_become_zero():
    x = TABLES["constant columns"]
    fitted = standardise_fit(x)
    assert (fitted["sd"][[1, 3, 4]] == 1).all()
    assert (fitted["sd"][[0, 2, 5]] != 1).all()
    assert np.abs(standardise(x, fitted)[:, [1, 4]]).max() < 1e-15


def test_test_data_are_brought_to_the_training_datas_scale(r):
    train, test = table(30, 3, mean=5, sd=2), table(7, 3, seed=1)
    fitted = standardise_fit(train)
    assert_close(standardise(test, fitted), StandardScaler().fit(train).transform(test), "test data")
    assert_same_bits(standardise(test, fitted), r.call("standardise", test, fitted), "test data")


def test_pixels_become_numbers_from_0_to_1(r):
    pixels = np.arange(256, dtype=np.uint8).reshape(4, 8, 8)
    scaled = scale_pixels(pixels)
    assert scaled.shape == (4, 8, 8)
    assert scaled.dtype == np.float64
    assert_same_bits(scaled, np.arange(256.0).reshape(4, 8, 8) / 255, "bytes")
    assert_same_bits(scaled, scale_pixels(pixels.astype(np.float64)), "numbers")
    assert_same_bits(scaled, r.call("scale_pixels", pixels.astype(np.float64)), "numbers in R")
    assert_same_bits(scaled.ravel(), r.call("scale_pixels", pixels.tobytes()), "bytes in R")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("standardise_fit", [np.array([1.0, 2.0])], "`x` must be a matrix of at least one row, not (1, 2)."),
        (
            "standardise_fit",
            [np.zeros((2, 3, 4))],
            "`x` must be a matrix of at least one row, not an array of shape (2, ",
        ),
        ("standardise_fit", [np.array([[1.0], [np.nan]])], "`x` must be finite numbers, not NaN."),
        ("standardise_fit", [np.array([[1.0, -np.inf]])], "`x` must be finite numbers, not -Inf."),
        (
            "standardise",
            [np.ones((2, 3)), {"mean": np.zeros(2), "sd": np.ones(2)}],
            "`x` must be a matrix of 2 columns, as the data that were fitted, not an array of shape (2, 3).",
        ),
        ("scale_pixels", [np.array([0.0, 256.0])], "`x` must be pixels from 0 to 255, not 256."),
        ("scale_pixels", [np.array([-1.0, 300.0])], "`x` must be pixels from 0 to 255, not -1."),
        ("scale_pixels", [np.array([1.0, np.nan])], "`x` must be pixels from 0 to 255, not NaN."),
    ],
)
def test_bad_input_is_refused_with_the_same_words(r, name, arguments, message):
    with pytest.raises(ValueError, match="must be") as ours:
        globals()[name](*arguments)
    with pytest.raises(RError, match="must be") as theirs:
        r.call(name, *arguments)
    assert str(ours.value).startswith(message)
    assert theirs.value.message == str(ours.value)


def test_a_table_without_rows_is_refused(r):
    with pytest.raises(ValueError, match="`x` must be a matrix of at least one row"):
        standardise_fit(np.zeros((0, 3)))
    with pytest.raises(RError, match="`x` must be a matrix of at least one row"):
        r.call("standardise_fit", np.zeros((0, 3)))
