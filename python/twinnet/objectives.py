"""What a model is trained for: its loss by name, and what its outputs then mean.

============================ =================== =================== ==================
loss                         the model's outputs targets             score on test data
============================ =================== =================== ==================
softmax_cross_entropy        k logits            one-hot rows        accuracy
cross_entropy                k probabilities     one-hot rows        accuracy
nll                          k log-probabilities one-hot rows        accuracy
sigmoid_binary_cross_entropy 1 logit             a column of 0 and 1 accuracy
half_mean_squared_error      any numbers         numbers             the loss itself
============================ =================== =================== ==================

Twin: r/R/objectives.R.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from twinnet._types import Array, IntArray
from twinnet.activations import sigmoid_forward
from twinnet.kernels import array_exp
from twinnet.labels import predicted_classes
from twinnet.losses import (
    cross_entropy_backward,
    cross_entropy_forward,
    half_mean_squared_error_backward,
    half_mean_squared_error_forward,
    nll_backward,
    nll_forward,
    sigmoid_binary_cross_entropy_backward,
    sigmoid_binary_cross_entropy_forward,
)
from twinnet.metrics import accuracy
from twinnet.softmax import softmax, softmax_cross_entropy_backward, softmax_cross_entropy_forward

__all__ = ["LOSSES", "class_scores", "loss_backward", "loss_forward", "output_probabilities", "score_outputs"]

LOSSES = (
    "softmax_cross_entropy",
    "cross_entropy",
    "nll",
    "sigmoid_binary_cross_entropy",
    "half_mean_squared_error",
)


def loss_forward(loss: str, out: Array, target: Array) -> tuple[float, dict[str, Any]]:
    """Loss of a model's outputs.

    Parameters
    ----------
    loss : str
        One of `LOSSES`.
    out : array, shape (n, k)
        The model's outputs.
    target : array, shape (n, k)
        What they should have been.

    Returns
    -------
    value : float
        A mean over the rows.
    cache : dict
        What `loss_backward` needs.
    """
    match loss:
        case "softmax_cross_entropy":
            return softmax_cross_entropy_forward(out, target)
        case "cross_entropy":
            return cross_entropy_forward(out, target)
        case "nll":
            return nll_forward(out, target)
        case "sigmoid_binary_cross_entropy":
            return sigmoid_binary_cross_entropy_forward(out, target)
        case _:
            return half_mean_squared_error_forward(out, target)


def loss_backward(loss: str, cache: dict[str, Any]) -> Array:
    """Gradient of the loss with respect to the model's outputs.

    Parameters
    ----------
    loss : str
        One of `LOSSES`.
    cache : dict
        From `loss_forward`.

    Returns
    -------
    d_out : array, shape (n, k)
    """
    match loss:
        case "softmax_cross_entropy":
            return softmax_cross_entropy_backward(cache)
        case "cross_entropy":
            return cross_entropy_backward(cache)
        case "nll":
            return nll_backward(cache)
        case "sigmoid_binary_cross_entropy":
            return sigmoid_binary_cross_entropy_backward(cache)
        case _:
            return half_mean_squared_error_backward(cache)


def class_scores(loss: str, out: Array) -> Array:
    """Scores whose largest is the predicted class: the outputs, or for a single logit 0 against it.

    Parameters
    ----------
    loss : str
        One of `LOSSES`, of a classification.
    out : array, shape (n, k)
        The model's outputs.

    Returns
    -------
    array, shape (n, max(k, 2))
    """
    return np.column_stack([np.zeros(len(out)), out]) if loss == "sigmoid_binary_cross_entropy" else out


def output_probabilities(loss: str, out: Array) -> Array:
    """Probabilities of the classes.

    Parameters
    ----------
    loss : str
        One of `LOSSES`, of a classification.
    out : array, shape (n, k)
        The model's outputs.

    Returns
    -------
    array, shape (n, max(k, 2))
    """
    match loss:
        case "softmax_cross_entropy":
            return softmax(out)
        case "cross_entropy":
            return out
        case "nll":
            return array_exp(out)
        case _:
            p, _ = sigmoid_forward(out)
            return np.column_stack([1 - p, p])


def score_outputs(loss: str, out: Array, data: dict[str, Any]) -> float:
    """How good a model's outputs for the test rows are: the accuracy, or for a regression the loss.

    Parameters
    ----------
    loss : str
        One of `LOSSES`.
    out : array, shape (m, k)
        The model's outputs.
    data : dict
        ``labels_test`` (m,) of a classification, ``target_test`` (m, k) of a regression.

    Returns
    -------
    float
    """
    if loss == "half_mean_squared_error":
        return loss_forward(loss, out, data["target_test"])[0]
    labels: IntArray = data["labels_test"]
    return accuracy(labels, predicted_classes(class_scores(loss, out)))
