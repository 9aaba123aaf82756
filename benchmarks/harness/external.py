"""Generators that others install; each is left out where it is not found."""

from __future__ import annotations

from harness.generators import Generator


def external_generators() -> list[Generator]:
    """List them."""
    return []
