"""Losses: from a model's output and the targets to one number, and its gradient with respect to the output.

Conventions. A batch is a matrix, one row a sample. Losses are means. The squared error and the losses over classes are
sums over the outputs of a sample, and means over the samples; the binary ones are means over all elements, as PyTorch's
BCELoss and BCEWithLogitsLoss are (with one output both say the same). Losses over classes take one-hot rows (or any
weights of the classes), where a class of weight 0 counts for nothing, not even if its probability is 0; those named
labels take class numbers. A NaN passes through to the loss, so that training sees that it diverged.

Where the output is a softmax's or a sigmoid's, `softmax_cross_entropy` (in softmax) and `sigmoid_binary_cross_entropy`
take the scores before it instead and cannot overflow: they are to be preferred. Course: lesson A (regression), B and C
(classification), D (all of them). Twin: r/R/losses.R.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from twinnet._types import Array, IntArray
from twinnet.activations import sigmoid_forward
from twinnet.checks import check_argument, check_same_shape
from twinnet.kernels import array_exp, array_log, array_log1p, array_sum, sum_of_products
from twinnet.labels import place_classes, take_classes

__all__ = [
    "binary_cross_entropy_backward",
    "binary_cross_entropy_forward",
    "cross_entropy_1e7_backward",
    "cross_entropy_1e7_forward",
    "cross_entropy_1e7_labels_backward",
    "cross_entropy_1e7_labels_forward",
    "cross_entropy_backward",
    "cross_entropy_forward",
    "cross_entropy_labels_backward",
    "cross_entropy_labels_forward",
    "half_mean_squared_error_backward",
    "half_mean_squared_error_forward",
    "nll_backward",
    "nll_forward",
    "sigmoid_binary_cross_entropy_backward",
    "sigmoid_binary_cross_entropy_forward",
]


def half_mean_squared_error_forward(x: Array, target: Array) -> tuple[float, dict[str, Array]]:
    """Half the mean over the samples of the squared error, ``1/(2n) sum_ij (x_ij - target_ij)^2``.

    Course: lessons A (regression) and D. PyTorch's MSELoss divides by the number of outputs too and does not halve.

    Parameters
    ----------
    x : array, shape (n, k)
        Predictions, one row a sample.
    target : array, shape (n, k)
        What they should be.

    Returns
    -------
    loss : float
    cache : dict
        What `half_mean_squared_error_backward` needs.

    Raises
    ------
    ValueError
        If `x` is not a matrix or `target` not of its shape.
    """
    check_batch(x, "x", target)
    error = x - target
    loss = sum_of_products(error, error) / (2.0 * len(x))
    return loss, {"error": error}


def half_mean_squared_error_backward(cache: dict[str, Array]) -> Array:
    """Gradient of half the mean squared error with respect to the predictions, ``(x - target) / n``.

    Parameters
    ----------
    cache : dict
        From `half_mean_squared_error_forward`.

    Returns
    -------
    d_x : array, shape (n, k)
    """
    error = cache["error"]
    return error / float(len(error))


@np.errstate(divide="ignore")  # the logarithm of 0 is -Inf, and R says nothing of it either
def binary_cross_entropy_forward(p: Array, target: Array) -> tuple[float, dict[str, Array]]:
    """Mean binary cross entropy, ``-mean(target log p + (1 - target) log(1 - p))``.

    The logarithms are at least -100, as in PyTorch's BCELoss, so that the loss stays finite.

    Parameters
    ----------
    p : array, shape (n, k)
        Probabilities, one row a sample.
    target : array, shape (n, k)
        0 or 1, or a probability.

    Returns
    -------
    loss : float
    cache : dict
        What `binary_cross_entropy_backward` needs.

    Raises
    ------
    ValueError
        If `p` is not a matrix of numbers from 0 to 1, or `target` not of its shape.
    """
    check_batch(p, "p", target)
    check_probabilities(p)
    log_p = np.maximum(array_log(p), -100.0)
    log_q = np.maximum(array_log1p(-p), -100.0)
    loss = -array_sum(target * log_p + (1.0 - target) * log_q) / p.size
    return loss, {"p": p, "target": target}


def binary_cross_entropy_backward(cache: dict[str, Array]) -> Array:
    """Gradient of the mean binary cross entropy, ``(p - target) / (p (1 - p))``, divided by the number of elements.

    The product below the line is at least 1e-12 (in PyTorch's BCELoss, as here, the float32 next to it), so that the
    gradient stays finite.

    Parameters
    ----------
    cache : dict
        From `binary_cross_entropy_forward`.

    Returns
    -------
    d_p : array, shape (n, k)
    """
    p, target = cache["p"], cache["target"]
    variance: Array = np.maximum(p * (1.0 - p), 9.999999960041972e-13)
    return (p - target) / (variance * p.size)


def sigmoid_binary_cross_entropy_forward(x: Array, target: Array) -> tuple[float, dict[str, Array]]:
    """Mean binary cross entropy of sigmoid(x), ``mean(max(x, 0) - x target + log(1 + exp(-|x|)))``.

    No exponential in this form can overflow; PyTorch's BCEWithLogitsLoss is the same.

    Parameters
    ----------
    x : array, shape (n, k)
        Scores (logits), one row a sample.
    target : array, shape (n, k)
        0 or 1, or a probability.

    Returns
    -------
    loss : float
    cache : dict
        What `sigmoid_binary_cross_entropy_backward` needs.

    Raises
    ------
    ValueError
        If `x` is not a matrix or `target` not of its shape.
    """
    check_batch(x, "x", target)
    losses = np.maximum(x, 0.0) - x * target + array_log1p(array_exp(-np.abs(x)))
    return array_sum(losses) / x.size, {"x": x, "target": target}


def sigmoid_binary_cross_entropy_backward(cache: dict[str, Array]) -> Array:
    """Gradient of the loss with respect to the scores, ``(sigmoid(x) - target)`` divided by the number of elements.

    Parameters
    ----------
    cache : dict
        From `sigmoid_binary_cross_entropy_forward`.

    Returns
    -------
    d_x : array, shape (n, k)
    """
    x, target = cache["x"], cache["target"]
    p, _ = sigmoid_forward(x)
    return (p - target) / float(x.size)


@np.errstate(divide="ignore")
def cross_entropy_forward(p: Array, target: Array) -> tuple[float, dict[str, Array]]:
    """Mean cross entropy of probabilities against one-hot targets, ``-1/n sum_ij target_ij log p_ij``.

    There is no epsilon: where the true class has probability 0 the loss is infinite.

    Parameters
    ----------
    p : array, shape (n, k)
        Probabilities, one row a sample.
    target : array, shape (n, k)
        One-hot rows.

    Returns
    -------
    loss : float
    cache : dict
        What `cross_entropy_backward` needs.

    Raises
    ------
    ValueError
        If `p` is not a matrix of numbers from 0 to 1, or `target` not of its shape.
    """
    check_batch(p, "p", target)
    check_probabilities(p)
    p = np.where(target == 0.0, 1.0, p)  # whose logarithm is 0 where it does not count
    loss = -sum_of_products(target, array_log(p)) / len(p)
    return loss, {"p": p, "target": target}


@np.errstate(divide="ignore")
def cross_entropy_backward(cache: dict[str, Array]) -> Array:
    """Gradient of the mean cross entropy with respect to the probabilities, ``-target / (n p)``.

    Parameters
    ----------
    cache : dict
        From `cross_entropy_forward`.

    Returns
    -------
    d_p : array, shape (n, k)
    """
    p, target = cache["p"], cache["target"]
    return -target / (len(p) * p)


@np.errstate(divide="ignore")
def cross_entropy_labels_forward(p: Array, numbers: Sequence[int] | IntArray) -> tuple[float, dict[str, Any]]:
    """Mean cross entropy of probabilities against class numbers, ``-1/n sum_i log p_i,numbers_i``.

    Parameters
    ----------
    p : array, shape (n, k)
        Probabilities, one row a sample.
    numbers : array of int, shape (n,)
        Class numbers, as `labels` counts them.

    Returns
    -------
    loss : float
    cache : dict
        What `cross_entropy_labels_backward` needs.

    Raises
    ------
    ValueError
        If `p` is not a matrix of numbers from 0 to 1, or `numbers` not one class number a row.
    """
    check_probabilities(p)
    taken = take_classes(p, numbers)
    loss = -array_sum(array_log(taken)) / len(taken)
    return loss, {"p": taken, "numbers": numbers, "n_classes": p.shape[1]}


@np.errstate(divide="ignore")
def cross_entropy_labels_backward(cache: dict[str, Any]) -> Array:
    """Gradient of the mean cross entropy, ``-1 / (n p)`` for the true classes and 0 for the others.

    Parameters
    ----------
    cache : dict
        From `cross_entropy_labels_forward`.

    Returns
    -------
    d_p : array, shape (n, k)
    """
    p = cache["p"]
    return place_classes(-1.0 / (len(p) * p), cache["numbers"], cache["n_classes"])


def cross_entropy_1e7_forward(p: Array, target: Array) -> tuple[float, dict[str, Array]]:
    """Mean cross entropy with the notes' 1e-7 inside the logarithm, ``-1/n sum_ij target_ij log(p_ij + 1e-7)``.

    Course: lesson D. It stays finite where the true class has probability 0, and is below 0 where it has 1.

    Parameters
    ----------
    p : array, shape (n, k)
        Probabilities, one row a sample.
    target : array, shape (n, k)
        One-hot rows.

    Returns
    -------
    loss : float
    cache : dict
        What `cross_entropy_1e7_backward` needs.

    Raises
    ------
    ValueError
        If `p` is not a matrix of numbers from 0 to 1, or `target` not of its shape.
    """
    check_batch(p, "p", target)
    check_probabilities(p)
    p = p + 1e-7
    loss = -sum_of_products(target, array_log(p)) / len(p)
    return loss, {"p": p, "target": target}


def cross_entropy_1e7_backward(cache: dict[str, Array]) -> Array:
    """Gradient of the notes' cross entropy with respect to the probabilities, ``-target / (n (p + 1e-7))``.

    Parameters
    ----------
    cache : dict
        From `cross_entropy_1e7_forward`.

    Returns
    -------
    d_p : array, shape (n, k)
    """
    p, target = cache["p"], cache["target"]
    return -target / (len(p) * p)


def cross_entropy_1e7_labels_forward(p: Array, numbers: Sequence[int] | IntArray) -> tuple[float, dict[str, Any]]:
    """The notes' mean cross entropy against class numbers, ``-1/n sum_i log(p_i,numbers_i + 1e-7)``.

    Parameters
    ----------
    p : array, shape (n, k)
        Probabilities, one row a sample.
    numbers : array of int, shape (n,)
        Class numbers, as `labels` counts them.

    Returns
    -------
    loss : float
    cache : dict
        What `cross_entropy_1e7_labels_backward` needs.

    Raises
    ------
    ValueError
        If `p` is not a matrix of numbers from 0 to 1, or `numbers` not one class number a row.
    """
    check_probabilities(p)
    taken = take_classes(p, numbers) + 1e-7
    loss = -array_sum(array_log(taken)) / len(taken)
    return loss, {"p": taken, "numbers": numbers, "n_classes": p.shape[1]}


def cross_entropy_1e7_labels_backward(cache: dict[str, Any]) -> Array:
    """Gradient of the notes' cross entropy, ``-1 / (n (p + 1e-7))`` for the true classes and 0 for the others.

    Parameters
    ----------
    cache : dict
        From `cross_entropy_1e7_labels_forward`.

    Returns
    -------
    d_p : array, shape (n, k)
    """
    p = cache["p"]
    return place_classes(-1.0 / (len(p) * p), cache["numbers"], cache["n_classes"])


def nll_forward(log_p: Array, target: Array) -> tuple[float, dict[str, Array]]:
    """Mean negative log likelihood, ``-1/n sum_ij target_ij log_p_ij`` (PyTorch's NLLLoss; course: lesson C).

    Parameters
    ----------
    log_p : array, shape (n, k)
        Logarithms of probabilities, one row a sample: the output of log_softmax. Any number is taken, as by PyTorch.
    target : array, shape (n, k)
        One-hot rows.

    Returns
    -------
    loss : float
    cache : dict
        What `nll_backward` needs.

    Raises
    ------
    ValueError
        If `log_p` is not a matrix or `target` not of its shape.
    """
    check_batch(log_p, "log_p", target)
    log_p = np.where(target == 0.0, 0.0, log_p)  # -Inf does not count there
    loss = -sum_of_products(target, log_p) / len(log_p)
    return loss, {"target": target}


def nll_backward(cache: dict[str, Array]) -> Array:
    """Gradient of the mean negative log likelihood with respect to the logarithms, ``-target / n``.

    Parameters
    ----------
    cache : dict
        From `nll_forward`.

    Returns
    -------
    d_log_p : array, shape (n, k)
    """
    target = cache["target"]
    return -target / float(len(target))


def check_batch(x: Array, name: str, target: Array) -> None:
    """Raise ``ValueError`` unless `x` is a matrix and `target` is of its shape."""
    check_argument(x.ndim == 2, name, x, "a matrix, one row a sample")
    check_same_shape(target, "target", x, name)


def check_probabilities(p: Array) -> None:
    """Raise ``ValueError`` unless `p` is a matrix of numbers from 0 to 1, NaN apart."""
    check_argument(p.ndim == 2, "p", p, "a matrix, one row a sample")
    lowest, highest = p.min(), p.max()
    outside = bool(lowest < 0.0 or highest > 1.0)
    check_argument(not outside, "p", lowest if lowest < 0.0 else highest, "probabilities, from 0 to 1")
