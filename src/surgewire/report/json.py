"""The result as one JSON object; see docs/result.schema.json."""

import json
import os

from surgewire.report.whole_file import whole_file
from surgewire.results.result import Result


def dumps(result: Result) -> str:
    """Write as text that ends with a line feed."""
    return json.dumps(result.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write(result: Result, path: str | os.PathLike[str]) -> None:
    """Write to a file, which appears whole or not at all, or to standard output for ``-``.

    Raises OSError.
    """
    text = dumps(result)
    with whole_file(path) as file:
        file.write(text)
