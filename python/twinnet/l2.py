"""L2 regularisation (weight decay): ``0.5 * reg * sum(w^2)`` over all weights, not the biases.

Course: lesson A, ``0.5 * reg * (sum(W1^2) + sum(W2^2))``. Twin: r/R/l2.R.
"""

from __future__ import annotations

from twinnet._types import Params
from twinnet.kernels import sum_of_products

__all__ = ["l2_gradients", "l2_penalty"]


def l2_penalty(params: Params, reg: float) -> float:
    """Penalty to be added to the loss.

    Parameters
    ----------
    params : dict of arrays
        The parameters; those whose key ends in ``.w`` are weights.
    reg : float
        Strength of the regularisation, at least 0.

    Returns
    -------
    float
    """
    if reg == 0:
        return 0.0
    squares = 0.0
    for key, value in params.items():
        if key.endswith(".w"):
            squares = squares + sum_of_products(value, value)
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
    if reg == 0:
        return grads
    return {key: grads[key] + reg * params[key] if key.endswith(".w") else grads[key] for key in grads}
