"""Checksums: 32 characters that stand for every bit of a run, the same in every language where the arithmetic is exact.

The checksum of a step is the MD5 of all activations, losses, gradients and updated parameters that `twinnet.record` is
handed in it, in this order, each number as the 8 bytes of a double, the least significant first, and of an array the
first index running fastest. The checksum of a run is the MD5 of its steps' checksums, each followed by a line feed.
Twin: r/R/checksum.R.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from twinnet.experiment import experiment_data
from twinnet.record import exchange_recorder
from twinnet.train import train, train_start

__all__ = ["checksum_of_steps", "checksum_start", "checksum_stop", "run_checksum"]

PHASES = ("forward", "loss", "backward", "update")
NOT_SUMMED = ("optimizer.", "generator.")


def checksum_start() -> None:
    """Begin to sum up what is recorded; a recording that is on goes on."""
    recorder = Checksum()
    recorder.before = exchange_recorder(recorder)
    if recorder.before is not None:
        recorder.phase = recorder.before.phase


def checksum_stop() -> dict[str, Any]:
    """End what `checksum_start` began.

    Returns
    -------
    dict
        ``run``, the checksum of all; ``steps``, that of each step.
    """
    recorder: Checksum = exchange_recorder(None)
    exchange_recorder(recorder.before)
    return recorder.close()


def checksum_of_steps(steps: Sequence[str]) -> str:
    """The checksum of a run.

    Parameters
    ----------
    steps : sequence of str
        Those of its steps.

    Returns
    -------
    str
    """
    whole = new_sum()
    whole.update("".join(f"{step}\n" for step in steps).encode())
    return str(whole.hexdigest())


def run_checksum(experiment: dict[str, Any]) -> dict[str, Any]:
    """Train an experiment and return its checksums.

    Parameters
    ----------
    experiment : dict
        Its checksum is the same everywhere if its ``arithmetic`` is ``"exact"``.

    Returns
    -------
    dict
        As `checksum_stop`.
    """
    data, run = experiment_data(experiment), train_start(experiment)
    checksum_start()
    try:
        train(experiment, data, run, experiment["maxit"])
    finally:
        checksums = checksum_stop()
    return checksums


class Checksum:
    """What `record` hands its tensors to, to be summed up step by step."""

    def __init__(self) -> None:
        self.before: Any = None
        self._phase: str | None = ""
        self._step = 0
        self._steps: list[str] = []
        self._sum = new_sum()

    @property
    def step(self) -> int:
        """The step whose tensors come next."""
        return self._step

    @step.setter
    def step(self, value: int) -> None:
        self._finish_step()
        self._step = value
        if self.before is not None:
            self.before.step = value

    @property
    def phase(self) -> str | None:
        """The phase of the step whose tensors come next."""
        return self._phase

    @phase.setter
    def phase(self, value: str | None) -> None:
        self._phase = value
        if self.before is not None:
            self.before.phase = value

    def add(self, name: str, x: Any) -> Any:
        """Sum up a tensor and return it."""
        if self.phase in PHASES and x is not None and not name.startswith(NOT_SUMMED):
            numbers = np.asarray(x.detach().cpu() if hasattr(x, "detach") else x, dtype="<f8")
            self._sum.update(numbers.T if numbers.flags.f_contiguous else numbers.tobytes(order="F"))
        return x if self.before is None else self.before.add(name, x)

    def close(self) -> dict[str, Any]:
        """The checksums."""
        self._finish_step()
        return {"run": checksum_of_steps(self._steps), "steps": self._steps}

    def _finish_step(self) -> None:
        if self._step > 0:
            self._steps.append(self._sum.hexdigest())
        self._sum = new_sum()


def new_sum() -> Any:
    """The MD5 of nothing yet."""
    return hashlib.md5(usedforsecurity=False)
