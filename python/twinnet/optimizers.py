"""Optimizers: from parameters and their gradients to the next parameters. State in, state out.

An optimizer is data, as an experiment's file has it: ``{"name": "gradient_descent", "lr": 0.01}``.
Twin: r/R/optimizers.R.
"""

from __future__ import annotations

from typing import Any

from twinnet._types import Params
from twinnet.checks import check_choice, check_number

__all__ = ["OPTIMIZERS", "optimizer_check", "optimizer_init", "optimizer_step"]

OPTIMIZERS = ("gradient_descent",)


def optimizer_check(optimizer: dict[str, Any]) -> dict[str, Any]:
    """Return `optimizer` if its name is known and its settings are sound.

    Parameters
    ----------
    optimizer : dict
        ``name``, one of `OPTIMIZERS`; ``lr``, the learning rate, above 0.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        Names the setting, its value and what it must be.
    """
    name = check_choice(optimizer.get("name"), "optimizer", OPTIMIZERS)
    return {"name": name, "lr": check_number(optimizer.get("lr"), "lr", above=0)}


def optimizer_init(optimizer: dict[str, Any], params: Params) -> dict[str, Any]:
    """State of an optimizer before its first step; gradient descent keeps none.

    Parameters
    ----------
    optimizer : dict
    params : dict of arrays

    Returns
    -------
    dict
    """
    return {}


def optimizer_step(
    optimizer: dict[str, Any], params: Params, grads: Params, state: dict[str, Any]
) -> tuple[Params, dict[str, Any]]:
    """One step down the gradient, ``p - lr * d_p`` (course: lesson A).

    Parameters
    ----------
    optimizer : dict
    params : dict of arrays
        The parameters.
    grads : dict of arrays
        Their gradients, under the same keys.
    state : dict
        From `optimizer_init` or the step before.

    Returns
    -------
    params : dict of arrays
        New arrays; those passed in are not changed.
    state : dict
    """
    lr = optimizer["lr"]
    return {key: params[key] - lr * grads[key] for key in params}, state
