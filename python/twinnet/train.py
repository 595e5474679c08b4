"""Training: one step, and the one loop that takes them. Nothing else loops over steps.

A run is a value: parameters, the optimizer's and the generator's state, where the epoch stands, the number of steps
taken and the trajectory so far. Training takes a run and returns a later one, so to go on from an earlier run is to
call `train` again, and two calls of 1000 steps give what one of 2000 gives. The loss and the score of a step are those
before its update, as in the course's R (lesson A).

One stream of random numbers serves it all, in this order: the weights; at the start of each epoch the order of the
rows; at each step the masks and the noise of the layers, from the first to the last. Twin: r/R/train.R.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeAlias

import numpy as np

from twinnet._types import AnyArray, Array, IntArray, Model, Params
from twinnet.checks import check_argument, check_whole
from twinnet.data_loader import data_loader_order
from twinnet.dtypes import as_dtype
from twinnet.experiment import experiment_generator
from twinnet.generator_torch import TorchGenerator
from twinnet.kernels import arithmetic
from twinnet.l2 import l2_gradients, l2_penalty
from twinnet.model import model_backward, model_forward, model_init, trained_params
from twinnet.objectives import loss_backward, loss_forward, score_outputs
from twinnet.optimizers import optimizer_init, optimizer_step
from twinnet.problems import batch_inputs
from twinnet.randomness import Generator, random_order
from twinnet.record import is_recording, record, record_phase, record_step
from twinnet.threads import sharing

__all__ = [
    "epoch_order",
    "is_random",
    "loss_and_gradients",
    "model_outputs",
    "params_finite",
    "train",
    "train_score",
    "train_start",
    "train_step",
]

AT_ONCE = 100  # samples whose outputs are calculated together, where nothing depends on how many

Report: TypeAlias = Callable[[int, float, float], None]


def train_start(experiment: dict[str, Any], source: Params | None = None) -> dict[str, Any]:
    """A run before its first step.

    Parameters
    ----------
    experiment : dict
        Its ``generator``, ``seed``, ``model``, ``init``, ``dtype``, ``optimizer`` and ``arithmetic`` are used.
    source : dict of arrays, optional
        For an experiment whose ``init`` names a source: the trained parameters of that.

    Returns
    -------
    dict
        ``params``; ``optimizer_state``; ``step``, 0; ``previous``, those three one step earlier, None yet;
        ``generator_state``; ``order`` and ``position``, the rows of the epoch and how many of them were visited;
        ``loss`` (steps,), empty; ``score_step`` and ``score``, empty: at which steps the test score was taken, and what
        it was; ``status``, ``"running"``; ``diverged_step``, 0.

    Raises
    ------
    ValueError
        If the experiment starts from a source, and `source` is not what it needs.
    """
    generator, init = experiment_generator(experiment), experiment["init"]
    with arithmetic(experiment["arithmetic"]):
        drawn = model_init(experiment["model"], generator, init)
    params = {key: as_dtype(value, experiment["dtype"]) for key, value in drawn.items()}
    if "source" in init:
        taken = [f"{layer}.{key}" for layer in init["layers"] for key in ("w", "b")]
        for key in taken:
            fits = source is not None and key in source and key in params and source[key].shape == params[key].shape
            check_argument(fits, "source", source, f"the trained parameters of {init['source']}, {key} among them")
        params = {key: source[key] if source and key in taken else value for key, value in params.items()}
    record_step(0)
    record_phase("init")
    params, _ = record_state(params, {}, generator)
    return {
        "params": params,
        "optimizer_state": optimizer_init(experiment["optimizer"], trained_params(experiment["model"], params)),
        "step": 0,
        "previous": None,
        "generator_state": generator.get_state(),
        "order": np.empty(0, dtype=np.int64),
        "position": 0,
        "loss": np.empty(0),
        "score_step": np.empty(0, dtype=np.int64),
        "score": np.empty(0),
        "status": "running",
        "diverged_step": 0,
    }


def loss_and_gradients(
    experiment: dict[str, Any], params: Params, x: Array, target: Array, generator: Generator | None = None
) -> tuple[float, Params]:
    """The loss of a batch and its gradient with respect to every parameter.

    Parameters
    ----------
    experiment : dict
        Its ``model``, ``loss``, ``reg`` and ``arithmetic`` are used.
    params : dict of arrays
    x : array, shape (n, d_in)
        Inputs, one row a sample.
    target : array, shape (n, k)
        What the model's outputs should be.
    generator : RGenerator, NumpyGenerator, NumpyRandomState or TorchGenerator, optional
        Draws masks and noise; without it the layers that need them let everything pass.

    Returns
    -------
    loss : float
        With the L2 penalty of the trained weights.
    grads : dict of arrays
        The keys of `twinnet.model.trained_params`.
    """
    with arithmetic(experiment["arithmetic"]):
        record_phase("forward")
        trained = trained_params(experiment["model"], params)
        out, caches = model_forward(experiment["model"], params, x, generator)
        record_phase("loss")
        data_loss, cache = loss_forward(experiment["loss"], out, target)
        data_loss = record("loss.data", data_loss)
        loss = record("loss", data_loss + record("loss.penalty", l2_penalty(trained, experiment["reg"])))
        record_phase("backward")
        d_out = record("loss.d_out", loss_backward(experiment["loss"], cache))
        grads = l2_gradients(trained, model_backward(experiment["model"], trained, caches, d_out), experiment["reg"])
    if experiment["reg"] > 0:
        for key, value in grads.items():
            record("grad", value, of=key)
    return loss, grads


def train_step(
    experiment: dict[str, Any],
    params: Params,
    optimizer_state: dict[str, Any],
    x: Array,
    target: Array,
    generator: Generator | None = None,
) -> tuple[float, Params, dict[str, Any]]:
    """One step of training.

    Parameters
    ----------
    experiment : dict
        Its ``model``, ``loss``, ``reg``, ``optimizer`` and ``arithmetic`` are used.
    params : dict of arrays
    optimizer_state : dict
    x : array, shape (n, d_in)
        Inputs, one row a sample.
    target : array, shape (n, k)
        What the model's outputs should be.
    generator : RGenerator, NumpyGenerator, NumpyRandomState or TorchGenerator, optional
        As in `loss_and_gradients`.

    Returns
    -------
    loss : float
        Before the update.
    params : dict of arrays
        After the update.
    optimizer_state : dict
        After the update.
    """
    loss, grads = loss_and_gradients(experiment, params, x, target, generator)
    params, optimizer_state = optimizer_step(experiment["optimizer"], params, grads, optimizer_state)
    record_phase("update")
    return loss, *record_state(params, optimizer_state, generator)


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
    data : dict
        ``x`` (n, d_in) and ``target`` (n, k); ``x_test`` (m, d_in), or None, with ``labels_test`` (m,) or
        ``target_test`` (m, k), for the score.
    run : dict
        From `train_start` or an earlier `train`.
    maxit : int
        Steps to take, at least 0.
    evaluate_every : int
        Take the test score at each step divisible by this; 0 for never.
    report : callable, optional
        Called with (step, loss, score) at each step divisible by `evaluate_every`; the score is NaN without test data.

    Returns
    -------
    dict
        A later run. Its ``status`` is ``"maxit"``; ``"converged"`` if the loss reached ``abstol``; or ``"diverged"``
        if the loss of step ``diverged_step``, or a parameter after the step before, is not finite: then it ends with
        the last parameters whose loss was finite.
    """
    check_whole(maxit, "maxit", minimum=0)
    check_whole(evaluate_every, "evaluate_every", minimum=0)
    n, dtype = len(data["target"]), experiment["dtype"]
    batch_size = min(experiment["batch_size"] or n, n)
    generator = None
    if is_random(experiment):
        generator = experiment_generator(experiment)
        generator.set_state(run["generator_state"])
    order, position = run["order"], run["position"]
    x, target = (batch_inputs(data["x"], None, dtype) if batch_size == n else np.empty(0)), data["target"]
    step, end = run["step"], run["step"] + maxit
    now = {key: run[key] for key in ("params", "optimizer_state", "step")}
    previous = run["previous"] or now
    loss = run["loss"][-1] if step > 0 else math.inf
    losses: list[float] = []
    scored: list[tuple[int, float]] = []
    status = run["status"] if run["status"] == "diverged" else "maxit"
    with arithmetic(experiment["arithmetic"]), sharing_for(experiment["model"]):
        while step < end and status == "maxit":
            if loss <= experiment["abstol"]:
                status = "converged"
                break
            record_step(step + 1)
            record_phase("data")
            if batch_size < n:
                if position >= n or len(order) == 0:
                    order, position = epoch_order(experiment, generator, n), 0
                rows = order[position : position + batch_size]
                position += len(rows)
                record("batch.rows", rows)
                x, target = batch_inputs(data["x"], rows, dtype), data["target"][rows]
            loss, params, optimizer_state = train_step(
                experiment,
                now["params"],
                now["optimizer_state"],
                record("batch.x", x),
                record("batch.target", target),
                generator,
            )
            if not math.isfinite(loss):
                status = "diverged"
                break
            step += 1
            losses.append(loss)
            if evaluate_every > 0 and step % evaluate_every == 0:
                scored.append((step, train_score(experiment, now["params"], data)))
                if report is not None:
                    report(step, loss, scored[-1][1])
            previous, now = now, {"params": params, "optimizer_state": optimizer_state, "step": step}
    if status == "maxit" and not params_finite(now["params"]):
        status = "diverged"
    if status == "diverged" and run["status"] != "diverged":
        now = previous
    score_step = np.concatenate([run["score_step"], np.asarray([at for at, _ in scored], np.int64)])
    kept = score_step <= now["step"]
    return {
        **now,
        "previous": previous,
        "generator_state": run["generator_state"] if generator is None else generator.get_state(),
        "order": order,
        "position": position,
        "loss": np.concatenate([run["loss"], losses])[: now["step"]],
        "score_step": score_step[kept],
        "score": np.concatenate([run["score"], [value for _, value in scored]])[kept],
        "status": status,
        "diverged_step": run["diverged_step"] or (step + 1 if status == "diverged" else 0),
    }


def is_random(experiment: dict[str, Any]) -> bool:
    """Whether the steps of an experiment draw random numbers: for the order of the rows, for masks or for noise.

    Parameters
    ----------
    experiment : dict

    Returns
    -------
    bool
    """
    shuffles = experiment["batch_size"] > 0 and experiment["shuffle"]
    return shuffles or any(layer["type"] in ("dropout", "noise") for layer in experiment["model"])


def epoch_order(experiment: dict[str, Any], generator: Generator | None, n: int) -> IntArray:
    """The order in which an epoch visits the rows.

    Parameters
    ----------
    experiment : dict
        Its ``shuffle`` is used.
    generator : RGenerator, NumpyGenerator, NumpyRandomState or TorchGenerator
        Draws the order; PyTorch's as its DataLoader draws it.
    n : int
        How many rows there are.

    Returns
    -------
    array of int, shape (n,)
        Row numbers, from 0.
    """
    if not experiment["shuffle"] or generator is None:
        return np.arange(n)
    return data_loader_order(generator, n) if isinstance(generator, TorchGenerator) else random_order(generator, n)


def train_score(experiment: dict[str, Any], params: Params, data: dict[str, Any]) -> float:
    """How good a model is on the test rows: the accuracy, or for a regression the loss.

    Parameters
    ----------
    experiment : dict
        Its ``model``, ``loss``, ``dtype`` and ``arithmetic`` are used.
    params : dict of arrays
    data : dict
        ``x_test`` (m, d_in), or None, with ``labels_test`` (m,) or ``target_test`` (m, k).

    Returns
    -------
    float
        NaN without test rows.
    """
    if data.get("x_test") is None:
        return math.nan
    phase = record_phase(None)
    with arithmetic(experiment["arithmetic"]):
        score = score_outputs(experiment["loss"], model_outputs(experiment, params, data["x_test"]), data)
    record_phase(phase)
    return score


def model_outputs(experiment: dict[str, Any], params: Params, x: AnyArray) -> Array:
    """Outputs of a model for any number of samples, some at a time: memory does not grow with their number.

    Parameters
    ----------
    experiment : dict
        Its ``model``, ``dtype`` and ``arithmetic`` are used.
    params : dict of arrays
    x : array, shape (m, d_in), or bytes, shape (m, 28, 28)

    Returns
    -------
    array, shape (m, k)
    """
    with arithmetic(experiment["arithmetic"]), sharing_for(experiment["model"]):
        pieces = inputs_in_pieces(x, experiment["dtype"])
        return np.concatenate([model_forward(experiment["model"], params, piece)[0] for piece in pieces])


def sharing_for(model: Model) -> AbstractContextManager[None]:
    """A context with several threads for a model of images; others gain nothing from them."""
    return sharing() if any(layer["type"] == "conv2d" for layer in model) else nullcontext()


def inputs_in_pieces(x: AnyArray, dtype: str) -> Iterator[Array]:
    """The inputs of any number of samples, those of `AT_ONCE` of them at a time."""
    for start in range(0, len(x), AT_ONCE):
        yield batch_inputs(x, np.arange(start, min(start + AT_ONCE, len(x))), dtype)


def record_state(
    params: Params, optimizer_state: dict[str, Any], generator: Generator | None
) -> tuple[Params, dict[str, Any]]:
    """Record the parameters, the optimizer's state and how much was drawn; return the first two."""
    if not is_recording():
        return params, optimizer_state
    params = {key: record(key, value) for key, value in params.items()}
    for name, state in optimizer_state.items():
        if isinstance(state, dict):
            for key, value in state.items():
                record(key, value, of=f"optimizer.{name}")
        else:
            record(name, float(state), of="optimizer")
    if generator is not None:
        record("generator.words_drawn", float(generator.words_drawn()))
    return params, optimizer_state


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
