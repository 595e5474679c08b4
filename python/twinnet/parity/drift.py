"""The alarm for streams that have drifted: the installed R, NumPy, PyTorch or Python draws otherwise than was proven.

Only R and NumPy's RandomState promise their streams across versions. The twins draw what the versions drew that are
named in ``shared_data/golden``; here the installed original makes the same draws again. What counts is what is drawn:
a newer version that draws the same is silent.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from twinnet._types import AnyArray
from twinnet.checks import check_choice
from twinnet.datasets import shared_data_path
from twinnet.parity.bridge import BridgeError
from twinnet.parity.originals import MissingOriginalError
from twinnet.parity.streams import STREAMS, Call, draw_in_python, draw_original, twin_settings

__all__ = ["StreamDriftWarning", "check_streams"]


class StreamDriftWarning(UserWarning):
    """An installed original does not draw what its proven version drew.

    Attributes
    ----------
    stream : str
        The generator, as ``twinnet draws`` names it.
    method : str
        The method that draws otherwise.
    installed, proven : str
        The two versions.
    """

    def __init__(self, stream: str, method: str, installed: str, proven: str, example: str) -> None:
        super().__init__(
            f"{STREAMS[stream].title} has drifted: {method} of {installed}, which is installed, does not draw what "
            f"{proven} drew, for which twinnet's streams are proven ({example}). Twins that do not call the original "
            f"itself draw as {proven} did: install that version to have all equal."
        )
        self.stream = stream
        self.method = method
        self.installed = installed
        self.proven = proven


def check_streams(generators: Sequence[str] | None = None) -> list[StreamDriftWarning]:
    """Make the proven draws again with the installed originals, and say which have changed.

    Parameters
    ----------
    generators : sequence of str, optional
        Keys of `STREAMS`; all whose originals are installed unless given.

    Returns
    -------
    list of StreamDriftWarning
        One for each generator that has drifted; empty if all is well. ``warnings.warn`` takes them as they are.

    Raises
    ------
    ValueError
        If there is no such generator.
    MissingOriginalError, BridgeError
        If the original of a generator that is asked for by name is not installed.
    """
    found = []
    for name in list(STREAMS) if generators is None else generators:
        check_choice(name, "generator", list(STREAMS))
        try:
            found.append(check_stream(name))
        except (MissingOriginalError, BridgeError):
            if generators is not None:
                raise
    return [warning for warning in found if warning is not None]


def check_stream(name: str) -> StreamDriftWarning | None:
    """Check one stream, seed by seed and call by call, up to the first difference."""
    stream = STREAMS[name]
    golden = json.loads(shared_data_path(f"golden/{stream.golden}.json").read_text(encoding="utf-8"))
    for case in golden["cases"]:
        if case.get("sample_kind") != stream.settings.get("sample_kind"):
            continue
        seed = case["seed"]
        calls = [Call(call["method"], call["method"], (), call["arguments"]) for call in case["calls"]]
        drawn = draw_original(name, seed, calls)
        proven = proven_draws(name, seed, calls, case)
        for call, ours, theirs in zip(calls, drawn.values, proven, strict=True):
            example = first_difference(np.ravel(ours), theirs)
            if example:
                title = f"{drawn.label.split()[0]} {golden[stream.version_key]}"
                return StreamDriftWarning(name, call.method, drawn.label, title, f"seed {seed}: {example}")
    return None


def proven_draws(name: str, seed: Any, calls: Sequence[Call], case: dict[str, Any]) -> list[AnyArray]:
    """Return the draws to be expected: those in the file, or the twin's where PyTorch runs other kernels than it did.

    They are proven to be PyTorch's too, by tests that choose the kernels.
    """
    if twin_settings(name).get("variant") == "default":
        return [np.ravel(values) for values in draw_in_python(name, seed, calls).values]
    return [np.array([float.fromhex(number) for number in call["result"]]) for call in case["calls"]]


def first_difference(ours: AnyArray, proven: AnyArray) -> str:
    """Return the first two draws whose bits differ, in words; an empty string if there are none."""
    a, b = np.ascontiguousarray(ours, np.float64), np.ascontiguousarray(proven, np.float64)
    if a.size != b.size:
        return f"{a.size} draws instead of {b.size}"
    places = np.flatnonzero(a.view(np.uint64) != b.view(np.uint64))
    return f"{float(a[places[0]])!r} instead of {float(b[places[0]])!r}" if places.size > 0 else ""
