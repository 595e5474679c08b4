"""Softmax and its logarithm as layers: R against NumPy, NumPy against autograd; and with the losses that go on top."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from operations import assert_central_differences, assert_each_close, class_numbers_of, normal
from twinnet.labels import one_hot
from twinnet.losses import cross_entropy_backward, cross_entropy_forward, nll_backward, nll_forward
from twinnet.softmax import (
    log_softmax,
    log_softmax_backward,
    log_softmax_forward,
    softmax,
    softmax_backward,
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
    softmax_forward,
)
from twins import assert_same_bits

LAYERS = {
    "softmax": (softmax_forward, softmax_backward, torch.softmax),
    "log_softmax": (log_softmax_forward, log_softmax_backward, torch.log_softmax),
}
RANDOM = [
    normal(*shape, scale=scale)
    for shape in [(7, 3), (1, 3), (7, 1), (1, 1), (100, 10)]
    for scale in [0.0, 1e-8, 1.0, 30.0, 1e3, 1e300]
]
EDGES = [
    np.array([[1.0, 1.0, 1.0], [0.0, -0.0, 0.0], [5.0, 5.0, -5.0]]),  # ties
    np.array([[0.0, -745.0], [0.0, -746.0], [0.0, -709.0], [745.0, 0.0]]),  # where exp underflows
    np.array([[0.0, -np.inf, 1.0], [-np.inf, -np.inf, 3.0]]),  # classes ruled out
    np.array([[np.inf, 0.0], [-np.inf, -np.inf], [np.nan, 0.0], [1e300, -1e300]]),  # NaN, as in PyTorch
]
# PyTorch's vectorised exp flushes results below 1e-307 to 0.
DENORMAL = 1e-307


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("x", RANDOM + EDGES, ids=lambda x: f"{x.shape}, {x.flat[0]:.3g}")
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_layers_agree_forward_and_backward(r, name, x):
    forward, backward, original = LAYERS[name]
    d_out = normal(*x.shape, seed=1)
    out, cache = forward(x)
    passed = r.call(f"{name}_forward", x)
    # the sum of the row is rounded once more or less, 2e-16 of it; as it is at least 1, so much is its logarithm off
    sums = 4e-16 if name == "log_softmax" else 0.0
    assert_each_close(out, passed["out"], "out", atol=sums)
    assert_same_bits(r.call(name, x), passed["out"], f"{name}() in R, and the layer")
    assert_same_bits({"softmax": softmax, "log_softmax": log_softmax}[name](x), out, f"{name}(), and the layer")
    d_x = backward(d_out, cache)
    # a sum over the row is subtracted: what is left holds the rounding of terms of the size of d_out
    rounding = 1e-14 * np.abs(d_out).max()
    assert_each_close(d_x, r.call(f"{name}_backward", d_out, passed["cache"]), "d_x", atol=rounding)
    tx = torch.tensor(x, requires_grad=True)
    t_out = original(tx, dim=1)
    t_out.backward(torch.tensor(d_out))
    # PyTorch's log_softmax is x - (max + log sum), which holds the rounding of max; ours is (x - max) - log sum
    largest = np.abs(x).max(axis=1, keepdims=True) if name == "log_softmax" else np.zeros((len(x), 1))
    atol = DENORMAL + sums + 4e-16 * np.where(np.isfinite(largest), largest, 0.0)
    assert_each_close(out, t_out.detach(), "out against PyTorch", atol=atol)
    assert_each_close(d_x, tx.grad, "d_x against autograd", atol=rounding)


@pytest.mark.parametrize("name", LAYERS)
def test_backward_is_the_slope_of_forward(name):
    forward, backward, _ = LAYERS[name]
    x, d_out = normal(5, 4), normal(5, 4, seed=1)
    d_x = backward(d_out, forward(x)[1])
    assert_central_differences(lambda v: float((forward(v)[0] * d_out).sum()), x, d_x, name)


def test_log_softmax_is_finite_where_softmax_is_0(r):
    x = np.array([[0.0, -1e5], [3e307, -3e307]])
    assert softmax(x)[:, 1].tolist() == [0.0, 0.0]
    assert log_softmax(x)[:, 1].tolist() == r.call("log_softmax", x)[:, 1].tolist() == [-1e5, -6e307]


def test_rows_of_probabilities_sum_to_one():
    out, _ = softmax_forward(normal(200, 10, scale=1e3))
    assert (np.abs(out.sum(axis=1) - 1) < 1e-15 * 10).all()
    assert (log_softmax(normal(200, 10, scale=1e3)) <= 0).all()


@pytest.mark.parametrize("scale", [1e-3, 1.0, 10.0])
def test_a_layer_and_its_loss_are_what_softmax_cross_entropy_is_in_one(scale):
    """Course: a softmax layer with cross entropy, log_softmax with nll, or both in one: the same loss and gradient."""
    x, target = normal(20, 5, scale=scale), one_hot(class_numbers_of(20, 5), 5)
    loss, cache = softmax_cross_entropy_forward(x, target)
    d_x = softmax_cross_entropy_backward(cache)
    log_p, layer = log_softmax_forward(x)
    nll, judged = nll_forward(log_p, target)
    assert_each_close([nll], [loss], "log_softmax and nll")
    assert_each_close(
        log_softmax_backward(nll_backward(judged), layer), d_x, "gradient of log_softmax and nll", atol=1e-16
    )
    p, layer = softmax_forward(x)
    ce, judged = cross_entropy_forward(p, target)
    assert_each_close([ce], [loss], "softmax and cross entropy")
    assert_each_close(
        softmax_backward(cross_entropy_backward(judged), layer),
        d_x,
        "gradient of softmax and cross entropy",
        atol=1e-16,
    )


def test_softmax_twice_is_the_slides_trap(r):
    """Course, lesson B: softmax as the last layer and CrossEntropyLoss, which takes a softmax itself."""
    x, numbers = normal(20, 10), class_numbers_of(20, 10)
    target = one_hot(numbers, 10)
    p, layer = softmax_forward(x)
    loss, judged = softmax_cross_entropy_forward(p, target)
    d_x = softmax_backward(softmax_cross_entropy_backward(judged), layer)
    passed = r.call("softmax_forward", x)
    in_r = r.call("softmax_cross_entropy_forward", passed["out"], target)
    d_p_in_r = r.call("softmax_cross_entropy_backward", in_r["cache"])
    assert_each_close([loss], in_r["loss"], "loss")
    assert_each_close(d_x, r.call("softmax_backward", d_p_in_r, passed["cache"]), "d_x", atol=1e-17)
    tx = torch.tensor(x, requires_grad=True)
    t_loss = torch.nn.CrossEntropyLoss()(torch.nn.Softmax(dim=1)(tx), torch.tensor(numbers))
    t_loss.backward()
    assert_each_close([loss], [t_loss.item()], "loss against PyTorch")
    assert_each_close(d_x, tx.grad, "d_x against autograd", atol=1e-17)
