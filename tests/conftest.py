"""What all tests share; the fixture `r` is that of the pytest plugin, as anybody's tests have it."""

from __future__ import annotations

import pytest

pytest_plugins = ["twinnet.parity.pytest_plugin", "pytester"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses the bridge, so that `make test-python` can leave it out."""
    for item in items:
        if "r" in getattr(item, "fixturenames", ()):
            item.add_marker("needs_r")
