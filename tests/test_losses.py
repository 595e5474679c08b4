"""Losses, forward and backward: R against NumPy, NumPy against PyTorch's autograd and central differences."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
import twinnet.losses
from operations import (
    EDGES,
    assert_central_differences,
    assert_each_close,
    assert_same_message,
    class_numbers_of,
    normal,
)
from torch.nn import functional
from twinnet.labels import one_hot, place_classes, take_classes
from twinnet.losses import cross_entropy_1e7_forward, cross_entropy_forward, nll_forward
from twinnet.parity.bridge import RError
from twinnet.softmax import log_softmax, softmax

SHAPES = [(7, 3), (1, 3), (7, 1), (1, 1), (100, 10)]


def probabilities(n, k):
    return softmax(normal(n, k, scale=3.0))


def one_hot_rows(n, k):
    return one_hot(class_numbers_of(n, k), k)


def soft_rows(n, k):
    return softmax(normal(n, k, seed=2))


def binary(n, k):
    return (normal(n, k, seed=3) > 0).astype(float)


def numbers(n, k):
    return class_numbers_of(n, k)


def weighted(p, target, epsilon=0.0):
    """Cross entropy of probabilities, which PyTorch has only of scores and of logarithms."""
    return -(target * torch.log(p + epsilon)).sum() / len(p)


# The output and the targets of each loss, and PyTorch's word for it.
LOSSES = {
    "half_mean_squared_error": [
        (normal, soft_rows, lambda x, t: 0.5 * functional.mse_loss(x, t, reduction="sum") / len(x)),
    ],
    "binary_cross_entropy": [
        (probabilities, binary, functional.binary_cross_entropy),
        (probabilities, soft_rows, functional.binary_cross_entropy),
    ],
    "sigmoid_binary_cross_entropy": [
        (normal, binary, functional.binary_cross_entropy_with_logits),
        (lambda n, k: normal(n, k, scale=50.0), binary, functional.binary_cross_entropy_with_logits),
        (normal, soft_rows, functional.binary_cross_entropy_with_logits),
    ],
    "cross_entropy": [
        (probabilities, one_hot_rows, lambda p, t: functional.nll_loss(torch.log(p), t.argmax(1))),
        (probabilities, soft_rows, weighted),
    ],
    "cross_entropy_labels": [(probabilities, numbers, lambda p, y: functional.nll_loss(torch.log(p), y))],
    "cross_entropy_1e7": [
        (probabilities, one_hot_rows, lambda p, t: functional.nll_loss(torch.log(p + 1e-7), t.argmax(1))),
        (probabilities, soft_rows, lambda p, t: weighted(p, t, 1e-7)),
    ],
    "cross_entropy_1e7_labels": [(probabilities, numbers, lambda p, y: functional.nll_loss(torch.log(p + 1e-7), y))],
    "nll": [
        (lambda n, k: log_softmax(normal(n, k)), one_hot_rows, lambda p, t: functional.nll_loss(p, t.argmax(1))),
        (normal, soft_rows, lambda p, t: -(t * p).sum() / len(p)),
    ],
}
CASES = [(name, number) for name, cases in LOSSES.items() for number in range(len(cases))]


def forward(name, *arguments):
    return getattr(twinnet.losses, f"{name}_forward")(*arguments)


def backward(name, cache):
    return getattr(twinnet.losses, f"{name}_backward")(cache)


def both_ways_in_r(r, name, out, target):
    judged = r.call(f"{name}_forward", out, target + 1 if name.endswith("labels") else target)
    return judged["loss"], r.call(f"{name}_backward", judged["cache"])


def both_ways_in_pytorch(original, out, target):
    t_out = torch.tensor(out, requires_grad=True)
    loss = original(t_out, torch.tensor(target))
    loss.backward()
    return [loss.item()], t_out.grad


# A sum of terms of both signs holds the rounding of the largest of them.
CANCELLED = 1e-15


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("name", "number"), CASES)
def test_losses_agree_forward_and_backward(r, name, number, shape):
    outputs, targets, original = LOSSES[name][number]
    out, target = outputs(*shape), targets(*shape)
    loss, cache = forward(name, out, target)
    d_out = backward(name, cache)
    r_loss, r_d_out = both_ways_in_r(r, name, out, target)
    t_loss, t_d_out = both_ways_in_pytorch(original, out, target)
    assert isinstance(loss, float)
    assert d_out.shape == out.shape
    assert_each_close([loss], r_loss, f"{name} in R", atol=CANCELLED)
    assert_each_close([loss], t_loss, f"{name} in PyTorch", atol=CANCELLED)
    rounding = CANCELLED / len(out)
    assert_each_close(d_out, r_d_out, f"gradient of {name} in R", atol=rounding)
    assert_each_close(d_out, t_d_out, f"gradient of {name} in PyTorch", atol=rounding)


@pytest.mark.parametrize(("name", "number"), CASES)
def test_backward_is_the_slope_of_forward(name, number):
    outputs, targets, _ = LOSSES[name][number]
    out, target = outputs(6, 4), targets(6, 4)
    if name != "nll" and outputs is probabilities:
        out = 0.1 + 0.8 * out  # away from 0, where the logarithm is too steep for differences
    d_out = backward(name, forward(name, out, target)[1])
    assert_central_differences(lambda v: forward(name, v, target)[0], out, d_out, name)


@pytest.mark.parametrize("name", LOSSES)
def test_nothing_is_changed_in_place(name):
    outputs, targets, _ = LOSSES[name][0]
    out, target = outputs(6, 4), targets(6, 4)
    before = out.copy(), target.copy()
    backward(name, forward(name, out, target)[1])
    assert (out == before[0]).all()
    assert (target == before[1]).all()


@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
def test_binary_cross_entropy_at_the_ends_is_pytorchs(r, target):
    """Logarithms of at least -100, a product of at least 1e-12: one element at a time, so that none hides another."""
    for p in [0.0, 5e-324, 1e-300, 1e-50, 1e-20, 1e-13, 1e-8, 0.5, 1 - 1e-8, 1 - 1e-13, 1 - 2**-53, 1.0]:
        out, targets = np.array([[p]]), np.array([[target]])
        loss, cache = forward("binary_cross_entropy", out, targets)
        d_out = backward("binary_cross_entropy", cache)
        r_loss, r_d_out = both_ways_in_r(r, "binary_cross_entropy", out, targets)
        t_loss, t_d_out = both_ways_in_pytorch(functional.binary_cross_entropy, out, targets)
        for what, theirs, d_theirs in [("R", r_loss, r_d_out), ("PyTorch", t_loss, t_d_out)]:
            assert_each_close([loss], theirs, f"loss at {p} in {what}", atol=1e-307)
            assert_each_close(d_out, d_theirs, f"gradient at {p} in {what}", atol=1e-307)
        assert np.isfinite(loss)
        assert np.isfinite(d_out).all()


@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
def test_sigmoid_binary_cross_entropy_does_not_overflow(r, target):
    for x in EDGES[np.isfinite(EDGES)]:
        out, targets = np.array([[x]]), np.array([[target]])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            loss, cache = forward("sigmoid_binary_cross_entropy", out, targets)
            d_out = backward("sigmoid_binary_cross_entropy", cache)
        r_loss, r_d_out = both_ways_in_r(r, "sigmoid_binary_cross_entropy", out, targets)
        t_loss, t_d_out = both_ways_in_pytorch(functional.binary_cross_entropy_with_logits, out, targets)
        assert np.isfinite(loss)
        # PyTorch adds (1 - target) x and -log sigmoid(x), which is -x below 0: what is left holds their rounding
        rounding = 1e-307 + 4e-16 * abs(x) * (target < 1)
        assert_each_close([loss], r_loss, f"loss at {x} in R")
        assert_each_close([loss], t_loss, f"loss at {x} in PyTorch", atol=rounding)
        assert_each_close(d_out, r_d_out, f"gradient at {x} in R", atol=2e-16)
        assert_each_close(d_out, t_d_out, f"gradient at {x} in PyTorch", atol=2e-16)


def test_a_class_without_weight_counts_for_nothing(r):
    """0 * log 0 is NaN in arithmetic and 0 in cross entropy: a softmax that underflows must not spoil the loss."""
    p, target = np.array([[1.0, 0.0], [0.25, 0.75]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    with np.errstate(divide="ignore"):
        log_p = np.log(p)
    for name, out in [("cross_entropy", p), ("nll", log_p)]:
        loss, cache = forward(name, out, target)
        d_out = backward(name, cache)
        r_loss, r_d_out = both_ways_in_r(r, name, out, target)
        assert loss == pytest.approx(-np.log(0.75) / 2, rel=1e-15)
        assert_each_close([loss], r_loss, name)
        assert_each_close(d_out, r_d_out, f"gradient of {name}")
        assert np.isfinite(d_out).all()


def test_without_an_epsilon_an_impossible_class_costs_infinitely_much(r):
    p, y = np.array([[1.0, 0.0]]), np.array([1])
    for name, target in [("cross_entropy", one_hot(y, 2)), ("cross_entropy_labels", y)]:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            loss, cache = forward(name, p, target)
            d_p = backward(name, cache)
        r_loss, r_d_p = both_ways_in_r(r, name, p, target)
        assert loss == r_loss.item() == np.inf
        assert d_p.tolist() == r_d_p.tolist() == [[0.0, -np.inf]]


def test_the_notes_1e7_keeps_the_loss_finite_and_goes_below_0(r):
    impossible, certain = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    for name, target in [("cross_entropy_1e7", one_hot([1], 2)), ("cross_entropy_1e7_labels", np.array([1]))]:
        for p, expected in [(impossible, -np.log(1e-7)), (certain, -np.log(1 + 1e-7))]:
            loss, cache = forward(name, p, target)
            r_loss, r_d_p = both_ways_in_r(r, name, p, target)
            assert_each_close([loss], [expected], name)
            assert_each_close([loss], r_loss, name)
            assert_each_close(backward(name, cache), r_d_p, name)


def test_labels_and_one_hot_rows_say_the_same(r):
    p, y = probabilities(50, 10), class_numbers_of(50, 10)
    for name in ["cross_entropy", "cross_entropy_1e7"]:
        loss, cache = forward(f"{name}_labels", p, y)
        other, other_cache = forward(name, p, one_hot(y, 10))
        assert_each_close([loss], [other], name)
        assert_each_close(backward(f"{name}_labels", cache), backward(name, other_cache), name)
    assert (take_classes(p, y) == (p * one_hot(y, 10)).sum(axis=1)).all()
    assert_each_close(take_classes(p, y), r.call("take_classes", p, y + 1), "take_classes", rtol=0)
    values = normal(50)
    assert (place_classes(values, y, 10) == values[:, None] * one_hot(y, 10)).all()
    assert_each_close(place_classes(values, y, 10), r.call("place_classes", values, y + 1, 10), "place_classes", rtol=0)


@pytest.mark.parametrize("name", LOSSES)
def test_a_nan_reaches_the_loss(r, name):
    outputs, targets, _ = LOSSES[name][0]
    out, target = outputs(4, 3), targets(4, 3)
    out[:] = np.nan
    assert np.isnan(forward(name, out, target)[0])
    assert np.isnan(r.call(f"{name}_forward", out, target + 1 if name.endswith("labels") else target)["loss"]).all()


OUTPUT = {"binary_cross_entropy": "p", "cross_entropy": "p", "cross_entropy_1e7": "p", "nll": "log_p"}
WITH_ROWS = [name for name in LOSSES if not name.endswith("labels")]
OF_PROBABILITIES = [name for name in LOSSES if "cross_entropy" in name and not name.startswith("sigmoid")]


@pytest.mark.parametrize("name", WITH_ROWS)
@pytest.mark.parametrize(
    ("shape", "shown"),
    [((4, 1), "(4, 1)"), ((1, 3), "(1, 3)"), ((3, 4), "(3, 4)"), ((4,), "4"), ((4, 3, 1), "(4, 3, 1)")],
)
def test_a_target_must_have_the_shape_of_the_output(r, name, shape, shown):
    """NumPy would broadcast, R would recycle, and the loss would be a number all the same."""
    message = f"`target` must be of the shape of `{OUTPUT.get(name, 'x')}`, (4, 3), not {shown}."
    arguments = [np.full((4, 3), 0.5), np.ones(shape)]
    assert_same_message(r, f"{name}_forward", getattr(twinnet.losses, f"{name}_forward"), arguments, message)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    ("out", "shown"), [(np.array([0.5, 0.25]), "(0.5, 0.25)"), (np.full((2, 2, 2), 0.5), "an array of shape (2, 2, 2)")]
)
def test_a_batch_must_be_a_matrix(r, name, out, shown):
    output = "p" if name in OF_PROBABILITIES else OUTPUT.get(name, "x")
    message = f"`{output}` must be a matrix, one row a sample, not {shown}."
    assert_same_message(r, f"{name}_forward", getattr(twinnet.losses, f"{name}_forward"), [out, out], message)


@pytest.mark.parametrize("name", OF_PROBABILITIES)
@pytest.mark.parametrize(
    ("value", "shown"), [(-0.5, "-0.5"), (1.5, "1.5"), (np.inf, "Inf"), (-np.inf, "-Inf"), (1 + 2**-52, "1")]
)
def test_probabilities_must_be_from_0_to_1(r, name, value, shown):
    p = probabilities(4, 3)
    p[2, 1] = value
    target = class_numbers_of(4, 3) if name.endswith("labels") else one_hot_rows(4, 3)
    message = f"`p` must be probabilities, from 0 to 1, not {shown}."
    assert_same_message(r, f"{name}_forward", getattr(twinnet.losses, f"{name}_forward"), [p, target], message)


def test_a_class_number_must_be_a_class(r):
    p = probabilities(3, 3)
    for name in ["cross_entropy_labels", "cross_entropy_1e7_labels"]:
        function = getattr(twinnet.losses, f"{name}_forward")
        for outside in ([4, 1, 2], [-1, 1, 2], [1.5, 1, 2]):  # a class in neither language
            shown = ", ".join(f"{number:g}" for number in outside)
            message = f"`numbers` must be class numbers, each one of the n_classes, not ({shown})."
            assert_same_message(r, f"{name}_forward", function, [p, np.array(outside)], message)
        message = "`numbers` must be class numbers, one for each of the 3 rows, not (1, 2)."
        assert_same_message(r, f"{name}_forward", function, [p, np.array([1, 2])], message)
        with pytest.raises(ValueError, match="each one of the n_classes"):
            function(p, [3, 1, 2])
        with pytest.raises(RError, match="each one of the n_classes"):
            r.call(f"{name}_forward", p, np.array([0, 1, 2]))


def test_r_says_the_same_of_a_missing_class_number(r):
    with pytest.raises(RError, match=r"`numbers` must be class numbers, each one of the n_classes, not \(1, NA\)\."):
        r.eval("one_hot(c(1, NA), 2)")


def test_the_notes_formula_is_the_one_of_the_notes():
    """Lesson D: -sum(t log(y + 1e-7)) / batch size; without the epsilon the two differ by about 1e-7 / p."""
    p, target = probabilities(20, 5), one_hot_rows(20, 5)
    assert cross_entropy_1e7_forward(p, target)[0] == pytest.approx(-np.sum(target * np.log(p + 1e-7)) / 20, rel=1e-14)
    gap = cross_entropy_forward(p, target)[0] - cross_entropy_1e7_forward(p, target)[0]
    assert gap == pytest.approx(1e-7 * (target / p).sum() / 20, rel=1e-3)


def test_half_the_mean_squared_error_of_known_numbers(r):
    """1/(2n) of all squares: over the two outputs they are added, over the two samples averaged."""
    x, target = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[0.0, 0.0], [3.0, 1.0]])
    loss, cache = forward("half_mean_squared_error", x, target)
    assert loss == r.call("half_mean_squared_error_forward", x, target)["loss"].item() == (1 + 4 + 0 + 16) / 4
    assert backward("half_mean_squared_error", cache).tolist() == [[0.5, 1.0], [0.0, 2.0]]


def test_nll_of_labels_pytorchs_way():
    log_p, y = log_softmax(normal(9, 4)), class_numbers_of(9, 4)
    assert nll_forward(log_p, one_hot(y, 4))[0] == pytest.approx(-log_p[np.arange(9), y].mean(), rel=1e-15)
