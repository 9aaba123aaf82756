"""Reading records back: each value through a reader that says what is wrong with it."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Reader: TypeAlias = Callable[[Any], Any]
"""Takes a value as msgpack gave it and gives it, or raises ``ValueError`` with what it must be."""


def text(value: Any) -> str:
    """Take a text."""
    if not isinstance(value, str):
        raise ValueError("must be a text")
    return value


def texts(value: Any) -> tuple[str, ...]:
    """Take a list of texts."""
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list")
    return tuple(text(item) for item in value)


def raw(value: Any) -> bytes:
    """Take bytes."""
    if not isinstance(value, bytes):
        raise ValueError("must be bytes")
    return value


def whole(value: Any) -> int:
    """Take a whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("must be a whole number")
    return value


def whole_or_none(value: Any) -> int | None:
    """Take a whole number, or nothing."""
    return None if value is None else whole(value)


def number(value: Any) -> float:
    """Take a finite number."""
    # The comparison is false for NaN and for infinities: neither may reach a result.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e18:
        raise ValueError("must be a finite number")
    return float(value)


def flag(value: Any) -> bool:
    """Take true or false."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def mapping(value: Any) -> dict[str, Any]:
    """Take a map with texts as keys."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ValueError("must be a map with texts as keys")
    return dict(value)


def counts(value: Any) -> dict[str, int]:
    """Take a map of whole numbers."""
    return {name: whole(count) for name, count in mapping(value).items()}


def read(
    kind: str,
    data: Mapping[str, Any],
    readers: Mapping[str, Reader],
    optional: Mapping[str, Reader] | None = None,
) -> dict[str, Any]:
    """Take the keys of ``readers`` out of ``data``, and those of ``optional`` that are there.

    Raises ``ValueError`` with the kind of record, the key and what is wrong with it.
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"{kind}: must be a map, is {type(data).__name__}")
    present = {name: reader for name, reader in (optional or {}).items() if name in data}
    values = {}
    for name, reader in {**readers, **present}.items():
        if name not in data:
            raise ValueError(f"{kind}: {name!r} is missing")
        try:
            values[name] = reader(data[name])
        except ValueError as error:
            raise ValueError(f"{kind}: {name!r}: {error}") from None
    return values
