"""What holds for all tests."""

import pytest
from hypothesis import HealthCheck, settings

# How long a busy machine takes to make up an example says nothing about the code.
settings.register_profile("surgewire", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("surgewire")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process works on alone at the end."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    if item.get_closest_marker("package"):
        return 0
    return 1 if item.path.name == "test_docs.py" else 2
