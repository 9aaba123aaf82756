"""What holds for all tests."""

import pytest
from hypothesis import HealthCheck, settings

# How long a busy machine takes to make up an example says nothing about the code.
settings.register_profile("surgewire", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("surgewire")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with building the package, which takes longest: the other processes work on."""
    items.sort(key=lambda item: item.get_closest_marker("package") is None)
