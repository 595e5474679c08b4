"""The bridge hands values over unchanged, refuses what it would change, and carries R's errors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from twinnet.parity.bridge import BridgeError, RError, RWarning


@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (3, 1), (1, 3), (2, 3, 4), (2, 1, 3, 2), (0, 3)])
def test_an_array_comes_back_with_its_shape_and_bits(r, shape):
    x = np.random.default_rng(0).standard_normal(shape)
    back = r.call("identity", x)
    assert back.shape == (shape or (1,))
    assert (back.reshape(shape).view(np.uint64) == x.view(np.uint64)).all()


def test_an_index_means_the_same_element_in_r(r):
    x = np.arange(24.0).reshape(2, 3, 4)
    for i, j, k in np.ndindex(x.shape):
        assert r.call("[", x, i + 1, j + 1, k + 1).item() == x[i, j, k]
    assert r.call("[", np.asfortranarray(x), 2, 1, 3).item() == x[1, 0, 2]
    assert r.call("[", x[:, ::-1, ::2], 2, 1, 2).item() == x[1, 2, 2]


def test_special_numbers_keep_their_bits(r):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, 1.7976931348623157e308])
    assert (r.call("identity", x).view(np.uint64) == x.view(np.uint64)).all()


@pytest.mark.parametrize(
    ("value", "r_type"),
    [
        (np.array([1, -2, 2**31 - 1]), "integer"),
        (np.array([1.5]), "double"),
        (np.array([1.5], dtype=np.float32), "double"),
        (np.array([True, False]), "logical"),
        (np.array(["a", "Ä", "日本"]), "character"),
        (np.array([1 + 2j]), "complex"),
        (b"\x00\xff", "raw"),
        ([1, "a"], "list"),
        ({"a": 1}, "list"),
        (None, "NULL"),
    ],
)
def test_a_value_has_the_type_that_r_users_expect(r, value, r_type):
    assert r.call("typeof", value).item() == r_type


def test_values_come_back_as_python_types(r):
    assert r.eval("NULL") is None
    assert r.eval("c(TRUE, FALSE)").tolist() == [True, False]
    assert r.eval("1:3").dtype == np.int32
    assert r.eval("c('a', 'Ä')").tolist() == ["a", "Ä"]
    assert r.eval("list(1, list(a = 2))")[1]["a"].item() == 2
    assert r.eval("factor(c('b', 'a'), levels = c('b', 'a'))").tolist() == ["b", "a"]
    assert r.eval("numeric()").shape == (0,)
    assert r.eval("as.raw(c(0, 255))").tolist() == [0, 255]
    assert list(r.eval("data.frame(a = 1:2, b = c('x', 'y'))")) == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.array([2**31]), "R's integers end"),
        (-(2**31), "R's integers end"),
        (np.array([2**63], dtype=np.uint64), "R's integers end"),
        (np.array([object()]), "no type that holds NumPy's object"),
        (np.array([1], dtype=np.longdouble), "no type that holds NumPy's"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "no type that holds NumPy's"),
        ("a\0b", "zero character"),
        ({1: 2}, "keys of a dict must be strings"),
        (object(), "no type for an object"),
    ],
)
def test_what_r_cannot_hold_unchanged_is_refused(r, value, message):
    with pytest.raises(BridgeError, match=message):
        r.call("identity", value)


@pytest.mark.parametrize(
    "code", ["NA_integer_", "NA", "NA_character_", "c(a = 1)", "list(a = 1, 2)", "list(a = 1, a = 2)"]
)
def test_what_numpy_cannot_hold_unchanged_is_refused(r, code):
    with pytest.raises(BridgeError):
        r.eval(code)


def test_an_r_error_carries_message_and_call(r):
    with pytest.raises(RError) as caught:
        r.call("train_dnn", lr=-1)
    assert caught.value.call_text.startswith("train_dnn(lr = lr")
    with pytest.raises(RError) as caught:
        r.call("base::stopifnot", False)
    assert "not TRUE" in caught.value.message
    with pytest.raises(RError, match="non-numeric argument"):
        r.call("log", "a")


def test_an_r_warning_becomes_a_python_warning(r):
    with pytest.warns(RWarning, match="NaNs produced"):
        assert np.isnan(r.call("sqrt", -1.0)).all()


def test_an_r_object_can_be_handed_back(r):
    environment = r.eval("local({ n <- 0; up <- function(by = 1) { n <<- n + by; n }; environment() })", convert=False)
    assert r.method(environment, "up").item() == 1
    assert r.method(environment, "up", by=2.0).item() == 3


def test_another_thread_is_refused(r):
    caught = []

    def call():
        try:
            r.eval("1")
        except BridgeError as error:
            caught.append(str(error))

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert caught == ["R must be called from the thread that started it."]


def test_without_r_the_message_says_how_to_get_it():
    environment = {**os.environ, "PATH": "", "R_HOME": ""}
    code = "from twinnet.parity.bridge import start_r; start_r()"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    for hint in ["BridgeError", "R was not found", "apt-get install r-base-core", "dnf install", "brew install r"]:
        assert hint in done.stderr


def test_results_of_r_do_not_use_up_pythons_none(r):
    """rpy2's memoryview() would: after 16000 results the interpreter died."""
    before = sys.getrefcount(None)
    for code in ["c(1, 2)", "1:3", "TRUE", "as.raw(1:3)", "'a'", "2i"]:
        value = r.eval(code, convert=False)
        for _ in range(500):
            r.from_r(value)
    assert sys.getrefcount(None) > before - 100


def test_ctrl_c_stops_r_and_r_goes_on_working(r):
    """In the background of a calculation of many seconds, since R must be at work when it comes."""
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        r.eval("for (i in 1:1e10) i + 1")
    assert time.monotonic() - began < 60
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert r.eval("1 + 1").item() == 2


def test_a_function_of_the_users_own_goes_before_one_of_the_package(r):
    assert r.call("softmax", np.zeros((1, 2))).tolist() == [[0.5, 0.5]]
    r.eval("softmax <- function(x) 'mine'", convert=False)
    try:
        assert r.call("softmax", np.zeros((1, 2))).tolist() == ["mine"]
        assert r.call("twinnet::softmax", np.zeros((1, 2))).tolist() == [[0.5, 0.5]]
    finally:
        r.eval("rm(softmax)", convert=False)
