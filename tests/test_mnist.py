"""MNIST and Fashion-MNIST: R and Python read the same bytes, and refuse files that are not what they should be."""

from __future__ import annotations

import contextlib
import functools
import gzip
import hashlib
import http.server
import importlib.util
import re
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
from bit_patterns import assert_same_bits
from twinnet.datasets import shared_data_path
from twinnet.mnist import (
    FASHION_MNIST_CHECKSUMS,
    FASHION_MNIST_CLASSES,
    FASHION_MNIST_SMALL_CHECKSUMS,
    MNIST_CHECKSUMS,
    load_fashion_mnist,
    load_mnist,
    mnist_batch,
    mnist_images,
    read_idx,
)
from twinnet.parity.bridge import RError
from twinnet.problems import batch_inputs, problem_fashion_mnist


@pytest.fixture(scope="module")
def mnist():
    return load_mnist()


@pytest.fixture(scope="module")
def r_mnist(r):
    """R's own copy, as an R object: R's bytes would come back from Python as integers."""
    return r.call("load_mnist", convert=False)


def part_of(r, r_mnist, name):
    return r.eval("function(data, name) data[[name]]", convert=False)(r_mnist, r.to_r(name))


def idx(array, kind=8):
    array = np.asarray(array, np.uint8)
    return bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def test_the_data_are_what_they_are_known_to_be(mnist):
    assert mnist["x_train"].shape == (60000, 28, 28)
    assert mnist["x_test"].shape == (10000, 28, 28)
    for part, n in (("train", 60000), ("test", 10000)):
        assert mnist[f"x_{part}"].dtype == np.uint8
        assert mnist[f"labels_{part}"].dtype == np.int64
        assert mnist[f"labels_{part}"].shape == (n,)
        assert sorted(set(mnist[f"labels_{part}"].tolist())) == list(range(10))


def test_read_only_bytes_cannot_be_changed_by_mistake(mnist):
    with pytest.raises(ValueError, match="read-only"):
        mnist["x_train"][0, 0, 0] = 1


@pytest.mark.parametrize("name", MNIST_CHECKSUMS)
def test_python_reads_every_byte_of_the_files(mnist, name):
    unpacked = gzip.decompress(shared_data_path(f"mnist/{name}").read_bytes())
    part = "train" if name.startswith("train") else "test"
    array = mnist[f"{'x' if 'images' in name else 'labels'}_{part}"]
    header = 4 + 4 * array.ndim
    assert array.astype(np.uint8).tobytes() == unpacked[header:]
    assert hashlib.md5(unpacked).hexdigest() == MNIST_CHECKSUMS[name]
    readme = shared_data_path("mnist/README.md").read_text(encoding="utf-8")
    assert MNIST_CHECKSUMS[name] in readme
    assert str(len(unpacked)) in readme


def test_r_reads_the_same_images_and_labels(r, mnist, r_mnist, tmp_path):
    write = r.eval("function(array, path) writeBin(as.raw(aperm(as.array(array))), path)", convert=False)
    assert list(r_mnist.names) == list(mnist)
    for name, ours in mnist.items():
        theirs = part_of(r, r_mnist, name)
        kind, shape = (r.from_r(r.eval(code, convert=False)(theirs)).tolist() for code in ("typeof", "NROW"))
        assert kind == ["raw" if name.startswith("x") else "integer"]
        assert shape == [len(ours)]
        write(theirs, r.to_r(str(tmp_path / name)))  # the bridge would take a minute for as many bytes
        in_r = np.fromfile(tmp_path / name, np.uint8).reshape(ours.shape)
        differing = np.argwhere(in_r != ours)
        assert len(differing) == 0, f"{name}: {len(differing)} differ, the first at {differing[0]}"


@pytest.mark.parametrize("part", ["x_train", "x_test"])
def test_batches_hold_the_same_pixels(r, mnist, r_mnist, part):
    x = mnist[part]
    rows = np.random.default_rng(1).integers(0, len(x), 100)
    rows[:2] = 0, len(x) - 1
    theirs = part_of(r, r_mnist, part)
    batch = mnist_batch(x, rows)
    assert batch.shape == (100, 784)
    assert batch.dtype == np.float64
    assert_same_bits(batch, x[rows].reshape(100, 784).astype(np.float64) / 255, "batch")
    assert_same_bits(batch, r.call("mnist_batch", theirs, rows + 1), "batch")
    images = mnist_images(x, rows)
    assert images.shape == (100, 1, 28, 28)
    assert_same_bits(images.reshape(100, 784), batch, "images")
    assert_same_bits(images, r.call("mnist_images", theirs, rows + 1), "images")
    assert_same_bits(mnist_batch(x, rows[:1]), r.call("mnist_batch", theirs, rows[:1] + 1), "a batch of one")


def test_a_row_that_is_not_an_image_is_refused(r, mnist, r_mnist):
    x, theirs = mnist["x_test"], part_of(r, r_mnist, "x_test")
    for row in (-1, 10000):
        for function in (mnist_batch, mnist_images):
            with pytest.raises(ValueError, match="`rows` must be numbers of the 10000 images, from 0, not"):
                function(x, np.array([3, row]))
            with pytest.raises(RError, match="`rows` must be numbers of the 10000 images, from 1, not"):
                r.call(function.__name__, theirs, np.array([3, row]) + 1)


@pytest.mark.parametrize("shape", [(7,), (0,), (2, 3), (2, 3, 4), (2, 3, 4, 5), (0, 28, 28)])
@pytest.mark.parametrize("packed", [True, False], ids=["packed", "not packed"])
def test_idx_files_of_any_shape_are_read(r, tmp_path, shape, packed):
    array = np.random.default_rng(shape).integers(0, 256, shape).astype(np.uint8)
    path = tmp_path / "array"
    path.write_bytes(gzip.compress(idx(array)) if packed else idx(array))
    checksum = hashlib.md5(idx(array)).hexdigest()
    assert_same_bits(read_idx(path), array, "Python")
    assert_same_bits(read_idx(str(path), checksum), array, "Python, checked")
    assert_same_bits(r.call("read_idx", str(path)), array, "R")
    assert_same_bits(r.call("read_idx", str(path), checksum), array, "R, checked")


IMAGE = np.arange(2 * 3 * 3).reshape(2, 3, 3)
GOOD = idx(IMAGE)
PACKED = gzip.compress(GOOD, mtime=0)
# Such a file's bytes, and what both languages say of it.
BAD_FILES = {
    "empty": (b"", "is not an IDX file of unsigned bytes: it begins with nothing, not with 00 00 08."),
    "too short for a header": (
        b"\0\0\x08",
        "is not an IDX file of unsigned bytes: it begins with 00 00 08, not with 00 ",
    ),
    "text": (b"5,0,4,1\n", "is not an IDX file of unsigned bytes: it begins with 35 2c 30 2c, not with 00 00 08."),
    "floats": (
        idx(IMAGE, kind=13),
        "is not an IDX file of unsigned bytes: it begins with 00 00 0d 03, not with 00 00 08.",
    ),
    "no dimensions": (
        b"\0\0\x08\0\1",
        "is not an IDX file of unsigned bytes: it begins with 00 00 08 00, not with 00 00",
    ),
    "magic number of the other byte order": (
        GOOD[3::-1] + GOOD[4:],
        "is not an IDX file of unsigned bytes: it begins with ",
    ),
    "no sizes": (GOOD[:10], "is damaged: it ends before the sizes of its 3 dimensions."),
    "one byte short": (GOOD[:-1], "is damaged: it does not hold the 2 x 3 x 3 bytes that its header promises."),
    "one byte more": (GOOD + b"\0", "is damaged: it does not hold the 2 x 3 x 3 bytes that its header promises."),
    "a size that no file has": (
        GOOD[:4] + b"\xff" * 12 + GOOD[16:],
        "is damaged: it does not hold the 4294967295 x 4294967295 x 4294967295 bytes that its header promises.",
    ),
    "packed and cut short": (
        PACKED[:-12],
        "is damaged: it does not hold the 2 x 3 x 3 bytes that its header promises.",
    ),
    "packed, with a wrong checksum at its end": (
        PACKED[:-8] + bytes([PACKED[-8] ^ 1]) + PACKED[-7:],
        "is damaged: it does not hold the 2 x 3 x 3 bytes that its header promises.",
    ),
    "a page of the web, packed": (
        gzip.compress(b"<!DOCTYPE html>", mtime=0),
        "is not an IDX file of unsigned bytes: it begins with 3c 21 44 4f, not with 00 00 08.",
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_foreign_or_damaged_is_refused_by_name(r, tmp_path, name):
    data, message = BAD_FILES[name]
    path = tmp_path / "images.gz"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="images.gz is") as ours:
        read_idx(path)
    with pytest.raises(RError, match="images.gz is") as theirs:
        r.call("read_idx", str(path))
    assert str(ours.value).startswith(f"{path} {message}")
    assert theirs.value.message == str(ours.value)


def test_a_packed_file_is_refused_wherever_it_is_cut(r, tmp_path):
    path = tmp_path / "cut.gz"
    for length in range(len(PACKED)):
        path.write_bytes(PACKED[:length])
        with pytest.raises(ValueError, match="cut.gz is (damaged|not an IDX file)"):
            read_idx(path)
        with pytest.raises(RError, match="cut.gz is (damaged|not an IDX file)"):
            r.call("read_idx", str(path))


@pytest.mark.parametrize("at", [30, 5000, -100])
def test_a_real_file_with_a_changed_byte_is_refused(r, tmp_path, at):
    packed = bytearray(shared_data_path("mnist/t10k-images-idx3-ubyte.gz").read_bytes())
    packed[at] ^= 0x10
    path = tmp_path / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(packed)
    checksum = MNIST_CHECKSUMS[path.name]
    with pytest.raises(ValueError, match="t10k-images-idx3-ubyte.gz is (damaged|not the file expected|not an IDX)"):
        read_idx(path, checksum)
    with pytest.raises(RError, match="t10k-images-idx3-ubyte.gz is (damaged|not the file expected|not an IDX)"):
        r.call("read_idx", str(path), checksum)


def test_a_sound_file_that_is_another_is_refused_by_its_checksum(r, tmp_path):
    unpacked = bytearray(gzip.decompress(shared_data_path("mnist/t10k-labels-idx1-ubyte.gz").read_bytes()))
    unpacked[-1] ^= 1
    path = tmp_path / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(unpacked))
    checksum = MNIST_CHECKSUMS[path.name]
    message = f"{path} is not the file expected: its MD5 is {hashlib.md5(unpacked).hexdigest()}, not {checksum}."
    with pytest.raises(ValueError, match="MD5") as ours:
        read_idx(path, checksum)
    with pytest.raises(RError, match="MD5") as theirs:
        r.call("read_idx", str(path), checksum)
    assert str(ours.value) == theirs.value.message == message
    assert read_idx(path).shape == (10000,)


def write_set(folder: Path, images=IMAGE, labels=(3, 9), test_labels=(0, 1)):
    for name, array in (
        ("train-images-idx3", images),
        ("train-labels-idx1", labels),
        ("t10k-images-idx3", IMAGE),
        ("t10k-labels-idx1", test_labels),
    ):
        (folder / f"{name}-ubyte.gz").write_bytes(gzip.compress(idx(array)))


def test_other_files_of_the_same_names_are_read_from_their_folder(r, tmp_path):
    write_set(tmp_path)
    ours, theirs = load_mnist(tmp_path), r.call("load_mnist", str(tmp_path))
    assert list(ours) == list(theirs)
    for name in ours:
        assert_same_bits(ours[name], theirs[name], name)
    assert ours["labels_train"].tolist() == [3, 9]


@pytest.mark.parametrize(
    ("changed", "file", "message"),
    [
        ({"labels": (3, 11)}, "train-labels-idx1-ubyte.gz", "holds the label 11, and labels are from 0 to 9."),
        ({"test_labels": (3, 1, 2)}, "t10k-labels-idx1-ubyte.gz", "holds 3 labels for 2 images."),
        ({"images": [1, 2]}, "train-images-idx3-ubyte.gz", "holds an array of 1 dimensions, not of 3."),
        ({"labels": [[1, 2]]}, "train-labels-idx1-ubyte.gz", "holds an array of 2 dimensions, not of 1."),
    ],
)
def test_files_that_do_not_go_together_are_refused(r, tmp_path, changed, file, message):
    write_set(tmp_path, **changed)
    with pytest.raises(ValueError, match="holds") as ours:
        load_mnist(tmp_path)
    with pytest.raises(RError, match="holds") as theirs:
        r.call("load_mnist", str(tmp_path))
    assert str(ours.value) == theirs.value.message == f"{tmp_path / file} {message}"


def test_a_missing_file_is_named(r, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="There is no file .*train-images-idx3-ubyte.gz") as ours:
        load_mnist(tmp_path)
    with pytest.raises(RError, match="There is no file") as theirs:
        r.call("load_mnist", str(tmp_path))
    assert theirs.value.message == str(ours.value)
    with shared_data(r, monkeypatch, tmp_path):
        with pytest.raises(FileNotFoundError, match="TWINNET_SHARED_DATA names the folder") as ours:
            load_mnist()
        with pytest.raises(RError, match="TWINNET_SHARED_DATA names the folder") as theirs:
            r.call("load_mnist")
    assert theirs.value.message == str(ours.value)
    assert str(tmp_path) in str(ours.value)


@contextlib.contextmanager
def shared_data(r, monkeypatch, folder):
    """Let both languages look in another folder; they share the environment, of which monkeypatch knows Python's."""
    before = r.call("Sys.getenv", "TWINNET_SHARED_DATA").item()
    with monkeypatch.context() as patch:
        patch.setenv("TWINNET_SHARED_DATA", str(folder))
        yield
    r.call("Sys.setenv", TWINNET_SHARED_DATA=before)


@pytest.mark.parametrize("name", FASHION_MNIST_SMALL_CHECKSUMS)
def test_the_small_fashion_mnist_is_what_its_readme_says(name):
    unpacked = gzip.decompress(shared_data_path(f"fashion_mnist_small/{name}").read_bytes())
    assert hashlib.md5(unpacked).hexdigest() == FASHION_MNIST_SMALL_CHECKSUMS[name]
    readme = shared_data_path("fashion_mnist_small/README.md").read_text(encoding="utf-8")
    for known in (FASHION_MNIST_SMALL_CHECKSUMS[name], FASHION_MNIST_CHECKSUMS[name], f" {len(unpacked)} ", "MIT"):
        assert known in readme, known


def test_both_languages_read_the_small_fashion_mnist(r):
    settings = {"name": "fashion_mnist", "train": 2000, "test": 500}
    ours = problem_fashion_mnist(settings)
    theirs = r.call("problem_data", settings, convert=False)
    assert ours["x"].shape == (2000, 28, 28)
    assert ours["x_test"].shape == (500, 28, 28)
    assert ours["classes"].tolist() == list(FASHION_MNIST_CLASSES) == part_of_list(r, theirs, "classes").tolist()
    # the first ten, as the data's README and every tutorial show them: an ankle boot, two T-shirts, ...
    assert ours["labels"][:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    for part in ("", "_test"):
        assert (ours[f"labels{part}"] + 1 == part_of_list(r, theirs, f"labels{part}")).all()
        assert_same_bits(ours[f"target{part}"], part_of_list(r, theirs, f"target{part}"), f"target{part}")
        x = part_of_list(r, theirs, f"x{part}", convert=False)
        rows = np.arange(0, len(ours[f"x{part}"]), 7)
        in_r = r.call("batch_inputs", x, rows + 1)
        assert_same_bits(batch_inputs(ours[f"x{part}"], rows), in_r, f"x{part}")


def part_of_list(r, values, name, convert=True):
    return r.call("[[", values, name, convert=convert)


def test_more_than_the_small_fashion_mnist_is_asked_for_with_the_three_ways_to_get_it(r, monkeypatch, tmp_path):
    (tmp_path / "fashion_mnist_small").symlink_to(shared_data_path("fashion_mnist_small"))
    monkeypatch.setattr("twinnet.mnist.FASHION_MNIST_DEBIAN", str(tmp_path / "nowhere"))
    set_in_r(r, "FASHION_MNIST_DEBIAN", str(tmp_path / "nowhere"))
    try:
        with shared_data(r, monkeypatch, tmp_path):
            for wanted in ((2001, 500), (2000, 501)):
                with pytest.raises(FileNotFoundError, match="make fashion") as ours:
                    load_fashion_mnist(*wanted)
                with pytest.raises(RError, match="make fashion") as theirs:
                    r.call("load_fashion_mnist", *wanted)
                assert theirs.value.message == str(ours.value)
                assert str(ours.value).startswith(f"There are no {wanted[0]} + {wanted[1]} images of Fashion-MNIST.")
                for way in ("apt-get install dataset-fashion-mnist", str(tmp_path / "fashion_mnist"), "http://"):
                    assert way in str(ours.value)
            assert len(load_fashion_mnist(2000, 500)["x_train"]) == 2000
            # files that are not those of Fashion-MNIST are refused, not used
            (tmp_path / "fashion_mnist").mkdir()
            write_set(tmp_path / "fashion_mnist")
            with pytest.raises(ValueError, match="is not the file expected") as ours:
                load_fashion_mnist()
            with pytest.raises(RError, match="is not the file expected") as theirs:
                r.call("load_fashion_mnist")
            assert theirs.value.message == str(ours.value)
    finally:
        set_in_r(r, "FASHION_MNIST_DEBIAN", "/usr/share/datasets/fashion-mnist")


def set_in_r(r, name, value):
    r.eval(f"""local({{
      namespace <- asNamespace("twinnet")
      base::unlockBinding("{name}", namespace)
      assign("{name}", "{value}", namespace)
      base::lockBinding("{name}", namespace)
    }})""")


@pytest.fixture
def installer(monkeypatch, tmp_path):
    """What `make fashion` runs, where nothing is installed, and where all of Fashion-MNIST is its first images."""
    path = Path(__file__).resolve().parents[1] / ".ci" / "install_fashion.py"
    spec = importlib.util.spec_from_file_location("install_fashion", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("TWINNET_SHARED_DATA", str(tmp_path))
    monkeypatch.setattr(module, "is_there", lambda: False)
    monkeypatch.setattr(module, "FASHION_MNIST_CHECKSUMS", FASHION_MNIST_SMALL_CHECKSUMS)
    return module


@contextlib.contextmanager
def served(folder):
    """The address of a folder's files."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_fashion_mnist_is_downloaded_and_checked(installer, tmp_path, capsys):
    home = Path(__file__).resolve().parents[1] / "shared_data" / "fashion_mnist_small"
    with served(home) as address:
        assert installer.main(address) == 0
    assert capsys.readouterr().out.strip().endswith(f"Fashion-MNIST is in {tmp_path / 'fashion_mnist'}.")
    for name in FASHION_MNIST_SMALL_CHECKSUMS:
        assert (tmp_path / "fashion_mnist" / name).read_bytes() == (home / name).read_bytes()


@pytest.mark.parametrize(
    ("served_as", "message"),
    [
        (None, "File not found"),
        (b"<!DOCTYPE html>", "http.*is not an IDX file"),
        (gzip.compress(idx(IMAGE), mtime=0), "http.*is not the file expected"),
    ],
    ids=["nothing", "a page", "other images"],
)
def test_a_download_that_is_not_fashion_mnist_leaves_nothing_and_keeps_what_was_there(
    installer, tmp_path, capsys, served_as, message
):
    home, folder = tmp_path / "home", tmp_path / "fashion_mnist"
    home.mkdir()
    folder.mkdir()
    name = next(iter(FASHION_MNIST_SMALL_CHECKSUMS))
    (folder / name).write_bytes(b"before")
    if served_as is not None:
        (home / name).write_bytes(served_as)
    with served(home) as address:
        assert installer.main(address) == 1
    error = capsys.readouterr().err
    assert error.startswith("Fashion-MNIST could not be downloaded: ")
    assert re.search(message, error), error
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).read_bytes() == b"before"


def test_a_download_from_nowhere_says_so(installer, capsys):
    assert installer.main("http://127.0.0.1:9") == 1
    assert "http://127.0.0.1:9/train-images-idx3-ubyte.gz: " in capsys.readouterr().err
