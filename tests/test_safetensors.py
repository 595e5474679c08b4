"""Safetensors files: both languages write the same bytes, the format's own package reads them, damage is refused."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from bit_patterns import assert_same_bits
from twinnet.parity.bridge import RError
from twinnet.safetensors import safetensors_read, safetensors_write, with_md5

TENSORS = {
    "a/w": np.asarray([[1.5, -0.0, np.nan], [5e-324, np.inf, 1.7976931348623157e308]]),
    "vector": np.arange(4.0),
    "one": np.ones(1),
    "images": np.random.default_rng(1).normal(size=(2, 3, 4, 5)),
    "none": np.empty((0, 3)),
    'a "quoted" näme\n': np.zeros(2),
}
TEXTS = {"status": "maxit", 'a "key" / ü\n': 'tab\t, back\\slash, "quotes", 漢'}


def written(tmp_path, tensors=TENSORS, texts=TEXTS):
    path = tmp_path / "python.safetensors"
    safetensors_write(path, tensors, texts)
    return path


def file_of(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(shape=(2,), offsets=(0, 16), dtype="F64"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def test_what_is_written_is_read_again_bit_for_bit(r, tmp_path):
    path = written(tmp_path)
    tensors, texts = safetensors_read(path)
    read = r.call("safetensors_read", str(path))
    assert texts == TEXTS
    assert {name: text.item() for name, text in read["metadata"].items()} == TEXTS
    assert sorted(tensors) == sorted(read["tensors"]) == sorted(TENSORS)
    for name, tensor in TENSORS.items():
        assert_same_bits(tensors[name], tensor, f"{name} in Python")
        assert_same_bits(read["tensors"][name], tensor, f"{name} in R")


def test_both_languages_write_the_same_bytes(r, tmp_path):
    path = written(tmp_path)
    r.call("safetensors_write", str(tmp_path / "r.safetensors"), TENSORS, TEXTS)
    assert (tmp_path / "r.safetensors").read_bytes() == path.read_bytes()
    safetensors_write(path, {"a": np.ones(2)})
    r.call("safetensors_write", str(tmp_path / "r.safetensors"), {"a": np.ones(2)})
    assert (tmp_path / "r.safetensors").read_bytes() == path.read_bytes()


def test_the_formats_own_package_reads_what_is_written(tmp_path):
    single = {"single": np.asarray([[0.1, 0.2], [0.3, 0.4]], np.float32), "odd": np.ones(3, np.float32)}
    path = written(tmp_path, {**single, **TENSORS})
    theirs = safetensors.numpy.load_file(path)
    assert sorted(theirs) == sorted([*TENSORS, *single])
    for name, tensor in TENSORS.items():
        assert_same_bits(theirs[name], tensor, name)
    for name, tensor in single.items():
        assert theirs[name].dtype == np.float32
        assert theirs[name].tobytes() == tensor.tobytes()
    with safetensors.safe_open(path, framework="numpy") as file:
        texts = dict(file.metadata())
    assert len(texts.pop("md5")) == 32
    assert texts == TEXTS


def test_what_the_formats_own_package_writes_is_read(r, tmp_path):
    path = tmp_path / "theirs.safetensors"
    single = {"single": np.asarray([[0.1, 0.2], [0.3, 0.4]], np.float32)}
    safetensors.numpy.save_file({**TENSORS, **single}, path, metadata=TEXTS)
    tensors, texts = safetensors_read(path)
    assert texts == TEXTS
    assert tensors["single"].dtype == np.float32
    assert tensors["single"].tobytes() == single["single"].tobytes()
    for name, tensor in TENSORS.items():
        assert_same_bits(tensors[name], tensor, name)
        in_r = r.eval("function(path, name) safetensors_read(path)$tensors[[name]]", convert=False)
        assert_same_bits(r.from_r(in_r(r.to_r(str(path)), r.to_r(name))), tensor, f"{name} in R")
    in_r = r.eval(f'unclass(safetensors_read("{path}")$tensors$single)')
    assert_same_bits(in_r, single["single"], "float32 in R")
    assert r.eval(f'class(safetensors_read("{path}")$tensors$single)').tolist() == ["float32"]
    again = tmp_path / "again.safetensors"
    r.eval(f'{{ read <- safetensors_read("{path}"); safetensors_write("{again}", read$tensors, read$metadata) }}')
    theirs = safetensors.numpy.load_file(again)
    assert theirs["single"].dtype == np.float32
    assert theirs["single"].tobytes() == single["single"].tobytes()


def test_other_numbers_than_float64_and_float32_are_refused(r, tmp_path):
    with pytest.raises(ValueError, match="`rows` must be an array of float64 or float32, not"):
        safetensors_write(tmp_path / "a", {"rows": np.arange(3)})
    with pytest.raises(RError, match="`rows` must be an array of doubles, not"):
        r.call("safetensors_write", str(tmp_path / "a"), {"rows": np.arange(3)})
    path = tmp_path / "half.safetensors"
    safetensors.numpy.save_file({"half": np.ones(2, np.float16)}, path)
    refused_by_both(r, path, "holds `half` as F16, and only F64 and F32 are read.")


def refused_by_both(r, path, message):
    with pytest.raises((ValueError, FileNotFoundError)) as ours:
        safetensors_read(path)
    with pytest.raises(RError) as theirs:
        r.call("safetensors_read", str(path))
    assert str(ours.value) == theirs.value.message == f"{path} {message}"


NOT_JSON = "is not a safetensors file, or is damaged: its header is not a JSON object."
UNKNOWN = "is damaged: its header does not say what `a` is."
MISPLACED = "is damaged: `a` is not where it should be among the data."
BAD_FILES = {
    "empty": (b"", "is not a safetensors file: it has 0 bytes."),
    "short": (b"1234567", "is not a safetensors file: it has 7 bytes."),
    "text": (
        b"step,loss,accuracy\n",
        "is not a safetensors file, or is damaged: a header of "
        f"{float(int.from_bytes(b'step,los', 'little')):.0f} bytes is promised, and 11 bytes follow.",
    ),
    "header too long": (
        file_of({"a": entry()}, b"\0" * 16, 1000),
        "is not a safetensors file, or is damaged: a header of 1000 bytes is promised, and 78 bytes follow.",
    ),
    "header not JSON": (file_of(b"not JSON"), NOT_JSON),
    "header not UTF-8": (file_of(b'{"\xff\xfe":1}'), NOT_JSON),
    "header with a zero byte": (file_of(b'{"\0":1}'), NOT_JSON),
    "header a list": (file_of([1, 2]), NOT_JSON),
    "header a number": (file_of(b"1"), NOT_JSON),
    "no header": (file_of(b""), NOT_JSON),
    "a name twice": (file_of(b'{"a":1,"a":2}'), NOT_JSON),
    "a key twice": (file_of(b'{"a":{"dtype":"F64","dtype":"F32"}}'), NOT_JSON),
    "texts that are none": (
        file_of({"__metadata__": {"step": 7}}),
        "is damaged: its __metadata__ is not texts by name.",
    ),
    "texts without names": (file_of({"__metadata__": ["a"]}), "is damaged: its __metadata__ is not texts by name."),
    "a tensor that is a number": (file_of({"a": 1}), UNKNOWN),
    "a tensor without a shape": (file_of({"a": {"dtype": "F64", "data_offsets": [0, 0]}}), UNKNOWN),
    "a negative size": (file_of({"a": entry([-1])}, b"\0" * 16), UNKNOWN),
    "half a size": (file_of({"a": entry([0.5])}, b"\0" * 16), UNKNOWN),
    "a size in words": (file_of({"a": entry(["2"])}, b"\0" * 16), UNKNOWN),
    "an unknown dtype": (
        file_of({"a": entry(dtype="I64")}, b"\0" * 16),
        "holds `a` as I64, and only F64 and F32 are read.",
    ),
    "a shape that the place does not fit": (file_of({"a": entry([3])}, b"\0" * 16), MISPLACED),
    "a shape beyond all memory": (file_of({"a": entry([2**40, 2**40])}, b"\0" * 16), MISPLACED),
    "a place that does not begin": (file_of({"a": entry([1], [8, 16])}, b"\0" * 16), MISPLACED),
    "one place only": (file_of({"a": entry([2], [0])}, b"\0" * 16), UNKNOWN),
    "data cut short": (
        file_of({"a": entry()}, b"\0" * 15),
        "is damaged: it should have 16 bytes of data, and has 15.",
    ),
    "more data": (file_of({"a": entry()}, b"\0" * 17), "is damaged: it should have 16 bytes of data, and has 17."),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_foreign_or_damaged_is_refused_by_name(r, tmp_path, name):
    content, message = BAD_FILES[name]
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    refused_by_both(r, path, message)


def test_tensors_that_overlap_are_refused(r, tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(file_of({"a": entry(), "b": entry([1], [8, 16])}, b"\0" * 16))
    refused_by_both(r, path, "is damaged: `b` is not where it should be among the data.")


def test_a_missing_file_is_named(r, tmp_path):
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(FileNotFoundError) as ours:
            safetensors_read(path)
        with pytest.raises(RError) as theirs:
            r.call("safetensors_read", str(path))
        assert str(ours.value) == theirs.value.message == f"There is no file {path}."


def test_a_file_is_refused_wherever_it_is_cut_or_changed(r, tmp_path):
    content = written(tmp_path, {"a": np.arange(3.0), "b": np.ones((2, 2))}, {"status": "maxit"}).read_bytes()
    path = tmp_path / "changed.safetensors"
    header = 8 + int.from_bytes(content[:8], "little")
    texts = {"a": [0.0, 1.0, 2.0], "b": [[1.0, 1.0], [1.0, 1.0]]}
    for at in range(len(content)):
        for changed in (content[:at], content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :]):
            path.write_bytes(changed)
            same = []
            for language in ("Python", "R"):
                try:
                    read = safetensors_read(path)[0] if language == "Python" else r.call("safetensors_read", str(path))
                    found = read if language == "Python" else read["tensors"]
                    same.append({name: value.tolist() for name, value in found.items()})
                except (ValueError, RError) as refused:
                    same.append(None if "changed.safetensors" in str(refused) else refused)
            assert same[0] == same[1], f"byte {at} of {len(content)}: {same[0]} in Python, {same[1]} in R"
            # the one text whose loss only loses the check: the name of the MD5 itself
            assert same[0] is None or (same[0] == texts and at < header and b'"md5"' not in changed), f"byte {at}"


def test_the_md5_is_that_of_the_file_with_zeros_in_its_place(tmp_path):
    content = written(tmp_path).read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    with_zeros = content.replace(header["__metadata__"]["md5"].encode(), b"0" * 32)
    assert with_md5(with_zeros) == content


@pytest.mark.parametrize("language", ["python", "r"])
def test_a_full_disk_leaves_the_old_file(tmp_path, language):
    """A limit on the size of files is a full disk to whoever writes one."""
    path = tmp_path / "weights.safetensors"
    safetensors_write(path, {"a": np.arange(3.0)})
    before = path.read_bytes()
    commands = {
        "python": [
            sys.executable,
            "-c",
            "import sys, numpy as np; from twinnet.safetensors import safetensors_write; "
            "safetensors_write(sys.argv[1], {'a': np.ones(100000)})",
        ],
        "r": [
            "Rscript",
            "-e",
            "arguments <- commandArgs(TRUE); if (nzchar(arguments[2])) .libPaths(c(arguments[2], .libPaths())); "
            "twinnet::safetensors_write(arguments[1], list(a = rep(1, 1e5)))",
        ],
    }
    library = os.environ.get("TWINNET_R_LIBRARY", str(Path(__file__).resolve().parents[1] / ".build" / "r-library"))

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400000, 400000))

    done = subprocess.run(
        [*commands[language], str(path), library], capture_output=True, text=True, check=False, preexec_fn=limited
    )
    assert done.returncode != 0
    message = " ".join(done.stderr.split())
    assert f"{path} could not be written: " in message
    assert "What was there before is unchanged." in message
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path], "nothing else is left"


def test_a_folder_that_is_not_there_is_named(r, tmp_path):
    path = tmp_path / "nowhere" / "a.safetensors"
    for write in (lambda: safetensors_write(path, {}), lambda: r.call("safetensors_write", str(path), {})):
        with pytest.raises((OSError, RError)) as refused:
            write()
        message = getattr(refused.value, "message", str(refused.value))
        assert message.startswith(f"{path} could not be written: ")
        assert message.endswith(". What was there before is unchanged.")
