"""The model: an ordered list of layers, each a few words of data, and the passes through them.

The parameters are a flat, ordered dict of arrays; a layer says under which keys its own are. The first layer of a
dense network 4 - 6 - 3 is
``{"name": "affine1", "type": "affine", "d_in": 4, "d_out": 6, "w": "affine1.w", "b": "affine1.b"}``,
the second ``{"name": "relu1", "type": "relu"}``. A network for images begins by making images of the rows of pixels:
``{"name": "images", "type": "unflatten", "shape": [1, 28, 28]}``. Dropout and noise act in training only: when a
generator is passed in. A layer that is ``"frozen": true`` keeps its parameters as they are. Twin: r/R/model.R.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from twinnet._types import Array, Layer, Model, Params
from twinnet.activations import (
    identity_backward,
    identity_forward,
    leaky_relu_backward,
    leaky_relu_forward,
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    step_backward,
    step_forward,
    tanh_backward,
    tanh_forward,
)
from twinnet.affine import affine_backward, affine_forward
from twinnet.checks import check_argument, check_choice, check_flag, check_number, check_whole
from twinnet.conv2d import conv2d_backward, conv2d_forward
from twinnet.dropout import dropout_backward, dropout_forward, noise_backward, noise_forward
from twinnet.flatten import flatten_backward, flatten_forward, unflatten_backward, unflatten_forward
from twinnet.pooling import (
    average_pool2d_backward,
    average_pool2d_forward,
    global_average_pool2d_backward,
    global_average_pool2d_forward,
    max_pool2d_backward,
    max_pool2d_forward,
)
from twinnet.randomness import Generator, random_mask, random_normal
from twinnet.record import record
from twinnet.softmax import log_softmax_backward, log_softmax_forward, softmax_backward, softmax_forward
from twinnet.torch_init import conv2d_init, linear_init
from twinnet.windows import check_pair, check_window_size, window_counts

__all__ = [
    "ACTIVATIONS",
    "INITS",
    "LAYER_TYPES",
    "dense_layers",
    "init_check",
    "model_backward",
    "model_check",
    "model_forward",
    "model_init",
    "trained_params",
]

ACTIVATIONS = ("relu", "leaky_relu", "sigmoid", "tanh", "step", "identity")
POOLS = ("max_pool2d", "average_pool2d", "global_average_pool2d")
RESHAPES = ("unflatten", "flatten")
LAYER_TYPES = ("affine", "conv2d", *ACTIVATIONS, *POOLS, *RESHAPES, "softmax", "log_softmax", "dropout", "noise")
INITS = ("normal", "scaled_normal", "torch")


def dense_layers(d_in: int, hidden: Sequence[int], d_out: int, activation: str = "relu", dropout: float = 0) -> Model:
    """Layers of a fully connected network with no activation on its output.

    Parameters
    ----------
    d_in : int
        Number of inputs.
    hidden : sequence of int
        Neurons of each hidden layer, at least 1 each; none for a network without a hidden layer.
    d_out : int
        Number of outputs.
    activation : str
        Activation of the hidden layers, one of `ACTIVATIONS`.
    dropout : float
        Probability of dropping a hidden neuron in training, at least 0 and below 1; 0 for no dropout layers.

    Returns
    -------
    list of dict

    Raises
    ------
    ValueError
        Names the argument, its value and what it must be.
    """
    sizes = [check_whole(size, "hidden", minimum=1) for size in hidden]
    check_choice(activation, "activation", ACTIVATIONS)
    check_number(dropout, "dropout", minimum=0, below=1)
    layers: Model = []
    for number, (size_in, size_out) in enumerate(zip([d_in, *sizes], [*sizes, d_out], strict=True), start=1):
        name = f"affine{number}"
        sizes_here = {"d_in": size_in, "d_out": size_out}
        layers.append({"name": name, "type": "affine", **sizes_here, "w": f"{name}.w", "b": f"{name}.b"})
        if number <= len(sizes):
            layers.append({"name": f"{activation}{number}", "type": activation})
            if dropout > 0:
                layers.append({"name": f"dropout{number}", "type": "dropout", "p": dropout})
    return layers


def model_check(model: Model) -> Model:
    """Return `model` if its layers are known, named apart, and fit one another.

    Parameters
    ----------
    model : list of dict

    Returns
    -------
    list of dict

    Raises
    ------
    ValueError
        Names the layer and what is wrong with it.
    """
    check_argument(len(model) > 0, "model", model, "a list of at least one layer")
    names = [layer.get("name") for layer in model]
    check_argument(len(set(names)) == len(names), "model", names, "layers with names of their own")
    shape: tuple[int, ...] | None = None  # of one sample, where it is known
    for layer in model:
        check_choice(layer.get("type"), f"type of {layer.get('name')}", LAYER_TYPES)
        match layer["type"]:
            case "affine":
                shape = affine_shape(layer, shape)
            case "conv2d" | "max_pool2d" | "average_pool2d" | "global_average_pool2d":
                shape = image_shape(layer, shape)
            case "unflatten" | "flatten":
                shape = reshaped(layer, shape)
            case "dropout":
                check_number(layer.get("p"), f"p of {layer['name']}", minimum=0, below=1)
            case "noise":
                check_number(layer.get("sd"), f"sd of {layer['name']}", minimum=0)
        if layer["type"] in ("affine", "conv2d"):
            for key in ("w", "b"):
                full = f"{layer['name']}.{key}"
                check_argument(layer.get(key) == full, f"{key} of {layer['name']}", layer.get(key), f"the key {full}")
            check_flag(layer.get("frozen", False), f"frozen of {layer['name']}")
    return model


def init_check(init: dict[str, Any], generator: str) -> dict[str, Any]:
    """Return `init`, the way of drawing the initial weights, if it is known and sound.

    Parameters
    ----------
    init : dict
        ``name``, one of `INITS`: ``"normal"``, normal numbers times ``sd`` (course: lesson A); ``"scaled_normal"``,
        normal numbers divided by ``sqrt(d_in * d_out)`` (the regression beside lesson A; for kernels d_in and d_out are
        the numbers that a patch and a place of the output have), both with biases of zero; ``"torch"``, what
        ``nn.Linear`` and ``nn.Conv2d`` start from. With ``source``, the name of another variant, the ``layers`` named
        are not drawn but come from that variant after its training (course: lesson D, transfer learning).
    generator : str
        Name of the generator that draws; ``"torch"`` weights need PyTorch's.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        Names the setting, its value and what it must be.
    """
    name = check_choice(init.get("name"), "init", INITS)
    if name == "normal":
        check_number(init.get("sd"), "sd", above=0)
    must_be = '"torch" where the weights are to be those of PyTorch'
    check_argument(name != "torch" or generator == "torch", "generator", generator, must_be)
    if "source" in init:
        layers = init.get("layers")
        check_argument(bool(layers), "layers", layers, "the names of the layers that come from the source")
    return init


def model_init(model: Model, generator: Generator, init: dict[str, Any]) -> Params:
    """Parameters before training, drawn layer after layer (course: lesson A, "W1 drawn before W2").

    Parameters
    ----------
    model : list of dict
    generator : RGenerator, NumpyGenerator, NumpyRandomState or TorchGenerator
    init : dict
        As `init_check` describes it.

    Returns
    -------
    dict of arrays
        ``name.w`` (d_in, d_out) and ``name.b`` (d_out,) of each affine layer, ``name.w`` (out_channels, in_channels,
        height, width) and ``name.b`` (out_channels,) of each convolution.
    """
    params: Params = {}
    for layer in model:
        if layer["type"] in ("affine", "conv2d"):
            draw = draw_affine if layer["type"] == "affine" else draw_conv2d
            params[layer["w"]], params[layer["b"]] = draw(layer, generator, init)
    return params


def trained_params(model: Model, params: Params) -> Params:
    """The parameters that training changes: those of layers that are not frozen.

    Parameters
    ----------
    model : list of dict
    params : dict of arrays

    Returns
    -------
    dict of arrays
    """
    frozen = [layer for layer in model if layer.get("frozen")]
    if not frozen:
        return params
    kept = {layer[key] for layer in frozen for key in ("w", "b")}
    return {key: value for key, value in params.items() if key not in kept}


def model_forward(
    model: Model, params: Params, x: Array, generator: Generator | None = None
) -> tuple[Array, list[dict[str, Any]]]:
    """Outputs of the model.

    Parameters
    ----------
    model : list of dict
    params : dict of arrays
    x : array, shape (n, d_in), or (n, c, h, w) for a model that begins with images
        Inputs, one row a sample.
    generator : RGenerator, NumpyGenerator, NumpyRandomState or TorchGenerator, optional
        In training: draws dropout's masks and the noise. Without it, dropout and noise let everything pass.

    Returns
    -------
    out : array, shape (n, d_out)
        Output of the last layer.
    caches : list of dict
        One a layer: what `model_backward` needs.
    """
    out, caches = x, []
    for layer in model:
        cache: dict[str, Any] = {}
        match layer["type"]:
            case "affine":
                out, cache = affine_forward(out, params[layer["w"]], params[layer["b"]])
            case "relu":
                out, cache = relu_forward(out)
            case "leaky_relu":
                out, cache = leaky_relu_forward(out)
            case "sigmoid":
                out, cache = sigmoid_forward(out)
            case "tanh":
                out, cache = tanh_forward(out)
            case "step":
                out, cache = step_forward(out)
            case "identity":
                out, cache = identity_forward(out)
            case "softmax":
                out, cache = softmax_forward(out)
            case "log_softmax":
                out, cache = log_softmax_forward(out)
            case "conv2d":
                stride, padding = layer.get("stride", 1), layer.get("padding", 0)
                out, cache = conv2d_forward(out, params[layer["w"]], params[layer["b"]], stride, padding)
            case "max_pool2d":
                out, cache = max_pool2d_forward(out, layer["size"], layer.get("stride"))
            case "average_pool2d":
                out, cache = average_pool2d_forward(out, layer["size"], layer.get("stride"))
            case "global_average_pool2d":
                out, cache = global_average_pool2d_forward(out)
            case "unflatten":
                out, cache = unflatten_forward(out, layer["shape"])
            case "flatten":
                out, cache = flatten_forward(out)
            case "dropout" if generator is not None:
                mask = record("mask", random_mask(generator, out.shape, layer["p"]), of=layer["name"])
                out, cache = dropout_forward(out, mask, layer["p"])
            case "noise" if generator is not None:
                noise = record("noise", layer["sd"] * random_normal(generator, out.shape), of=layer["name"])
                out, cache = noise_forward(out, noise)
        out = record("out", out, of=layer["name"])
        caches.append(cache)
    return out, caches


def model_backward(model: Model, params: Params, caches: list[dict[str, Any]], d_out: Array) -> Params:
    """Gradients of parameters, by the chain rule from the last layer to the first that has any of them.

    Parameters
    ----------
    model : list of dict
    params : dict of arrays
        Those whose gradients are wanted, from `trained_params`.
    caches : list of dict
        From `model_forward`.
    d_out : array, shape (n, d_out)
        Gradient of the loss with respect to the model's output.

    Returns
    -------
    dict of arrays
        The keys of `params`, in their order.
    """
    grads: Params = dict.fromkeys(params, d_out)  # for their order: each is replaced below
    first = 0
    while first < len(model) and model[first].get("w") not in grads:
        first += 1
    for i in range(len(model) - 1, first - 1, -1):
        layer, cache = model[i], caches[i]
        match layer["type"]:
            case "affine":
                d_out, d_w, d_b = affine_backward(d_out, cache, input_gradient=i > first)
            case "relu":
                d_out = relu_backward(d_out, cache)
            case "leaky_relu":
                d_out = leaky_relu_backward(d_out, cache)
            case "sigmoid":
                d_out = sigmoid_backward(d_out, cache)
            case "tanh":
                d_out = tanh_backward(d_out, cache)
            case "step":
                d_out = step_backward(d_out, cache)
            case "identity":
                d_out = identity_backward(d_out, cache)
            case "softmax":
                d_out = softmax_backward(d_out, cache)
            case "log_softmax":
                d_out = log_softmax_backward(d_out, cache)
            case "conv2d":
                d_out, d_w, d_b = conv2d_backward(d_out, cache, input_gradient=i > first)
            case "max_pool2d":
                d_out = max_pool2d_backward(d_out, cache)
            case "average_pool2d":
                d_out = average_pool2d_backward(d_out, cache)
            case "global_average_pool2d":
                d_out = global_average_pool2d_backward(d_out, cache)
            case "unflatten":
                d_out = unflatten_backward(d_out, cache)
            case "flatten":
                d_out = flatten_backward(d_out, cache)
            case "dropout" if cache:
                d_out = dropout_backward(d_out, cache)
            case "noise" if cache:
                d_out = noise_backward(d_out, cache)
        if layer.get("w") in grads:
            grads[layer["w"]] = record("d_w", d_w, of=layer["name"])
            grads[layer["b"]] = record("d_b", d_b, of=layer["name"])
        d_out = record("d_x", d_out, of=layer["name"])
    return grads


def affine_shape(layer: Layer, shape: tuple[int, ...] | None) -> tuple[int, ...]:
    """Shape of a sample after an affine layer, if the layer is sound and fits what reaches it."""
    d_in = check_whole(layer.get("d_in"), f"d_in of {layer['name']}", minimum=1)
    d_out = check_whole(layer.get("d_out"), f"d_out of {layer['name']}", minimum=1)
    if shape is not None:
        check_argument(len(shape) == 1, f"type of {layer['name']}", "affine", "flatten first, where images reach it")
        must_be = f"{shape[0]}, the number of values that reach the layer"
        check_argument(d_in == shape[0], f"d_in of {layer['name']}", d_in, must_be)
    return (d_out,)


def image_shape(layer: Layer, shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """Shape of a sample after a convolution or a pool, if the layer is sound and fits what reaches it."""
    name, is_conv = layer["name"], layer["type"] == "conv2d"
    if shape is not None:
        check_argument(len(shape) == 3, f"type of {name}", layer["type"], "unflatten first, where rows reach it")
    if layer["type"] == "global_average_pool2d":
        return None if shape is None else (shape[0], 1, 1)
    key = "kernel_size" if is_conv else "size"
    size = check_pair(layer.get(key), f"{key} of {name}", 1)
    stride = check_pair(layer.get("stride", 1 if is_conv else size), f"stride of {name}", 1)
    padding = check_pair(layer.get("padding", 0), f"padding of {name}", 0)
    if is_conv:
        in_channels = check_whole(layer.get("in_channels"), f"in_channels of {name}", minimum=1)
        out_channels = check_whole(layer.get("out_channels"), f"out_channels of {name}", minimum=1)
    if shape is None:
        return None
    channels, *extent = shape
    if is_conv:
        must_be = f"{channels}, the number of channels that reach the layer"
        check_argument(in_channels == channels, f"in_channels of {name}", in_channels, must_be)
        channels = out_channels
    extent = [side + 2 * margin for side, margin in zip(extent, padding, strict=True)]
    check_window_size(size, extent, f"{key} of {name}", layer[key], "padded images that reach the layer")
    return (channels, *window_counts(extent, size, stride))


def reshaped(layer: Layer, shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """Shape of a sample after flattening or its opposite, if the layer is sound and fits what reaches it."""
    if layer["type"] == "flatten":
        return None if shape is None else (math.prod(shape),)
    sizes = layer.get("shape") or []
    name = f"shape of {layer['name']}"
    check_argument(len(sizes) == 3, name, sizes, "three whole numbers: channels, height, width")
    new = tuple(check_whole(size, name, minimum=1) for size in sizes)
    if shape is not None:
        must_be = f"for {math.prod(shape)} values, those that reach the layer"
        check_argument(math.prod(new) == math.prod(shape), name, sizes, must_be)
    return new


def draw_affine(layer: Layer, generator: Generator, init: dict[str, Any]) -> tuple[Array, Array]:
    """Weights and biases of an affine layer before training."""
    d_in, d_out = layer["d_in"], layer["d_out"]
    if init["name"] == "torch":
        drawn = linear_init(generator, d_in, d_out)  # type: ignore[arg-type]
        return np.asfortranarray(drawn["weight"].T.astype(np.float64)), drawn["bias"].astype(np.float64)
    w = scaled(random_normal(generator, (d_in, d_out)), init, d_in * d_out)
    return np.asfortranarray(w), np.zeros(d_out)


def draw_conv2d(layer: Layer, generator: Generator, init: dict[str, Any]) -> tuple[Array, Array]:
    """Kernels and biases of a convolution before training."""
    c, o, (kh, kw) = layer["in_channels"], layer["out_channels"], check_pair(layer["kernel_size"], "kernel_size", 1)
    if init["name"] == "torch":
        drawn = conv2d_init(generator, c, o, (kh, kw))  # type: ignore[arg-type]
        return drawn["weight"].astype(np.float64), drawn["bias"].astype(np.float64)
    return scaled(random_normal(generator, (o, c, kh, kw)), init, c * kh * kw * o), np.zeros(o)


def scaled(drawn: Array, init: dict[str, Any], fans: int) -> Array:
    """Normal numbers as weights; `fans` is the number of values that go into a unit times that of the units."""
    w: Array = init["sd"] * drawn if init["name"] == "normal" else drawn / np.sqrt(fans)
    return w
