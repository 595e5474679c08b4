"""Recording: every tensor that a computation passes through, in order and by name, as files that both languages write.

``record("conv1.out", x)`` returns `x`; within ``with recording("folder"):`` it also keeps it. The folder holds one
NumPy file for each dtype, ``float64.npy``, ``float32.npy``, ``int64.npy``, ``bool.npy``, with the elements of all
tensors one after the other, and ``manifest.json``, which says for each tensor at which step and in which phase it was
recorded, its name, shape, dtype, the order of its elements in memory (C: the last index runs fastest; F: the first)
and the place of its first element. The manifest is written last and in one move: a folder without one was left
half-written.

What models record, and under which names: `twinnet.model`, `twinnet.train`. Twin: r/R/record.R.
"""

from __future__ import annotations

import atexit
import json
import os
import platform
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from twinnet._types import AnyArray
from twinnet.checks import check_argument, check_flag, check_whole

__all__ = [
    "is_recording",
    "record",
    "record_phase",
    "record_read",
    "record_start",
    "record_step",
    "record_stop",
    "recording",
]

TRACE_DTYPES = {"float64": "<f8", "float32": "<f4", "int64": "<i8", "bool": "|b1"}
HEADER_SIZE = 128
MANIFEST = "manifest.json"
UNFIT = re.compile(r'["\\\x00-\x1f\x7f]')
_recorder: Any = None  # what record() hands its tensors to; None for nothing


def record(name: str, x: Any, of: str = "") -> Any:
    """Return `x`, and keep it if a recording is on.

    Parameters
    ----------
    name : str
        What it is. A name that was recorded before at the same step in the same phase gets ``#2``, ``#3``, ...
    x : array, number, or anything that NumPy makes an array of numbers from
        A PyTorch tensor is good too; None is not kept. A number is kept as an array of shape (1,), as it is in R; whole
        numbers of all sizes as int64.
    of : str
        What it is part of: ``record("out", x, of="conv1")`` is ``record("conv1.out", x)``, and costs nothing more
        where nothing records.

    Returns
    -------
    object
        `x`. (An instrument that measures rounding hands back a value disturbed by it: write
        ``out = record("out", out)`` to let it.)

    Raises
    ------
    ValueError
        While recording, if `x` holds no numbers, or `name` a quote, a backslash or a control character.
    """
    return x if _recorder is None else _recorder.add(f"{of}.{name}" if of else name, x)


def record_step(step: int) -> None:
    """Say which step what follows belongs to. A recording begins at step 0.

    Parameters
    ----------
    step : int
        At least 0.
    """
    if _recorder is not None:
        _recorder.step = check_whole(step, "step", minimum=0)


def record_phase(phase: str | None) -> str | None:
    """Say which phase of the step what follows belongs to. A recording begins in the phase ``""``.

    Parameters
    ----------
    phase : str or None
        ``"forward"``, ``"backward"`` or any other word; None to keep nothing until the next phase.

    Returns
    -------
    str or None
        The phase up to now; None where nothing records.
    """
    if _recorder is None:
        return None
    before: str | None = _recorder.phase
    _recorder.phase = phase if phase is None else check_name(phase, "phase")
    return before


def is_recording() -> bool:
    """Whether a recording is on and not paused: for what is worth computing only then.

    Returns
    -------
    bool
    """
    return _recorder is not None and _recorder.phase is not None


@contextmanager
def recording(
    folder: str | os.PathLike[str], steps: Sequence[int] | None = None, about: dict[str, Any] | None = None
) -> Iterator[None]:
    """Record what happens within a ``with`` block; an error in it leaves the trace half-written.

    Parameters
    ----------
    folder, steps, about
        As for `record_start`.
    """
    record_start(folder, steps, about)
    whole = False
    try:
        yield
        whole = True
    finally:
        record_stop(whole)


def record_start(
    folder: str | os.PathLike[str], steps: Sequence[int] | None = None, about: dict[str, Any] | None = None
) -> None:
    """Begin a recording.

    Parameters
    ----------
    folder : path
        A new or an empty folder, or one with an earlier trace, which is replaced.
    steps : sequence of int, optional
        The steps to keep; all unless given.
    about : dict, optional
        What the manifest is to say besides; ``experiment`` and what it decides, for a model's run.

    Raises
    ------
    ValueError
        If a recording is on, or the folder holds anything but a trace.
    """
    global _recorder  # noqa: PLW0603 (there is one recording, and record() must find it at no cost)
    check_argument(_recorder is None, "recording", str(folder), "the only one at a time")
    _recorder = Recorder(Path(folder), steps, about or {})


def record_stop(whole: bool = True) -> None:
    """End the recording.

    Parameters
    ----------
    whole : bool
        Whether to write the manifest that makes the trace whole; otherwise it is left half-written.

    Raises
    ------
    ValueError
        If no recording is on.
    """
    global _recorder
    check_argument(_recorder is not None, "recording", "off", "on")
    recorder, _recorder = _recorder, None
    recorder.close(check_flag(whole, "whole"))


def record_read(folder: str | os.PathLike[str], key: str) -> AnyArray:
    """One tensor of a trace.

    Parameters
    ----------
    folder : path
        Of a whole trace.
    key : str
        Step, phase and name, as in ``"step3/forward/relu1.out"``; without the phase where there was none,
        ``"step0/loss"``.

    Returns
    -------
    array

    Raises
    ------
    ValueError
        If the trace is half-written or has no such tensor.
    """
    path = Path(folder) / MANIFEST
    check_argument(path.exists(), "folder", str(folder), f"a whole trace, with its {MANIFEST}")
    for tensor in json.loads(path.read_text(encoding="utf-8"))["tensors"]:
        if tensor_key(tensor["step"], tensor["phase"], tensor["name"]) == key:
            shape, dtype = tuple(tensor["shape"]), tensor["dtype"]
            start = HEADER_SIZE + tensor["offset"] * np.dtype(dtype).itemsize
            with (Path(folder) / f"{dtype}.npy").open("rb") as file:
                file.seek(start)
                flat = np.fromfile(file, TRACE_DTYPES[dtype], int(np.prod(shape)))
            if flat.size < np.prod(shape):
                raise ValueError(f"{dtype}.npy is cut off: it ends before the last number of {key}.")
            return flat.reshape(shape, order=tensor["order"])
    raise ValueError(f"`key` must be that of a tensor of the trace {folder}, not {json.dumps(key)}.")


def exchange_recorder(recorder: Any) -> Any:
    """Let something else have what `record` is handed, and return what had it: how the instrument listens in.

    It has ``step`` and ``phase``, which are set, and ``add(name, x)``, whose value `record` returns.
    """
    global _recorder
    before, _recorder = _recorder, recorder
    return before


class Recorder:
    """What `record` hands its tensors to: the files of a trace as they grow."""

    def __init__(self, folder: Path, steps: Sequence[int] | None, about: dict[str, Any]) -> None:
        self.step = 0
        self.phase: str | None = ""
        self._folder = folder
        self._steps = None if steps is None else {check_whole(step, "steps", minimum=0) for step in steps}
        self._about = about
        self._files: dict[str, BinaryIO] = {}
        self._sizes: dict[str, int] = {}
        self._lines: list[str] = []
        self._times: dict[tuple[int, str, str], int] = {}
        clear_trace(folder)

    def add(self, name: str, x: Any) -> Any:
        """Keep a tensor and return it."""
        if self.phase is None or x is None or not (self._steps is None or self.step in self._steps):
            return x
        array, dtype = as_tensor(name, x)
        key = (self.step, self.phase, check_name(name, "name"))
        times = self._times[key] = self._times.get(key, 0) + 1
        name = name if times == 1 else f"{name}#{times}"
        offset = self._sizes.get(dtype, 0)
        order = "C" if array.flags.c_contiguous else "F"
        file = self._files.get(dtype) or self._open(dtype)
        if array.size > 0:
            file.write((array if order == "C" else array.T).data)
        self._sizes[dtype] = offset + array.size
        self._lines.append(
            f'{{"step": {self.step}, "phase": "{self.phase}", "name": "{name}", "shape": {list(array.shape)}, '
            f'"dtype": "{dtype}", "order": "{order}", "offset": {offset}}}'
        )
        return x

    def close(self, whole: bool) -> None:
        """Give the files their lengths, and write the manifest if the trace is whole."""
        for dtype, file in self._files.items():
            file.seek(0)
            file.write(npy_header(TRACE_DTYPES[dtype], self._sizes[dtype]))
            file.close()
        if whole:
            head = {
                "format": "twinnet-trace",
                "version": 1,
                "complete": True,
                **trace_origin(),
                **self._about,
                "sizes": self._sizes,
            }
            text = json.dumps(head, allow_nan=False)[:-1] + ', "tensors": [\n' + ",\n".join(self._lines) + "\n]}\n"
            partial = self._folder / f"{MANIFEST}.part"
            partial.write_text(text, encoding="utf-8")
            os.replace(partial, self._folder / MANIFEST)

    def _open(self, dtype: str) -> BinaryIO:
        """The file of a dtype, with room for its header."""
        file = self._files[dtype] = (self._folder / f"{dtype}.npy").open("wb", buffering=1 << 20)
        file.write(npy_header(TRACE_DTYPES[dtype], 0))
        return file


def tensor_key(step: int, phase: str, name: str) -> str:
    """What a tensor of a trace is found by: ``"step3/forward/relu1.out"``."""
    return f"step{step}/{phase}/{name}" if phase else f"step{step}/{name}"


def check_name(value: Any, name: str) -> str:
    """Return a tensor's or a phase's name if a manifest can hold it as it is."""
    ok = isinstance(value, str) and not UNFIT.search(value)
    check_argument(ok, name, value, "a string without quotes, backslashes and control characters")
    return str(value)


def as_tensor(name: str, x: Any) -> tuple[AnyArray, str]:
    """A value as an array of one of the dtypes of a trace, its elements in memory in C or F order; and that dtype."""
    array = np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)
    dtype = kept_dtype(array.dtype)
    if not dtype:
        check_argument(False, name, array.dtype.name, "numbers, of a dtype that a trace can hold")
    array = array.astype(dtype, copy=False) if array.ndim > 0 else array.astype(dtype).reshape(1)
    return (array if array.flags.forc else np.ascontiguousarray(array)), dtype


@lru_cache
def kept_dtype(dtype: Any) -> str:
    """The dtype of a trace that holds every number of another dtype; an empty string if there is none."""
    return next((kept for kept in ("bool", "int64", "float32", "float64") if np.can_cast(dtype, kept)), "")


def npy_header(descr: str, size: int) -> bytes:
    """The first bytes of a .npy file of `size` numbers (numpy.lib.format, version 1.0), always as many."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({size},), }}"
    return b"\x93NUMPY\x01\x00" + (HEADER_SIZE - 10).to_bytes(2, "little") + f"{text:<{HEADER_SIZE - 11}}\n".encode()


def clear_trace(folder: Path) -> None:
    """Make a folder ready for a trace: make it, or remove the trace that it holds, and nothing else."""
    ours = {MANIFEST, f"{MANIFEST}.part", *(f"{dtype}.npy" for dtype in TRACE_DTYPES)}
    found = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    must_be = "a new or an empty folder, or one with an earlier trace alone"
    check_argument(set(found) <= ours, "folder", [str(folder), *[name for name in found if name not in ours]], must_be)
    folder.mkdir(parents=True, exist_ok=True)
    for name in sorted(found, key=lambda name: name != MANIFEST):  # the manifest first: no whole trace loses a file
        (folder / name).unlink()


def trace_origin() -> dict[str, Any]:
    """What recorded a trace: the language, versions, BLAS and its threads, and the order of indices."""
    from twinnet import __version__

    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "language": "Python",
        "versions": {"Python": platform.python_version(), "NumPy": np.__version__, "twinnet": __version__},
        "blas": f"{blas['name']} {blas['version']}",
        "threads": os.environ.get("OPENBLAS_NUM_THREADS", "default"),
        "index_order": "C",
    }


def record_from_environment() -> None:
    """Record all that this process does, if TWINNET_RECORD names a folder; ``twinnet pair`` sets it for a script.

    The variable is taken away, so that what the process starts does not record into the same folder. The manifest is
    written when the process ends; whether it ended well is for the one who started it to see.
    """
    folder = os.environ.pop("TWINNET_RECORD", "")
    if folder:
        record_start(folder)
        atexit.register(lambda: record_stop() if _recorder is not None else None)


record_from_environment()
