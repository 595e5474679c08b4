"""Training: one step, and the one loop that takes them. Nothing else loops over steps.

A run is a value: parameters, the optimizer's state, the number of steps taken and the trajectory so far. Training
takes a run and returns a later one, so to go on from an earlier run is to call `train` again, and two calls of 1000
steps give what one of 2000 gives. The loss and the accuracy of a step are those before its update, as in the
course's R (lesson A). Twin: r/R/train.R.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from twinnet._types import Array, Model, Params
from twinnet.checks import check_whole
from twinnet.l2 import l2_gradients, l2_penalty
from twinnet.labels import predicted_classes
from twinnet.metrics import accuracy
from twinnet.model import NormalSource, model_backward, model_forward, model_init
from twinnet.optimizers import optimizer_init, optimizer_step
from twinnet.softmax import softmax_cross_entropy_backward, softmax_cross_entropy_forward

__all__ = ["loss_and_gradients", "params_finite", "test_accuracy", "train", "train_start", "train_step"]

Report: TypeAlias = Callable[[int, float, float], None]


def train_start(experiment: dict[str, Any], generator: NormalSource) -> dict[str, Any]:
    """A run before its first step.

    Parameters
    ----------
    experiment : dict
        Its ``model``, ``init`` and ``optimizer`` are used.
    generator : generator
        Draws the initial weights.

    Returns
    -------
    dict
        ``params``; ``optimizer_state``; ``step``, 0; ``previous``, those three one step earlier, None yet; ``loss``
        (steps,), empty; ``accuracy_step`` and ``accuracy``, empty: at which steps the test accuracy was taken, and what
        it was; ``status``, ``"running"``; ``diverged_step``, 0.
    """
    params = model_init(experiment["model"], generator, experiment["init"]["sd"])
    return {
        "params": params,
        "optimizer_state": optimizer_init(experiment["optimizer"], params),
        "step": 0,
        "previous": None,
        "loss": np.empty(0),
        "accuracy_step": np.empty(0, dtype=np.int64),
        "accuracy": np.empty(0),
        "status": "running",
        "diverged_step": 0,
    }


def loss_and_gradients(experiment: dict[str, Any], params: Params, x: Array, target: Array) -> tuple[float, Params]:
    """The loss of a batch and its gradient with respect to every parameter.

    Parameters
    ----------
    experiment : dict
        Its ``model`` and ``reg`` are used.
    params : dict of arrays
    x : array, shape (n, d_in)
        Inputs, one row a sample.
    target : array, shape (n, k)
        One-hot rows.

    Returns
    -------
    loss : float
        Mean cross entropy plus the L2 penalty.
    grads : dict of arrays
        The keys of `params`.
    """
    out, caches = model_forward(experiment["model"], params, x)
    data_loss, cache = softmax_cross_entropy_forward(out, target)
    loss = data_loss + l2_penalty(params, experiment["reg"])
    d_out = softmax_cross_entropy_backward(cache)
    grads = model_backward(experiment["model"], params, caches, d_out)
    return loss, l2_gradients(params, grads, experiment["reg"])


def train_step(
    experiment: dict[str, Any], params: Params, optimizer_state: dict[str, Any], x: Array, target: Array
) -> tuple[float, Params, dict[str, Any]]:
    """One step of training.

    Parameters
    ----------
    experiment : dict
        Its ``model``, ``reg`` and ``optimizer`` are used.
    params : dict of arrays
    optimizer_state : dict
    x : array, shape (n, d_in)
        Inputs, one row a sample.
    target : array, shape (n, k)
        One-hot rows.

    Returns
    -------
    loss : float
        Before the update.
    params : dict of arrays
        After the update.
    optimizer_state : dict
        After the update.
    """
    loss, grads = loss_and_gradients(experiment, params, x, target)
    params, optimizer_state = optimizer_step(experiment["optimizer"], params, grads, optimizer_state)
    return loss, params, optimizer_state


def train(
    experiment: dict[str, Any],
    data: dict[str, Any],
    run: dict[str, Any],
    maxit: int,
    evaluate_every: int = 0,
    report: Report | None = None,
) -> dict[str, Any]:
    """Take `maxit` further steps, or fewer if the loss falls to ``abstol`` or is no longer finite.

    Parameters
    ----------
    experiment : dict
        Its ``model``, ``reg``, ``optimizer`` and ``abstol`` are used.
    data : dict
        ``x`` (n, d_in) and ``target`` (n, k); ``x_test`` (m, d_in) and ``labels_test`` (m,), or None, for the accuracy.
    run : dict
        From `train_start` or an earlier `train`.
    maxit : int
        Steps to take, at least 0.
    evaluate_every : int
        Take the test accuracy at each step divisible by this; 0 for never.
    report : callable, optional
        Called with (step, loss, accuracy) at each step divisible by `evaluate_every`; the accuracy is NaN without
        test data.

    Returns
    -------
    dict
        A later run. Its ``status`` is ``"maxit"``; ``"converged"`` if the loss reached ``abstol``; or ``"diverged"``
        if the loss of step ``diverged_step``, or a parameter after the step before, is not finite: then it ends with
        the last parameters whose loss was finite.
    """
    check_whole(maxit, "maxit", minimum=0)
    check_whole(evaluate_every, "evaluate_every", minimum=0)
    step, end = run["step"], run["step"] + maxit
    now = {key: run[key] for key in ("params", "optimizer_state", "step")}
    previous = run["previous"] or now
    loss = run["loss"][-1] if step > 0 else math.inf
    losses: list[float] = []
    evaluated: list[tuple[int, float]] = []
    status = run["status"] if run["status"] == "diverged" else "maxit"
    while step < end and status == "maxit":
        if loss <= experiment["abstol"]:
            status = "converged"
            break
        loss, params, optimizer_state = train_step(
            experiment, now["params"], now["optimizer_state"], data["x"], data["target"]
        )
        if not math.isfinite(loss):
            status = "diverged"
            break
        step += 1
        losses.append(loss)
        if evaluate_every > 0 and step % evaluate_every == 0:
            evaluated.append((step, test_accuracy(experiment["model"], now["params"], data)))
            if report is not None:
                report(step, loss, evaluated[-1][1])
        previous, now = now, {"params": params, "optimizer_state": optimizer_state, "step": step}
    if status == "maxit" and not params_finite(now["params"]):
        status = "diverged"
    if status == "diverged" and run["status"] != "diverged":
        now = previous
    accuracy_step = np.concatenate([run["accuracy_step"], np.asarray([at for at, _ in evaluated], np.int64)])
    kept = accuracy_step <= now["step"]
    return {
        **now,
        "previous": previous,
        "loss": np.concatenate([run["loss"], losses])[: now["step"]],
        "accuracy_step": accuracy_step[kept],
        "accuracy": np.concatenate([run["accuracy"], [value for _, value in evaluated]])[kept],
        "status": status,
        "diverged_step": run["diverged_step"] or (step + 1 if status == "diverged" else 0),
    }


def test_accuracy(model: Model, params: Params, data: dict[str, Any]) -> float:
    """Share of the test data that is predicted right; NaN without test data.

    Parameters
    ----------
    model : list of dict
    params : dict of arrays
    data : dict
        ``x_test`` (m, d_in) and ``labels_test`` (m,), or None.

    Returns
    -------
    float
    """
    if data.get("x_test") is None:
        return math.nan
    scores, _ = model_forward(model, params, data["x_test"])
    return accuracy(data["labels_test"], predicted_classes(scores))


def params_finite(params: Params) -> bool:
    """Whether every element of every parameter is finite.

    Parameters
    ----------
    params : dict of arrays

    Returns
    -------
    bool
    """
    return all(bool(np.isfinite(value).all()) for value in params.values())
