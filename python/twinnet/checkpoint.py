"""Checkpoints: a run of training in a file, from which either language goes on as if nothing had been in between.

A checkpoint is a safetensors file. It holds all numbers of the run of `twinnet.train` as tensors, each under its place
in the run, such as ``params/affine1.w`` or ``optimizer_state/square_avg/affine1.w``; row numbers count from 0. Its
texts are those of the run, such as ``status``, and the settings of the experiment, such as ``experiment/optimizer/lr``:
a run goes on only under the settings it began with. Twin: r/R/checkpoint.R.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from twinnet._types import AnyArray, Params
from twinnet.checks import check_whole, refuse_file
from twinnet.safetensors import safetensors_read, safetensors_write
from twinnet.train import Report, train, train_start

__all__ = ["checkpoint_read", "checkpoint_write", "params_read", "params_write", "train_saved"]

CHECKPOINT_FORMAT = "twinnet checkpoint 1"
# Settings that do not change what a step does: a run may go on with others.
FREE_SETTINGS = ("name", "title", "source", "maxit", "abstol", "display", "evaluate_every", "variants")
# What grows with the steps, or is drawn when the first epoch begins.
GROWING = ("order", "loss", "score_step", "score")
WHOLE = ("step", "position", "order", "score_step", "diverged_step")


def checkpoint_write(path: str | os.PathLike[str], run: dict[str, Any], experiment: dict[str, Any]) -> None:
    """Write a run to a file; if there is one, it is replaced in one move.

    Parameters
    ----------
    path : str or path
        The file, by custom ``NAME.safetensors``.
    run : dict
        From `twinnet.train.train_start` or `twinnet.train.train`.
    experiment : dict
        What the run is a run of.

    Raises
    ------
    OSError
        If the file cannot be written; what was there before is unchanged.
    """
    leaves = run_leaves(run)
    texts = {name: value for name, value in leaves.items() if isinstance(value, str)}
    numbers = {name: stored_numbers(value) for name, value in leaves.items() if name not in texts}
    safetensors_write(path, numbers, {"format": CHECKPOINT_FORMAT, **texts, **settings_of(experiment)})


def checkpoint_read(path: str | os.PathLike[str], experiment: dict[str, Any]) -> dict[str, Any]:
    """Read a run from a file that `checkpoint_write` wrote, in either language.

    Parameters
    ----------
    path : str or path
        The file.
    experiment : dict
        What the run is a run of.

    Returns
    -------
    dict
        The run, with which `twinnet.train.train` goes on.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a checkpoint, is damaged, or is of another experiment; says which setting is another.
    """
    numbers, texts = safetensors_read(path)
    if texts.get("format") != CHECKPOINT_FORMAT:
        refuse_file(path, "is not a checkpoint of twinnet")
    check_settings(path, texts, settings_of(experiment))
    start = start_of(experiment)
    if any(name.startswith("previous/") for name in numbers):
        start["previous"] = {key: start[key] for key in ("params", "optimizer_state", "step")}
    run: dict[str, Any] = restored(path, {**numbers, **texts}, start, "")
    check_run(path, run, numbers)
    return run


def params_write(path: str | os.PathLike[str], params: Params) -> None:
    """Write parameters alone to a safetensors file; if there is one, it is replaced in one move.

    Parameters
    ----------
    path : str or path
        The file.
    params : dict of arrays

    Raises
    ------
    OSError
        If the file cannot be written; what was there before is unchanged.
    """
    safetensors_write(path, params)


def params_read(path: str | os.PathLike[str], experiment: dict[str, Any]) -> Params:
    """Read parameters from a file that `params_write` wrote, in either language.

    Parameters
    ----------
    path : str or path
        The file.
    experiment : dict
        Its model says which parameters there must be, and of which shapes.

    Returns
    -------
    dict of arrays

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a safetensors file, is damaged, or holds the parameters of another model.
    """
    numbers, _ = safetensors_read(path)
    params: Params = restored(path, numbers, start_of(experiment)["params"], "")
    refuse_others(path, numbers, params)
    return params


def train_saved(
    experiment: dict[str, Any],
    data: dict[str, Any],
    path: str | os.PathLike[str],
    until: int,
    save_every: int = 100,
    evaluate_every: int = 0,
    report: Report | None = None,
    source: Params | None = None,
) -> dict[str, Any]:
    """Train up to a step, with a checkpoint on the way: what was interrupted goes on when it is called again.

    Parameters
    ----------
    experiment : dict
    data : dict
        As for `twinnet.train.train`.
    path : str or path
        The checkpoint. If it is there, training goes on from it; otherwise it begins.
    until : int
        The step to stop at; training that was stopped at one can go on to a later one.
    save_every : int
        Write the checkpoint every so many steps, and at the end.
    evaluate_every, report
        As for `twinnet.train.train`.
    source
        As for `twinnet.train.train_start`.

    Returns
    -------
    dict
        The run.

    Raises
    ------
    ValueError
        If the checkpoint is damaged or of another experiment; it is left as it is.
    """
    check_whole(until, "until", minimum=0)
    check_whole(save_every, "save_every", minimum=1)
    run = checkpoint_read(path, experiment) if Path(path).exists() else train_start(experiment, source)
    while run["step"] < until and run["status"] in ("running", "maxit"):
        run = train(experiment, data, run, min(save_every, until - run["step"]), evaluate_every, report)
        checkpoint_write(path, run, experiment)
    return run


def start_of(experiment: dict[str, Any]) -> dict[str, Any]:
    """A run before its first step, for the names and shapes of what it holds: no source is needed for that."""
    init = {key: value for key, value in experiment["init"].items() if key not in ("source", "layers")}
    return train_start({**experiment, "init": init})


def run_leaves(value: Any, name: str = "") -> dict[str, Any]:
    """The arrays, numbers and texts of a run by their places in it; what is None is left out."""
    if not isinstance(value, dict):
        return {} if value is None else {name: value}
    leaves = {}
    for key, part in value.items():
        leaves.update(run_leaves(part, f"{name}/{key}".lstrip("/")))
    return leaves


def stored_numbers(value: Any) -> AnyArray:
    """Numbers as they are stored: an array of float32 as it is, all others as float64, a single one as an array."""
    array = np.atleast_1d(value)
    return array if array.dtype == np.float32 else array.astype(np.float64)


def settings_of(experiment: dict[str, Any]) -> dict[str, str]:
    """The settings that decide what a step does, as texts by their places in the experiment."""
    kept = {key: value for key, value in experiment.items() if key not in FREE_SETTINGS}
    return setting_texts(kept, "experiment")


def setting_texts(value: Any, name: str) -> dict[str, str]:
    """A setting as a text, or its parts as texts; the parts of a list count from 0, and one alone stands for itself."""
    match value:
        case dict():
            parts = {f"{name}/{key}": part for key, part in value.items()}
        case [dict(), *_] | [_, _, *_]:
            parts = {f"{name}/{i}": part for i, part in enumerate(value)}
        case [part]:
            return setting_texts(part, name)
        case []:
            return {}
        case str():
            return {name: value}
        case bool():
            return {name: str(value).lower()}
        case _:
            return {name: f"{value:.17g}"}
    return {key: text for part, inner in parts.items() for key, text in setting_texts(inner, part).items()}


def check_settings(path: str | os.PathLike[str], texts: dict[str, str], expected: dict[str, str]) -> None:
    """Refuse a checkpoint whose settings are not those of the experiment."""
    found = {name: text for name, text in texts.items() if name.startswith("experiment/")}
    for name in {**expected, **found}:
        theirs, ours = found.get(name, "missing"), expected.get(name, "missing")
        if theirs != ours:
            setting = name.removeprefix("experiment/")
            refuse_file(path, f"is a checkpoint of another experiment: its `{setting}` is {theirs}, not {ours}")


def restored(path: str | os.PathLike[str], found: dict[str, Any], start: Any, name: str) -> Any:
    """What was stored under a name, in the form that a run has at its start."""
    if isinstance(start, dict):
        return {key: restored(path, found, part, f"{name}/{key}".lstrip("/")) for key, part in start.items()}
    value = found.get(name)
    if value is None and start is not None:
        refuse_file(path, f"has no `{name}`")
    if isinstance(value, str) or isinstance(start, str):
        if not (isinstance(value, str) and isinstance(start, str)):
            refuse_file(path, f"has a number where a text is due, or a text where a number is, in `{name}`")
        return value
    if value is None:
        return None
    expected = stored_numbers(0.0 if start is None else start)
    shape = (len(value),) if name in GROWING and value.ndim == 1 else expected.shape
    if value.shape != shape:
        refuse_file(path, f"has another shape of `{name}`: {show_shape(value)}, not {show_shape(expected)}")
    if name in WHOLE and not (value % 1 == 0).all():
        refuse_file(path, f"has `{name}` that is not a whole number")
    if not isinstance(start, np.ndarray):
        return value.item() if start is None else type(start)(value.item())
    like_start = np.empty_like(start, shape=shape)  # in the start's dtype and order in memory
    like_start[...] = value
    return like_start


def show_shape(array: AnyArray) -> str:
    """The shape of an array as a text."""
    return " x ".join(str(size) for size in array.shape)


def check_run(path: str | os.PathLike[str], run: dict[str, Any], numbers: dict[str, AnyArray]) -> None:
    """Refuse a checkpoint whose parts do not go together."""
    leaves = run_leaves(run)
    refuse_others(path, numbers, leaves)
    for name, array in numbers.items():
        expected = stored_numbers(leaves[name]).dtype
        if array.dtype != expected:
            refuse_file(path, f"has `{name}` in {array.dtype}, not in {expected}")
    n = len(run["order"])
    whole = (
        run["step"] == len(run["loss"])
        and len(run["score"]) == len(run["score_step"])
        and 0 <= run["position"] <= n
        and sorted(run["order"].tolist()) == list(range(n))
        and run["status"] in ("running", "maxit", "converged", "diverged")
    )
    if not whole:
        refuse_file(path, "is damaged: its order, position, loss, score, step and status do not go together")


def refuse_others(path: str | os.PathLike[str], numbers: dict[str, AnyArray], expected: dict[str, Any]) -> None:
    """Refuse a file that holds more than is expected."""
    for name in numbers:
        if name not in expected:
            refuse_file(path, f"has `{name}`, which the experiment's model has not")
