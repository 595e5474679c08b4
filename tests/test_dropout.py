"""Dropout and injected noise, forward and backward: R against NumPy, NumPy against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from operations import EDGES, assert_central_differences, assert_each_close, assert_same_message, normal
from twinnet.dropout import dropout_backward, dropout_forward, noise_backward, noise_forward
from twins import assert_same_bits

SHAPES = [(7, 4), (1, 3), (7, 1), (1, 1), (2, 3, 4), (100, 20), (5,)]


def kept(shape, p):
    return (np.random.default_rng([7, *shape]).random(shape) >= p).astype(float)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.75, 1 - 2**-53])
def test_dropout_agrees_in_every_bit(r, shape, p):
    x, d_out, mask = normal(*shape), normal(*shape, seed=1), kept(shape, p)
    out, cache = dropout_forward(x, mask, p)
    passed = r.call("dropout_forward", x, mask, p)
    assert_same_bits(out, passed["out"], "out")
    assert_same_bits(dropout_backward(d_out, cache), r.call("dropout_backward", d_out, passed["cache"]), "d_x")
    assert (out[mask == 0] == 0).all()
    assert_each_close(out[mask == 1], x[mask == 1] / (1 - p), "what is kept", rtol=1e-15)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_dropout_is_pytorchs_with_pytorchs_mask(p):
    x, d_out = normal(60, 50), normal(60, 50, seed=1)
    torch.manual_seed(1)
    tx = torch.tensor(x, requires_grad=True)
    t_out = torch.nn.functional.dropout(tx, p)
    t_out.backward(torch.tensor(d_out))
    mask = t_out.detach().numpy() != 0
    assert 0 < mask.mean() < 1
    out, cache = dropout_forward(x, mask, p)
    # PyTorch multiplies by 1 / (1 - p) or divides by 1 - p, as its version has it: one rounding apart
    assert_each_close(out, t_out.detach(), "out", rtol=3e-16)
    assert_each_close(dropout_backward(d_out, cache), tx.grad, "d_x", rtol=3e-16)


def test_a_mask_of_truth_values_is_one_of_numbers(r):
    x, mask = normal(6, 5), kept((6, 5), 0.4)
    for given in [mask.astype(bool), mask.astype(np.int32)]:
        assert_same_bits(dropout_forward(x, given, 0.4)[0], dropout_forward(x, mask, 0.4)[0], str(given.dtype))
        assert_same_bits(r.call("dropout_forward", x, given, 0.4)["out"], dropout_forward(x, mask, 0.4)[0], "R")


def test_dropout_keeps_the_expected_value():
    x = np.ones((1000, 100))
    out, _ = dropout_forward(x, kept(x.shape, 0.3), 0.3)
    assert out.mean() == pytest.approx(1, abs=5 * np.sqrt(0.3 / 0.7 / x.size))  # five standard errors


def test_noise_agrees_in_every_bit(r):
    for shape in SHAPES:
        x, noise, d_out = normal(*shape), normal(*shape, seed=1, scale=0.1), normal(*shape, seed=2)
        out, cache = noise_forward(x, noise)
        passed = r.call("noise_forward", x, noise)
        assert_same_bits(out, passed["out"], "out")
        assert_same_bits(noise_backward(d_out, cache), r.call("noise_backward", d_out, passed["cache"]), "d_x")
        assert_same_bits(noise_backward(d_out, cache), d_out, "d_x")
        assert_same_bits(out, x + noise, "out")


def test_backward_is_the_slope_of_forward():
    x, d_out, mask, noise = normal(5, 4), normal(5, 4, seed=1), kept((5, 4), 0.5), normal(5, 4, seed=2)
    d_x = dropout_backward(d_out, dropout_forward(x, mask, 0.5)[1])
    assert_central_differences(lambda v: float((dropout_forward(v, mask, 0.5)[0] * d_out).sum()), x, d_x, "dropout")
    d_x = noise_backward(d_out, noise_forward(x, noise)[1])
    assert_central_differences(lambda v: float((noise_forward(v, noise)[0] * d_out).sum()), x, d_x, "noise")


def test_edges_agree(r):
    x = EDGES[np.isfinite(EDGES)]
    mask = kept(x.shape, 0.5)
    assert_same_bits(dropout_forward(x, mask, 0.25)[0], r.call("dropout_forward", x, mask, 0.25)["out"], "dropout")
    assert_same_bits(noise_forward(x, x[::-1])[0], r.call("noise_forward", x, x[::-1])["out"], "noise")


@pytest.mark.parametrize(
    ("p", "shown"), [(1, "1"), (1.5, "1.5"), (-0.1, "-0.1"), (np.nan, "NaN"), ("half", '"half"'), (None, "nothing")]
)
def test_p_must_be_at_least_0_and_below_1(r, p, shown):
    message = f"`p` must be a finite number of at least 0 and below 1, not {shown}."
    assert_same_message(r, "dropout_forward", dropout_forward, [np.ones((2, 2)), np.ones((2, 2)), p], message)


@pytest.mark.parametrize(("shape", "shown"), [((4, 1), "(4, 1)"), ((1, 3), "(1, 3)"), ((3,), "3"), ((3, 4), "(3, 4)")])
def test_mask_and_noise_must_have_the_shape_of_x(r, shape, shown):
    x, other = np.ones((4, 3)), np.ones(shape)
    message = f"`mask` must be of the shape of `x`, (4, 3), not {shown}."
    assert_same_message(r, "dropout_forward", dropout_forward, [x, other, 0.5], message)
    message = f"`noise` must be of the shape of `x`, (4, 3), not {shown}."
    assert_same_message(r, "noise_forward", noise_forward, [x, other], message)
