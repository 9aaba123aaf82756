"""Files that a command is to write: refused before the work is done, not after it."""

import os
import tempfile
from pathlib import Path

from surgewire.errors import UsageError

STANDARD_OUTPUT = Path("-")


def check_writable(option: str, path: Path | None) -> None:
    """Raise UsageError when ``path``, the value of ``option``, could not be written as a file.

    Leaves nothing behind. None and ``-`` (standard output) always can.
    """
    if path is None or path == STANDARD_OUTPUT:
        return
    if path.is_dir():
        raise UsageError(f"{option}: {path} is a folder; write the name of a file in it")
    if path.exists():
        if not os.access(path, os.W_OK):
            raise UsageError(f"{option}: {path} cannot be written; choose another file")
        return
    try:
        # Asking for permission is not enough: a file system may refuse what the rights allow.
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(
            f"{option}: {path} cannot be written: {reason}; choose a folder that exists and can be "
            "written"
        ) from None


def check_trace(trace: Path | None) -> None:
    """Raise UsageError when the workers' files of ``--trace`` could not be written."""
    if trace is None:
        return
    if trace == STANDARD_OUTPUT:
        raise UsageError("--trace: - is no file; write the name of one")
    check_writable("--trace", trace.with_name(f"{trace.name}.0"))
