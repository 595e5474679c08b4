"""L2 regularisation (weight decay): ``0.5 * reg * sum(w^2)`` over all weights, not the biases.

Course: lesson A, ``0.5 * reg * (sum(W1^2) + sum(W2^2))``. Twin: r/R/l2.R.
"""

from __future__ import annotations

from twinnet._types import Params
from twinnet.kernels import sum_of_products

__all__ = ["l2_gradients", "l2_penalty", "weight_keys"]


def l2_penalty(params: Params, reg: float) -> float:
    """Penalty to be added to the loss.

    Parameters
    ----------
    params : dict of arrays
        The parameters.
    reg : float
        Strength of the regularisation, at least 0.

    Returns
    -------
    float
    """
    squares = 0.0
    for key in weight_keys(params):
        squares = squares + sum_of_products(params[key], params[key])
    return 0.5 * reg * squares


def l2_gradients(params: Params, grads: Params, reg: float) -> Params:
    """Gradients of the loss with the penalty, ``d_w + reg * w``.

    Parameters
    ----------
    params : dict of arrays
        The parameters.
    grads : dict of arrays
        Gradients of the loss without the penalty, under the same keys.
    reg : float
        Strength of the regularisation, at least 0.

    Returns
    -------
    dict of arrays
        The same keys.
    """
    penalised = dict(grads)
    for key in weight_keys(params):
        penalised[key] = grads[key] + reg * params[key]
    return penalised


def weight_keys(params: Params) -> list[str]:
    """Keys of the weights among the parameters: those that end in ``.w``.

    Parameters
    ----------
    params : dict of arrays

    Returns
    -------
    list of str
    """
    return [key for key in params if key.endswith(".w")]
