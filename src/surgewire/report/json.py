"""A result as one JSON object (docs/result.schema.json), or what the doctor found."""

import json
import os
from typing import Any, Protocol

from surgewire.report.whole_file import whole_file


class Told(Protocol):
    """Something that can be told as JSON: a result, an examination."""

    def to_dict(self) -> dict[str, Any]:
        """Give types of JSON."""


def dumps(told: Told) -> str:
    """Write as text that ends with a line feed."""
    return json.dumps(told.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write(told: Told, path: str | os.PathLike[str]) -> None:
    """Write to a file, which appears whole or not at all, or to standard output for ``-``.

    Raises OSError.
    """
    text = dumps(told)
    with whole_file(path) as file:
        file.write(text)
