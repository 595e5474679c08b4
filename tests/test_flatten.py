"""Flattening, forward and backward: the same order of numbers in R, in NumPy and in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from operations import assert_central_differences, assert_same_message, normal
from twinnet.flatten import flatten_backward, flatten_forward, unflatten_backward, unflatten_forward
from twinnet.pooling import max_pool2d_forward
from twins import assert_same_bits

SHAPES = [(2, 3, 4, 5), (1, 3, 4, 5), (2, 1, 1, 1), (3, 2, 4), (4, 3), (1, 1), (2, 2, 2, 3, 2)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_columns_are_in_pytorchs_order_and_come_back(r, shape):
    x = normal(*shape)
    out, cache = flatten_forward(x)
    passed = r.call("flatten_forward", x)
    assert_same_bits(out, torch.flatten(torch.tensor(x), 1), "out against PyTorch")
    assert_same_bits(out, passed["out"], "out")
    d_out = normal(*out.shape, seed=1)
    d_x = flatten_backward(d_out, cache)
    assert_same_bits(d_x, d_out.reshape(shape), "d_x")
    assert_same_bits(d_x, r.call("flatten_backward", d_out, passed["cache"]), "d_x")
    assert_same_bits(flatten_backward(out, cache), x, "there and back")


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if len(shape) > 2], ids=str)
def test_rows_become_images_in_pytorchs_order_and_rows_again(r, shape):
    x = normal(shape[0], int(np.prod(shape[1:])))
    out, cache = unflatten_forward(x, shape[1:])
    passed = r.call("unflatten_forward", x, np.array(shape[1:]))
    assert_same_bits(out, torch.unflatten(torch.tensor(x), 1, shape[1:]), "out against PyTorch")
    assert_same_bits(out, passed["out"], "out")
    assert_same_bits(unflatten_backward(out, cache), x, "there and back")
    assert_same_bits(x, r.call("unflatten_backward", out, passed["cache"]), "there and back in R")


def test_gradients_are_those_of_central_differences():
    images, rows = normal(2, 3, 2, 4), normal(2, 24, seed=1)
    d_images = flatten_backward(rows, flatten_forward(images)[1])
    assert_central_differences(lambda v: float((flatten_forward(v)[0] * rows).sum()), images, d_images, "flatten")
    d_rows = unflatten_backward(images, unflatten_forward(rows, (3, 2, 4))[1])
    assert_central_differences(
        lambda v: float((unflatten_forward(v, (3, 2, 4))[0] * images).sum()), rows, d_rows, "unflatten"
    )


def test_the_order_of_memory_does_not_matter():
    x = normal(2, 3, 4, 5)
    pooled, _ = max_pool2d_forward(x, 1)  # in memory as the operations on images leave it
    for other in (np.asfortranarray(x), pooled, x[:, :, ::-1][:, :, ::-1]):
        out, cache = flatten_forward(other)
        assert_same_bits(out, x.reshape(2, 60), "out")
        assert_same_bits(flatten_backward(np.asfortranarray(out), cache), x, "d_x")


def test_float32_stays_float32():
    out, cache = flatten_forward(normal(2, 3, 4, 5).astype(np.float32))
    assert out.dtype == flatten_backward(out, cache).dtype == np.float32


@pytest.mark.parametrize(("x", "shown"), [(np.ones(3), "(1, 1, 1)"), (np.array([["a"]]), "an array of shape (1, 1)")])
def test_bad_arguments_are_refused_in_the_same_words(r, x, shown):
    must_be = "an array of numbers with at least two dimensions, one sample each along the first"
    assert_same_message(r, "flatten_forward", flatten_forward, [x], f"`x` must be {must_be}, not {shown}.")
