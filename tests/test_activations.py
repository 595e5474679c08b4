"""Activations, forward and backward: R against NumPy, NumPy against PyTorch's autograd and central differences."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
import twinnet.activations
from operations import EDGES, assert_central_differences, assert_each_close, assert_same_message, normal
from twinnet.activations import (
    leaky_relu_backward,
    leaky_relu_forward,
    sigmoid_forward,
    step_backward,
    step_forward,
    tanh_forward,
)
from twinnet.kernels import array_log1p, array_tanh
from twins import assert_same_bits

PYTORCH = {
    "step": lambda x: torch.heaviside(x, torch.zeros_like(x)),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": torch.nn.functional.leaky_relu,
    "identity": torch.nn.Identity(),
}
DIFFERENTIABLE = sorted(set(PYTORCH) - {"step"})  # PyTorch's heaviside has no gradient at all, ours is 0
# No rounding: R and NumPy agree in every bit, the sign of zero among them.
EXACT = ["step", "relu", "leaky_relu", "identity"]
SHAPES = [(7, 4), (1, 3), (7, 1), (1, 1), (2, 3, 4), (75, 6)]
SCALES = [1e-8, 1.0, 10.0, 1e3]


def forward(name, *arguments):
    return getattr(twinnet.activations, f"{name}_forward")(*arguments)


def backward(name, *arguments):
    return getattr(twinnet.activations, f"{name}_backward")(*arguments)


def both_ways_in_r(r, name, x, d_out):
    passed = r.call(f"{name}_forward", x)
    return passed["out"], r.call(f"{name}_backward", d_out, passed["cache"])


def inputs():
    for shape in SHAPES:
        for scale in SCALES:
            yield normal(*shape, scale=scale), normal(*shape, seed=1)
    yield EDGES.reshape(-1, 4), normal(len(EDGES) // 4, 4)
    yield np.array([[np.nan, 1.0]]), np.ones((1, 2))


# 1 - out, of an out near 1, holds the rounding of out: 1e-16 of d_out, whatever is left of the difference.
CANCELLED = 4e-16


@pytest.mark.parametrize("name", PYTORCH)
def test_r_and_numpy_agree(r, name):
    for x, d_out in inputs():
        out, cache = forward(name, x)
        d_x = backward(name, d_out, cache)
        r_out, r_d_x = both_ways_in_r(r, name, x, d_out)
        assert_each_close(out, r_out, f"{name}.out")
        atol = CANCELLED * np.abs(d_out).max() if name in ("sigmoid", "tanh") else 0.0
        assert_each_close(d_x, r_d_x, f"{name}.d_x", atol=atol)
        if name in EXACT:
            assert_same_bits(np.nan_to_num(out), np.nan_to_num(r_out), f"{name}.out")
            assert_same_bits(np.nan_to_num(d_x), np.nan_to_num(r_d_x), f"{name}.d_x")


@pytest.mark.parametrize("name", PYTORCH)
def test_numpy_and_pytorch_agree_forward(name):
    for values, _ in inputs():
        # PyTorch's heaviside(NaN) is 0; ours stays NaN, so that it is not overlooked
        x = values[~np.isnan(values)] if name == "step" else values
        # denormal results, below 1e-307, are flushed to 0 by PyTorch's vectorised exp
        assert_each_close(forward(name, x)[0], PYTORCH[name](torch.tensor(x)), name, atol=1e-307)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_numpy_and_autograd_agree_backward(name):
    for values, d_out in inputs():
        # at NaN, PyTorch's gradients are 1 and the slope; ours stay NaN
        x = np.where(np.isnan(values), 1.0, values) if name in ("relu", "leaky_relu") else values
        _, cache = forward(name, x)
        tx = torch.tensor(x, requires_grad=True)
        PYTORCH[name](tx).backward(torch.tensor(d_out))
        atol = CANCELLED * np.abs(d_out).max() if name in ("sigmoid", "tanh") else 0.0
        assert_each_close(backward(name, d_out, cache), tx.grad, name, atol=atol)


@pytest.mark.parametrize("name", PYTORCH)
def test_backward_is_the_slope_of_forward(name):
    x, d_out = normal(5, 4), normal(5, 4, seed=1)
    assert np.abs(x).min() > 1e-3, "no kink within the step of the differences"
    d_x = backward(name, d_out, forward(name, x)[1])
    assert_central_differences(lambda v: float((forward(name, v)[0] * d_out).sum()), x, d_x, name)


@pytest.mark.parametrize("name", PYTORCH)
def test_nothing_is_changed_in_place(name):
    x, d_out = normal(3, 4), normal(3, 4, seed=1)
    before = x.copy(), d_out.copy()
    backward(name, d_out, forward(name, x)[1])
    assert (x == before[0]).all()
    assert (d_out == before[1]).all()


def test_the_kinks_are_decided_as_written_down(r):
    zero, one = np.zeros((1, 1)), np.ones((1, 1))
    for name, out, slope in [("step", 0.0, 0.0), ("relu", 0.0, 0.0), ("leaky_relu", 0.0, 0.01)]:
        value, cache = forward(name, zero)
        assert (value.item(), backward(name, one, cache).item()) == (out, slope), name
        r_out, r_d_x = both_ways_in_r(r, name, zero, one)
        assert (r_out.item(), r_d_x.item()) == (out, slope), f"{name} in R"


def test_sigmoid_and_tanh_saturate_without_a_warning():
    x = np.array([-np.inf, -1e300, -1e3, -745.0, 745.0, 1e3, 1e300, np.inf])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sigmoid_forward(x)[0].tolist() == [0.0] * 4 + [1.0] * 4
        assert tanh_forward(x)[0].tolist() == [-1.0] * 4 + [1.0] * 4


def test_sigmoid_keeps_its_precision_far_below_zero():
    x = np.linspace(-709, -30, 1000)
    assert_each_close(sigmoid_forward(x)[0], np.exp(x) / (1 + np.exp(x)), "sigmoid")


def test_nothing_is_learned_through_a_step(r):
    x, d_out = normal(4, 3), np.full((4, 3), np.inf)
    assert (step_backward(d_out, step_forward(x)[1]) == 0).all()
    assert (both_ways_in_r(r, "step", x, d_out)[1] == 0).all()


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.3, 1.0])
def test_leaky_relu_takes_its_slope(r, slope):
    x = np.concatenate([normal(40), EDGES[np.isfinite(EDGES)]])
    d_out = normal(len(x), seed=1)
    out, cache = leaky_relu_forward(x, slope)
    d_x = leaky_relu_backward(d_out, cache)
    passed = r.call("leaky_relu_forward", x, negative_slope=slope)
    assert_same_bits(out, passed["out"], "out")
    assert_same_bits(d_x, r.call("leaky_relu_backward", d_out, passed["cache"]), "d_x")
    tx = torch.tensor(x, requires_grad=True)
    t_out = torch.nn.functional.leaky_relu(tx, slope)
    t_out.backward(torch.tensor(d_out))
    assert_each_close(out, t_out.detach(), "out", rtol=0)
    assert_each_close(d_x, tx.grad, "d_x", rtol=0)


@pytest.mark.parametrize(
    ("slope", "shown"), [(-0.1, "-0.1"), (1.5, "1.5"), (np.nan, "NaN"), (np.inf, "Inf"), ("steep", '"steep"')]
)
def test_a_slope_must_be_a_number_from_0_to_1(r, slope, shown):
    within = " of at least 0 and at most 1"
    message = f"`negative_slope` must be a finite number{within}, not {shown}."
    assert_same_message(r, "leaky_relu_forward", leaky_relu_forward, [np.ones((2, 2)), slope], message)


def test_the_kernels_agree(r):
    for x in [normal(40, 3), normal(40, 3, scale=1e-9), EDGES]:
        assert_each_close(array_tanh(x), r.call("array_tanh", x), "tanh")
        assert_each_close(array_tanh(x), torch.tanh(torch.tensor(x)), "tanh against PyTorch")
    for x in [np.abs(normal(40, 3)), -np.abs(normal(40, 3, scale=1e-9)), EDGES[EDGES >= 0], -EDGES[np.abs(EDGES) <= 1]]:
        with np.errstate(divide="ignore"):
            assert_each_close(array_log1p(x), r.call("array_log1p", x), "log1p")
            assert_each_close(array_log1p(x), torch.log1p(torch.tensor(x)), "log1p against PyTorch", atol=1e-307)
