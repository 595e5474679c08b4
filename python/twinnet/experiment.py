"""An experiment: everything that decides a training run, as data that both languages read.

``shared_data/experiments/NAME.json`` names the data and its split, the model's layers, the loss, whose random numbers
and which seed, how the weights are drawn, the L2 strength, the optimizer, the batches, and when to stop. Its variants
are experiments of their own, each with some settings replaced. Twin: r/R/experiment.R.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from twinnet import kernels
from twinnet.checks import check_argument, check_choice, check_flag, check_number, check_whole
from twinnet.datasets import shared_data_path
from twinnet.dtypes import DTYPES, as_dtype
from twinnet.generator_numpy import NumpyGenerator
from twinnet.generator_numpy_legacy import NumpyRandomState
from twinnet.generator_r import RGenerator
from twinnet.generator_torch import TorchGenerator
from twinnet.model import ACTIVATIONS, dense_layers, init_check, model_check
from twinnet.objectives import LOSSES
from twinnet.optimizers import optimizer_check
from twinnet.problems import PROBLEMS, problem_data
from twinnet.randomness import Generator

__all__ = [
    "EXPERIMENT_KEYS",
    "GENERATORS",
    "experiment_check",
    "experiment_data",
    "experiment_generator",
    "experiment_names",
    "experiment_override",
    "experiment_read",
    "experiment_variants",
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
    "dtype",
    "arithmetic",
    "reg",
    "optimizer",
    "batch_size",
    "shuffle",
    "maxit",
    "abstol",
    "display",
    "evaluate_every",
    "variants",
)
GENERATORS = ("r", "numpy", "numpy-legacy", "torch")


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
    check_choice(experiment["data"].get("name"), "data", PROBLEMS)
    model_check(experiment["model"])
    check_choice(experiment["loss"], "loss", LOSSES)
    generator = check_choice(experiment["generator"], "generator", GENERATORS)
    init_check(experiment["init"], generator)
    check_whole(experiment["seed"], "seed")
    check_choice(experiment["dtype"], "dtype", DTYPES)
    check_choice(experiment["arithmetic"], "arithmetic", kernels.ARITHMETICS)
    check_number(experiment["reg"], "reg", minimum=0)
    check_whole(experiment["batch_size"], "batch_size", minimum=0)
    check_flag(experiment["shuffle"], "shuffle")
    check_whole(experiment["maxit"], "maxit", minimum=0)
    check_number(experiment["abstol"], "abstol", minimum=0)
    check_whole(experiment["display"], "display", minimum=0)
    check_whole(experiment["evaluate_every"], "evaluate_every", minimum=0)
    return {**experiment, "optimizer": optimizer_check(experiment["optimizer"])}


def experiment_override(
    experiment: dict[str, Any],
    seed: int | None = None,
    hidden: Sequence[int] | None = None,
    maxit: int | None = None,
    lr: float | None = None,
    reg: float | None = None,
    generator: str | None = None,
    dtype: str | None = None,
    arithmetic: str | None = None,
    images: int | None = None,
    epochs: int | None = None,
) -> dict[str, Any]:
    """An experiment with some of its settings replaced.

    Parameters
    ----------
    experiment : dict
    seed : int, optional
        Seed of the weights, batches and masks; the split of the data keeps its own.
    hidden : sequence of int, optional
        Neurons of each hidden layer, for a dense network.
    maxit : int, optional
        Steps, at least 0.
    lr : float, optional
        Learning rate, above 0.
    reg : float, optional
        L2 strength, at least 0.
    generator : str, optional
        Whose random numbers, one of `GENERATORS`.
    dtype : str, optional
        Of all numbers, one of `DTYPES`.
    arithmetic : str, optional
        How the kernels calculate, one of `twinnet.kernels.ARITHMETICS`.
    images : int, optional
        How many of the training images to use, for as many epochs as before unless `maxit` or `epochs` is given.
    epochs : int, optional
        How often to go through the training images, in place of `maxit`.

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
        changed["model"] = resized_layers(experiment["model"], hidden)
    if images is not None or epochs is not None:
        changed |= resized_training(experiment, images, epochs)
    if maxit is not None:
        check_argument(epochs is None, "maxit", maxit, "left out where `epochs` is given")
        changed["maxit"] = maxit
    if lr is not None:
        changed["optimizer"] = {**experiment["optimizer"], "lr": lr}
    if reg is not None:
        changed["reg"] = reg
    if generator is not None:
        changed["generator"] = generator
    if dtype is not None:
        changed["dtype"] = dtype
    if arithmetic is not None:
        changed["arithmetic"] = arithmetic
    return experiment_check(changed)


def experiment_variants(experiment: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The experiments that an experiment's file describes, by name.

    Parameters
    ----------
    experiment : dict

    Returns
    -------
    dict of dict
        Each of its variants, with the settings that the variant names replaced; the experiment itself, under its own
        name, if it has none.

    Raises
    ------
    ValueError
        If a variant is unsound.
    """
    variants: dict[str, dict[str, Any]] = experiment["variants"]
    if not variants:
        return {experiment["name"]: experiment}
    return {name: experiment_check({**experiment, **changes, "variants": {}}) for name, changes in variants.items()}


def experiment_generator(experiment: dict[str, Any]) -> Generator:
    """The generator that an experiment names, seeded as it says.

    Parameters
    ----------
    experiment : dict

    Returns
    -------
    RGenerator, NumpyGenerator, NumpyRandomState or TorchGenerator
    """
    match experiment["generator"]:
        case "r":
            return RGenerator(experiment["seed"])
        case "numpy":
            return NumpyGenerator(experiment["seed"])
        case "numpy-legacy":
            return NumpyRandomState(experiment["seed"])
        case _:
            return TorchGenerator(experiment["seed"])


def experiment_data(experiment: dict[str, Any]) -> dict[str, Any]:
    """The data of an experiment.

    Parameters
    ----------
    experiment : dict

    Returns
    -------
    dict
        As `twinnet.problems.problem_data` describes it, in the experiment's dtype.
    """
    with kernels.arithmetic(experiment["arithmetic"]):
        data = problem_data(experiment["data"])
    for key in ("x", "target", "x_test", "target_test"):
        if data[key].dtype != np.uint8:
            data[key] = as_dtype(data[key], experiment["dtype"])
    return data


def resized_layers(model: list[dict[str, Any]], hidden: Sequence[int]) -> list[dict[str, Any]]:
    """A dense network with other hidden layers, and the activation and dropout of its first one."""
    types = [layer["type"] for layer in model]
    is_dense = types[0] == types[-1] == "affine" and set(types) <= {"affine", "dropout", *ACTIVATIONS}
    check_argument(is_dense, "hidden", hidden, "left out: the model is not a dense network with an affine output")
    activation = next((kind for kind in types if kind in ACTIVATIONS), "relu")
    dropout = next((layer["p"] for layer in model if layer["type"] == "dropout"), 0)
    return dense_layers(model[0]["d_in"], hidden, model[-1]["d_out"], activation, dropout)


def resized_training(experiment: dict[str, Any], images: int | None, epochs: int | None) -> dict[str, Any]:
    """The data and the number of steps for other training images, or other times through them."""
    data, batch_size = experiment["data"], experiment["batch_size"]
    name, given = ("images", images) if images is not None else ("epochs", epochs)
    check_argument("train" in data and batch_size > 0, name, given, "left out: the experiment has no batches of images")
    if epochs is None:
        epochs = max(1, round(experiment["maxit"] * batch_size / data["train"]))
    train = data["train"] if images is None else check_whole(images, "images", minimum=1)
    steps = -(-train // batch_size)
    return {"data": {**data, "train": train}, "maxit": check_whole(epochs, "epochs", minimum=0) * steps}
