"""Pooling, forward and backward: R against NumPy, NumPy against PyTorch's autograd and central differences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
import twinnet.pooling
from operations import assert_central_differences, assert_same_message, normal
from torch.nn import functional
from twinnet.pooling import (
    average_pool2d_backward,
    average_pool2d_forward,
    global_average_pool2d_backward,
    global_average_pool2d_forward,
    max_pool2d_backward,
    max_pool2d_forward,
)
from twins import assert_close, assert_same_bits

SLIDE = np.array([[30.0, 29, 25, 33], [27, 19, 15, 22], [37, 24, 28, 39], [26, 38, 34, 24]]).reshape(1, 1, 4, 4)
PYTORCH = {"max_pool2d": functional.max_pool2d, "average_pool2d": functional.avg_pool2d}
# images, size, stride
CASES = [
    ((2, 3, 6, 4), 2, None),
    ((2, 3, 7, 5), 2, None),
    ((1, 1, 1, 1), 1, None),
    ((3, 2, 5, 5), 1, 2),
    ((2, 2, 9, 8), 3, 1),
    ((2, 2, 9, 8), 3, 2),
    ((2, 2, 8, 9), (2, 3), (3, 2)),
    ((2, 2, 9, 9), (1, 4), (2, 3)),
    ((2, 2, 8, 9), 2, 3),
    ((2, 1, 5, 4), (5, 4), None),
    ((100, 2, 6, 6), 2, None),
]


def r_pair(value):
    return None if value is None else np.asarray(value, dtype=np.float64)


def in_numpy(name, x, size, stride, d_out):
    out, cache = getattr(twinnet.pooling, f"{name}_forward")(x, size, stride)
    return out, getattr(twinnet.pooling, f"{name}_backward")(d_out, cache)


def in_r(r, name, x, size, stride, d_out):
    passed = r.call(f"{name}_forward", x, r_pair(size), r_pair(stride), convert=False)
    d_x = r.call(f"{name}_backward", d_out, r.call("[[", passed, "cache", convert=False))
    return r.call("[[", passed, "out"), d_x


def in_pytorch(name, x, size, stride):
    tensor = torch.tensor(x, requires_grad=True)
    out = PYTORCH[name](tensor, size, stride)
    d_out = normal(*out.shape, seed=3)
    out.backward(torch.tensor(d_out))
    return out.detach().numpy(), tensor.grad.numpy(), d_out


def rounded(x):
    """Few different numbers, so that most windows have ties."""
    return np.maximum(np.round(x), 0.0)


def with_nan(x):
    return np.where(normal(*x.shape, seed=4) > 0.8, np.nan, x)


def with_infinities(x):
    return np.where(normal(*x.shape, seed=5) > 0.5, -np.inf, x)


@pytest.mark.parametrize("contents", [np.asarray, rounded, np.zeros_like, with_nan, with_infinities])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_max_pooling_is_the_same_to_the_bit_in_r_numpy_and_pytorch(r, case, contents):
    images, size, stride = case
    x = contents(normal(*images))
    torch_out, torch_d_x, d_out = in_pytorch("max_pool2d", x, size, stride)
    out, d_x = in_numpy("max_pool2d", x, size, stride, d_out)
    r_out, r_d_x = in_r(r, "max_pool2d", x, size, stride, d_out)
    assert (np.isnan(out) == np.isnan(r_out)).all(), "NaN in different places"
    assert_same_bits(np.nan_to_num(out), np.nan_to_num(r_out), "out")
    assert_same_bits(np.nan_to_num(out), np.nan_to_num(torch_out), "out against PyTorch")
    assert (np.isnan(out) == np.isnan(torch_out)).all(), "NaN in different places than in PyTorch"
    assert_same_bits(d_x, r_d_x, "d_x")
    assert_close(d_x, torch_d_x, "d_x against PyTorch")  # which adds in another order where windows overlap


@pytest.mark.parametrize("case", CASES, ids=str)
def test_average_pooling_agrees_in_r_numpy_and_pytorch(r, case):
    images, size, stride = case
    x = normal(*images)
    torch_out, torch_d_x, d_out = in_pytorch("average_pool2d", x, size, stride)
    out, d_x = in_numpy("average_pool2d", x, size, stride, d_out)
    r_out, r_d_x = in_r(r, "average_pool2d", x, size, stride, d_out)
    assert_same_bits(out, r_out, "out")
    assert_same_bits(d_x, r_d_x, "d_x")
    assert_close(out, torch_out, "out against PyTorch")
    assert_close(d_x, torch_d_x, "d_x against PyTorch")


@pytest.mark.parametrize("name", PYTORCH)
def test_every_size_and_stride_agrees_with_pytorch(name):
    for kh, kw, sh, sw in itertools.product((1, 2, 3, 5), (1, 2, 4), (1, 2, 3), (1, 2, 5)):
        x = rounded(normal(2, 2, 7, 6, scale=2.0))
        torch_out, torch_d_x, d_out = in_pytorch(name, x, (kh, kw), (sh, sw))
        out, d_x = in_numpy(name, x, (kh, kw), (sh, sw), d_out)
        what = f"size {kh} x {kw}, stride ({sh}, {sw}): "
        assert_close(out, torch_out, f"{what}out")
        assert_close(d_x, torch_d_x, f"{what}d_x")


def test_the_slides_example(r):
    out, cache = max_pool2d_forward(SLIDE, 2)
    assert out[0, 0].tolist() == [[30, 33], [38, 39]]
    passed = r.call("max_pool2d_forward", SLIDE, 2)
    assert_same_bits(out, passed["out"], "out")
    d_out = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 1, 2, 2)
    d_x = max_pool2d_backward(d_out, cache)
    assert d_x[0, 0].tolist() == [[1, 0, 0, 2], [0, 0, 0, 0], [0, 0, 0, 4], [0, 3, 0, 0]]
    assert average_pool2d_forward(SLIDE, 2)[0][0, 0].tolist() == [[26.25, 23.75], [31.25, 31.25]]


def test_of_equal_numbers_the_first_row_by_row_gets_the_gradient(r):
    x, d_out = np.zeros((1, 1, 3, 3)), np.ones((1, 1, 1, 1))
    x[0, 0, 0, 2] = x[0, 0, 1, 0] = 1.0  # in R's memory the second of them comes first
    for d_x in [in_numpy("max_pool2d", x, 3, None, d_out)[1], in_r(r, "max_pool2d", x, 3, None, d_out)[1]]:
        assert np.argwhere(d_x[0, 0]).tolist() == [[0, 2]]


def test_the_last_nan_gets_the_gradient(r):
    x, d_out = np.zeros((1, 1, 3, 3)), np.ones((1, 1, 1, 1))
    x[0, 0, 0, 1] = x[0, 0, 1, 0] = np.nan
    x[0, 0, 2, 2] = 9.0
    for out, d_x in [in_numpy("max_pool2d", x, 3, None, d_out), in_r(r, "max_pool2d", x, 3, None, d_out)]:
        assert np.isnan(out).all()
        assert np.argwhere(d_x[0, 0]).tolist() == [[1, 0]]


def test_zeros_of_both_signs_are_equal_numbers(r):
    """The first gets the gradient. Which of them comes out is not defined: NumPy's maximum may be either."""
    x = np.array([[-0.0, 0.0, 0.0, -0.0], [0.0, -0.0, -1.0, -2.0]]).reshape(1, 1, 2, 4)
    d_out = np.array([-1.0, -1.0]).reshape(1, 1, 1, 2)
    out, d_x = in_numpy("max_pool2d", x, 2, None, d_out)
    r_out, r_d_x = in_r(r, "max_pool2d", x, 2, None, d_out)
    assert np.argwhere(d_x[0, 0]).tolist() == [[0, 0], [0, 2]]
    assert_close(out, r_out, "out", rtol=0)
    assert_same_bits(d_x, r_d_x, "d_x")


def test_a_gradient_that_is_not_finite_stays_where_it_is(r):
    x, d_out = normal(1, 1, 4, 4), np.array([np.inf, np.nan, -np.inf, 1.0]).reshape(1, 1, 2, 2)
    d_x = in_numpy("max_pool2d", x, 2, None, d_out)[1]
    assert (d_x == 0).sum() == 12, "no NaN from infinity times 0"
    assert_close(d_x, in_r(r, "max_pool2d", x, 2, None, d_out)[1], "d_x", rtol=0)


@pytest.mark.parametrize("shape", [(2, 3, 6, 5), (1, 1, 1, 1), (3, 4, 1, 7), (50, 8, 7, 7)])
def test_global_average_pooling_agrees_in_r_numpy_and_pytorch(r, shape):
    x = normal(*shape)
    tensor = torch.tensor(x, requires_grad=True)
    torch_out = functional.adaptive_avg_pool2d(tensor, 1)
    d_out = normal(*torch_out.shape, seed=3)
    torch_out.backward(torch.tensor(d_out))
    out, cache = global_average_pool2d_forward(x)
    d_x = global_average_pool2d_backward(d_out, cache)
    passed = r.call("global_average_pool2d_forward", x, convert=False)
    r_cache = r.call("[[", passed, "cache", convert=False)
    assert_close(out, r.call("[[", passed, "out"), "out")
    assert_same_bits(d_x, r.call("global_average_pool2d_backward", d_out, r_cache), "d_x")
    assert_close(out, torch_out.detach(), "out against PyTorch")
    assert_close(d_x, tensor.grad, "d_x against PyTorch")


@pytest.mark.parametrize("name", PYTORCH)
@pytest.mark.parametrize("case", CASES[:-1], ids=str)
def test_gradients_are_those_of_central_differences(name, case):
    images, size, stride = case
    x = normal(*images)  # no two numbers so near that a step of 1e-5 changes which is the larger
    forward = getattr(twinnet.pooling, f"{name}_forward")
    d_out = normal(*forward(x, size, stride)[0].shape, seed=3)
    _, d_x = in_numpy(name, x, size, stride, d_out)
    assert_central_differences(lambda value: float((forward(value, size, stride)[0] * d_out).sum()), x, d_x, "d_x")


def test_global_gradients_are_those_of_central_differences():
    x, d_out = normal(2, 3, 4, 5), normal(2, 3, 1, 1, seed=3)
    d_x = global_average_pool2d_backward(d_out, global_average_pool2d_forward(x)[1])
    assert_central_differences(lambda v: float((global_average_pool2d_forward(v)[0] * d_out).sum()), x, d_x, "d_x")


def test_the_order_of_memory_does_not_matter_and_nothing_is_changed():
    x, d_out = normal(3, 2, 6, 8), normal(3, 2, 3, 4, seed=3)
    for name in PYTORCH:
        out, d_x = in_numpy(name, x, 2, None, d_out)
        kept = [out.copy(), d_x.copy()]
        for other in (np.asfortranarray(x), x[::-1].copy()[::-1]):
            again = in_numpy(name, other, 2, None, np.asfortranarray(d_out))
            assert_same_bits(again[0], out, "out")
            assert_same_bits(again[1], d_x, "d_x")
        in_numpy(name, -x, 2, None, -d_out)
        assert_same_bits(out, kept[0], "an earlier output after later calls")
        assert_same_bits(d_x, kept[1], "an earlier gradient after later calls")
    assert_same_bits(x, normal(3, 2, 6, 8), "x")


@pytest.mark.parametrize("name", PYTORCH)
def test_float32_stays_float32(name):
    x = normal(2, 3, 6, 5).astype(np.float32)
    d_out = normal(2, 3, 3, 2, seed=3).astype(np.float32)
    out, d_x = in_numpy(name, x, 2, None, d_out)
    exact, exact_d_x = in_numpy(name, x.astype(np.float64), 2, None, d_out.astype(np.float64))
    assert out.dtype == d_x.dtype == np.float32
    assert_close(out, exact, "out", rtol=1e-6)
    assert_close(d_x, exact_d_x, "d_x", rtol=1e-6)


def test_a_pool_of_more_than_255_numbers_finds_its_maximum(r):
    x, d_out = normal(2, 1, 20, 20), normal(2, 1, 1, 1, seed=3)
    _, d_x = in_numpy("max_pool2d", x, 20, None, d_out)
    assert_same_bits(d_x, in_r(r, "max_pool2d", x, 20, None, d_out)[1], "d_x")
    assert (d_x != 0).sum() == 2
    assert_same_bits(x[d_x != 0], x.max(axis=(1, 2, 3)), "the numbers that get the gradient")


IMAGES = np.ones((2, 3, 5, 4))
BAD = {
    "three dimensions": (
        [np.ones((3, 5, 4)), 2],
        "`x` must be an array of numbers (n, channels, height, width), not an array of shape (3, 5, 4).",
    ),
    "pool too wide": ([IMAGES, 5], "`size` must be from 1 x 1 to 5 x 4, the size of the images, not 5."),
    "pool too high": (
        [IMAGES, np.array([6, 1])],
        "`size` must be from 1 x 1 to 5 x 4, the size of the images, not (6, 1).",
    ),
    "size 0": ([IMAGES, 0], "`size` must be one or two whole numbers of at least 1, not 0."),
    "no size": ([IMAGES, None], "`size` must be one or two whole numbers of at least 1, not nothing."),
    "stride 0": ([IMAGES, 2, 0], "`stride` must be one or two whole numbers of at least 1, not 0."),
    "stride not a number": ([IMAGES, 2, np.nan], "`stride` must be one or two whole numbers of at least 1, not NaN."),
}


@pytest.mark.parametrize("name", PYTORCH)
@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_are_refused_in_the_same_words(r, name, case):
    arguments, message = BAD[case]
    assert_same_message(r, f"{name}_forward", getattr(twinnet.pooling, f"{name}_forward"), arguments, message)


def test_global_average_pooling_refuses_what_are_no_images(r):
    message = "`x` must be an array of numbers (n, channels, height, width), not an array of shape (2, 3)."
    assert_same_message(r, "global_average_pool2d_forward", global_average_pool2d_forward, [np.ones((2, 3))], message)


def test_average_backward_needs_only_shapes():
    """Unlike the maximum's, the mean's gradient does not depend on the images: the cache holds no numbers of theirs."""
    _, cache = average_pool2d_forward(normal(2, 3, 6, 5), 2)
    assert not any(isinstance(value, np.ndarray) for value in cache.values())
    assert average_pool2d_backward(np.ones((2, 3, 3, 2)), cache).sum() == 36
