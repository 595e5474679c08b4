"""Where runs that should agree in every bit do not: the first tensor and the first element in it that differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from twinnet.parity.trace import read_trace
from twinnet.parity.trace_diff import diff_traces
from twinnet.parity.voices import Voice

__all__ = ["Parting", "find_parting", "first_parted_step"]


@dataclass(frozen=True)
class Parting:
    """Where two runs part.

    Attributes
    ----------
    step : int
        The first step in which any bit differs.
    place : str
        The first tensor and element: ``"step3/forward/relu1.out[5, 2]"``, counted from 0.
    values : tuple of str
        That element in the first voice and in the other, in hexadecimal, so that every bit shows.
    differing : int
        Over the whole step: numbers whose bits differ.
    """

    step: int
    place: str
    values: tuple[str, str]
    differing: int


def first_parted_step(a: Sequence[str], b: Sequence[str]) -> int:
    """The first step whose checksums differ, or which only one run has; 0 if there is none."""
    parted = (number for number, (ours, theirs) in enumerate(zip(a, b, strict=False), start=1) if ours != theirs)
    return next(parted, 0 if len(a) == len(b) else min(len(a), len(b)) + 1)


def find_parting(step: int, make_first: Callable[[], Voice], make_other: Callable[[], Voice]) -> Parting | None:
    """Repeat two runs up to a step, record it, and find where they part.

    Parameters
    ----------
    step : int
    make_first, make_other : callable
        Each makes a voice that is not trained yet.

    Returns
    -------
    Parting, or None
        None if the repeated runs agree.
    """
    with TemporaryDirectory() as folder:
        traces = []
        for name, make in (("first", make_first), ("other", make_other)):
            voice = make()
            voice.start_trace(Path(folder) / name, [step])
            voice.train(step)
            voice.stop_trace(True)
            traces.append(read_trace(Path(folder) / name))
        diff = diff_traces(traces[0], traces[1], tolerance=0.0)
        first = diff.first
        if first is None:
            return None
        index = "" if first.first_index is None else str([int(place) for place in first.first_index])
        ours, theirs = ("none" if value is None else float(value).hex() for value in (first.value_a, first.value_b))
        differing = sum(max(tensor.differing, 1) for tensor in diff.tensors if tensor.is_bad)
        return Parting(step, first.key + index, (ours, theirs), differing)
