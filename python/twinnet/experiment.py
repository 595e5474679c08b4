"""An experiment: everything that decides a training run, as data that both languages read.

``shared_data/experiments/NAME.json`` names the data and its split, the model's layers, the loss, whose random
numbers and which seed, the L2 strength, the optimizer, and when to stop. Twin: r/R/experiment.R.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from twinnet.checks import check_argument, check_choice, check_number, check_whole
from twinnet.datasets import load_iris, sample_per_class, shared_data_path
from twinnet.generator_r import RGenerator
from twinnet.labels import class_levels, class_numbers, one_hot
from twinnet.model import dense_layers, model_check
from twinnet.optimizers import optimizer_check

__all__ = [
    "EXPERIMENT_KEYS",
    "GENERATORS",
    "LOSSES",
    "experiment_check",
    "experiment_data",
    "experiment_generator",
    "experiment_names",
    "experiment_override",
    "experiment_read",
]

EXPERIMENT_KEYS = (
    "name",
    "title",
    "source",
    "data",
    "model",
    "loss",
    "init",
    "generator",
    "seed",
    "reg",
    "optimizer",
    "maxit",
    "abstol",
    "display",
)
LOSSES = ("softmax_cross_entropy",)
GENERATORS = ("r",)


def experiment_names() -> list[str]:
    """Names of the experiments in `shared_data`, in ascending order."""
    return sorted(path.stem for path in shared_data_path("experiments").glob("*.json"))


def experiment_read(name: str) -> dict[str, Any]:
    """Read an experiment from ``shared_data/experiments/NAME.json``.

    Parameters
    ----------
    name : str
        One of `experiment_names`.

    Returns
    -------
    dict
        Its settings, checked.

    Raises
    ------
    ValueError
        If there is no such experiment, or a setting is missing, unknown or unsound.
    """
    check_choice(name, "experiment", experiment_names())
    path = shared_data_path(f"experiments/{name}.json")
    experiment: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return experiment_check(experiment)


def experiment_check(experiment: dict[str, Any]) -> dict[str, Any]:
    """Return `experiment` if every setting is there, known and sound.

    Parameters
    ----------
    experiment : dict

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        Names the setting, its value and what it must be.
    """
    keys = sorted(experiment)
    must_be = "the keys " + ", ".join(sorted(EXPERIMENT_KEYS))
    check_argument(keys == sorted(EXPERIMENT_KEYS), "experiment", keys, must_be)
    model_check(experiment["model"])
    check_choice(experiment["loss"], "loss", LOSSES)
    check_number(experiment["init"].get("sd"), "sd", above=0)
    check_choice(experiment["generator"], "generator", GENERATORS)
    check_whole(experiment["seed"], "seed")
    check_number(experiment["reg"], "reg", minimum=0)
    optimizer_check(experiment["optimizer"])
    check_whole(experiment["maxit"], "maxit", minimum=0)
    check_number(experiment["abstol"], "abstol", minimum=0)
    check_whole(experiment["display"], "display", minimum=0)
    return experiment


def experiment_override(
    experiment: dict[str, Any],
    seed: int | None = None,
    hidden: Sequence[int] | None = None,
    maxit: int | None = None,
    lr: float | None = None,
    reg: float | None = None,
) -> dict[str, Any]:
    """An experiment with some of its settings replaced.

    Parameters
    ----------
    experiment : dict
    seed : int, optional
        Seed of the initial weights; the split of the data keeps its own.
    hidden : sequence of int, optional
        Neurons of each hidden layer, for a model of affine and ReLU layers.
    maxit : int, optional
        Steps, at least 0.
    lr : float, optional
        Learning rate, above 0.
    reg : float, optional
        L2 strength, at least 0.

    Returns
    -------
    dict
        A new experiment; the one passed in is not changed.

    Raises
    ------
    ValueError
        Names the setting, its value and what it must be.
    """
    changed = dict(experiment)
    if seed is not None:
        changed["seed"] = seed
    if hidden is not None:
        first, last = experiment["model"][0], experiment["model"][-1]
        changed["model"] = dense_layers(first["d_in"], hidden, last["d_out"])
    if maxit is not None:
        changed["maxit"] = maxit
    if lr is not None:
        changed["optimizer"] = {**experiment["optimizer"], "lr": lr}
    if reg is not None:
        changed["reg"] = reg
    return experiment_check(changed)


def experiment_generator(experiment: dict[str, Any]) -> RGenerator:
    """The generator that an experiment names, seeded as it says.

    Parameters
    ----------
    experiment : dict

    Returns
    -------
    generator
    """
    return RGenerator(experiment["seed"])


def experiment_data(experiment: dict[str, Any]) -> dict[str, Any]:
    """The data of an experiment, split into training and test rows.

    Parameters
    ----------
    experiment : dict

    Returns
    -------
    dict
        ``classes`` (k,), names; ``x`` (n, d_in) and ``target`` (n, k), the training inputs and one-hot targets;
        ``labels`` (n,), their class numbers; ``x_test`` and ``labels_test``, those of the other rows.
    """
    settings = experiment["data"]
    table = load_iris()
    species = table[settings["label"]]
    classes = class_levels(species, "label")
    labels = class_numbers(species, classes, "label")
    x = np.column_stack([table[name] for name in settings["inputs"]])
    train = sample_per_class(species, settings["train_per_class"], RGenerator(settings["split_seed"]))
    test = np.setdiff1d(np.arange(len(species)), train)
    return {
        "classes": classes,
        "x": x[train],
        "target": one_hot(labels[train], len(classes)),
        "labels": labels[train],
        "x_test": x[test],
        "labels_test": labels[test],
    }
