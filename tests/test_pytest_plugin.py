"""The pytest plugin, as a stranger's tests use it: each test here writes tests, runs them and reads the report."""

from __future__ import annotations

import numpy as np
import pytest
from twinnet.parity.values import Tolerance, compare_values, describe

TWO_RESULTS = """
    import numpy as np

    def test_twins(assert_twins):
        assert_twins(np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-6]))
"""


def said(python, r, **tolerance) -> str:
    """What a failure says; empty if the two agree."""
    settings = Tolerance(**tolerance)
    mismatches = compare_values(python, r, settings)
    return describe(mismatches, settings) if mismatches else ""


def test_a_strangers_function_is_compared_with_its_r_twin(r, pytester):
    pytester.makefile(".R", column_means="column_means <- function(x) colSums(x) / (nrow(x) - 1)")
    pytester.makepyfile("""
        import numpy as np

        def test_column_means(r, assert_twins):
            r.eval("source('column_means.R')", convert=False)
            x = np.arange(6.0).reshape(3, 2)
            assert_twins(x.sum(axis=0) / 2, r.call("column_means", x))
            assert_twins(x.mean(axis=0), r.call("column_means", x))
    """)
    outcome = pytester.runpytest_inprocess("-p", "twinnet.parity.pytest_plugin")
    outcome.assert_outcomes(failed=1)
    outcome.stdout.fnmatch_lines(
        [
            "*The twins differ first at [[]0[]], which is [[]1[]] in R:*",
            "*Python  2.0",
            "*R       3.0",
            "*apart   1 absolute, 0.33 relative, 2251799813685248 ULPs; allowed: rtol 1e-09, atol 1e-12",
            "*differing: 2 of 2 elements, the largest difference 1.5 at [[]1[]]",
        ]
    )


@pytest.mark.parametrize(
    ("arguments", "ini", "passed"),
    [
        ([], "", 0),
        (["--twins-rtol", "1e-5"], "", 1),
        (["--twins-atol", "1e-5"], "", 1),
        ([], "twins_rtol = 1e-5", 1),
        (["--twins-rtol", "1e-8"], "twins_rtol = 1e-5", 0),
        ([], "twins_atol = 1e-5\ntwins_exact = true", 0),
        (["--twins-atol", "1e-5", "--twins-exact"], "", 0),
    ],
)
def test_options_and_ini_file_set_the_tolerance(pytester, arguments, ini, passed):
    pytester.makeini("[pytest]\n" + ini)
    pytester.makepyfile(TWO_RESULTS)
    outcome = pytester.runpytest_inprocess("-p", "twinnet.parity.pytest_plugin", *arguments)
    outcome.assert_outcomes(passed=passed, failed=1 - passed)


@pytest.mark.parametrize(
    ("arguments", "ini", "message"),
    [
        (["--twins-rtol=-1"], "", "--twins-rtol must be a number of at least 0, not -1"),
        (["--twins-atol", "nan"], "", "--twins-atol must be a number of at least 0, not nan"),
        ([], "twins_rtol = small", "twins_rtol must be a number of at least 0, not small"),
    ],
)
def test_unsound_options_are_refused_before_any_test_runs(pytester, arguments, ini, message):
    pytester.makeini("[pytest]\n" + ini)
    pytester.makepyfile(TWO_RESULTS)
    outcome = pytester.runpytest_inprocess("-p", "twinnet.parity.pytest_plugin", *arguments)
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    outcome.stderr.fnmatch_lines([f"*{message}*"])


def test_one_element_of_a_million_is_found():
    a = np.zeros((1000, 1000))
    b = a.copy()
    b[123, 456] = 1e-11
    assert "first at [123, 456], which is [124, 457] in R" in said(a, b)
    assert "differing: 1 of 1000000 elements" in said(a, b)
    assert said(a, b, atol=1e-10) == ""


def test_results_are_compared_however_nested():
    python = {"loss": 0.5, "grads": {"w": np.eye(2), "b": [1.0, 2.0]}, "names": ["a", "b"], "none": None}
    r = {
        "loss": np.array([0.5]),
        "grads": {"w": np.eye(2), "b": np.array([1.0, 2.0])},
        "names": ["a", "b"],
        "none": None,
    }
    assert said(python, r) == ""
    r["grads"]["w"] = np.array([[1.0, 0.0], [0.25, 1.0]])
    r["names"] = ["a", "c"]
    message = said(python, r)
    assert "first at ['grads']['w'][1, 0], which is [2, 1] in R" in message
    assert "also different: ['names']" in message


@pytest.mark.parametrize(
    ("python", "r", "message"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "c": 2}, "only Python has 'b' and only R has 'c'"),
        ([np.eye(2), np.eye(2)], [np.eye(2)], "2 items in Python, 1 in R"),
        (np.zeros((2, 3)), np.zeros((3, 2)), "shape (2, 3) in Python, (3, 2) in R"),
        (np.zeros(3), np.zeros((3, 1)), "shape (3,) in Python, (3, 1) in R"),
        (None, 1.0, "nothing in Python, numbers in R"),
        (1.0, "1", "numbers in Python, text in R"),
        ("setosa", "virginica", "Python  'setosa'\n  R       'virginica'"),
        (np.array([1.0, np.nan]), np.array([1.0, 2.0]), "Python  nan\n  R       2.0\n  apart   infinitely far"),
        (np.inf, -np.inf, "Python  inf\n  R       -inf"),
        (np.inf, 1e308, "infinitely far"),
        (1 + 2j, 1 + 3j, "apart   1 absolute"),
        (7, 8, "Python  7\n  R       8\n  apart   1 absolute"),
        (True, False, "Python  True\n  R       False"),
        (2**60, 2**60 + 1, "apart"),
    ],
)
def test_what_is_different_is_said(python, r, message):
    assert message in said(python, r)


@pytest.mark.parametrize(
    ("python", "r"),
    [
        (np.nan, np.nan),
        ([np.nan, np.inf], np.array([np.nan, np.inf])),
        (0.0, -0.0),
        (3, 3.0),
        ([1.0, 2.0], [np.array([1.0]), np.array([2.0])]),
        ([], []),
        (np.empty((0, 3)), np.empty((0, 3))),
        (1.0, 1.0 + 1e-10),
        (0.0, 1e-13),
    ],
)
def test_what_is_equal_is_equal(python, r):
    assert said(python, r) == ""


def test_the_likeliest_cause_is_named():
    w = np.random.default_rng(0).standard_normal((4, 3))
    assert "cause   transposed" in said({"w": w}, {"w": w.T})
    assert "cause   factor two" in said(w, 2 * w)
    assert "cause   column major" in said(w, w.ravel().reshape(w.shape, order="F"))
    assert "cause" not in said(w, np.random.default_rng(1).standard_normal((4, 3)))


def test_exact_is_every_bit():
    assert said(1.0, np.nextafter(1.0, 2.0)) == ""
    assert "1 ULP; allowed: every bit" in said(1.0, np.nextafter(1.0, 2.0), exact=True)
    assert "Python  0.0\n  R       -0.0" in said(0.0, -0.0, exact=True)
    assert said(np.float64(np.nan), -np.float64(np.nan), exact=True) == ""
    assert said(np.array([1.0, np.inf]), np.array([1.0, np.inf]), exact=True) == ""


def test_tensors_tables_and_named_tuples_are_results():
    import collections

    import torch

    pair = collections.namedtuple("pair", ["w", "b"])
    assert said(pair(torch.ones(2, 2, requires_grad=True), 1.0), {"w": np.ones((2, 2)), "b": 1.0}) == ""
    assert "only R has 'c'" in said(pair(1.0, 1.0), {"w": 1.0, "b": 1.0, "c": 1.0})


def test_what_is_no_result_is_refused():
    with pytest.raises(TypeError, match="not an object of type Bare"):
        said(type("Bare", (), {})(), 1.0)


def test_an_r_object_is_converted(r, assert_twins):
    assert_twins(np.array([[1.0, 3.0], [2.0, 4.0]]), r.eval("matrix(c(1, 2, 3, 4), 2)", convert=False), exact=True)
    assert_twins({"a": [1.0, 2.0]}, r.eval("data.frame(a = c(1, 2))"))
