"""Mistakes of the optimizers: a parameter or a state after the update, from the gradient and the states before it.

Each optimizer is written here as a function of its settings and of what a porter may get wrong; the settings are
those of `twinnet.optimizers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from twinnet._types import Array
from twinnet.parity.array_hypotheses import VALUE_BITS, Guess
from twinnet.parity.recorded import MissingTensorError, Recorded

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
    return {"p": p - lr * (g / divisor(total, o)), "sum": total, "step": s["step"] + 1}


def adadelta(p: Array, g: Array, s: Update, o: Update) -> Update:
    """Adadelta."""
    rho, eps = o["rho"], o["eps"]
    square = rho * s["square_avg"] + (1 - rho) * (g * g)
    u = np.sqrt(s["acc_delta"] + eps) / np.sqrt(square + eps) * g
    if o.get("rootless"):
        u = (s["acc_delta"] + eps) / (square + eps) * g
    if o.get("eps_outside"):
        u = (np.sqrt(s["acc_delta"]) + eps) / (np.sqrt(square) + eps) * g
    delta = rho * s["acc_delta"] + (1 - rho) * (u * u)
    return {"p": p - o["lr"] * u, "square_avg": square, "acc_delta": delta}


def rmsprop(p: Array, g: Array, s: Update, o: Update) -> Update:
    """RMSprop."""
    square = o["alpha"] * s["square_avg"] + (1 - o["alpha"]) * (g * g)
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
    v = beta2 * s["exp_avg_sq"] + (1 - beta2) * (g * g)
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
    name = side.name
    is_state = name.startswith("optimizer.")
    if is_state and name.count(".") == 1:
        yield from counted(side, side.experiment["optimizer"])
    elif any(f"{layer['name']}." in name and layer.get("frozen") for layer in side.model):
        yield Guess("", side.before(name))
    else:
        step = Step(side, *name.split(".", 2)[1:]) if is_state else Step(side, "p", name)
        yield Guess("", step.after())
        for family in (of_momentum, of_gradient, of_decay, of_settings, of_states, of_earlier_steps):
            yield from family(step)


class Step:
    """An optimizer's step of one parameter, and which of its results is looked at.

    Parameters
    ----------
    side : Recorded
    state : str
        The state that is looked at; ``"p"`` for the parameter itself.
    key : str
        The parameter's.
    """

    def __init__(self, side: Recorded, state: str, key: str) -> None:
        self.side, self.state, self.key = side, state, key
        self.optimizer: Update = side.experiment["optimizer"]
        self.reg: float = side.experiment["reg"]
        self.decay: float = self.optimizer.get("weight_decay", 0.0)
        self.p: Array = side.before(key)
        self.bare = self.gradient("d")
        self.full = self.gradient("grad") if self.reg > 0 else self.bare
        self.states = {name: state_before(side, name, key, self.p) for name in state_names(self.optimizer)}

    def gradient(self, kind: str, step: int | None = None) -> Array:
        """The gradient of the loss without (``"d"``) or with (``"grad"``) the penalty, of this step or another."""
        layer, _, part = self.key.rpartition(".")
        name = f"{self.key}.grad" if kind == "grad" else f"{layer}.d_{part}"
        return np.asarray(self.side.value("backward", name, step))

    def after(
        self, g: Array | None = None, p: Array | None = None, states: Update | None = None, changed: Any = None
    ) -> Array:
        """The result, from the right gradient, parameter, states and settings or from others."""
        p = self.p if p is None else p
        g = self.full + self.decay * p if g is None else g
        settings = {**self.optimizer, **(changed or {})}
        update = OPTIMIZERS[self.optimizer["name"]](p, g, self.states if states is None else states, settings)
        return np.asarray(update[self.state])


def of_momentum(step: Step) -> Iterator[Guess]:
    """Mistakes of the notes' momentum."""
    if step.optimizer["name"] == "momentum":
        alpha = step.optimizer["alpha"]
        if step.state == "p":
            velocity = step.side.value("update", f"optimizer.velocity.{step.key}")
            yield Guess("momentum_sign", step.p - velocity, "of the velocity")
        yield Guess("momentum_damping", step.after(changed={"share": 1 - alpha}), "the gradient counts 1 - alpha")
        yield Guess("momentum_sign", step.after(changed={"alpha": -alpha}), "of the momentum")


def of_gradient(step: Step) -> Iterator[Guess]:
    """Another gradient."""
    g = step.full + step.decay * step.p
    n = len(step.side.value("data", "batch.target"))
    yield Guess("not_updated", step.p if step.state == "p" else step.states[step.state])
    yield Guess("sign", step.after(-g), "of the gradient")
    yield Guess("sum_for_mean", step.after(g / n), "the gradient is divided by the batch's rows")
    yield Guess("factor_two", step.after(2 * g), "of the gradient")


def of_decay(step: Step) -> Iterator[Guess]:
    """Mistakes of the penalty and of the optimizer's own weight decay."""
    full, p, decay, lr = step.full, step.p, step.decay, step.optimizer["lr"]
    if step.reg > 0:
        yield Guess("missing_l2", step.after(step.bare))
        yield Guess("l2_factor", step.after(full + step.reg * p), "2: the penalty's gradient is added twice")
    if decay > 0:
        yield Guess("missing_l2", step.after(full), "the weight decay")
        yield Guess("l2_factor", step.after(full + 2 * decay * p), "2, of the weight decay")
        yield Guess("l2_factor", step.after(full + decay * p / 2), "1/2, of the weight decay")
        yield Guess("sign", step.after(full - decay * p), "of the weight decay")
        if step.state == "p":
            yield Guess("decoupled_decay", step.after(full) - lr * decay * p)
            yield Guess("decoupled_decay", step.after(full, p=p * (1 - lr * decay)))


def of_settings(step: Step) -> Iterator[Guess]:
    """Other settings, and other rules."""
    optimizer = step.optimizer
    for name, detail, change in SETTINGS:
        try:
            changed = change(optimizer)
        except KeyError:
            continue  # this optimizer has no such setting
        yield Guess(name, step.after(changed=changed), detail)
    for name, values in OTHER_DEFAULTS.items():
        for value in values if optimizer.get(name) else ():
            if value != optimizer[name]:
                text = f"{name} {value:g} for {optimizer[name]:g}"
                yield Guess("other_default", step.after(changed={name: value}), text)
    for eps in EPSILONS if "eps" in optimizer else ():
        yield Guess("epsilon_value", step.after(changed={"eps": eps}), f"{eps:g} for {optimizer['eps']:g}")
    if step.state == "p":
        yield from refitted(step)


def of_states(step: Step) -> Iterator[Guess]:
    """States that are not kept, or share their memory."""
    side = step.side
    for name in step.states:
        key = f"optimizer.{name}.{step.key}"
        if step.state not in ("p", name) and side.trace.has(f"step{side.step}/update/{key}"):
            yield Guess("aliased", side.value("update", key), f"it is {name}")
    if step.states:
        fresh = {name: state_at_start(name, step.p, step.optimizer) for name in step.states}
        yield Guess("state_not_kept", step.after(states=fresh))
    if "sum" in step.states and side.step == 1:
        for value in (0.0, 0.1):
            predicted = step.after(states={**step.states, "sum": np.full_like(step.p, value)})
            yield Guess("other_default", predicted, f"the sum begins at {value:g}")


def of_earlier_steps(step: Step) -> Iterator[Guess]:
    """Gradients and parameters of an earlier step."""
    side, kind = step.side, "grad" if step.reg > 0 else "d"
    if side.step > 1:
        earlier = step.gradient(kind, side.step - 1)
        yield Guess("stale_gradients", step.after(earlier + step.decay * step.p))
        yield Guess("stale_parameters", step.after(p=side.before(step.key, 2)))
    if side.step > 2:
        first = step.gradient(kind, 1)
        yield Guess("stale_gradients", step.after(first + step.decay * step.p), "those of the first step")


def refitted(step: Step) -> Iterator[Guess]:
    """The update with another learning rate, or another weight of the gradient in the momentum, as fits it best."""
    own, lr, p = np.asarray(step.side.trace.load(step.side.key), np.float64), step.optimizer["lr"], step.p
    direction = (p - step.after()) / lr
    rate = float(((p - own) * direction).sum() / (direction * direction).sum())
    yield Guess("learning_rate", p - rate * direction, f"{rate:.8g} for {lr:g}", VALUE_BITS)
    old = {"sgd": "momentum_buffer", "momentum": "velocity"}.get(step.optimizer["name"], "")
    if old in step.states:
        factor = -step.optimizer["alpha"] / lr if old == "velocity" else step.optimizer["momentum"]
        kept, g = factor * step.states[old], step.full + step.decay * p
        weight = float((((p - own) / lr - kept) * g).sum() / (g * g).sum())
        yield Guess("momentum_damping", p - lr * (kept + weight * g), f"the gradient counts {weight:.6g}", VALUE_BITS)


def counted(side: Recorded, optimizer: Update) -> Iterator[Guess]:
    """A state that is one number: the steps taken, or a power of beta."""
    name = side.name.removeprefix("optimizer.")
    before = np.asarray([state_before(side, name, "", np.zeros(1))])
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


def state_before(side: Recorded, name: str, key: str, p: Array) -> Any:
    """A state as this step found it."""
    if side.step == 1:
        return state_at_start(name, p, side.experiment["optimizer"])
    if name in ("step", "beta1_power", "beta2_power"):
        return float(np.asarray(side.before(f"optimizer.{name}")).item())
    try:
        return side.before(f"optimizer.{name}.{key}")
    except MissingTensorError:
        return state_at_start(name, p, side.experiment["optimizer"])
