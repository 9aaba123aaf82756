"""Files that appear whole or not at all."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

STDOUT = "-"


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[TextIO]:
    """Open a place for UTF-8 text: a file, a device, a pipe, or standard output for ``-``.

    A file is written beside its place and put there when the block ends; when the block raises,
    what stood there before stays and nothing else is left behind. Devices and pipes are written to
    as they are, never replaced. Raises OSError.
    """
    target = Path(path)
    if os.fspath(path) == STDOUT:
        yield sys.stdout
        sys.stdout.flush()
    elif target.exists() and not target.is_file():
        with target.open("w", encoding="utf-8") as file:
            yield file
    else:
        with _replacement(target.resolve()) as file:
            yield file


@contextlib.contextmanager
def _replacement(target: Path) -> Iterator[TextIO]:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
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
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
