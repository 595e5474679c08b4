"""The model: an ordered list of layers, each a few words of data, and the passes through them.

The parameters are a flat, ordered dict of arrays; a layer says under which keys its own are. The first layer of a
dense network 4 - 6 - 3 is
``{"name": "affine1", "type": "affine", "d_in": 4, "d_out": 6, "w": "affine1.w", "b": "affine1.b"}``,
the second ``{"name": "relu1", "type": "relu"}``. Twin: r/R/model.R.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from twinnet._types import Array, Model, Params
from twinnet.activations import relu_backward, relu_forward
from twinnet.affine import affine_backward, affine_forward
from twinnet.arrays import fill_by_column
from twinnet.checks import check_argument, check_choice, check_number, check_whole

__all__ = [
    "LAYER_TYPES",
    "dense_layers",
    "model_backward",
    "model_check",
    "model_forward",
    "model_init",
]

LAYER_TYPES = ("affine", "relu")


class NormalSource(Protocol):
    """What draws the initial weights: any generator with R's ``rnorm``."""

    def rnorm(self, n: int) -> Array:
        """Draw `n` standard normal numbers."""


def dense_layers(d_in: int, hidden: Sequence[int], d_out: int) -> Model:
    """Layers of a fully connected network with ReLU neurons and no activation on its output.

    Parameters
    ----------
    d_in : int
        Number of inputs.
    hidden : sequence of int
        Neurons of each hidden layer, at least one layer of at least one.
    d_out : int
        Number of outputs.

    Returns
    -------
    list of dict

    Raises
    ------
    ValueError
        If `hidden` is empty or not made of whole numbers of at least 1.
    """
    check_argument(len(hidden) > 0, "hidden", hidden, "at least one hidden layer's number of neurons")
    sizes = [check_whole(size, "hidden", minimum=1) for size in hidden]
    layers: Model = []
    for number, (size_in, size_out) in enumerate(zip([d_in, *sizes], [*sizes, d_out], strict=True), start=1):
        name = f"affine{number}"
        sizes_here = {"d_in": size_in, "d_out": size_out}
        layers.append({"name": name, "type": "affine", **sizes_here, "w": f"{name}.w", "b": f"{name}.b"})
        if number <= len(sizes):
            layers.append({"name": f"relu{number}", "type": "relu"})
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
        if layer["type"] == "affine":
            d_in = check_whole(layer.get("d_in"), f"d_in of {layer['name']}", minimum=1)
            must_be = f"{width}, the number of values that reach the layer"
            check_argument(width in (None, d_in), f"d_in of {layer['name']}", d_in, must_be)
            width = check_whole(layer.get("d_out"), f"d_out of {layer['name']}", minimum=1)
            for key in ("w", "b"):
                must_be = f"the key {layer['name']}.{key}"
                check_argument(
                    layer.get(key) == f"{layer['name']}.{key}", f"{key} of {layer['name']}", layer.get(key), must_be
                )
    return model


def model_init(model: Model, generator: NormalSource, sd: float) -> Params:
    """Parameters before training: weights ``sd * rnorm``, filled column by column, and biases of zero.

    Parameters
    ----------
    model : list of dict
    generator : generator
        Draws the weights, layer after layer (course: lesson A, "W1 drawn before W2").
    sd : float
        Standard deviation of the weights, above 0.

    Returns
    -------
    dict of arrays
        ``name.w`` (d_in, d_out) and ``name.b`` (d_out,) of each affine layer.
    """
    sd = check_number(sd, "sd", above=0)
    params: Params = {}
    for layer in model:
        if layer["type"] == "affine":
            shape = (layer["d_in"], layer["d_out"])
            params[layer["w"]] = fill_by_column(sd * generator.rnorm(shape[0] * shape[1]), shape)
            params[layer["b"]] = np.zeros(shape[1])
    return params


def model_forward(model: Model, params: Params, x: Array) -> tuple[Array, list[dict[str, Any]]]:
    """Outputs of the model.

    Parameters
    ----------
    model : list of dict
    params : dict of arrays
    x : array, shape (n, d_in)
        Inputs, one row a sample.

    Returns
    -------
    out : array, shape (n, d_out)
        Output of the last layer.
    caches : list of dict
        One a layer: what `model_backward` needs.
    """
    out, caches = x, []
    for layer in model:
        match layer["type"]:
            case "affine":
                out, cache = affine_forward(out, params[layer["w"]], params[layer["b"]])
            case "relu":
                out, cache = relu_forward(out)
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
    return grads
