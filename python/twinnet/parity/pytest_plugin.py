"""The pytest plugin: R beside Python in anybody's tests. It is there wherever twinnet is installed.

.. code-block:: python

    def test_my_softmax_is_that_of_r(r, assert_twins):
        r.eval("source('softmax.R')", convert=False)
        x = np.random.default_rng(0).standard_normal((5, 3))
        assert_twins(softmax(x), r.call("softmax", x))

How far apart elements may be is set, from the strongest: by the arguments of ``assert_twins``, by the options
``--twins-rtol``, ``--twins-atol`` and ``--twins-exact``, by ``twins_rtol``, ``twins_atol`` and ``twins_exact`` in the
ini-file.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from twinnet.parity.bridge import Bridge

__all__ = ["assert_twins", "pytest_addoption", "pytest_configure", "r"]

HELP = {
    "rtol": "how far apart twins may be, relative to the larger of two elements (1e-9)",
    "atol": "how far apart twins may be, absolutely, where that is more (1e-12)",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("twins", "R and Python side by side (twinnet)")
    for name, text in HELP.items():
        group.addoption(f"--twins-{name}", type=float, metavar="T", help=text)
        parser.addini(f"twins_{name}", text)
    exact = "twins must have the same bits"
    group.addoption("--twins-exact", action="store_true", default=None, help=exact)
    parser.addini("twins_exact", exact, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse unsound options before any test runs."""
    for name in HELP:
        setting(config, name, 0.0)


@pytest.fixture(scope="session")
def r() -> Bridge:
    """R, with the package twinnet. Without R this fails, and says how to get it: a skip would prove nothing."""
    from twinnet.parity.bridge import start_r

    return start_r()


@pytest.fixture
def assert_twins(pytestconfig: pytest.Config) -> Callable[..., None]:
    """A function that fails unless a result from Python and one from R agree in every element.

    ``assert_twins(python_result, r_result, rtol=None, atol=None, exact=None)`` compares numbers, text, arrays, lists
    and dicts, however nested; R objects are converted first. Of two numbers the difference may be `atol`, or `rtol`
    times the larger of them; with ``exact=True`` every bit must be the same. Equal NaNs are equal. The failure names
    the first element that differs, in Python's and in R's way of counting, with what each side has there.
    """

    def compare(
        python_result: Any,
        r_result: Any,
        rtol: float | None = None,
        atol: float | None = None,
        exact: bool | None = None,
    ) -> None:
        from twinnet.checks import check_number
        from twinnet.parity.values import ATOL, RTOL, Tolerance, compare_values, describe

        __tracebackhide__ = True
        tolerance = Tolerance(
            rtol=setting(pytestconfig, "rtol", RTOL) if rtol is None else check_number(rtol, "rtol", minimum=0),
            atol=setting(pytestconfig, "atol", ATOL) if atol is None else check_number(atol, "atol", minimum=0),
            exact=exact_setting(pytestconfig) if exact is None else exact,
        )
        mismatches = compare_values(from_r(python_result), from_r(r_result), tolerance)
        if mismatches:
            pytest.fail(describe(mismatches, tolerance), pytrace=True)

    return compare


def from_r(value: Any) -> Any:
    """A result whose R objects, if it is one, are converted."""
    if not type(value).__module__.startswith("rpy2."):
        return value
    from twinnet.parity.bridge import start_r

    return start_r().from_r(value)


def setting(config: pytest.Config, name: str, default: float) -> float:
    """A tolerance, as the command line or the ini-file sets it."""
    option = config.getoption(f"--twins-{name}")
    text = config.getini(f"twins_{name}")
    try:
        value = option if option is not None else float(text) if text else default
    except ValueError:
        raise pytest.UsageError(f"twins_{name} must be a number of at least 0, not {text}") from None
    if not (value >= 0 and math.isfinite(value)):
        raise pytest.UsageError(f"--twins-{name} must be a number of at least 0, not {value:g}")
    return float(value)


def exact_setting(config: pytest.Config) -> bool:
    """Whether every bit must be the same, as the command line or the ini-file sets it."""
    option = config.getoption("--twins-exact")
    return bool(config.getini("twins_exact") if option is None else option)
