"""Sums by a tree: the same bits in R, NumPy and PyTorch, within the stated error of the true sum."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from twinnet.exact_sums import (
    exact_array_sum,
    exact_column_sums,
    exact_row_maxima,
    exact_row_sums,
    exact_sum_of_products,
)
from twinnet.torch_twin.exact import array_sum, row_maxima, row_sums, tree_sum
from twins import assert_same_bits

SHAPES = [(1, 1), (1, 7), (7, 1), (2, 3), (75, 6), (64, 64), (65, 63), (1000, 3), (3, 1000)]


def table(shape, scale=1.0):
    g = np.random.default_rng(shape)
    x = g.standard_normal(shape) * scale * np.exp2(g.integers(-30, 30, shape))
    x[g.random(shape) < 0.1] = -0.0
    return x


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e290])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_same_bits_everywhere(r, shape, scale):
    x = table(shape, scale)
    tx = torch.tensor(x)
    for order in ("C", "F"):
        y = np.asarray(x, order=order)
        assert_same_bits(exact_column_sums(y), r.call("exact_column_sums", x), "sums of columns")
        assert_same_bits(exact_column_sums(y), tree_sum(tx).numpy(), "sums of columns in PyTorch")
        assert_same_bits(exact_row_sums(y)[:, 0], r.call("exact_row_sums", x), "sums of rows")
        assert_same_bits(exact_row_sums(y), row_sums(tx).numpy(), "sums of rows in PyTorch")
        assert_same_bits([exact_array_sum(y)], r.call("exact_array_sum", x), "sum")
        assert_same_bits([exact_array_sum(y)], [array_sum(tx).item()], "sum in PyTorch")
        assert_same_bits(exact_row_maxima(y)[:, 0], r.call("exact_row_maxima", x), "maxima of rows")
        assert_same_bits(exact_row_maxima(y), row_maxima(tx).numpy(), "maxima of rows in PyTorch")
        small = x / scale
        products = r.call("exact_sum_of_products", small, small)
        assert_same_bits([exact_sum_of_products(small, np.asarray(small, order=order))], products, "sum of products")


def test_an_array_of_images_is_summed_with_its_first_index_running_fastest(r):
    x = np.random.default_rng(0).standard_normal((3, 2, 5, 4))
    assert_same_bits([exact_array_sum(x)], r.call("exact_array_sum", x), "sum of images")


@pytest.mark.parametrize("n", [1, 2, 3, 75, 1000, 4097])
def test_the_error_is_what_is_stated(n):
    x = table((n, 1))[:, 0]
    true = sum(map(Fraction, x.tolist()), Fraction(0))
    sizes = sum(map(Fraction, np.abs(x).tolist()), Fraction(0))
    depth = math.ceil(math.log2(n)) if n > 1 else 0
    u = Fraction(2) ** -53
    assert abs(Fraction(exact_array_sum(x)) - true) <= depth * u / (1 - depth * u) * sizes


def test_infinities_and_nan_pass_as_in_ieee_arithmetic(r):
    x = np.array([[1.0, np.inf, -np.inf, np.nan], [2.0, 1.0, np.inf, 1.0]])
    with np.errstate(invalid="ignore"):
        ours = exact_column_sums(x)
    np.testing.assert_array_equal(ours, [3.0, np.inf, np.nan, np.nan])
    np.testing.assert_array_equal(r.call("exact_column_sums", x), [3.0, np.inf, np.nan, np.nan])
    assert math.isnan(exact_row_maxima(x)[0, 0])
    assert r.eval("is.na(exact_row_maxima(rbind(c(1, NaN), c(2, 3))))").tolist() == [True, False]


def test_nothing_sums_to_nought(r):
    assert exact_array_sum(np.empty((0, 3))) == 0.0
    assert r.eval("exact_array_sum(numeric())").item() == 0.0


def test_zeros_of_both_signs_have_the_maximum_nought(r):
    x = np.array([[-0.0, 0.0], [0.0, -0.0], [-0.0, -0.0]])
    assert_same_bits(exact_row_maxima(x)[:, 0], np.zeros(3), "maxima")
    assert_same_bits(r.call("exact_row_maxima", x), np.zeros(3), "maxima in R")


def test_arguments_are_not_changed():
    x = table((64, 64))
    before = x.copy()
    for function in (exact_array_sum, exact_column_sums, exact_row_sums, exact_row_maxima):
        function(x)
        function(x.T)
    assert_same_bits(x, before, "the argument")
