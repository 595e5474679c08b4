"""Fixtures of all tests."""

from __future__ import annotations

import pytest
from twinnet.parity.bridge import Bridge, start_r


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses the bridge, so that `make test-python` can leave it out."""
    for item in items:
        if "r" in getattr(item, "fixturenames", ()):
            item.add_marker("needs_r")


@pytest.fixture(scope="session")
def r() -> Bridge:
    """R, with the package twinnet. Without R this fails, and says how to get it: a skip would prove nothing."""
    return start_r()
