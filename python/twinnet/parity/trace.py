"""Traces: what `twinnet.record` wrote in either language, read and checked.

A trace that cannot be trusted is refused with the name of the file and what is wrong with it: one that was left
half-written, a manifest that disagrees with its files, a file that was cut off or is not NumPy's.
"""

from __future__ import annotations

import json
import math
import mmap
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from twinnet._types import AnyArray
from twinnet.record import MANIFEST, TRACE_DTYPES, tensor_key

__all__ = ["Trace", "TraceEntry", "TraceError", "read_trace"]


class TraceError(ValueError):
    """A folder holds no trace that can be trusted; the message names it and what is wrong."""


@dataclass(frozen=True)
class TraceEntry:
    """Where one tensor of a trace stands.

    Attributes
    ----------
    key : str
        ``"step3/forward/relu1.out"``; without the phase where there is none.
    step : int
    phase : str
    name : str
        ``"relu1.out"``.
    shape : tuple of int
    dtype : str
        One of ``float64``, ``float32``, ``int64``, ``bool``.
    order : str
        ``"C"`` if the last index runs fastest in memory, ``"F"`` if the first does.
    offset : int
        Its first element's place in the file of its dtype.
    ordinal : int
        Its place in the order of execution, from 0.
    """

    key: str
    step: int
    phase: str
    name: str
    shape: tuple[int, ...]
    dtype: str
    order: str
    offset: int
    ordinal: int

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def file(self) -> str:
        """Name of the file that holds it."""
        return f"{self.dtype}.npy"


@dataclass(frozen=True)
class Trace:
    """A whole trace; its tensors stay in their files until they are asked for.

    Attributes
    ----------
    folder : Path
    manifest : dict
        Everything the manifest says but the tensors: ``language``, ``versions``, ``blas``, ``threads``,
        ``index_order``, and what the recording was about.
    entries : tuple of TraceEntry
        In the order of execution.
    """

    folder: Path
    manifest: dict[str, Any]
    entries: tuple[TraceEntry, ...]
    by_key: dict[str, TraceEntry] = field(repr=False)
    files: dict[str, AnyArray] = field(repr=False)
    maps: tuple[mmap.mmap, ...] = field(repr=False, default=())

    @property
    def label(self) -> str:
        """The language that wrote it, as a report names it."""
        return str(self.manifest.get("label") or self.manifest["language"])

    def has(self, key: str) -> bool:
        """Whether there is a tensor of this key."""
        return key in self.by_key

    def flat(self, key: str) -> AnyArray:
        """The elements of a tensor in the order in which they lie in its file: a read-only view of the file."""
        entry = self.by_key[key]
        return self.files[entry.dtype][entry.offset : entry.offset + entry.size]

    def release(self) -> None:
        """Let go of the parts of the files that were read into memory; they are read again where they are needed."""
        for each in self.maps:
            if hasattr(each, "madvise"):  # not on all systems; elsewhere they go when memory is short
                each.madvise(mmap.MADV_DONTNEED)

    def load(self, key: str) -> AnyArray:
        """A tensor, as a read-only view of its file.

        Parameters
        ----------
        key : str

        Returns
        -------
        array

        Raises
        ------
        TraceError
            If there is no such tensor.
        """
        if key not in self.by_key:
            raise TraceError(f"{self.folder}: the trace has no tensor {key}.")
        entry = self.by_key[key]
        return self.flat(key).reshape(entry.shape, order="F" if entry.order == "F" else "C")


def read_trace(folder: str | os.PathLike[str]) -> Trace:
    """Read a trace and check that its manifest and its files agree.

    Parameters
    ----------
    folder : path

    Returns
    -------
    Trace

    Raises
    ------
    TraceError
        If there is no whole trace in the folder, or its parts disagree.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    sizes, tensors = manifest.get("sizes"), manifest.get("tensors")
    if not isinstance(sizes, dict) or not isinstance(tensors, list):
        raise TraceError(f"{folder / MANIFEST}: it must say the `sizes` of its files and list the `tensors`.")
    mapped = {dtype: read_file(folder, dtype, size) for dtype, size in sizes.items()}
    entries = tuple(read_entry(folder, sizes, tensor, ordinal) for ordinal, tensor in enumerate(tensors))
    by_key = {entry.key: entry for entry in entries}
    if len(by_key) < len(entries):
        seen: set[str] = set()
        twice = next(entry.key for entry in entries if entry.key in seen or seen.add(entry.key))  # type: ignore[func-returns-value]
        raise TraceError(f"{folder / MANIFEST}: {twice} is listed twice.")
    about = {key: value for key, value in manifest.items() if key != "tensors"}
    files = {dtype: numbers for dtype, (numbers, _) in mapped.items()}
    return Trace(folder, about, entries, by_key, files, tuple(content for _, content in mapped.values()))


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a folder, if it is that of a whole trace."""
    path = folder / MANIFEST
    if not folder.is_dir():
        raise TraceError(f"{folder}: there is no such folder.")
    if not path.exists():
        files = [dtype for dtype in TRACE_DTYPES if (folder / f"{dtype}.npy").exists()]
        if files:
            raise TraceError(
                f"{folder}: the trace is half-written: its recording did not end, so it has no {MANIFEST}."
            )
        raise TraceError(f"{folder}: there is no trace here, that is no {MANIFEST}.")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise TraceError(f"{path}: it is not JSON ({error}).") from error
    if not isinstance(manifest, dict) or manifest.get("format") != "twinnet-trace":
        raise TraceError(f'{path}: it is not the manifest of a trace (its `format` is not "twinnet-trace").')
    if manifest.get("version") != 1:
        raise TraceError(f"{path}: it is of version {manifest.get('version')}; this twinnet reads version 1.")
    if manifest.get("complete") is not True or not isinstance(manifest.get("language"), str):
        raise TraceError(f"{path}: it does not say that the trace is `complete`, and in which `language` it was made.")
    return manifest


def read_file(folder: Path, dtype: str, size: Any) -> tuple[AnyArray, mmap.mmap]:
    """The file of a dtype as a read-only map, if it holds as many numbers as the manifest says."""
    path = folder / f"{dtype}.npy"
    if dtype not in TRACE_DTYPES or not is_count(size):
        raise TraceError(f"{folder / MANIFEST}: `sizes` names {dtype} of {size}; known are {', '.join(TRACE_DTYPES)}.")
    if not path.exists():
        raise TraceError(f"{path}: the manifest names it, but it is not there.")
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read_header = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}[version[0]]
            shape, _, found = read_header(file)
            start = file.tell()
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (ValueError, EOFError, OSError, KeyError) as error:
        raise TraceError(f"{path}: it is cut off, or not a .npy file ({error}).") from error
    if found.str != TRACE_DTYPES[dtype] or shape != (size,):
        raise TraceError(
            f"{path}: the manifest says {size} numbers of {dtype}, and it holds an array of shape {shape} of {found}."
        )
    if len(content) != start + size * found.itemsize:
        raise TraceError(f"{path}: it is cut off: {len(content)} bytes of {start + size * found.itemsize}.")
    return np.frombuffer(content, found, size, start), content


def read_entry(folder: Path, sizes: dict[str, int], tensor: Any, ordinal: int) -> TraceEntry:
    """One tensor of the manifest, if its place is within its file."""
    kinds = {"step": is_count, "phase": is_text, "name": is_text, "shape": is_shape, "order": is_order}
    kinds |= {"dtype": lambda value: value in sizes, "offset": is_count}
    wrong = [key for key, ok in kinds.items() if not (isinstance(tensor, dict) and ok(tensor.get(key)))]
    if wrong:
        raise TraceError(f"{folder / MANIFEST}: tensor {ordinal} has an unsound {', '.join(wrong)}: {tensor}.")
    key = tensor_key(tensor["step"], tensor["phase"], tensor["name"])
    shape = tuple(tensor["shape"])
    entry = TraceEntry(
        key, tensor["step"], tensor["phase"], tensor["name"], shape, tensor["dtype"], tensor["order"],
        tensor["offset"], ordinal
    )  # fmt: skip
    if entry.offset + entry.size > sizes[entry.dtype]:
        raise TraceError(
            f"{folder / MANIFEST}: {key} would end beyond the {sizes[entry.dtype]} numbers of {entry.file}."
        )
    return entry


def is_count(value: Any) -> bool:
    """Whether a value of JSON is a whole number of at least 0."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_text(value: Any) -> bool:
    """Whether a value of JSON is a string."""
    return isinstance(value, str)


def is_shape(value: Any) -> bool:
    """Whether a value of JSON is a shape."""
    return isinstance(value, list) and len(value) > 0 and all(is_count(size) for size in value)


def is_order(value: Any) -> bool:
    """Whether a value of JSON is an order of elements in memory."""
    return value in ("C", "F")
