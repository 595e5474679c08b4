"""Mistakes of the backward pass, computed from the recorded activations, weights and gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from twinnet._types import Array
from twinnet.parity.array_hypotheses import Guess
from twinnet.parity.forward_hypotheses import ACTIVATIONS, pair, softmax_of, windows
from twinnet.parity.recorded import MissingTensorError, Recorded

__all__ = ["backward_guesses"]

DERIVATIVES: dict[str, Callable[[Array, Array], Any]] = {  # of the input and the output
    "relu": lambda x, out: (x > 0) * 1.0,
    "leaky_relu": lambda x, out: np.where(x > 0, 1.0, 0.01),
    "sigmoid": lambda x, out: out * (1 - out),
    "tanh": lambda x, out: 1 - out * out,
    "step": lambda x, out: np.zeros_like(x),
    "identity": lambda x, out: np.ones_like(x),
}


def backward_guesses(side: Recorded) -> Iterator[Guess]:
    """What a gradient should be, and what it would be with each mistake.

    Parameters
    ----------
    side : Recorded

    Yields
    ------
    Guess
    """
    name, _, part = side.name.rpartition(".")
    if side.name == "loss.d_out":
        yield from of_loss(side)
    elif part == "grad":
        yield from with_penalty(side, name)
    else:
        i = side.layer(name)
        layer = side.model[i]
        kind, g = layer["type"], side.gradient_of(i)
        if kind == "affine":
            yield from of_affine(side, i, part, g)
        elif kind == "conv2d":
            yield from of_conv2d(side, i, part, g)
        elif kind in ACTIVATIONS:
            yield from of_activation(kind, side.input_of(i), side.output_of(i), g)
        elif kind in ("softmax", "log_softmax"):
            yield from of_softmax(kind, side.output_of(i), g)
        elif kind == "dropout":
            yield from of_dropout(layer["p"], side.value("forward", f"{name}.mask"), g)
        elif kind == "noise":
            yield Guess("", g)
            yield Guess("missing_derivative", g * side.value("forward", f"{name}.noise"), "times the noise")
        elif kind in ("flatten", "unflatten"):
            yield from of_reshape(side.input_of(i).shape, g)
        elif kind.endswith("pool2d"):
            x = side.input_of(i)
            size = x.shape[2:] if kind.startswith("global") else pair(layer["size"])
            stride = pair(layer.get("stride") or size)
            yield from of_pool(kind, x, (int(size[0]), int(size[1])), stride, g)


def of_loss(side: Recorded) -> Iterator[Guess]:
    """The gradient of the loss with respect to the model's outputs."""
    x, target = side.output_of(len(side.model) - 1), side.value("data", "batch.target")
    n, k = target.shape
    loss = side.experiment["loss"]
    match loss:
        case "half_mean_squared_error":
            right = (x - target) / n
        case "sigmoid_binary_cross_entropy":
            p = 1 / (1 + np.exp(-x))
            right = (p - target) / (n * k)
            yield Guess("doubled_derivative", right * p * (1 - p), "the sigmoid's")
            yield Guess("target_missing", p / (n * k))
            yield Guess("missing_activation", (x - target) / (n * k), "sigmoid")
        case "softmax_cross_entropy":
            p = softmax_of(x)
            right = (p - target) / n
            yield Guess("target_missing", p / n)
            yield Guess("missing_softmax", (x - target) / n)
            yield Guess("doubled_softmax", (softmax_of(p) - target) / n)
            yield Guess("doubled_derivative", right * p * (1 - p), "the softmax's diagonal")
            inner = (right * p).sum(axis=1, keepdims=True)
            yield Guess("doubled_derivative", p * (right - inner), "the softmax's")
            yield Guess("softmax_axis", (softmax_of(x, 0) - target) / n)
        case "cross_entropy":
            right = -target / (n * np.where(target == 0, 1.0, x))
            yield Guess("missing_derivative", -target / n, "of the logarithm")
            yield Guess("combined_derivative", (x - target) / n)
        case _:
            right = -target / n
            yield Guess("combined_derivative", (np.exp(x) - target) / n)
    yield Guess("", right)
    yield Guess("sign", -right)
    yield Guess("sum_for_mean", right * n)
    yield Guess("sum_for_mean", right * n * k)
    yield Guess("mean_over_outputs", right / k)
    yield Guess("factor_two", right * 2)


def with_penalty(side: Recorded, key: str) -> Iterator[Guess]:
    """A parameter's gradient with that of the L2 penalty added."""
    layer, _, part = key.rpartition(".")
    grad, value, reg = side.value("backward", f"{layer}.d_{part}"), side.before(key), side.experiment["reg"]
    decays = part == "w"
    yield Guess("", grad + reg * value if decays else grad)
    if not decays:
        yield Guess("l2_on_biases", grad + reg * value)
        return
    n = len(side.value("data", "batch.target"))
    yield Guess("missing_l2", grad)
    yield Guess("l2_factor", grad + 2 * reg * value, "2")
    yield Guess("l2_factor", grad + 0.5 * reg * value, "1/2")
    yield Guess("l2_factor", grad + reg * value / n, "1 / rows of the batch")
    yield Guess("l2_factor", grad + value, "1 / reg: the strength is left out")
    yield Guess("sign", grad - reg * value, "of the penalty's gradient")
    yield Guess("l1_for_l2", grad + reg * np.sign(value))


def of_affine(side: Recorded, i: int, part: str, g: Array) -> Iterator[Guess]:
    """The gradients of an affine layer."""
    layer = side.model[i]
    x, w = side.input_of(i), side.before(layer["w"])
    n = len(g)
    if part == "d_w":
        yield Guess("", x.T @ g)
        yield Guess("sum_for_mean", x.T @ g / n, "a mean over the rows in place of a sum")
        yield Guess("sum_for_mean", x.T @ g * n)
        yield Guess("sign", -(x.T @ g))
        if w.shape[0] == w.shape[1]:
            yield Guess("transposed", g.T @ x)
        if i > 0 and (earlier := side.input_of(i - 1)).shape == x.shape:
            yield Guess("wrong_input", earlier.T @ g, f"what goes into {side.model[i - 1]['name']}")
        yield Guess("missing_derivative", x.sum(axis=0)[:, None] * np.ones((1, g.shape[1])), "without the gradient")
    elif part == "d_b":
        yield Guess("", g.sum(axis=0))
        yield Guess("sum_for_mean", g.mean(axis=0), "a mean over the rows in place of a sum")
        yield Guess("sign", -g.sum(axis=0))
        yield Guess("first_row", g[0])
        yield Guess("first_row", g[-1], "the last one")
        if g.shape[0] == g.shape[1]:
            yield Guess("transposed", g.sum(axis=1), "rows are summed, not columns")
    else:
        yield Guess("", g @ w.T)
        yield Guess("sign", -(g @ w.T))
        if w.shape[0] == w.shape[1]:
            yield Guess("transposed", g @ w, "the weights")
        yield from with_other_weights(side, i, lambda other: g @ other.T)


def with_other_weights(side: Recorded, i: int, apply: Callable[[Array], Array]) -> Iterator[Guess]:
    """A gradient that went back through weights that were not those of the forward pass."""
    layer = side.model[i]
    for read in (lambda: side.value("update", layer["w"]), lambda: stepped(side, layer["w"])):
        try:
            yield Guess("updated_weights", apply(read()))
        except MissingTensorError:
            continue
    if side.step > 1:
        yield Guess("stale_parameters", apply(side.before(layer["w"], 2)))


def stepped(side: Recorded, key: str) -> Array:
    """Weights after a plain step down the gradient of the loss."""
    layer, _, part = key.rpartition(".")
    lr = side.experiment["optimizer"]["lr"]
    return np.asarray(side.before(key) - lr * side.value("backward", f"{layer}.d_{part}"))


def of_activation(kind: str, x: Array, out: Array, g: Array) -> Iterator[Guess]:
    """The gradient of an activation."""
    right = DERIVATIVES[kind](x, out)
    yield Guess("", g * right)
    yield Guess("missing_derivative", g)
    yield Guess("doubled_derivative", g * right * right)
    yield Guess("derivative_of_input", g * DERIVATIVES[kind](x, x))
    yield Guess(
        "derivative_of_input", g * DERIVATIVES[kind](out, ACTIVATIONS[kind](out)), "of the output of the output"
    )
    yield Guess("sign", -g * right)
    yield Guess("mask_inverted", g * (1 - right), "where the derivative is 0 and where it is not")
    if kind in ("relu", "leaky_relu"):
        yield Guess("relu_at_zero", g * np.where(x == 0, 1.0, right), "1")
        yield Guess("relu_at_zero", g * np.where(x == 0, 0.5, right), "1/2")
        yield Guess("wrong_input", g * (g > 0), "the gradient's own sign is asked")
        yield Guess("wrong_input", np.maximum(g, 0) * (x > 0), "the gradient's own sign is asked too")
        yield Guess("derivative_incomplete", g * out, "the output itself for its sign")
        yield Guess("derivative_of_input", g * np.sign(x), "its sign, which may be -1")
    if kind == "sigmoid":
        yield Guess("derivative_incomplete", g * out, "1 - out is missing")
        yield Guess("derivative_incomplete", g * (1 - out), "out is missing")
        yield Guess("sign", g * out * (1 + out), "of out in 1 - out")
    if kind == "tanh":
        yield Guess("derivative_incomplete", g * (1 - out), "the square is missing")
        yield Guess("derivative_incomplete", g * out * out, "1 - is missing")
        yield Guess("sign", g * (1 + out * out), "of the square")
    for other, derivative in DERIVATIVES.items():
        if other not in (kind, "identity", "step"):
            yield Guess("other_activation", g * derivative(x, out), f"the derivative of {other} for that of {kind}")


def of_softmax(kind: str, out: Array, g: Array) -> Iterator[Guess]:
    """The gradient of softmax or of its logarithm."""
    yield Guess("missing_derivative", g)
    if kind == "softmax":
        inner = g * out
        yield Guess("", out * (g - inner.sum(axis=1, keepdims=True)))
        yield Guess("jacobian_diagonal", out * (1 - out) * g)
        yield Guess("jacobian_diagonal", out * g, "and of it the output alone")
        yield Guess("softmax_axis", out * (g - inner.sum(axis=0)))
        yield Guess(
            "derivative_incomplete", out * (g - g.sum(axis=1, keepdims=True)), "of the gradient alone is the sum"
        )
        yield Guess("sign", out * (g + inner.sum(axis=1, keepdims=True)), "of the sum")
        yield Guess("missing_derivative", g - inner.sum(axis=1, keepdims=True), "the output as a factor")
    else:
        total = g.sum(axis=1, keepdims=True)
        yield Guess("", g - np.exp(out) * total)
        yield Guess("log_for_plain", g - out * total)
        yield Guess("softmax_axis", g - np.exp(out) * g.sum(axis=0))
        yield Guess("sign", g + np.exp(out) * total, "of the sum")
        yield Guess("jacobian_diagonal", g * (1 - np.exp(out)))


def of_dropout(p: float, mask: Array, g: Array) -> Iterator[Guess]:
    """The gradient of dropout."""
    yield Guess("", g * (mask / (1 - p)))
    yield Guess("missing_dropout", g)
    yield Guess("dropout_scale", g * mask, "not divided")
    yield Guess("dropout_scale", g / (1 - p), "the mask is left out")
    yield Guess("dropout_scale", g * mask / (1 - p) ** 2, "divided twice")
    yield Guess("dropout_scale", g * mask * (1 - p), "multiplied by 1 - p")
    yield Guess("dropout_scale", g * mask / p, "divided by p")
    yield Guess("mask_inverted", g * (1 - mask) / (1 - p))


def of_reshape(shape: tuple[int, ...], g: Array) -> Iterator[Guess]:
    """The gradient of a change of shape."""
    yield Guess("", g.reshape(shape))
    yield Guess("column_major", g.reshape(shape, order="F"), "the whole array is")
    if g.ndim == 2:
        turned = g.reshape(shape[0], *shape[:0:-1]).transpose(0, *range(len(shape) - 1, 0, -1))
    else:
        turned = g.transpose(0, *range(g.ndim - 1, 0, -1)).reshape(shape)
    yield Guess("column_major", turned, "each sample is")
    if len(shape) == 4 and g.ndim == 2:
        n, c, h, w = shape
        yield Guess("axis_order", g.reshape(n, h, w, c).transpose(0, 3, 1, 2), "channels last")


def of_conv2d(side: Recorded, i: int, part: str, g: Array) -> Iterator[Guess]:
    """The gradients of a convolution."""
    layer = side.model[i]
    x, w = side.input_of(i), side.before(layer["w"])
    stride, padding = pair(layer.get("stride", 1)), pair(layer.get("padding", 0))
    if part == "d_b":
        yield Guess("", g.sum(axis=(0, 2, 3)))
        yield Guess("sum_for_mean", g.mean(axis=(0, 2, 3)), "a mean in place of a sum")
        yield Guess("sum_for_mean", g.sum(axis=(0, 2, 3)) / len(g), "a mean over the images in place of a sum")
        yield Guess("sum_for_mean", g.mean(axis=(2, 3)).sum(axis=0), "a mean over the places in place of a sum")
        yield Guess("first_row", g[..., 0, 0].sum(axis=0), "the first place alone")
        yield Guess("first_row", g[:, :, -1].sum(axis=(0, 2)), "the last line of the images alone")
        yield Guess("first_row", g[:, :, 0].sum(axis=(0, 2)), "the first line of the images alone")
    elif part == "d_w":
        padded = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
        seen = windows(padded, w.shape[2:], stride)[:, :, : g.shape[2], : g.shape[3]]
        right = np.einsum("nopq,ncpquv->ocuv", g, seen, optimize=True)
        yield Guess("", right)
        yield Guess("kernel_flipped", right[..., ::-1, ::-1])
        yield Guess("sum_for_mean", right / len(g), "a mean over the images in place of a sum")
        yield Guess("sum_for_mean", right / (g.shape[2] * g.shape[3]), "a mean over the places in place of a sum")
        if w.shape[2] == w.shape[3]:
            yield Guess("transposed", right.swapaxes(2, 3))
    else:

        def spread_padded(w: Array) -> Array:
            down, across = g.shape[2:]
            d_x = np.zeros((*x.shape[:2], x.shape[2] + 2 * padding[0], x.shape[3] + 2 * padding[1]))
            for u in range(w.shape[2]):
                for v in range(w.shape[3]):
                    rows = slice(u, u + stride[0] * (down - 1) + 1, stride[0])
                    columns = slice(v, v + stride[1] * (across - 1) + 1, stride[1])
                    d_x[:, :, rows, columns] += np.einsum("nopq,oc->ncpq", g, w[:, :, u, v], optimize=True)
            return d_x

        def spread(w: Array) -> Array:
            return spread_padded(w)[:, :, padding[0] : padding[0] + x.shape[2], padding[1] : padding[1] + x.shape[3]]

        yield Guess("", spread(w))
        yield Guess("padding", spread_padded(w), "it is not cut off")
        yield Guess("padding", spread_padded(w)[:, :, : x.shape[2], : x.shape[3]], "it is cut off on one side alone")
        yield Guess("padding", spread_padded(w)[:, :, -x.shape[2] :, -x.shape[3] :], "it is cut off on one side alone")
        yield Guess("kernel_flipped", spread(w[..., ::-1, ::-1]))
        if w.shape[2] == w.shape[3]:
            yield Guess("transposed", spread(w.swapaxes(2, 3)))
        yield from with_other_weights(side, i, spread)


def of_pool(kind: str, x: Array, size: tuple[int, int], stride: tuple[int, int], g: Array) -> Iterator[Guess]:
    """The gradient of pooling: each window's, shared out among its places."""
    seen = windows(x, size, stride)
    flat = seen.reshape(*seen.shape[:4], -1)
    area = size[0] * size[1]
    places = np.arange(area)
    first = places == flat.argmax(axis=-1)[..., None]
    last = places == area - 1 - flat[..., ::-1].argmax(axis=-1)[..., None]
    largest = flat == flat.max(axis=-1, keepdims=True)
    everywhere = np.ones_like(flat)
    right = first if kind == "max_pool2d" else everywhere / area
    yield Guess("", spread_out(right, g, x.shape, size, stride))
    if kind == "max_pool2d":
        yield Guess("pool_ties", spread_out(last, g, x.shape, size, stride), "the last of equal maxima")
        yield Guess("pool_ties", spread_out(largest, g, x.shape, size, stride), "all of equal maxima")
        shared = largest / largest.sum(axis=-1, keepdims=True)
        yield Guess("pool_ties", spread_out(shared, g, x.shape, size, stride), "shared among equal maxima")
        yield Guess("other_pool", spread_out(everywhere / area, g, x.shape, size, stride), "the gradient of a mean")
        yield Guess("other_pool", spread_out(places == 0, g, x.shape, size, stride), "the first place gets it")
    name = "pool_everywhere" if kind == "max_pool2d" else "sum_for_mean"
    yield Guess(name, spread_out(everywhere, g, x.shape, size, stride), "every place gets all of it")


def spread_out(
    shares: Array, g: Array, shape: tuple[int, ...], size: tuple[int, int], stride: tuple[int, int]
) -> Array:
    """The gradient of windows, times each place's share, added up in the image."""
    d_x = np.zeros(shape)
    seen = np.lib.stride_tricks.sliding_window_view(d_x, size, axis=(2, 3), writeable=True)
    seen = seen[:, :, :: stride[0], :: stride[1]]
    shares = np.broadcast_to(shares, (*g.shape, size[0] * size[1]))
    for place in range(size[0] * size[1]):
        seen[..., place // size[1], place % size[1]] += g * shares[..., place]
    return d_x
