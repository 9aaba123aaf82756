"""The result as one JSON object; see docs/result.schema.json."""

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path

from surgewire.results.result import Result

STDOUT = "-"


def dumps(result: Result) -> str:
    """Write as text that ends with a line feed."""
    return json.dumps(result.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write(result: Result, path: str | os.PathLike[str]) -> None:
    """Write to a file, or to standard output for ``-``.

    The file appears whole or not at all: it is written beside its place, then renamed. What stood
    there before stays if anything fails. Raises OSError.
    """
    text = dumps(result)
    if path == STDOUT:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    target = Path(path)
    if target.exists() and not target.is_file():
        # A device or a pipe (/dev/stdout, /dev/fd/3) is written to, never replaced.
        target.write_text(text, encoding="utf-8")
        return
    _replace(target.resolve(), text)


def _replace(target: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(_mode(target))
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _mode(target: Path) -> int:
    """Permissions of the file that is replaced, or those that a new file would get."""
    try:
        return target.stat().st_mode & 0o777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
