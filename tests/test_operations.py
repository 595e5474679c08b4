"""Every operation, forward and backward: R against NumPy on the same inputs, and NumPy against PyTorch's autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from twinnet.activations import relu_backward, relu_forward
from twinnet.affine import affine_backward, affine_forward
from twinnet.arrays import fill_by_column, fill_by_row
from twinnet.gradient_check import gradient_check, numerical_gradient
from twinnet.kernels import (
    array_exp,
    array_log,
    array_sum,
    column_sums,
    matmul,
    matmul_nt,
    matmul_tn,
    row_maxima,
    row_sums,
    sum_of_products,
)
from twinnet.l2 import l2_gradients, l2_penalty
from twinnet.labels import class_levels, class_numbers, one_hot, predicted_classes
from twinnet.metrics import accuracy, confusion_table
from twinnet.model import dense_layers, model_backward, model_forward
from twinnet.optimizers import optimizer_step
from twinnet.softmax import softmax, softmax_cross_entropy_backward, softmax_cross_entropy_forward
from twins import assert_close

SHAPES = [(7, 4, 3), (1, 4, 3), (7, 1, 3), (7, 4, 1), (1, 1, 1), (75, 4, 6), (40, 30, 20)]
SCALES = [1.0, 1e-8, 1e8]


def normal(*shape, seed=0, scale=1.0):
    return scale * np.random.default_rng([seed, *shape]).standard_normal(shape)


def one_hot_rows(n, k):
    return one_hot(np.random.default_rng([n, k]).integers(0, k, n), k)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", SCALES)
def test_kernels_agree(r, shape, scale):
    n, k, m = shape
    a, b, c = normal(n, k, scale=scale), normal(k, m), normal(n, m, seed=1)
    assert_close(matmul(a, b), r.call("matmul", a, b), "matmul")
    assert_close(matmul_tn(a, c), r.call("matmul_tn", a, c), "matmul_tn")
    assert_close(matmul_nt(b, c), r.call("matmul_nt", b, c), "matmul_nt")
    assert_close(
        [array_sum(a)], r.call("array_sum", a), "array_sum", rtol=1e-12 * max(1, np.abs(a).sum() / abs(a.sum()))
    )
    assert_close([sum_of_products(c, c)], r.call("sum_of_products", c, c), "sum_of_products")
    assert_close(column_sums(a), r.call("column_sums", a), "column_sums")
    assert_close(row_sums(a)[:, 0], r.call("row_sums", a), "row_sums")
    assert_close(row_maxima(a)[:, 0], r.call("row_maxima", a), "row_maxima", rtol=0)
    assert_close(array_exp(a / scale), r.call("array_exp", a / scale), "array_exp")
    assert_close(array_log(np.abs(a)), r.call("array_log", np.abs(a)), "array_log")


def test_row_maxima_take_ties_and_close_values_exactly(r):
    x = np.array([[1.0, 1.0], [1.0, 1.0 + 1e-15], [-np.inf, 3.0], [0.0, -0.0]])
    assert r.call("row_maxima", x).tolist() == row_maxima(x)[:, 0].tolist()
    assert (predicted_classes(x) + 1).tolist() == r.call("predicted_classes", x).tolist() == [1, 2, 2, 1]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", SCALES)
def test_affine_agrees_forward_and_backward(r, shape, scale):
    n, d_in, d_out = shape
    x, w, b, d = normal(n, d_in, scale=scale), normal(d_in, d_out), normal(d_out), normal(n, d_out, seed=1)
    out, cache = affine_forward(x, w, b)
    r_out = r.call("affine_forward", x, w, b)
    assert_close(out, r_out["out"], "out")
    r_back = r.call("affine_backward", d, r_out["cache"])
    for name, value in zip(["d_x", "d_w", "d_b"], affine_backward(d, cache), strict=True):
        assert_close(value, r_back[name], name)
    assert affine_backward(d, cache, input_gradient=False)[0] is None
    assert r.call("affine_backward", d, r_out["cache"], input_gradient=False)["d_x"] is None

    tx, tw, tb = (torch.tensor(value, requires_grad=True) for value in (x, w, b))
    torch_out = tx @ tw + tb
    torch_out.backward(torch.tensor(d))
    assert_close(out, torch_out.detach(), "out against PyTorch")
    for name, value, t in zip(["d_x", "d_w", "d_b"], affine_backward(d, cache), [tx, tw, tb], strict=True):
        assert_close(value, t.grad, f"{name} against PyTorch")


def test_relu_agrees_forward_and_backward(r):
    x = np.array([[-1.0, 0.0, 2.0], [-0.0, 1e-300, -np.inf], [5e-324, np.inf, -5e-324]])
    d = normal(3, 3)
    out, cache = relu_forward(x)
    r_out = r.call("relu_forward", x)
    assert_close(out, r_out["out"], "out", rtol=0)
    assert_close(relu_backward(d, cache), r.call("relu_backward", d, r_out["cache"]), "d_x", rtol=0)
    tx = torch.tensor(x, requires_grad=True)
    torch.relu(tx).backward(torch.tensor(d))
    assert_close(relu_backward(d, cache), tx.grad, "d_x against PyTorch", rtol=0)


@pytest.mark.parametrize("scale", [0.0, 1e-6, 1.0, 30.0, 1e3, 1e300])
@pytest.mark.parametrize("shape", [(7, 3), (1, 3), (7, 1), (1, 1), (50, 10)])
def test_softmax_cross_entropy_agrees_forward_and_backward(r, scale, shape):
    x, target = normal(*shape, scale=scale), one_hot_rows(*shape)
    assert_close(softmax(x), r.call("softmax", x), "softmax")
    loss, cache = softmax_cross_entropy_forward(x, target)
    r_out = r.call("softmax_cross_entropy_forward", x, target)
    assert_close([loss], r_out["loss"], "loss")
    d_x = softmax_cross_entropy_backward(cache)
    assert_close(d_x, r.call("softmax_cross_entropy_backward", r_out["cache"]), "d_x")
    tx = torch.tensor(x, requires_grad=True)
    torch_loss = torch.nn.functional.cross_entropy(tx, torch.tensor(target))
    torch_loss.backward()
    assert_close([loss], [torch_loss.item()], "loss against PyTorch")
    assert_close(d_x, tx.grad, "d_x against PyTorch")


def test_softmax_rows_sum_to_one_and_stay_finite():
    p = softmax(normal(100, 10, scale=1e5))
    assert np.isfinite(p).all()
    assert (np.abs(p.sum(1) - 1) < 1e-14).all()


def test_l2_agrees(r):
    params = {"affine1.w": normal(4, 6), "affine1.b": normal(6), "affine2.w": normal(6, 3), "affine2.b": normal(3)}
    grads = {key: normal(*value.shape, seed=1) for key, value in params.items()}
    assert_close([l2_penalty(params, 0.3)], r.call("l2_penalty", params, 0.3), "penalty")
    r_grads = r.call("l2_gradients", params, grads, 0.3)
    for key, value in l2_gradients(params, grads, 0.3).items():
        assert_close(value, r_grads[key], key)
    assert (l2_gradients(params, grads, 0.3)["affine1.b"] == grads["affine1.b"]).all(), "biases are not penalised"
    assert l2_penalty(params, 0.3) == pytest.approx(
        0.15 * sum((params[key] ** 2).sum() for key in ["affine1.w", "affine2.w"])
    )


def test_gradient_descent_agrees_and_does_not_change_its_arguments(r):
    params, grads = {"affine1.w": normal(4, 6)}, {"affine1.w": normal(4, 6, seed=1)}
    before = params["affine1.w"].copy()
    optimizer = {"name": "gradient_descent", "lr": 0.1}
    stepped, _ = optimizer_step(optimizer, params, grads, {})
    r_stepped = r.call("optimizer_step", optimizer, params, grads, {})["params"]
    assert_close(stepped["affine1.w"], r_stepped["affine1.w"], "params")
    assert (params["affine1.w"] == before).all()


@pytest.mark.parametrize("hidden", [[6], [1], [8, 5], [3, 3, 3]])
def test_model_agrees_forward_and_backward_with_r_and_with_autograd(r, hidden):
    model = dense_layers(4, hidden, 3)
    params = {}
    for layer in model:
        if layer["type"] == "affine":
            params[f"{layer['name']}.w"] = normal(layer["d_in"], layer["d_out"], seed=len(params))
            params[f"{layer['name']}.b"] = normal(layer["d_out"], seed=len(params))
    x, d_out = normal(20, 4), normal(20, 3, seed=1)
    out, caches = model_forward(model, params, x)
    r_out = r.call("model_forward", model, params, x)
    assert_close(out, r_out["out"], "out")
    grads = model_backward(model, params, caches, d_out)
    r_grads = r.call("model_backward", model, params, r_out["caches"], d_out)
    assert list(grads) == list(r_grads) == list(params)
    tensors = {key: torch.tensor(value, requires_grad=True) for key, value in params.items()}
    z = torch.tensor(x)
    for layer in model:
        z = (
            torch.relu(z)
            if layer["type"] == "relu"
            else z @ tensors[f"{layer['name']}.w"] + tensors[f"{layer['name']}.b"]
        )
    z.backward(torch.tensor(d_out))
    for key, value in grads.items():
        assert_close(value, r_grads[key], key)
        assert_close(value, tensors[key].grad, f"{key} against PyTorch")


@pytest.mark.parametrize("hidden", [[6], [8, 5]])
@pytest.mark.parametrize("reg", [0.0, 0.1])
def test_backpropagation_agrees_with_central_differences_in_both_languages(r, hidden, reg):
    model = dense_layers(4, hidden, 3)
    experiment = {"model": model, "loss": "softmax_cross_entropy", "reg": reg, "arithmetic": "native"}
    params = {}
    for layer in model:
        if layer["type"] == "affine":
            params[f"{layer['name']}.w"] = normal(layer["d_in"], layer["d_out"], seed=5)
            params[f"{layer['name']}.b"] = normal(layer["d_out"], seed=6)
    x, target = normal(10, 4), one_hot_rows(10, 3)
    python = gradient_check(experiment, params, x, target)
    in_r = r.call("gradient_check", experiment, params, x, target)
    assert list(python) == list(in_r) == list(params)
    # central differences with h = 1e-5: truncation h^2 = 1e-10, rounding eps / h = 2e-11
    for key in params:
        assert python[key] < 1e-9, f"{key}: {python[key]} in Python"
        assert in_r[key].item() < 1e-9, f"{key}: {in_r[key].item()} in R"


def test_numerical_gradient_of_a_known_function(r):
    x = normal(2, 3, 2)
    assert_close(numerical_gradient(lambda v: float((v**3).sum()), x), 3 * x**2, "gradient", rtol=1e-8)
    cube = r.eval("function(v) sum(v^3)", convert=False)
    assert_close(r.call("numerical_gradient", cube, x), 3 * x**2, "gradient in R", rtol=1e-8)


def test_a_wrong_gradient_is_found(monkeypatch):
    """The check itself can fail: with the L2 gradient off by a factor of 2 it reports the size of the error."""
    experiment = {"model": dense_layers(4, [6], 3), "loss": "softmax_cross_entropy", "reg": 0.1, "arithmetic": "native"}
    params = {"affine1.w": normal(4, 6), "affine1.b": normal(6), "affine2.w": normal(6, 3), "affine2.b": normal(3)}
    monkeypatch.setattr("twinnet.train.l2_gradients", lambda p, g, reg: l2_gradients(p, g, 2 * reg))
    found = gradient_check(experiment, params, normal(10, 4), one_hot_rows(10, 3))
    assert found["affine1.w"] == pytest.approx(0.1 * np.abs(params["affine1.w"]).max(), rel=1e-6)
    assert found["affine1.b"] < 1e-9


def test_labels_and_metrics_agree(r):
    labels = np.array(["b", "a", "C", "a", "b"])
    levels = class_levels(labels, "labels")
    assert levels.tolist() == r.call("class_levels", labels, "labels").tolist() == ["C", "a", "b"]
    numbers = class_numbers(labels, levels, "labels")
    assert (numbers + 1).tolist() == r.call("class_numbers", labels, levels, "labels").tolist()
    assert_close(one_hot(numbers, 3), r.call("one_hot", numbers + 1, 3), "one_hot", rtol=0)
    predicted = np.array([2, 1, 1, 1, 0])
    assert accuracy(numbers, predicted) == r.call("accuracy", numbers + 1, predicted + 1).item() == 0.6
    table = confusion_table(numbers, predicted, 3)
    assert table.tolist() == r.call("confusion_table", numbers + 1, predicted + 1, 3).tolist()
    assert table.tolist() == [[0, 1, 0], [0, 2, 0], [1, 0, 1]]


def test_filling_agrees(r):
    values = np.arange(24.0)
    for shape in [(24,), (4, 6), (2, 3, 4), (1, 24)]:
        assert_close(
            fill_by_column(values, shape), r.call("fill_by_column", values, np.array(shape)), "by column", rtol=0
        )
        assert_close(fill_by_row(values, shape), r.call("fill_by_row", values, np.array(shape)), "by row", rtol=0)
    assert fill_by_row(values, (4, 6))[0].tolist() == values[:6].tolist()
    assert fill_by_column(values, (4, 6))[:, 0].tolist() == values[:4].tolist()
