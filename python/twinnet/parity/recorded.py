"""A tensor of a trace and what was recorded around it, by the role that it plays in the model."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

__all__ = ["MissingTensorError", "Recorded", "known_factors", "known_sizes"]


class MissingTensorError(LookupError):
    """A trace lacks what an operation needs to be computed again."""


class Recorded:
    """One side's trace around a tensor: what was recorded, by the role that it plays there.

    Parameters
    ----------
    trace : Trace
    key : str
        The tensor's key, ``"step3/forward/relu1.out"``.
    """

    def __init__(self, trace: Any, key: str) -> None:
        matched = re.fullmatch(r"step(\d+)/(?:([^/]*)/)?(.*)", key)
        self.trace, self.key = trace, key
        self.step = int(matched[1]) if matched else 0
        self.phase = (matched[2] or "") if matched else ""
        self.name = matched[3] if matched else key
        self.label: str = trace.label
        self.experiment: dict[str, Any] = trace.manifest.get("experiment") or {}
        self.model: list[dict[str, Any]] = self.experiment.get("model") or []

    def value(self, phase: str, name: str, step: int | None = None) -> Any:
        """A tensor of this step, or of another."""
        key = f"step{self.step if step is None else step}/{phase}/{name}"
        if not self.trace.has(key):
            raise MissingTensorError(key)
        array = np.asarray(self.trace.load(key))
        return array.astype(np.float64) if array.dtype in (bool, np.float32) else array

    def before(self, key: str, steps: int = 1) -> Any:
        """A parameter, or a state of the optimizer, as the update `steps` steps ago left it; 1: what this step used."""
        step = self.step - steps
        return self.value("update" if step > 0 else "init", key, step)

    def input_of(self, i: int) -> Any:
        """What goes into layer `i`."""
        return self.value("forward", f"{self.model[i - 1]['name']}.out") if i > 0 else self.value("data", "batch.x")

    def output_of(self, i: int) -> Any:
        """What comes out of layer `i`."""
        return self.value("forward", f"{self.model[i]['name']}.out")

    def gradient_of(self, i: int) -> Any:
        """The gradient with respect to the output of layer `i`."""
        if i + 1 == len(self.model):
            return self.value("backward", "loss.d_out")
        return self.value("backward", f"{self.model[i + 1]['name']}.d_x")

    def layer(self, name: str) -> int:
        """The number of the layer of that name."""
        for i, layer in enumerate(self.model):
            if layer["name"] == name:
                return i
        raise MissingTensorError(name)


def known_sizes(side: Recorded) -> list[int]:
    """Numbers that a mean of this step may have been divided by: rows, outputs, inputs, places in a pool's window.

    Parameters
    ----------
    side : Recorded

    Returns
    -------
    list of int
    """
    sizes: list[int] = []
    for name in ("batch.x", "batch.target"):
        try:
            shape = side.value("data", name).shape
        except MissingTensorError:
            continue
        sizes += [*shape, math.prod(shape)]
    for layer in side.model:
        window = layer.get("size")
        if window is not None:
            sizes.append(math.prod(window) if isinstance(window, list) else window * window)
    return sizes


def known_factors(side: Recorded) -> dict[tuple[str, str], float]:
    """Factors that mean something in this model, by the cause and the words for them.

    Parameters
    ----------
    side : Recorded

    Returns
    -------
    dict of (str, str) to float
    """
    factors = {}
    for layer in side.model:
        if layer["type"] == "dropout" and 0 < layer["p"] < 1:
            p = layer["p"]
            for value, text in ((1 - p, "1 - p"), (p, "p"), (p / (1 - p), "p / (1 - p)")):
                factors["dropout_scale", f"{text} with p = {p:g}"] = value
        if layer["type"] == "noise":
            factors["variance_for_sd", f"sd = {layer['sd']:g}"] = layer["sd"]
    nominal = side.experiment.get("batch_size") or 0
    if nominal > 0 and side.trace.has(key := f"step{side.step}/data/batch.x"):
        rows = side.trace.load(key).shape[0]
        factors["nominal_batch", f"{nominal} / {rows}"] = nominal / rows
    init = side.experiment.get("init") or {}
    if "sd" in init and side.phase == "init":
        factors["variance_for_sd", f"sd = {init['sd']:g}"] = init["sd"]
    return factors
