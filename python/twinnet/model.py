"""The model: an ordered list of layers, each a few words of data, and the passes through them.

The parameters are a flat, ordered dict of arrays; a layer says under which keys its own are. The first layer of a
dense network 4 - 6 - 3 is
``{"name": "affine1", "type": "affine", "d_in": 4, "d_out": 6, "w": "affine1.w", "b": "affine1.b"}``,
the second ``{"name": "relu1", "type": "relu"}``. Dropout and noise act in training only: when a generator is passed in.
Twin: r/R/model.R.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from twinnet._types import Array, Model, Params
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
from twinnet.checks import check_argument, check_choice, check_number, check_whole
from twinnet.dropout import dropout_backward, dropout_forward, noise_backward, noise_forward
from twinnet.randomness import Generator, random_mask, random_normal
from twinnet.record import record
from twinnet.softmax import log_softmax_backward, log_softmax_forward, softmax_backward, softmax_forward
from twinnet.torch_init import linear_init

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
]

ACTIVATIONS = ("relu", "leaky_relu", "sigmoid", "tanh", "step", "identity")
LAYER_TYPES = ("affine", *ACTIVATIONS, "softmax", "log_softmax", "dropout", "noise")
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
    width = None
    for layer in model:
        check_choice(layer.get("type"), f"type of {layer.get('name')}", LAYER_TYPES)
        match layer["type"]:
            case "affine":
                d_in = check_whole(layer.get("d_in"), f"d_in of {layer['name']}", minimum=1)
                must_be = f"{width}, the number of values that reach the layer"
                check_argument(width in (None, d_in), f"d_in of {layer['name']}", d_in, must_be)
                width = check_whole(layer.get("d_out"), f"d_out of {layer['name']}", minimum=1)
                for key in ("w", "b"):
                    full = f"{layer['name']}.{key}"
                    given = layer.get(key)
                    check_argument(given == full, f"{key} of {layer['name']}", given, f"the key {full}")
            case "dropout":
                check_number(layer.get("p"), f"p of {layer['name']}", minimum=0, below=1)
            case "noise":
                check_number(layer.get("sd"), f"sd of {layer['name']}", minimum=0)
    return model


def init_check(init: dict[str, Any], generator: str) -> dict[str, Any]:
    """Return `init`, the way of drawing the initial weights, if it is known and sound.

    Parameters
    ----------
    init : dict
        ``name``, one of `INITS`: ``"normal"``, normal numbers times ``sd`` (course: lesson A); ``"scaled_normal"``,
        normal numbers divided by ``sqrt(d_in * d_out)`` (the regression beside lesson A), both with biases of zero;
        ``"torch"``, what ``nn.Linear`` starts from.
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
        ``name.w`` (d_in, d_out) and ``name.b`` (d_out,) of each affine layer.
    """
    params: Params = {}
    for layer in model:
        if layer["type"] == "affine":
            d_in, d_out = layer["d_in"], layer["d_out"]
            match init["name"]:
                case "normal":
                    w, b = init["sd"] * random_normal(generator, (d_in, d_out)), np.zeros(d_out)
                case "scaled_normal":
                    w, b = random_normal(generator, (d_in, d_out)) / np.sqrt(d_in * d_out), np.zeros(d_out)
                case "torch":
                    drawn = linear_init(generator, d_in, d_out)  # type: ignore[arg-type]
                    w, b = drawn["weight"].T.astype(np.float64), drawn["bias"].astype(np.float64)
            params[layer["w"]], params[layer["b"]] = np.asfortranarray(w), b
    return params


def model_forward(
    model: Model, params: Params, x: Array, generator: Generator | None = None
) -> tuple[Array, list[dict[str, Any]]]:
    """Outputs of the model.

    Parameters
    ----------
    model : list of dict
    params : dict of arrays
    x : array, shape (n, d_in)
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
    """Gradients of all parameters, by the chain rule from the last layer to the first.

    Parameters
    ----------
    model : list of dict
    params : dict of arrays
    caches : list of dict
        From `model_forward`.
    d_out : array, shape (n, d_out)
        Gradient of the loss with respect to the model's output.

    Returns
    -------
    dict of arrays
        The keys of `params`, in their order.
    """
    grads: Params = dict.fromkeys(params, d_out)  # each is replaced below; this gives them the order of params
    for i in reversed(range(len(model))):
        layer, cache = model[i], caches[i]
        match layer["type"]:
            case "affine":
                d_out, grads[layer["w"]], grads[layer["b"]] = affine_backward(d_out, cache, input_gradient=i > 0)
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
            case "dropout" if cache:
                d_out = dropout_backward(d_out, cache)
            case "noise" if cache:
                d_out = noise_backward(d_out, cache)
        if layer.get("w") in grads:
            record("d_w", grads[layer["w"]], of=layer["name"])
            record("d_b", grads[layer["b"]], of=layer["name"])
        d_out = record("d_x", d_out, of=layer["name"])
    return grads
