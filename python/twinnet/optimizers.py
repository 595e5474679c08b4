"""Optimizers: from parameters and their gradients to the next parameters. State in, state out.

An optimizer is data, as an experiment's file has it: ``{"name": "adam", "lr": 0.001}``; `optimizer_check` fills in the
settings that are left out. With p a parameter, g its gradient and s, m, v, d what the state keeps of it (0 at first)::

    gradient_descent p - lr g (course: lesson A, full batch)
    sgd              v = momentum v + (1 - dampening) g, at the first step v = g; p - lr v.
                     Nesterov's: p - lr (g + momentum v) (torch.optim.SGD; without momentum, p - lr g)
    nesterov         sgd with momentum 0.9 and nesterov true (Sutskever et al. 2013, as PyTorch has it)
    momentum         v = alpha v - lr g; p + v (course: lesson D; Keras's SGD with momentum). As long as lr stays the
                     same, sgd's path with v = -lr times sgd's
    adagrad          s = s + g^2; p - lr g / (sqrt(s) + eps), lr falling to lr / (1 + lr_decay t) (Duchi, Hazan, Singer
                     2011)
    adadelta         s = rho s + (1 - rho) g^2; u = sqrt(d + eps) / sqrt(s + eps) g; d = rho d + (1 - rho) u^2; p - lr u
                     (Zeiler 2012)
    rmsprop          s = alpha s + (1 - alpha) g^2; p - lr g / (sqrt(s) + eps) (Hinton 2012, lecture 6e);
                     centered: s less the square of g's own average under the root;
                     momentum: v = momentum v + g / (sqrt(s) + eps); p - lr v
    adam             m = beta1 m + (1 - beta1) g; s = beta2 s + (1 - beta2) g^2;
                     p - lr / (1 - beta1^t) m / (sqrt(s) / sqrt(1 - beta2^t) + eps) (Kingma and Ba 2015)

Rules and defaults are PyTorch's (torch.optim 2.13.0), and `weight_decay` adds weight_decay p to g. What Keras means by
an optimizer's name (course: lesson E) is ``{"name": "rmsprop", "rule": "keras"}``: its defaults, and its places for
eps, sqrt(s + eps) in adagrad and rmsprop, (sqrt(s) + eps) / sqrt(1 - beta2^t) in adam (keras.optimizers 3.15).

Only + - * / and the square root are used, in the same order in both languages; beta^t is a running product that the
state keeps, since powers round differently from one library to another. A number multiplies what arrays gave first,
``(1 - alpha) * (g * g)``, ``lr * (g / root)``: one array fewer is made and read, which for large layers is what takes
time. Twin: r/R/optimizers.R.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from twinnet._types import Array, Params
from twinnet.checks import check_argument, check_choice, check_flag, check_number
from twinnet.mersenne_twister import unboxed

__all__ = ["OPTIMIZERS", "optimizer_check", "optimizer_init", "optimizer_step"]

OPTIMIZER_DEFAULTS: dict[str, dict[str, Any]] = {
    "gradient_descent": {"lr": 0.01},
    "sgd": {"lr": 0.001, "momentum": 0.0, "dampening": 0.0, "weight_decay": 0.0, "nesterov": False},
    "nesterov": {"lr": 0.001, "momentum": 0.9, "dampening": 0.0, "weight_decay": 0.0, "nesterov": True},
    "momentum": {"lr": 0.01, "alpha": 0.9},
    "adagrad": {"lr": 0.01, "lr_decay": 0.0, "weight_decay": 0.0, "initial_accumulator_value": 0.0, "eps": 1e-10},
    "adadelta": {"lr": 1.0, "rho": 0.9, "eps": 1e-6, "weight_decay": 0.0},
    "rmsprop": {"lr": 0.01, "alpha": 0.99, "eps": 1e-8, "weight_decay": 0.0, "momentum": 0.0, "centered": False},
    "adam": {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0},
}
KERAS_DEFAULTS: dict[str, dict[str, Any]] = {
    "adagrad": {"lr": 0.001, "initial_accumulator_value": 0.1, "eps": 1e-7},
    "adadelta": {"lr": 0.001, "rho": 0.95, "eps": 1e-7},
    "rmsprop": {"lr": 0.001, "alpha": 0.9, "eps": 1e-7},
    "adam": {"eps": 1e-7},
}
OPTIMIZER_BOUNDS: dict[str, dict[str, float]] = {
    "lr": {"above": 0},
    "lr_decay": {"minimum": 0},
    "weight_decay": {"minimum": 0},
    "initial_accumulator_value": {"minimum": 0},
    "eps": {"minimum": 0},
    "momentum": {"minimum": 0, "maximum": 1},
    "dampening": {"minimum": 0, "maximum": 1},
    "alpha": {"minimum": 0, "maximum": 1},
    "rho": {"minimum": 0, "maximum": 1},
    "beta1": {"minimum": 0, "below": 1},
    "beta2": {"minimum": 0, "below": 1},
}
OPTIMIZER_RULES = ("pytorch", "keras")
OPTIMIZERS = tuple(OPTIMIZER_DEFAULTS)


def optimizer_check(optimizer: dict[str, Any]) -> dict[str, Any]:
    """Return `optimizer` with all its settings, if its name and those given are known and sound.

    Parameters
    ----------
    optimizer : dict
        ``name``, one of `OPTIMIZERS`, and settings; those left out get their defaults. ``adagrad``, ``adadelta``,
        ``rmsprop`` and ``adam`` also have ``rule``, ``"pytorch"`` unless it is ``"keras"``.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        Names the setting, its value and what it must be.
    """
    name = check_choice(optimizer.get("name"), "optimizer", OPTIMIZERS)
    defaults = OPTIMIZER_DEFAULTS[name]
    if name in KERAS_DEFAULTS:
        rule = check_choice(optimizer.get("rule", "pytorch"), "rule", OPTIMIZER_RULES)
        defaults = {"rule": rule, **defaults, **(KERAS_DEFAULTS[name] if rule == "keras" else {})}
    for key in optimizer:
        check_choice(key, f"setting of {name}", ("name", *defaults))
    checked = {key: check_setting(optimizer.get(key, default), key) for key, default in defaults.items()}
    if checked.get("nesterov"):
        check_argument(checked["momentum"] > 0, "momentum", checked["momentum"], "above 0 with nesterov")
        check_argument(checked["dampening"] == 0, "dampening", checked["dampening"], "0 with nesterov")
    return {"name": name, **checked}


def optimizer_init(optimizer: dict[str, Any], params: Params) -> dict[str, Any]:
    """State of an optimizer before its first step.

    Parameters
    ----------
    optimizer : dict
        From `optimizer_check`.
    params : dict of arrays

    Returns
    -------
    dict
        Numbers, and dicts of arrays with the keys of `params`, under PyTorch's names: empty for gradient_descent and
        for sgd without momentum; ``step`` (steps taken) and ``momentum_buffer`` for sgd and nesterov; ``velocity`` for
        momentum; ``step`` and ``sum`` for adagrad; ``square_avg`` and ``acc_delta`` for adadelta; ``square_avg`` and,
        where asked for, ``grad_avg`` and ``momentum_buffer`` for rmsprop; ``beta1_power``, ``beta2_power`` (beta^t),
        ``exp_avg`` and ``exp_avg_sq`` for adam.
    """
    zeros = filled(params, 0.0)
    match optimizer["name"]:
        case "sgd" | "nesterov" if optimizer["momentum"] > 0:
            return {"step": 0, "momentum_buffer": zeros}
        case "momentum":
            return {"velocity": zeros}
        case "adagrad":
            return {"step": 0, "sum": filled(params, optimizer["initial_accumulator_value"])}
        case "adadelta":
            return {"square_avg": zeros, "acc_delta": zeros}
        case "rmsprop":
            state = {"square_avg": zeros}
            if optimizer["centered"]:
                state["grad_avg"] = zeros
            if optimizer["momentum"] > 0:
                state["momentum_buffer"] = zeros
            return state
        case "adam":
            return {"beta1_power": 1.0, "beta2_power": 1.0, "exp_avg": zeros, "exp_avg_sq": zeros}
    return {}


def optimizer_step(
    optimizer: dict[str, Any], params: Params, grads: Params, state: dict[str, Any]
) -> tuple[Params, dict[str, Any]]:
    """One step of an optimizer.

    Parameters
    ----------
    optimizer : dict
        From `optimizer_check`.
    params : dict of arrays
        The parameters.
    grads : dict of arrays
        The gradients of those that are to change, under their keys.
    state : dict
        From `optimizer_init`, for the parameters that are to change, or from the step before.

    Returns
    -------
    params : dict of arrays
        New arrays; those passed in are not changed.
    state : dict
        A new state; the one passed in is not changed.
    """
    match optimizer["name"]:
        case "gradient_descent":
            lr = optimizer["lr"]
            return {**params, **{key: params[key] - lr * grads[key] for key in grads}}, state
        case "sgd" | "nesterov":
            return sgd_step(optimizer, params, grads, state)
        case "momentum":
            return momentum_step(optimizer, params, grads, state)
        case "adagrad":
            return adagrad_step(optimizer, params, grads, state)
        case "adadelta":
            return adadelta_step(optimizer, params, grads, state)
        case "rmsprop":
            return rmsprop_step(optimizer, params, grads, state)
        case "adam":
            return adam_step(optimizer, params, grads, state)
    raise ValueError(f"There is no optimizer {optimizer['name']}.")


def sgd_step(optimizer: dict[str, Any], params: Params, grads: Params, state: dict[str, Any]) -> tuple[Params, Any]:
    """Stochastic gradient descent with momentum, as torch.optim.SGD."""
    lr, momentum, undampened = optimizer["lr"], optimizer["momentum"], 1 - optimizer["dampening"]
    params, new = dict(params), copied(state)
    if momentum > 0:
        new["step"] = unboxed(state["step"]) + 1
    for key in grads:
        p = params[key]
        g = with_weight_decay(grads[key], p, optimizer["weight_decay"])
        if momentum > 0:
            v = g if new["step"] == 1 else momentum * state["momentum_buffer"][key] + undampened * g
            new["momentum_buffer"][key] = v
            g = g + momentum * v if optimizer["nesterov"] else v
        params[key] = moved(p, lr * g)
    return params, new


def momentum_step(
    optimizer: dict[str, Any], params: Params, grads: Params, state: dict[str, Any]
) -> tuple[Params, dict[str, Any]]:
    """Momentum in the notes' form: the velocity is a step, not a gradient."""
    lr, alpha = optimizer["lr"], optimizer["alpha"]
    params, new = dict(params), copied(state)
    for key in grads:
        v = alpha * state["velocity"][key] - lr * grads[key]
        new["velocity"][key] = v
        params[key] = params[key] + v
    return params, new


def adagrad_step(
    optimizer: dict[str, Any], params: Params, grads: Params, state: dict[str, Any]
) -> tuple[Params, dict[str, Any]]:
    """AdaGrad: each element's step shrinks with the sum of its squared gradients."""
    params, new = dict(params), copied(state)
    new["step"] = unboxed(state["step"]) + 1
    lr = optimizer["lr"] / (1 + (new["step"] - 1) * optimizer["lr_decay"])
    for key in grads:
        p = params[key]
        g = with_weight_decay(grads[key], p, optimizer["weight_decay"])
        s = state["sum"][key] + g * g
        new["sum"][key] = s
        params[key] = moved(p, lr * (g / root_and_eps(s, optimizer)))
    return params, new


def adadelta_step(
    optimizer: dict[str, Any], params: Params, grads: Params, state: dict[str, Any]
) -> tuple[Params, dict[str, Any]]:
    """Adadelta: steps in the units of the parameter, from the averages of squared gradients and squared steps."""
    lr, rho, eps = optimizer["lr"], optimizer["rho"], optimizer["eps"]
    params, new = dict(params), copied(state)
    for key in grads:
        p = params[key]
        g = with_weight_decay(grads[key], p, optimizer["weight_decay"])
        d = state["acc_delta"][key]
        s = rho * state["square_avg"][key] + (1 - rho) * (g * g)
        u = np.sqrt(d + eps) / np.sqrt(s + eps) * g
        new["square_avg"][key] = s
        new["acc_delta"][key] = rho * d + (1 - rho) * (u * u)
        params[key] = moved(p, lr * u)
    return params, new


def rmsprop_step(
    optimizer: dict[str, Any], params: Params, grads: Params, state: dict[str, Any]
) -> tuple[Params, dict[str, Any]]:
    """RMSprop: each element's step is divided by the root of the average of its squared gradients.

    Centered, it divides by their standard deviation; as in PyTorch, gradients that stay the same bring that down to
    rounding errors, which may be below 0 and then give NaN.
    """
    lr, alpha, momentum = optimizer["lr"], optimizer["alpha"], optimizer["momentum"]
    params, new = dict(params), copied(state)
    for key in grads:
        p = params[key]
        g = with_weight_decay(grads[key], p, optimizer["weight_decay"])
        s = alpha * state["square_avg"][key] + (1 - alpha) * (g * g)
        new["square_avg"][key] = s
        if optimizer["centered"]:
            m = alpha * state["grad_avg"][key] + (1 - alpha) * g
            new["grad_avg"][key] = m
            s = s - m * m
        if momentum > 0:
            v = momentum * state["momentum_buffer"][key] + g / root_and_eps(s, optimizer)
            new["momentum_buffer"][key] = v
            params[key] = moved(p, lr * v)
        else:
            params[key] = moved(p, lr * (g / root_and_eps(s, optimizer)))
    return params, new


def adam_step(
    optimizer: dict[str, Any], params: Params, grads: Params, state: dict[str, Any]
) -> tuple[Params, dict[str, Any]]:
    """Adam: averages of gradients and of their squares, corrected for having started from 0."""
    beta1, beta2, eps = optimizer["beta1"], optimizer["beta2"], optimizer["eps"]
    params, new = dict(params), copied(state)
    new["beta1_power"] = unboxed(state["beta1_power"]) * beta1
    new["beta2_power"] = unboxed(state["beta2_power"]) * beta2
    lr = optimizer["lr"] / (1 - new["beta1_power"])
    root = math.sqrt(1 - new["beta2_power"])
    for key in grads:
        p = params[key]
        g = with_weight_decay(grads[key], p, optimizer["weight_decay"])
        m = beta1 * state["exp_avg"][key] + (1 - beta1) * g
        s = beta2 * state["exp_avg_sq"][key] + (1 - beta2) * (g * g)
        new["exp_avg"][key], new["exp_avg_sq"][key] = m, s
        if optimizer["rule"] == "keras":
            params[key] = moved(p, lr * (m / ((np.sqrt(s) + eps) / root)))
        else:
            params[key] = moved(p, lr * (m / (np.sqrt(s) / root + eps)))
    return params, new


def check_setting(value: Any, name: str) -> Any:
    """Return the value of a setting, if it is within the setting's bounds."""
    if name == "rule":
        return check_choice(value, name, OPTIMIZER_RULES)
    if name in OPTIMIZER_BOUNDS:
        return check_number(value, name, **OPTIMIZER_BOUNDS[name])
    return check_flag(value, name)


def filled(params: Params, value: float) -> Params:
    """Arrays of the shapes of `params` that hold one value throughout."""
    return {key: np.full_like(p, value) for key, p in params.items()}


def copied(state: dict[str, Any]) -> dict[str, Any]:
    """A state whose dicts can be written to without changing the one passed in."""
    return {key: dict(value) if isinstance(value, dict) else value for key, value in state.items()}


def with_weight_decay(g: Array, p: Array, weight_decay: float) -> Array:
    """The gradient with that of the penalty ``weight_decay / 2 * sum(p^2)`` added."""
    return g + weight_decay * p if weight_decay > 0 else g


def moved(p: Array, step: Array) -> Array:
    """``p - step`` in the memory of the step, which nothing else needs: a new array costs as much as the difference."""
    return np.subtract(p, step, out=step)


def root_and_eps(s: Array, optimizer: dict[str, Any]) -> Array:
    """The divisor of adagrad and rmsprop: eps outside the root in PyTorch, inside it in Keras."""
    if optimizer["rule"] == "keras":
        shifted: Array = s + optimizer["eps"]
        return np.sqrt(shifted, out=shifted)
    root: Array = np.sqrt(s)
    root += optimizer["eps"]
    return root
