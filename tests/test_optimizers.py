"""Optimizers: against torch.optim, against the papers' rules written out, and R against NumPy bit by bit."""

from __future__ import annotations

import copy
import functools
import inspect
import math

import numpy as np
import pytest
import torch
from twinnet.optimizers import OPTIMIZERS, optimizer_check, optimizer_init, optimizer_step
from twinnet.parity.bridge import RError
from twins import assert_close, assert_same_bits

STEPS = 50
SHAPES = {"affine1.w": (4, 6), "affine1.b": (6,), "affine2.w": (6, 1), "affine2.b": (1,), "conv1.w": (2, 1, 3, 3)}

# Settings of ours, and the optimizer of PyTorch's with the settings that must do the same.
PYTORCH = {
    "gradient_descent": ({"name": "gradient_descent", "lr": 0.1}, torch.optim.SGD, {"lr": 0.1}),
    "sgd": ({"name": "sgd"}, torch.optim.SGD, {}),
    "sgd, momentum": ({"name": "sgd", "lr": 0.1, "momentum": 0.9}, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    "sgd, dampening and weight decay": (
        {"name": "sgd", "lr": 0.1, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.01},
        torch.optim.SGD,
        {"lr": 0.1, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.01},
    ),
    "sgd, weight decay": ({"name": "sgd", "weight_decay": 0.1}, torch.optim.SGD, {"weight_decay": 0.1}),
    "sgd, nesterov": (
        {"name": "sgd", "momentum": 0.7, "nesterov": True},
        torch.optim.SGD,
        {"momentum": 0.7, "nesterov": True},
    ),
    "nesterov": ({"name": "nesterov"}, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "adagrad": ({"name": "adagrad"}, torch.optim.Adagrad, {}),
    "adagrad, all settings": (
        {"name": "adagrad", "lr": 0.1, "lr_decay": 0.2, "weight_decay": 0.01, "initial_accumulator_value": 0.5},
        torch.optim.Adagrad,
        {"lr": 0.1, "lr_decay": 0.2, "weight_decay": 0.01, "initial_accumulator_value": 0.5},
    ),
    "adadelta": ({"name": "adadelta"}, torch.optim.Adadelta, {}),
    "adadelta, all settings": (
        {"name": "adadelta", "lr": 0.5, "rho": 0.95, "eps": 1e-4, "weight_decay": 0.01},
        torch.optim.Adadelta,
        {"lr": 0.5, "rho": 0.95, "eps": 1e-4, "weight_decay": 0.01},
    ),
    "rmsprop": ({"name": "rmsprop"}, torch.optim.RMSprop, {}),
    "rmsprop, momentum and weight decay": (
        {"name": "rmsprop", "momentum": 0.5, "weight_decay": 0.01},
        torch.optim.RMSprop,
        {"momentum": 0.5, "weight_decay": 0.01},
    ),
    "rmsprop, centered": (
        {"name": "rmsprop", "lr": 0.02, "alpha": 0.9, "eps": 1e-3, "centered": True},
        torch.optim.RMSprop,
        {"lr": 0.02, "alpha": 0.9, "eps": 1e-3, "centered": True},
    ),
    "adam": ({"name": "adam"}, torch.optim.Adam, {}),
    "adam, all settings": (
        {"name": "adam", "lr": 0.02, "beta1": 0.8, "beta2": 0.95, "eps": 1e-4, "weight_decay": 0.01},
        torch.optim.Adam,
        {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.01},
    ),
}
# Settings whose rule is written out below, in `written_out`.
WRITTEN_OUT = {
    "momentum": {"name": "momentum", "lr": 0.05, "alpha": 0.8},
    "adagrad, Keras's": {"name": "adagrad", "rule": "keras", "lr": 0.02, "initial_accumulator_value": 0.1, "eps": 0.01},
    "adadelta, Keras's": {"name": "adadelta", "rule": "keras", "lr": 0.9, "rho": 0.95, "eps": 0.001},
    "rmsprop, Keras's": {"name": "rmsprop", "rule": "keras", "lr": 0.02, "alpha": 0.9, "eps": 0.01},
    "adam, Keras's": {"name": "adam", "rule": "keras", "lr": 0.02, "beta1": 0.9, "beta2": 0.999, "eps": 0.01},
}
CASES = {name: settings for name, (settings, _, _) in PYTORCH.items()} | WRITTEN_OUT
KERAS_DEFAULTS = {f"{name}, Keras's defaults": {"name": name, "rule": "keras"} for name in ("adagrad", "adam")}
CASES |= KERAS_DEFAULTS | {
    f"{name}, Keras's defaults": {"name": name, "rule": "keras"} for name in ("rmsprop", "adadelta")
}


def start(seed=0):
    rng = np.random.default_rng(seed)
    return {key: rng.standard_normal(shape) for key, shape in SHAPES.items()}


@functools.cache
def noise(step):
    return start(seed=1000 + step)


def gradients(params, step):
    """Gradients that depend on the parameters, so that an error made once is carried on."""
    return {key: params[key] + noise(step)[key] for key in params}


class InR:
    """R's optimizer functions as Python's."""

    def __init__(self, r):
        self.r = r

    def optimizer_init(self, optimizer, params):
        return self.r.call("optimizer_init", optimizer, params)

    def optimizer_step(self, optimizer, params, grads, state):
        out = self.r.call("optimizer_step", optimizer, params, grads, state)
        return out["params"], out["state"]


class InPython:
    optimizer_init = staticmethod(optimizer_init)
    optimizer_step = staticmethod(optimizer_step)


@pytest.fixture(params=["Python", pytest.param("R", marks=pytest.mark.needs_r)])
def side(request):
    """The optimizers of either language."""
    return InPython() if request.param == "Python" else InR(request.getfixturevalue("r"))


def assert_params_close(ours, theirs, what):
    assert list(ours) == list(theirs), f"{what}: keys {list(ours)}, not {list(theirs)}"
    for key in ours:
        assert_close(ours[key], theirs[key], f"{what}, {key}")


def torch_optimizer(kind, params, settings):
    fused = {"fused": False} if "fused" in inspect.signature(kind).parameters else {}
    return kind(params, **settings, foreach=False, **fused)


@pytest.mark.parametrize("case", PYTORCH)
def test_fifty_steps_equal_pytorchs(side, case):
    settings, kind, torch_settings = PYTORCH[case]
    optimizer = optimizer_check(settings)
    ours = start()
    tensors = {key: torch.tensor(value, requires_grad=True) for key, value in ours.items()}
    reference = torch_optimizer(kind, tensors.values(), torch_settings)
    state = side.optimizer_init(optimizer, ours)
    for step in range(STEPS):
        theirs = {key: tensor.detach().numpy().copy() for key, tensor in tensors.items()}
        for key, grad in gradients(theirs, step).items():
            tensors[key].grad = torch.tensor(grad)
        reference.step()
        ours, state = side.optimizer_step(optimizer, ours, gradients(ours, step), state)
        assert_params_close(
            ours, {key: tensor.detach().numpy() for key, tensor in tensors.items()}, f"{case}, step {step + 1}"
        )
    kept = {name for name in state if isinstance(state[name], dict)} if isinstance(state, dict) else set()
    for key, tensor in tensors.items():
        names = {name for name, value in reference.state[tensor].items() if name != "step" and value is not None}
        assert kept == names, f"{case}: the state keeps {kept}, PyTorch's {names}"
        for name in names:
            assert_close(state[name][key], reference.state[tensor][name].numpy(), f"{case}: state {name} of {key}")


def written_out(optimizer, p, grads):
    """One element's path under a rule of the notes' or of Keras's: 50 parameters from 50 gradients."""
    lr, path = optimizer["lr"], []
    match optimizer["name"]:
        case "momentum":  # notes: v <- alpha v - lr dL/dp; p <- p + v
            v = 0.0
            for g in grads:
                v = optimizer["alpha"] * v - lr * g
                p = p + v
                path.append(p)
        case "adagrad":  # keras.optimizers.Adagrad.update_step
            accumulator = optimizer["initial_accumulator_value"]
            for g in grads:
                accumulator += g**2
                p -= lr * g / math.sqrt(accumulator + optimizer["eps"])
                path.append(p)
        case "adadelta":  # keras.optimizers.Adadelta.update_step; Zeiler 2012, algorithm 1
            rho, eps, squares, updates = optimizer["rho"], optimizer["eps"], 0.0, 0.0
            for g in grads:
                squares = rho * squares + (1 - rho) * g**2
                update = -math.sqrt(updates + eps) / math.sqrt(squares + eps) * g
                updates = rho * updates + (1 - rho) * update**2
                p += lr * update
                path.append(p)
        case "rmsprop":  # keras.optimizers.RMSprop.update_step
            rho, velocity = optimizer["alpha"], 0.0
            for g in grads:
                velocity = rho * velocity + (1 - rho) * g**2
                p -= lr * g / math.sqrt(velocity + optimizer["eps"])
                path.append(p)
        case "adam":  # keras.optimizers.Adam.update_step; Kingma and Ba 2015, section 2, "epsilon hat"
            beta1, beta2, m, v = optimizer["beta1"], optimizer["beta2"], 0.0, 0.0
            for t, g in enumerate(grads, start=1):
                alpha = lr * math.sqrt(1 - beta2**t) / (1 - beta1**t)
                m += (g - m) * (1 - beta1)
                v += (g**2 - v) * (1 - beta2)
                p -= m * alpha / (math.sqrt(v) + optimizer["eps"])
                path.append(p)
    return path


@pytest.mark.parametrize("case", WRITTEN_OUT)
def test_fifty_steps_equal_the_rule_written_out(side, case):
    optimizer = optimizer_check(WRITTEN_OUT[case])
    params = start()
    at_first = params
    state = side.optimizer_init(optimizer, params)
    drawn = [noise(step) for step in range(STEPS)]
    paths = {
        key: np.array(
            [
                written_out(optimizer, float(at_first[key][index]), [float(grads[key][index]) for grads in drawn])
                for index in np.ndindex(shape)
            ]
        )
        for key, shape in SHAPES.items()
    }
    for step, grads in enumerate(drawn):
        params, state = side.optimizer_step(optimizer, params, grads, state)
        expected = {key: paths[key][:, step].reshape(shape) for key, shape in SHAPES.items()}
        assert_params_close(params, expected, f"{case}, step {step + 1}")


def test_the_notes_momentum_and_pytorchs_are_one_path_while_the_learning_rate_stays():
    notes, pytorch = (
        optimizer_check({"name": "momentum", "lr": 0.1, "alpha": 0.9}),
        optimizer_check({"name": "sgd", "lr": 0.1, "momentum": 0.9}),
    )
    ours, theirs = start(), start()
    state, torch_state = optimizer_init(notes, ours), optimizer_init(pytorch, theirs)
    for step in range(STEPS):
        ours, state = optimizer_step(notes, ours, gradients(ours, step), state)
        theirs, torch_state = optimizer_step(pytorch, theirs, gradients(theirs, step), torch_state)
    assert_params_close(ours, theirs, "parameters")
    velocity = {key: -0.1 * value for key, value in torch_state["momentum_buffer"].items()}
    assert_params_close(state["velocity"], velocity, "velocity")
    # with another learning rate from here on, the two part: PyTorch's scales the whole velocity, the notes' what is new
    grads = gradients(ours, STEPS)
    ours, _ = optimizer_step({**notes, "lr": 0.01}, ours, grads, state)
    theirs, _ = optimizer_step({**pytorch, "lr": 0.01}, theirs, grads, torch_state)
    assert np.abs(ours["affine1.w"] - theirs["affine1.w"]).max() > 0.01


def same_numbers(ours, theirs, what):
    """Assert that two states or sets of parameters hold the same bits under the same keys."""
    assert isinstance(ours, dict) == isinstance(theirs, dict) or not ours, what
    if isinstance(ours, dict) and ours:
        assert list(ours) == list(theirs), f"{what}: {list(ours)} in Python, {list(theirs)} in R"
        for key in ours:
            same_numbers(ours[key], theirs[key], f"{what}, {key}")
    elif not isinstance(ours, dict):
        assert_same_bits(np.atleast_1d(ours), theirs, what)


@pytest.mark.parametrize("case", CASES)
def test_each_step_from_a_shared_state_is_the_same_bits_in_r(r, case):
    optimizer, in_r = optimizer_check(CASES[case]), InR(r)
    params = start()
    state = optimizer_init(optimizer, params)
    same_numbers(state, in_r.optimizer_init(optimizer, params), f"{case}: first state")
    for step in range(STEPS):
        grads = gradients(params, step)
        r_params, r_state = in_r.optimizer_step(optimizer, params, grads, state)
        params, state = optimizer_step(optimizer, params, grads, state)
        same_numbers(params, r_params, f"{case}, step {step + 1}")
        same_numbers(state, r_state, f"{case}, state after step {step + 1}")


@pytest.mark.parametrize("case", CASES)
def test_a_state_handed_over_midway_goes_on_as_if_it_had_not_been(r, case):
    optimizer, in_r = optimizer_check(CASES[case]), InR(r)
    stayed, moved = start(), start()
    state = moved_state = optimizer_init(optimizer, stayed)
    for step, side in enumerate((InPython, InPython, in_r, in_r, InPython, in_r, InPython, InPython)):
        stayed, state = optimizer_step(optimizer, stayed, noise(step), state)
        moved, moved_state = side.optimizer_step(optimizer, moved, noise(step), moved_state)
        same_numbers(stayed, moved, f"{case}, step {step + 1}")
    same_numbers(state, moved_state, f"{case}, state")


@pytest.mark.parametrize("case", CASES)
def test_nothing_that_is_passed_in_is_changed(case):
    optimizer = optimizer_check(CASES[case])
    params = start()
    state = optimizer_init(optimizer, params)
    for step in range(3):
        grads = gradients(params, step)
        before = copy.deepcopy((optimizer, params, grads, state))
        next_params, next_state = optimizer_step(optimizer, params, grads, state)
        for ours, theirs in zip(before, (optimizer, params, grads, state), strict=True):
            assert str(ours) == str(theirs), f"{case}: changed in place at step {step + 1}"
        params, state = next_params, next_state


# Gradients of one size each, for parameters at 0, so that the parameter is the step; some squares over- or underflow.
SIZES = {"zero": 0.0, "tiny": 1e-160, "subnormal": 5e-324, "small": 1e-12, "one": 1.0, "large": 1e12, "huge": 1e160}


@pytest.mark.parametrize("case", PYTORCH)
def test_zero_huge_and_tiny_gradients_step_as_pytorchs(side, case):
    settings, kind, torch_settings = PYTORCH[case]
    optimizer = optimizer_check(settings)
    # the square of an average overflows here, but not in PyTorch, which fuses it with the subtraction that follows
    sizes = {name: size for name, size in SIZES.items() if not (settings.get("centered") and name == "huge")}
    params = {name: np.zeros((2, 2)) for name in sizes}
    grads = {name: np.array([[size, -size], [size / 2, 0.0]]) for name, size in sizes.items()}
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}
    reference = torch_optimizer(kind, tensors.values(), torch_settings)
    state = side.optimizer_init(optimizer, params)
    for step in range(3):
        for name, tensor in tensors.items():
            tensor.grad = torch.tensor(grads[name])
        reference.step()
        with np.errstate(over="ignore"):
            params, state = side.optimizer_step(optimizer, params, grads, state)
        for name, tensor in tensors.items():
            what = f"{case}, {name} gradients, step {step + 1}"
            # products below the normal range are whole numbers of 2^-1074: a few of them is their rounding. PyTorch
            # rounds lr g there, and then divides it by at least eps; the twins divide first.
            ulps = 4 + (0.5 / optimizer["eps"] if optimizer.get("eps") else 0) * (step + 1)
            assert_close(params[name], tensor.detach().numpy(), what, atol=ulps * 2.0**-1074)
    assert (params["zero"] == 0).all(), f"{case}: a parameter without a gradient has moved"


def test_sparse_gradients_leave_the_other_elements_where_they_were(side):
    for name in ("sgd", "momentum", "adagrad", "adadelta", "rmsprop", "adam"):
        optimizer = optimizer_check({"name": name})
        params = {"w": np.array([[1.0, 2.0], [3.0, 4.0]])}
        state = side.optimizer_init(optimizer, params)
        grads = {"w": np.array([[0.0, 0.5], [0.0, 0.0]])}
        for _ in range(5):
            params, state = side.optimizer_step(optimizer, params, grads, state)
        assert params["w"][0, 1] < 2, f"{name}: the element with a gradient stays"
        assert [params["w"][0, 0], params["w"][1, 0], params["w"][1, 1]] == [1, 3, 4], f"{name}: others moved"


def test_defaults_are_pytorchs():
    for name, kind in (
        ("sgd", torch.optim.SGD),
        ("adagrad", torch.optim.Adagrad),
        ("adadelta", torch.optim.Adadelta),
        ("rmsprop", torch.optim.RMSprop),
        ("adam", torch.optim.Adam),
    ):
        theirs = {key: parameter.default for key, parameter in inspect.signature(kind).parameters.items()}
        theirs["beta1"], theirs["beta2"] = theirs.pop("betas", (None, None))
        for key, value in optimizer_check({"name": name}).items():
            if key not in ("name", "rule"):
                assert value == theirs[key], f"{name}, {key}: {value} here, {theirs[key]} in PyTorch"


@pytest.mark.parametrize("settings", [{"name": name} for name in OPTIMIZERS] + list(CASES.values()), ids=str)
def test_r_fills_in_the_same_settings(r, settings):
    ours, theirs = optimizer_check(settings), r.call("optimizer_check", settings)
    assert list(ours) == list(theirs)
    assert ours == {key: value.item() for key, value in theirs.items()}
    assert optimizer_check(ours) == ours, "checking twice changes the settings"


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (
            {"name": "adamant"},
            '`optimizer` must be one of "gradient_descent", "sgd", "nesterov", "momentum", "adagrad", "adadelta", '
            '"rmsprop", "adam", not "adamant".',
        ),
        ({"lr": 0.1}, '`optimizer` must be one of "gradient_descent", '),
        (
            {"name": "gradient_descent", "momentum": 0.9},
            '`setting of gradient_descent` must be one of "name", "lr", not "momentum".',
        ),
        ({"name": "sgd", "rule": "keras"}, '`setting of sgd` must be one of "name", "lr", "momentum", '),
        ({"name": "adam", "betas": 0.9}, '`setting of adam` must be one of "name", "rule", "lr", "beta1", '),
        ({"name": "adam", "rule": "jax"}, '`rule` must be one of "pytorch", "keras", not "jax".'),
        ({"name": "adam", "beta1": 1.0}, "`beta1` must be a finite number of at least 0 and below 1, not 1."),
        ({"name": "adam", "lr": 0.0}, "`lr` must be a finite number above 0, not 0."),
        ({"name": "adam", "eps": -1e-8}, "`eps` must be a finite number of at least 0, not -1e-08."),
        ({"name": "adam", "weight_decay": "little"}, '`weight_decay` must be a finite number of at least 0, not "lit'),
        ({"name": "sgd", "momentum": 1.5}, "`momentum` must be a finite number of at least 0 and at most 1, not 1.5."),
        ({"name": "sgd", "nesterov": 1.0}, "`nesterov` must be true or false, not 1."),
        ({"name": "sgd", "nesterov": True}, "`momentum` must be above 0 with nesterov, not 0."),
        ({"name": "nesterov", "dampening": 0.5}, "`dampening` must be 0 with nesterov, not 0.5."),
        ({"name": "rmsprop", "alpha": -0.1}, "`alpha` must be a finite number of at least 0 and at most 1, not -0.1."),
        (
            {"name": "adadelta", "rho": float("nan")},
            "`rho` must be a finite number of at least 0 and at most 1, not NaN",
        ),
        ({"name": "momentum", "lr": [0.1, 0.2]}, "`lr` must be a finite number above 0, not "),
    ],
    ids=str,
)
def test_unsound_settings_are_refused_with_the_same_words(r, optimizer, message):
    with pytest.raises(ValueError, match="must be") as ours:
        optimizer_check(optimizer)
    in_r = {key: np.array(value) if isinstance(value, list) else value for key, value in optimizer.items()}
    with pytest.raises(RError, match="must be") as theirs:
        r.call("optimizer_check", in_r)
    assert str(ours.value).startswith(message)
    assert theirs.value.message == str(ours.value)
