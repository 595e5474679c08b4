"""Tensors in a file that R, NumPy, PyTorch and others read: the safetensors format.

A file is the length of its header, 8 bytes with the lowest first; the header, JSON: under each tensor's name its dtype,
shape and place among the data, and under ``__metadata__`` texts by name; and the data, numbers with the lowest byte
first, each tensor's with its last index running fastest (https://github.com/huggingface/safetensors, "Format").

What is written here also has an MD5 among its texts, of the whole file with zeros in the MD5's place: no damaged file
is taken for a sound one. A file is written beside its place and moved there when it is whole: whatever goes wrong, what
was there before stays. Twin: r/R/safetensors.R.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from twinnet._types import AnyArray
from twinnet.checks import check_argument, refuse_file

__all__ = ["safetensors_read", "safetensors_write"]

TENSOR_BYTES = {"F64": 8, "F32": 4}
NO_MD5 = "0" * 32


def safetensors_write(
    path: str | os.PathLike[str], tensors: dict[str, AnyArray], metadata: dict[str, str] | None = None
) -> None:
    """Write tensors to a safetensors file; if there is one, it is replaced in one move.

    Parameters
    ----------
    path : str or path
        The file.
    tensors : dict of arrays
        By name; of float64, or of float32.
    metadata : dict of str, optional
        Texts by name.

    Raises
    ------
    OSError
        If the file cannot be written; what was there before is unchanged.
    """
    for name, tensor in tensors.items():
        check_argument(tensor.dtype in ("f8", "f4"), name, tensor, "an array of float64 or float32")
    entries: dict[str, Any] = {"__metadata__": {**(metadata or {}), "md5": NO_MD5}}
    data, at = [], 0
    for size in (8, 4):  # so that each number stands at a multiple of its size
        for name, tensor in tensors.items():
            if tensor.itemsize == size:
                part = tensor.astype(f"<f{size}").tobytes(order="C")
                entry = {"dtype": f"F{8 * size}", "shape": list(tensor.shape), "data_offsets": [at, at + len(part)]}
                entries[name] = entry
                data.append(part)
                at += len(part)
    header = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    header += b" " * (-len(header) % 8)
    replace_file(path, with_md5(b"".join([len(header).to_bytes(8, "little"), header, *data])))


def safetensors_read(path: str | os.PathLike[str]) -> tuple[dict[str, AnyArray], dict[str, str]]:
    """Read a safetensors file.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    tensors : dict of arrays
        By name; float64 or float32, as they were written.
    metadata : dict of str
        Texts by name; the MD5 is not among them.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a safetensors file, is damaged, or holds other numbers than float64 and float32.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {os.fspath(path)}.")
    content = Path(path).read_bytes()
    entries = read_header(path, content)
    texts = check_texts(path, entries.pop("__metadata__", {}))
    data = content[8 + int.from_bytes(content[:8], "little") :]
    check_places(path, entries, len(data))
    md5 = texts.pop("md5", None)
    if md5 is not None and md5 != md5_with_zeros(content, md5):
        refuse_file(path, "is damaged: it does not have the MD5 that it names")
    tensors = {}
    for name, entry in entries.items():
        count = math.prod(entry["shape"])
        numbers = np.frombuffer(data, f"<f{TENSOR_BYTES[entry['dtype']]}", count, entry["data_offsets"][0])
        tensors[name] = numbers.reshape(entry["shape"]).astype(numbers.dtype.newbyteorder("="))
    return tensors, texts


def read_header(path: str | os.PathLike[str], content: bytes) -> dict[str, Any]:
    """The header of a file: what it says of each tensor, and its texts."""
    if len(content) < 8:
        refuse_file(path, f"is not a safetensors file: it has {len(content)} bytes")
    size = int.from_bytes(content[:8], "little")
    if size > len(content) - 8:
        what = f"a header of {float(size):.0f} bytes is promised, and {len(content) - 8} bytes follow"
        refuse_file(path, f"is not a safetensors file, or is damaged: {what}")
    try:
        entries = json.loads(content[8 : 8 + size].decode(), object_pairs_hook=unlike_names)
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, dict):
        refuse_file(path, "is not a safetensors file, or is damaged: its header is not a JSON object")
    return entries


def unlike_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, if no name occurs twice."""
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise ValueError
    return entries


def check_texts(path: str | os.PathLike[str], texts: Any) -> dict[str, str]:
    """Return the texts of a header if they are texts."""
    if not (isinstance(texts, dict) and all(isinstance(text, str) for text in texts.values())):
        refuse_file(path, "is damaged: its __metadata__ is not texts by name")
    return texts


def check_places(path: str | os.PathLike[str], entries: dict[str, Any], size: int) -> None:
    """Refuse a file unless its tensors are of known dtypes and fill the data one after another."""
    places = []
    for name, entry in entries.items():
        known = isinstance(entry, dict) and {*entry} == {"dtype", "shape", "data_offsets"}
        if not (known and are_whole(entry["shape"]) and are_whole(entry["data_offsets"], 2)):
            refuse_file(path, f"is damaged: its header does not say what `{name}` is")
        if entry["dtype"] not in TENSOR_BYTES:
            refuse_file(path, f"holds `{name}` as {entry['dtype']}, and only {' and '.join(TENSOR_BYTES)} are read")
        places.append((*entry["data_offsets"], math.prod(entry["shape"]) * TENSOR_BYTES[entry["dtype"]], name))
    at = 0
    for begin, end, length, name in sorted(places):
        if begin != at or end - begin != length:
            refuse_file(path, f"is damaged: `{name}` is not where it should be among the data")
        at = end
    if at != size:
        refuse_file(path, f"is damaged: it should have {at} bytes of data, and has {size}")


def are_whole(values: Any, length: int | None = None) -> bool:
    """Whether `values` is a list of whole numbers from 0 to 2^53, of a length if it is given."""
    of_length = isinstance(values, list) and length in (None, len(values))
    return of_length and all(type(value) is int and 0 <= value <= 2**53 for value in values)


def md5_with_zeros(content: bytes, md5: str) -> str:
    """The MD5 of a file's content with zeros where `md5` first occurs in it."""
    return hashlib.md5(content.replace(md5.encode(), NO_MD5.encode(), 1), usedforsecurity=False).hexdigest()


def with_md5(content: bytes) -> bytes:
    """A file's content with its MD5 where the zeros are."""
    return content.replace(NO_MD5.encode(), md5_with_zeros(content, NO_MD5).encode(), 1)


def replace_file(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file beside its place, and move it there when all of it is on the disk."""
    partial = Path(f"{os.fspath(path)}.part")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        what = f"could not be written: {error.strerror}. What was there before is unchanged"
        raise OSError(f"{os.fspath(path)} {what}.") from error
