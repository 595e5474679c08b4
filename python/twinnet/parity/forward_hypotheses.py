"""Mistakes of the forward pass and of the loss, computed from what went into them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import permutations
from typing import Any

import numpy as np

from twinnet._types import Array
from twinnet.parity.array_hypotheses import Guess
from twinnet.parity.recorded import Recorded

__all__ = [
    "ACTIVATIONS",
    "OTHER_ACTIVATIONS",
    "convolved",
    "forward_guesses",
    "loss_guesses",
    "pair",
    "softmax_of",
    "windows",
]

ACTIVATIONS: dict[str, Callable[[Array], Any]] = {
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.maximum(x, 0.01 * x),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "step": lambda x: (x > 0) * 1.0,
    "identity": lambda x: x,
}
OTHER_ACTIVATIONS: dict[str, Callable[[Array], Any]] = {
    **ACTIVATIONS,
    "the absolute value": np.abs,
    "ReLU6": lambda x: np.clip(x, 0, 6),
    "softplus": lambda x: np.logaddexp(0, x),
    "ELU": lambda x: np.where(x > 0, x, np.expm1(x)),
    "SiLU": lambda x: x / (1 + np.exp(-x)),
    "GELU, by tanh": lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "leaky ReLU with slope 0.2": lambda x: np.maximum(x, 0.2 * x),
    "leaky ReLU with slope 0.3": lambda x: np.maximum(x, 0.3 * x),
    "the sign": np.sign,
    "the hard sigmoid, x / 6 + 1/2": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "the hard sigmoid, x / 5 + 1/2": lambda x: np.clip(x / 5 + 0.5, 0, 1),
    "hard tanh": lambda x: np.clip(x, -1, 1),
    "softsign": lambda x: x / (1 + np.abs(x)),
}
EPSILONS = (1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15)
MOST_CLASSES = 5  # of which all orders are tried
LOG_BASES = (("2", math.log(2)), ("10", math.log(10)))


def forward_guesses(side: Recorded) -> Iterator[Guess]:
    """What a layer's output should be, and what it would be with each mistake.

    Parameters
    ----------
    side : Recorded

    Yields
    ------
    Guess
    """
    name, _, part = side.name.rpartition(".")
    i = side.layer(name)
    kind = side.model[i]["type"]
    if part != "out":
        from twinnet.parity.draw_hypotheses import draw_guesses

        yield from draw_guesses(side)
    elif kind in ("affine", "conv2d"):
        yield from weighted(side, i)
    elif kind in ACTIVATIONS:
        yield from activated(kind, side.input_of(i))
    elif kind in ("softmax", "log_softmax"):
        yield from normalised(kind, side.input_of(i))
    elif kind == "dropout":
        yield from dropped(side, i)
    elif kind == "noise":
        x, noise = side.input_of(i), side.value("forward", f"{name}.noise")
        yield Guess("", x + noise)
        yield Guess("missing_noise", x)
        yield Guess("sign", x - noise, "of the noise")
        yield Guess("factor_two", x + 2 * noise, "of the noise")
        yield Guess("noise_multiplied", x * noise)
        yield Guess("noise_multiplied", x * (1 + noise))
    elif kind in ("flatten", "unflatten"):
        yield from reshaped(side.input_of(i), [-1] if kind == "flatten" else side.model[i]["shape"])
    elif kind.endswith("pool2d"):
        yield from pooled(side.model[i], side.input_of(i))


def weighted(side: Recorded, i: int) -> Iterator[Guess]:
    """An affine layer or a convolution."""
    layer = side.model[i]
    x, w, b = side.input_of(i), side.before(layer["w"]), side.before(layer["b"])
    affine = layer["type"] == "affine"
    stride, padding = pair(layer.get("stride", 1)), pair(layer.get("padding", 0))
    biases = b if affine else b[:, None, None]

    def apply(x: Array, w: Array) -> Array:
        return x @ w if affine else convolved(x, w, stride, padding)

    plain = apply(x, w)
    yield Guess("", plain + biases)
    yield Guess("missing_bias", plain)
    yield Guess("doubled_bias", plain + 2 * biases)
    yield Guess("sign", plain - biases, "of the bias")
    yield Guess("recycled", plain + np.resize(b, plain.size).reshape(plain.shape, order="F"), "down the columns")
    small = np.float32
    yield Guess("float32", (apply(x.astype(small), w.astype(small)) + biases.astype(small)).astype(np.float64))
    if w.shape[-1] == w.shape[-2]:
        yield Guess("transposed", apply(x, w.swapaxes(-1, -2)) + biases, "the weights")
    for one, other in (("F", "C"), ("C", "F")):
        refilled = w.reshape(-1, order=one).reshape(w.shape, order=other)
        yield Guess("column_major", apply(x, refilled) + biases, "the weights")
    if not affine:
        yield Guess("kernel_flipped", apply(x, w[..., ::-1, ::-1]) + biases)
        yield Guess("reversed", apply(x, w[..., ::-1, :]) + biases, "the kernels' rows")
        yield Guess("reversed", apply(x, w[..., ::-1]) + biases, "the kernels' columns")
        yield Guess("padding", convolved(x, w, stride, (0, 0)) + biases, "none")
        yield Guess("padding", convolved(x, w, stride, (w.shape[2] // 2, w.shape[3] // 2)) + biases, "as large as fits")
        margins = np.pad(x, ((0, 0), (0, 0), (0, 2 * padding[0]), (0, 2 * padding[1])))
        yield Guess("padding", convolved(margins, w, stride, (0, 0)) + biases, "all of it below and to the right")
        yield Guess("stride", convolved(x, w, (1, 1), padding) + biases, "1")
        yield Guess("stride", convolved(x, w, stride[::-1], padding) + biases, "of the other direction")
    if i > 0 and (earlier := side.input_of(i - 1)).shape == x.shape:
        yield Guess("wrong_input", apply(earlier, w) + biases, f"what goes into {side.model[i - 1]['name']}")
    if side.step > 1:
        old_w, old_b = side.before(layer["w"], 2), side.before(layer["b"], 2)
        yield Guess("stale_parameters", apply(x, old_w) + (old_b if affine else old_b[:, None, None]))


def activated(kind: str, x: Array) -> Iterator[Guess]:
    """An activation."""
    f = ACTIVATIONS[kind]
    yield Guess("", f(x))
    yield Guess("missing_activation", x, kind)
    yield Guess("sign", f(-x), f"of what {kind} is taken of")
    for other, g in OTHER_ACTIVATIONS.items():
        if other not in (kind, "identity"):
            yield Guess("other_activation", g(x), f"{other} for {kind}")
    yield Guess("doubled_activation", f(f(x)), kind)
    yield Guess("max_for_pmax", np.full_like(x, max(float(x.max()), 0.0)))


def normalised(kind: str, x: Array) -> Iterator[Guess]:
    """Softmax or its logarithm."""
    z = x - x.max(axis=1, keepdims=True)
    e = np.exp(z)
    total = e.sum(axis=1, keepdims=True)
    if kind == "softmax":
        yield Guess("", e / total)
        yield Guess("softmax_axis", e / e.sum(axis=0))
        yield Guess("softmax_axis", softmax_of(x, 0))
        yield Guess("softmax_axis", e / e.sum(), "over everything")
        yield Guess("doubled_softmax", softmax_of(e / total))
        yield Guess("log_for_plain", z - np.log(total))
    else:
        yield Guess("", z - np.log(total))
        yield Guess("softmax_axis", z - np.log(e.sum(axis=0)))
        yield Guess("softmax_axis", np.log(softmax_of(x, 0)))
        yield Guess("log_for_plain", e / total)
        for base, scale in LOG_BASES:
            yield Guess("log_base", z - np.log(total) / scale, base)
            yield Guess("log_base", (z - np.log(total)) / scale, base)
    yield Guess("missing_softmax", x)
    yield Guess("missing_softmax", e, "the exponentials are not divided by their sum")


def dropped(side: Recorded, i: int) -> Iterator[Guess]:
    """Dropout."""
    layer = side.model[i]
    x, mask, p = side.input_of(i), side.value("forward", f"{layer['name']}.mask"), layer["p"]
    yield Guess("", x * (mask / (1 - p)))
    yield Guess("missing_dropout", x)
    yield Guess("dropout_scale", x * mask, "not divided")
    yield Guess("dropout_scale", x * mask / p, "divided by p")
    yield Guess("dropout_scale", x * mask * (1 - p), "multiplied by 1 - p")
    yield Guess("dropout_scale", x * mask * p, "multiplied by p")
    yield Guess("mask_inverted", x * (1 - mask) / (1 - p))
    yield Guess("mask_inverted", x * (1 - mask))


def reshaped(x: Array, shape: Sequence[int]) -> Iterator[Guess]:
    """Images to rows, or rows to images."""
    n = len(x)
    yield Guess("", x.reshape(n, *shape))
    backwards = list(range(x.ndim - 1, 0, -1))
    yield Guess("column_major", x.transpose(0, *backwards).reshape(n, *shape), "each sample is")
    yield Guess(
        "column_major", x.reshape(n, *reversed(shape)).transpose(0, *range(len(shape), 0, -1)), "each sample is"
    )
    yield Guess("column_major", x.reshape((n, *shape), order="F"), "the whole array is")
    if x.ndim == 4:
        yield Guess("axis_order", x.transpose(0, 2, 3, 1).reshape(n, *shape), "channels last")
    if len(shape) == 3:
        c, h, w = shape
        yield Guess("transposed", x.reshape(n, c, w, h).swapaxes(2, 3), "each image is")
        yield Guess("axis_order", x.reshape(n, h, w, c).transpose(0, 3, 1, 2), "channels last")


def pooled(layer: dict[str, Any], x: Array) -> Iterator[Guess]:
    """Pooling."""
    if layer["type"] == "global_average_pool2d":
        seen = x[:, :, None, None]
    else:
        size = pair(layer["size"])
        seen = windows(x, size, pair(layer.get("stride") or size))
    kinds = {
        "max_pool2d": seen.max(axis=(-2, -1)),
        "average_pool2d": seen.mean(axis=(-2, -1)),
        "the first": seen[..., 0, 0],
        "the last": seen[..., -1, -1],
        "the smallest": seen.min(axis=(-2, -1)),
    }
    right = layer["type"].removeprefix("global_")
    yield Guess("", kinds.pop(right))
    for kind, predicted in kinds.items():
        yield Guess("other_pool", predicted, f"{kind} for {layer['type']}")
    yield Guess("sum_for_mean", seen.sum(axis=(-2, -1)), "of the window")


def loss_guesses(side: Recorded) -> Iterator[Guess]:
    """What the loss should be, and what it would be with each mistake.

    Parameters
    ----------
    side : Recorded

    Yields
    ------
    Guess
    """
    if side.name == "loss.penalty":
        yield from penalised(side)
    elif side.name == "loss":
        data, penalty = side.value("loss", "loss.data"), side.value("loss", "loss.penalty")
        yield Guess("", data + penalty)
        yield Guess("missing_l2", data)
        yield Guess("sign", data - penalty, "of the penalty")
        yield Guess("factor_two", data + 2 * penalty, "of the penalty")
    elif side.name == "loss.data":
        yield from judged(
            side.experiment["loss"], side.output_of(len(side.model) - 1), side.value("data", "batch.target")
        )


def penalised(side: Recorded) -> Iterator[Guess]:
    """The L2 penalty."""
    reg = side.experiment["reg"]
    trained = [layer for layer in side.model if "w" in layer and not layer.get("frozen")]
    weights = [side.before(layer["w"]) for layer in trained]
    squares = sum(float((w * w).sum()) for w in weights)

    def guess(name: str, value: float, detail: str = "") -> Guess:
        return Guess(name, np.asarray([0.5 * reg * value]), detail)

    yield guess("", squares)
    yield guess("missing_l2", 0.0)
    yield guess("factor_two", 2 * squares, "the 1/2 is missing")
    yield guess("factor_two", 0.5 * squares, "halved twice")
    yield guess("norm_for_square", math.sqrt(squares))
    yield guess("norm_for_square", sum(float(np.sqrt((w * w).sum())) for w in weights))
    for factor in (1, 2):
        yield guess("l1_for_l2", factor * sum(float(np.abs(w).sum()) for w in weights))
    yield guess("sum_for_mean", squares / len(side.value("data", "batch.target")), "divided by the batch's rows")
    yield guess("sum_for_mean", sum(float((w * w).mean()) for w in weights), "of each layer's squares")
    for w in weights:
        yield guess("layers_left_out", float((w * w).sum()), "one layer's weights alone")
    biases = [side.before(layer["b"]) for layer in trained]
    yield guess("l2_on_biases", squares + sum(float((b * b).sum()) for b in biases))


def judged(loss: str, x: Array, target: Array) -> Iterator[Guess]:
    """The loss without the penalty, from the model's outputs."""
    n, k = target.shape

    def mean_of(terms: Any) -> Array:
        return np.asarray([float(terms.sum()) / n])

    if loss == "half_mean_squared_error":
        error = x - target
        terms = 0.5 * error * error
        yield Guess("factor_two", mean_of(2 * terms), "the 1/2 is missing")
        yield Guess("missing_root", np.sqrt(mean_of(2 * terms)), "the root of the mean square")
        yield Guess("l1_for_l2", mean_of(np.abs(error)))
        yield Guess("l1_for_l2", mean_of(0.5 * np.abs(error)))
    elif loss == "sigmoid_binary_cross_entropy":
        logs = np.log1p(np.exp(-np.abs(x)))
        terms = (np.maximum(x, 0) - x * target + logs) / k
        yield Guess("sign", mean_of(np.maximum(x, 0) + x * target + logs) / k, "of the target's term")
        yield Guess("sign", mean_of(np.maximum(x, 0) - x * target - logs) / k, "of the logarithm")
        yield Guess("classes_permuted", mean_of(np.maximum(x, 0) - x * (1 - target) + logs) / k, "0 and 1 swapped")
        for epsilon in EPSILONS:
            p = 1 / (1 + np.exp(-x))
            inside = target * np.log(p + epsilon) + (1 - target) * np.log(1 - p + epsilon)
            yield Guess("epsilon_in_log", mean_of(-inside) / k, f"{epsilon:g}")
    else:
        z = x - x.max(axis=1, keepdims=True)
        log_p = {
            "softmax_cross_entropy": z - np.log(np.exp(z).sum(axis=1, keepdims=True)),
            "cross_entropy": np.log(np.where(target == 0, 1.0, x)),
            "nll": np.where(target == 0, 0.0, x),
        }[loss]
        terms = -target * log_p
        log_all = np.log(x) if loss == "cross_entropy" else x if loss == "nll" else log_p
        p = x if loss == "cross_entropy" else np.exp(log_p)
        for epsilon in EPSILONS:
            yield Guess("epsilon_in_log", mean_of(-target * np.log(p + epsilon)), f"{epsilon:g}")
        yield Guess("log_for_plain", mean_of(-target * p))
        for order in permutations(range(k)) if k <= MOST_CLASSES else ():
            text = "the order is " + ", ".join(map(str, order))
            predicted = mean_of(np.where(target[:, order] == 0, 0.0, -target[:, order] * log_all))
            yield Guess("classes_permuted", predicted, text, math.log2(math.factorial(k)) + 1)
        yield Guess("index_off_by_one", mean_of(-np.roll(target, 1, axis=1) * log_p), "of the class")
        yield Guess("index_off_by_one", mean_of(-np.roll(target, -1, axis=1) * log_p), "of the class")
        if loss == "softmax_cross_entropy":
            yield Guess("softmax_axis", mean_of(-target * np.log(softmax_of(x, 0))))
            yield Guess("doubled_softmax", mean_of(-target * np.log(softmax_of(softmax_of(x)))))
            yield Guess("missing_softmax", mean_of(-target * x))
            for base, scale in LOG_BASES:
                log_b = z - np.log(np.exp(z).sum(axis=1, keepdims=True)) / scale
                yield Guess("log_base", mean_of(-target * log_b), base)
    right = mean_of(terms)
    yield Guess("", right)
    yield Guess("sign", -right)
    yield Guess("sum_for_mean", right * n)
    yield Guess("sum_for_mean", right * n * k)
    if k > 1:
        yield Guess("mean_over_outputs", right / k)
    if n > 1:
        yield Guess("n_minus_one", right * n / (n - 1))
    for base, scale in LOG_BASES:
        yield Guess("log_base", right / scale, base)


def softmax_of(x: Array, axis: int = 1) -> Array:
    """Softmax along an axis."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(e / e.sum(axis=axis, keepdims=True))


def pair(value: Any) -> tuple[int, int]:
    """A size, stride or padding in both directions."""
    return (int(value[0]), int(value[-1])) if isinstance(value, (list, tuple)) else (int(value), int(value))


def windows(x: Array, size: tuple[int, int], stride: tuple[int, int]) -> Array:
    """What a window sees from each of its places: (n, c, oh, ow, kh, kw)."""
    seen = np.lib.stride_tricks.sliding_window_view(x, size, axis=(2, 3))
    return seen[:, :, :: stride[0], :: stride[1]]


def convolved(x: Array, w: Array, stride: tuple[int, int], padding: tuple[int, int]) -> Array:
    """The convolution without its bias."""
    padded = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    if any(size > extent for size, extent in zip(w.shape[2:], padded.shape[2:], strict=True)):
        return np.full(1, np.nan)
    return np.einsum(  # type: ignore[no-any-return]
        "ncpquv,ocuv->nopq", windows(padded, w.shape[2:], stride), w, optimize=True
    )
