"""What holds for all tests."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with building the package, which takes longest: the other processes work on."""
    items.sort(key=lambda item: item.get_closest_marker("package") is None)
