"""Mistakes of the optimizers: a parameter or a state after the update, computed from the gradient and the states before.

Each optimizer is written here as a function of its settings and of what a porter may get wrong; the settings are
those of `twinnet.optimizers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from twinnet._types import Array
from twinnet.parity.array_hypotheses import VALUE_BITS, Guess
from twinnet.parity.recorded import Missing, Recorded

__all__ = ["update_guesses"]

Update = dict[str, Any]  # "p" and the states after the update, by name


def gradient_descent(p: Array, g: Array, s: Update, o: Update) -> Update:
    """Plain descent."""
    return {"p": p - o["lr"] * g}


def sgd(p: Array, g: Array, s: Update, o: Update) -> Update:
    """PyTorch's SGD."""
    if o["momentum"] == 0:
        return {"p": p - o["lr"] * g}
    first = s["step"] == 0 and not o.get("damped_first")
    v = g if first else o["momentum"] * s["momentum_buffer"] + (1 - o["dampening"]) * g
    step = g + o["momentum"] * v if o["nesterov"] else v
    return {"p": p - o["lr"] * step, "momentum_buffer": v, "step": s["step"] + 1}


def momentum(p: Array, g: Array, s: Update, o: Update) -> Update:
    """The notes' momentum."""
    v = o["alpha"] * s["velocity"] - o.get("share", 1.0) * o["lr"] * g
    return {"p": p + v, "velocity": v}


def adagrad(p: Array, g: Array, s: Update, o: Update) -> Update:
    """AdaGrad."""
    total = s["sum"] + g * g
    lr = o["lr"] / (1 + s["step"] * o["lr_decay"])
    return {"p": p - lr * g / divisor(total, o), "sum": total, "step": s["step"] + 1}


def adadelta(p: Array, g: Array, s: Update, o: Update) -> Update:
    """Adadelta."""
    rho, eps = o["rho"], o["eps"]
    square = rho * s["square_avg"] + (1 - rho) * g * g
    u = np.sqrt(s["acc_delta"] + eps) / np.sqrt(square + eps) * g
    if o.get("rootless"):
        u = (s["acc_delta"] + eps) / (square + eps) * g
    if o.get("eps_outside"):
        u = (np.sqrt(s["acc_delta"]) + eps) / (np.sqrt(square) + eps) * g
    delta = rho * s["acc_delta"] + (1 - rho) * u * u
    return {"p": p - o["lr"] * u, "square_avg": square, "acc_delta": delta}


def rmsprop(p: Array, g: Array, s: Update, o: Update) -> Update:
    """RMSprop."""
    square = o["alpha"] * s["square_avg"] + (1 - o["alpha"]) * g * g
    new = {"square_avg": square}
    if o["centered"]:
        new["grad_avg"] = o["alpha"] * s["grad_avg"] + (1 - o["alpha"]) * g
        square = square - new["grad_avg"] ** 2
    step = g / divisor(square, o)
    if o["momentum"] > 0:
        step = new["momentum_buffer"] = o["momentum"] * s["momentum_buffer"] + step
    return {"p": p - o["lr"] * step, **new}


def adam(p: Array, g: Array, s: Update, o: Update) -> Update:
    """Adam."""
    beta1, beta2 = o["beta1"], o["beta2"]
    m = beta1 * s["exp_avg"] + (1 - beta1) * g
    v = beta2 * s["exp_avg_sq"] + (1 - beta2) * g * g
    power1, power2 = s["beta1_power"] * beta1, s["beta2_power"] * beta2
    shift = o.get("powers_shift", 0)
    first = m if o.get("no_correction") in (True, "m") else m / (1 - power1 * beta1**shift)
    second = v if o.get("no_correction") in (True, "v") else v / (1 - power2 * beta2**shift)
    root = second if o.get("rootless") else np.sqrt(second)
    if o.get("correction_rootless"):
        root = np.sqrt(v) / (1 - power2)
    below = root + o["eps"]
    if o.get("eps_inside"):
        below = np.sqrt(second + o["eps"])
    if o.get("eps_inside_raw"):
        below = np.sqrt(v + o["eps"]) / np.sqrt(1 - power2)
    if o["rule"] == "keras":
        below = (np.sqrt(v) + o["eps"]) / np.sqrt(1 - power2)
    new = {"exp_avg": m, "exp_avg_sq": v, "beta1_power": power1, "beta2_power": power2}
    return {"p": p - o["lr"] * first / below, **new}


def divisor(s: Array, o: Update) -> Array:
    """What AdaGrad and RMSprop divide by."""
    if o.get("rootless"):
        return np.asarray(s + o["eps"])
    return np.asarray(np.sqrt(s + o["eps"]) if o["rule"] == "keras" else np.sqrt(s) + o["eps"])


OPTIMIZERS: dict[str, Callable[[Array, Array, Update, Update], Update]] = {
    "gradient_descent": gradient_descent,
    "sgd": sgd,
    "nesterov": sgd,
    "momentum": momentum,
    "adagrad": adagrad,
    "adadelta": adadelta,
    "rmsprop": rmsprop,
    "adam": adam,
}
# What is changed in the settings, by the cause and the words for it; a function is of the settings themselves.
SETTINGS: list[tuple[str, str, Callable[[Update], Update]]] = [
    ("momentum_sign", "of the momentum", lambda o: {"momentum": -o["momentum"]}),
    ("momentum_damping", "the gradient counts 1 - momentum", lambda o: {"dampening": o["momentum"]}),
    ("momentum_damping", "at every step", lambda o: {"dampening": o["momentum"], "damped_first": True}),
    ("momentum_damping", "from the first step on", lambda o: {"damped_first": True}),
    ("momentum_damping", "the dampening is left out", lambda o: {"dampening": 0.0}),
    ("nesterov", "", lambda o: {"nesterov": not o["nesterov"]}),
    ("epsilon_place", "the other rule's", lambda o: {"rule": "pytorch" if o["rule"] == "keras" else "keras"}),
    ("epsilon_place", "inside the root", lambda o: {"eps_inside": True}),
    ("epsilon_place", "inside the root, before the correction", lambda o: {"eps_inside_raw": True}),
    ("epsilon_place", "outside the root", lambda o: {"eps_outside": True}),
    ("missing_root", "", lambda o: {"rootless": True}),
    ("missing_root", "of the bias correction", lambda o: {"correction_rootless": True}),
    ("bias_correction", "left out", lambda o: {"no_correction": True}),
    ("bias_correction", "of the mean left out", lambda o: {"no_correction": "m"}),
    ("bias_correction", "of the squares left out", lambda o: {"no_correction": "v"}),
    ("bias_correction", "a step behind", lambda o: {"powers_shift": -1}),
    ("bias_correction", "a step ahead", lambda o: {"powers_shift": 1}),
    ("decay_swapped", "beta1 and beta2", lambda o: {"beta1": o["beta2"], "beta2": o["beta1"]}),
    ("decay_swapped", "alpha and 1 - alpha", lambda o: {"alpha": 1 - o["alpha"]}),
    ("decay_swapped", "rho and 1 - rho", lambda o: {"rho": 1 - o["rho"]}),
    ("decay_swapped", "beta1 and 1 - beta1", lambda o: {"beta1": 1 - o["beta1"]}),
    ("decay_swapped", "beta2 and 1 - beta2", lambda o: {"beta2": 1 - o["beta2"]}),
    ("learning_rate", "left out", lambda o: {"lr": 1.0}),
    ("learning_rate", "without its decay", lambda o: {"lr_decay": 0.0}),
    ("learning_rate", "squared", lambda o: {"lr": o["lr"] ** 2}),
    ("factor_two", "of the learning rate", lambda o: {"lr": 2 * o["lr"]}),
    ("factor_two", "of the learning rate, 1/2", lambda o: {"lr": 0.5 * o["lr"]}),
]
# What others have as a default for a setting.
OTHER_DEFAULTS = {
    "alpha": (0.9, 0.99, 0.95),
    "beta1": (0.9, 0.95),
    "beta2": (0.999, 0.99, 0.98, 0.95),
    "rho": (0.9, 0.95),
    "momentum": (0.9, 0.5, 0.0),
}
EPSILONS = (0.0, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12)


def update_guesses(side: Recorded) -> Iterator[Guess]:
    """What a parameter or a state should be after the update, and what it would be with each mistake.

    Parameters
    ----------
    side : Recorded

    Yields
    ------
    Guess
    """
    is_state = side.name.startswith("optimizer.")
    _, state, key = side.name.split(".", 2) if is_state and side.name.count(".") > 1 else ("", "p", side.name)
    layer, _, part = key.rpartition(".")
    optimizer: Update = side.experiment["optimizer"]
    f, names = OPTIMIZERS[optimizer["name"]], state_names(optimizer)
    if is_state and key == side.name:
        yield from counted(side, optimizer)
        return
    if any(own["name"] == layer and own.get("frozen") for own in side.model):
        yield Guess("", side.before(key))
        return
    p, reg, n = side.before(key), side.experiment["reg"], len(side.value("data", "batch.target"))
    bare = side.value("backward", f"{layer}.d_{part}")
    full = side.value("backward", f"{key}.grad") if reg > 0 else bare
    decay = optimizer.get("weight_decay", 0.0)
    states = {name: state_before(side, name, key, p, optimizer) for name in names}

    def after(g: Array, states: Update = states, p: Array = p, **changed: Any) -> Array:
        return np.asarray(f(p, g, states, {**optimizer, **changed})[state])

    g = full + decay * p
    yield Guess("", after(g))
    if optimizer["name"] == "momentum" and state == "p":
        yield Guess("momentum_sign", p - side.value("update", f"optimizer.velocity.{key}"), "of the velocity")
    yield Guess("not_updated", p if state == "p" else states[state])
    yield Guess("sign", after(-g), "of the gradient")
    yield Guess("sum_for_mean", after(g / n), "the gradient is divided by the batch's rows")
    yield Guess("factor_two", after(2 * g), "of the gradient")
    if reg > 0:
        yield Guess("missing_l2", after(bare))
        yield Guess("l2_factor", after(full + reg * p), "2: the penalty's gradient is added twice")
    if decay > 0:
        yield Guess("missing_l2", after(full), "the weight decay")
        yield Guess("l2_factor", after(full + 2 * decay * p), "2, of the weight decay")
        yield Guess("l2_factor", after(full + decay * p / 2), "1/2, of the weight decay")
        yield Guess("sign", after(full - decay * p), "of the weight decay")
        if state == "p":
            lr = optimizer["lr"]
            yield Guess("decoupled_decay", after(full) - lr * decay * p)
            yield Guess("decoupled_decay", after(full, p=p * (1 - lr * decay)))
    for name, detail, change in SETTINGS:
        try:
            changed = change(optimizer)
        except KeyError:
            continue  # this optimizer has no such setting
        yield Guess(name, after(g, **changed), detail)
    for name, values in OTHER_DEFAULTS.items():
        for value in values if optimizer.get(name) else ():
            if value != optimizer[name]:
                yield Guess("other_default", after(g, **{name: value}), f"{name} {value:g} for {optimizer[name]:g}")
    yield from refitted(side, state, g, p, states, after(g), optimizer)
    if "eps" in optimizer:
        for eps in EPSILONS:
            yield Guess("epsilon_value", after(g, eps=eps), f"{eps:g} for {optimizer['eps']:g}")
    if optimizer["name"] == "momentum":
        yield Guess("momentum_damping", after(g, share=1 - optimizer["alpha"]), "the gradient counts 1 - alpha")
        yield Guess("momentum_sign", after(g, alpha=-optimizer["alpha"]), "of the momentum")
    for name in names:
        if is_state and name not in (state, "step") and side.trace.has(f"step{side.step}/update/optimizer.{name}.{key}"):
            yield Guess("aliased", side.value("update", f"optimizer.{name}.{key}"), f"it is {name}")
    if names:
        fresh = {name: state_at_start(name, p, optimizer) for name in names}
        yield Guess("state_not_kept", after(g, states=fresh))
    if side.step > 1:
        yield Guess("stale_gradients", after(earlier_gradient(side, key, reg) + decay * p))
        yield Guess("stale_parameters", after(g, p=side.before(key, 2)))
    if side.step > 2:
        first = side.value("backward", f"{key}.grad" if reg > 0 else f"{layer}.d_{part}", 1)
        yield Guess("stale_gradients", after(first + decay * p), "those of the first step")


def refitted(
    side: Recorded, state: str, g: Array, p: Array, states: Update, right: Array, optimizer: Update
) -> Iterator[Guess]:
    """The update with another learning rate, or another weight of the gradient in the momentum, as fits it best."""
    own, lr = np.asarray(side.trace.load(side.key), np.float64), optimizer["lr"]
    if state != "p":
        return
    step = (p - right) / lr
    rate = float(((p - own) * step).sum() / (step * step).sum())
    yield Guess("learning_rate", p - rate * step, f"{rate:.8g} for {lr:g}", VALUE_BITS)
    old = {"sgd": "momentum_buffer", "momentum": "velocity"}.get(optimizer["name"], "")
    if old in states:
        kept = -optimizer["alpha"] * states[old] / lr if old == "velocity" else optimizer["momentum"] * states[old]
        weight = float((((p - own) / lr - kept) * g).sum() / (g * g).sum())
        yield Guess("momentum_damping", p - lr * (kept + weight * g), f"the gradient counts {weight:.6g}", VALUE_BITS)


def counted(side: Recorded, optimizer: Update) -> Iterator[Guess]:
    """A state that is one number: the steps taken, or a power of beta."""
    name = side.name.removeprefix("optimizer.")
    before = np.asarray([state_before(side, name, "", np.zeros(1), optimizer)])
    yield Guess("not_updated", before)
    if name == "step":
        yield Guess("", before + 1)
    else:
        own, other = ("beta1", "beta2") if name == "beta1_power" else ("beta2", "beta1")
        yield Guess("", before * optimizer[own])
        yield Guess("decay_swapped", before * optimizer[other], "beta1 and beta2")
        yield Guess("decay_swapped", before * (1 - optimizer[own]), f"{own} and 1 - {own}")
        for value in OTHER_DEFAULTS[own]:
            if value != optimizer[own]:
                yield Guess("other_default", before * value, f"{own} {value:g} for {optimizer[own]:g}")


def earlier_gradient(side: Recorded, key: str, reg: float) -> Array:
    """A parameter's gradient at the step before."""
    layer, _, part = key.rpartition(".")
    name = f"{key}.grad" if reg > 0 else f"{layer}.d_{part}"
    return np.asarray(side.value("backward", name, side.step - 1))


def state_names(optimizer: Update) -> list[str]:
    """The names of an optimizer's states."""
    match optimizer["name"]:
        case "sgd" | "nesterov":
            return ["step", "momentum_buffer"] if optimizer["momentum"] > 0 else []
        case "momentum":
            return ["velocity"]
        case "adagrad":
            return ["step", "sum"]
        case "adadelta":
            return ["square_avg", "acc_delta"]
        case "rmsprop":
            extra = ["grad_avg"] * optimizer["centered"] + ["momentum_buffer"] * (optimizer["momentum"] > 0)
            return ["square_avg", *extra]
        case "adam":
            return ["beta1_power", "beta2_power", "exp_avg", "exp_avg_sq"]
    return []


def state_at_start(name: str, p: Array, optimizer: Update) -> Any:
    """A state before the first step."""
    if name in ("step", "beta1_power", "beta2_power"):
        return 0.0 if name == "step" else 1.0
    return np.full_like(p, optimizer["initial_accumulator_value"] if name == "sum" else 0.0)


def state_before(side: Recorded, name: str, key: str, p: Array, optimizer: Update) -> Any:
    """A state as this step found it."""
    if side.step == 1:
        return state_at_start(name, p, optimizer)
    if name in ("step", "beta1_power", "beta2_power"):
        return float(np.asarray(side.before(f"optimizer.{name}")).item())
    try:
        return side.before(f"optimizer.{name}.{key}")
    except Missing:
        return state_at_start(name, p, optimizer)
