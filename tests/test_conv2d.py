"""The convolution, forward and backward: R against NumPy, NumPy against PyTorch's autograd and central differences."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from operations import assert_central_differences, assert_same_message, normal
from twinnet.conv2d import conv2d_backward, conv2d_forward
from twinnet.kernels import arithmetic
from twinnet.torch_twin.exact import convolution
from twinnet.windows import check_pair
from twins import assert_close, assert_same_bits

# images (n, c, h, w), kernels (o, kh, kw), stride, padding
CASES = [
    ((2, 3, 6, 5), (4, 3, 3), 1, 0),
    ((1, 1, 5, 5), (1, 3, 3), 1, 0),
    ((1, 1, 1, 1), (1, 1, 1), 1, 0),
    ((3, 2, 7, 8), (2, 1, 1), 1, 0),
    ((2, 2, 7, 8), (3, 2, 4), 1, 0),
    ((2, 2, 8, 7), (3, 5, 1), 1, 0),
    ((2, 1, 9, 9), (2, 5, 5), 2, 0),
    ((2, 2, 8, 8), (3, 3, 3), 2, 1),
    ((2, 2, 10, 9), (3, 3, 3), 3, 2),
    ((2, 2, 10, 9), (3, 3, 2), (3, 1), (0, 2)),
    ((2, 2, 9, 10), (3, 1, 3), (1, 3), (1, 0)),
    ((2, 3, 4, 5), (2, 4, 5), 1, 0),
    ((2, 3, 3, 3), (2, 5, 5), 1, 1),
    ((4, 2, 6, 6), (3, 2, 2), (3, 2), 0),
    ((100, 1, 12, 12), (8, 3, 3), 1, 0),
]


def inputs(images, kernels, scale=1.0):
    o, *size = kernels
    return normal(*images, scale=scale), normal(o, images[1], *size, seed=1), normal(o, seed=2)


def in_pytorch(x, w, b, stride, padding, d_out=None):
    """Output and gradients of PyTorch's convolution."""
    tensors = [torch.tensor(value, requires_grad=True) for value in (x, w, b)]
    out = torch.nn.functional.conv2d(*tensors, stride=stride, padding=padding)
    d_out = normal(*out.shape, seed=3) if d_out is None else d_out
    out.backward(torch.tensor(d_out))
    return out.detach().numpy(), d_out, [tensor.grad.numpy() for tensor in tensors]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_r_numpy_and_pytorch_agree_forward_and_backward(r, case):
    images, kernels, stride, padding = case
    x, w, b = inputs(images, kernels)
    torch_out, d_out, torch_gradients = in_pytorch(x, w, b, stride, padding)
    out, cache = conv2d_forward(x, w, b, stride, padding)
    in_r = r.call("conv2d_forward", x, w, b, r_pair(stride), r_pair(padding), convert=False)
    r_out = r.call("[[", in_r, "out")
    r_gradients = r.call("conv2d_backward", d_out, r.call("[[", in_r, "cache", convert=False))
    assert_close(out, r_out, "out")
    assert_close(out, torch_out, "out against PyTorch")
    for name, ours, theirs in zip(r_gradients, conv2d_backward(d_out, cache), torch_gradients, strict=True):
        assert_close(ours, r_gradients[name], name)
        assert_close(ours, theirs, f"{name} against PyTorch")


def r_pair(value):
    return np.asarray(value, dtype=np.float64)


def test_every_stride_padding_and_kernel_agrees_with_pytorch():
    for kh, kw, sh, sw, padding in itertools.product((1, 2, 3, 5), (1, 3, 4), (1, 2, 3), (1, 3), ((0, 0), (1, 2))):
        x, w, b = inputs((2, 2, 6, 7), (3, kh, kw))
        torch_out, d_out, torch_gradients = in_pytorch(x, w, b, (sh, sw), padding)
        out, cache = conv2d_forward(x, w, b, (sh, sw), padding)
        what = f"kernel {kh} x {kw}, stride ({sh}, {sw}), padding {padding}: "
        assert_close(out, torch_out, f"{what}out")
        for name, ours, theirs in zip(("x", "w", "b"), conv2d_backward(d_out, cache), torch_gradients, strict=True):
            assert_close(ours, theirs, f"{what}d_{name}")


@pytest.mark.parametrize("scale", [1e-150, 1e-8, 1e8, 1e150])
def test_images_of_any_size_of_number_agree(r, scale):
    x, w, b = inputs((2, 3, 6, 5), (4, 3, 3), scale)
    out, _ = conv2d_forward(x, w, scale * b)
    assert_close(out, r.call("conv2d_forward", x, w, scale * b)["out"], "out")
    assert_close(out, in_pytorch(x, w, scale * b, 1, 0)[0], "out against PyTorch")


@pytest.mark.parametrize("case", [case for case in CASES if np.prod(case[0]) < 400], ids=str)
def test_gradients_are_those_of_central_differences(case):
    images, kernels, stride, padding = case
    x, w, b = inputs(images, kernels)
    out, cache = conv2d_forward(x, w, b, stride, padding)
    d_out = normal(*out.shape, seed=3)
    d_x, d_w, d_b = conv2d_backward(d_out, cache)

    def loss(x, w, b):
        return float((conv2d_forward(x, w, b, stride, padding)[0] * d_out).sum())

    assert_central_differences(lambda value: loss(value, w, b), x, d_x, "d_x")
    assert_central_differences(lambda value: loss(x, value, b), w, d_w, "d_w")
    assert_central_differences(lambda value: loss(x, w, value), b, d_b, "d_b")


def test_the_kernel_is_not_flipped(r):
    x = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    w = np.array([[1.0, 10.0], [100.0, 1000.0]]).reshape(1, 1, 2, 2)
    out, _ = conv2d_forward(x, w, np.array([0.5]))
    assert out[0, 0].tolist() == [[5421.5, 6532.5], [8754.5, 9865.5]]
    assert_same_bits(out, r.call("conv2d_forward", x, w, np.array([0.5]))["out"], "out")


def test_the_input_gradient_can_be_left_out(r):
    x, w, b = inputs((2, 3, 6, 5), (4, 3, 3))
    out, cache = conv2d_forward(x, w, b)
    with_d_x, without = conv2d_backward(out, cache), conv2d_backward(out, cache, input_gradient=False)
    assert without[0] is None
    for ours, same in zip(without[1:], with_d_x[1:], strict=True):
        assert_same_bits(ours, same, "gradient without d_x")
    r_cache = r.call("[[", r.call("conv2d_forward", x, w, b, convert=False), "cache", convert=False)
    in_r = r.call("conv2d_backward", out, r_cache, input_gradient=False)
    assert in_r["d_x"] is None
    assert_close(without[1], in_r["d_w"], "d_w")


def test_the_order_of_memory_does_not_matter_and_nothing_is_changed():
    x, w, b = inputs((3, 2, 7, 8), (4, 3, 2))
    out, cache = conv2d_forward(x, w, b, 2, 1)
    d_out = normal(*out.shape, seed=3)
    gradients = conv2d_backward(d_out, cache)
    kept = [value.copy() for value in (out, *gradients)]
    wider = np.zeros((3, 2, 7, 16))
    wider[..., ::2] = x
    for other in (np.asfortranarray(x), wider[..., ::2], x[::-1].copy()[::-1]):
        again, other_cache = conv2d_forward(other, np.asfortranarray(w), b, 2, 1)
        assert_same_bits(again, out, "out")
        for ours, same in zip(conv2d_backward(np.asfortranarray(d_out), other_cache), gradients, strict=True):
            assert_same_bits(ours, same, "gradient")
    for value, copy in zip((out, *gradients), kept, strict=True):
        assert_same_bits(value, copy, "an earlier result after later calls")
    assert_same_bits(x, inputs((3, 2, 7, 8), (4, 3, 2))[0], "x")


def test_float32_stays_float32():
    x, w, b = (value.astype(np.float32) for value in inputs((2, 3, 6, 5), (4, 3, 3)))
    out, cache = conv2d_forward(x, w, b, 1, 1)
    exact, exact_cache = conv2d_forward(*(value.astype(np.float64) for value in (x, w, b)), 1, 1)
    results = [out, *conv2d_backward(out, cache)]
    for ours, wide in zip(results, [exact, *conv2d_backward(out.astype(np.float64), exact_cache)], strict=True):
        assert ours.dtype == np.float32
        assert_close(ours, wide, "float32 against float64", rtol=1e-5)


IMAGES, KERNELS, BIASES = np.ones((2, 3, 5, 4)), np.ones((6, 3, 3, 3)), np.ones(6)
X_IS = "`x` must be an array of numbers (n, channels, height, width), not"
W_IS = "`w` must be an array of kernels (out_channels, 3, height, width), as `x` has channels, not"
STRIDE_IS = "`stride` must be one or two whole numbers of at least 1, not"
PADDING_IS = "`padding` must be one or two whole numbers of at least 0, not"
BAD = {
    "three dimensions": ([np.ones((3, 5, 4)), KERNELS, BIASES], f"{X_IS} an array of shape (3, 5, 4)."),
    "one dimension": ([np.ones(3), KERNELS, BIASES], f"{X_IS} (1, 1, 1)."),
    "words": ([np.full((1, 1, 1, 1), "a"), KERNELS, BIASES], f"{X_IS} an array of shape (1, 1, 1, 1)."),
    "wrong channels": ([IMAGES, np.ones((6, 2, 3, 3)), BIASES], f"{W_IS} an array of shape (6, 2, 3, 3)."),
    "kernels of three dimensions": ([IMAGES, np.ones((6, 3, 3)), BIASES], f"{W_IS} an array of shape (6, 3, 3)."),
    "kernel too large": (
        [IMAGES, np.ones((6, 3, 3, 5)), BIASES],
        "`w` must be from 1 x 1 to 5 x 4, the size of the padded images, not an array of shape (6, 3, 3, 5).",
    ),
    "kernel too large for the padding": (
        [IMAGES, np.ones((6, 3, 3, 9)), BIASES, 1.0, 2.0],
        "`w` must be from 1 x 1 to 9 x 8, the size of the padded images, not an array of shape (6, 3, 3, 9).",
    ),
    "too few biases": (
        [IMAGES, KERNELS, np.ones(5)],
        "`b` must be a vector with one number for each of the 6 kernels, not (1, 1, 1, 1, 1).",
    ),
    "biases as a matrix": (
        [IMAGES, KERNELS, np.ones((1, 6))],
        "`b` must be a vector with one number for each of the 6 kernels, not an array of shape (1, 6).",
    ),
    "stride 0": ([IMAGES, KERNELS, BIASES, 0], f"{STRIDE_IS} 0."),
    "half a stride": ([IMAGES, KERNELS, BIASES, 1.5], f"{STRIDE_IS} 1.5."),
    "one stride of 0": ([IMAGES, KERNELS, BIASES, np.array([1, 0])], f"{STRIDE_IS} (1, 0)."),
    "three strides": ([IMAGES, KERNELS, BIASES, np.array([1, 1, 1])], f"{STRIDE_IS} (1, 1, 1)."),
    "no stride": ([IMAGES, KERNELS, BIASES, None], f"{STRIDE_IS} nothing."),
    "stride as a word": ([IMAGES, KERNELS, BIASES, "two"], f'{STRIDE_IS} "two".'),
    "negative padding": ([IMAGES, KERNELS, BIASES, 1, -1], f"{PADDING_IS} -1."),
    "infinite padding": ([IMAGES, KERNELS, BIASES, 1, np.inf], f"{PADDING_IS} Inf."),
    "padding true": ([IMAGES, KERNELS, BIASES, 1, True], f"{PADDING_IS} true."),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_are_refused_in_the_same_words(r, case):
    arguments, message = BAD[case]
    assert_same_message(r, "conv2d_forward", conv2d_forward, arguments, message)


EXACT_CASES = [case for case in CASES if np.prod(case[0]) < 400] + [((100, 4, 7, 6), (5, 3, 2), (2, 1), (1, 0))]


@pytest.mark.parametrize("setting", ["exact", "r"])
@pytest.mark.parametrize("case", EXACT_CASES, ids=str)
def test_in_exact_arithmetic_every_bit_agrees(r, case, setting):
    images, kernels, stride, padding = case
    x, w, b = inputs(images, kernels)
    with arithmetic(setting):
        out, cache = conv2d_forward(x, w, b, stride, padding)
        d_out = normal(*out.shape, seed=3)
        ours = [out, *conv2d_backward(d_out, cache)]
    in_r = r.eval(
        """function(setting, x, w, b, stride, padding, d_out) twinnet::with_arithmetic(setting, {
          passed <- twinnet::conv2d_forward(x, w, b, stride, padding)
          c(list(out = passed[["out"]]), twinnet::conv2d_backward(d_out, passed[["cache"]]))
        })""",
        convert=False,
    )
    arguments = (setting, x, w, b, r_pair(stride), r_pair(padding), d_out)
    theirs = r.from_r(in_r(*[r.to_r(value) for value in arguments]))
    for (name, value), our in zip(theirs.items(), ours, strict=True):
        assert_same_bits(our, value, name)
    if setting == "exact":
        tensors = [torch.tensor(value, requires_grad=True) for value in (x, w, b)]
        torch_out = convolution(check_pair(stride, "stride", 1), check_pair(padding, "padding", 0))(*tensors)
        torch_out.backward(torch.tensor(d_out))
        for our, tensor in zip(ours, [torch_out.detach(), *(tensor.grad for tensor in tensors)], strict=True):
            assert_same_bits(our, tensor.numpy(), "against PyTorch")
