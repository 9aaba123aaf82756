"""Reading tables of users from files."""

import os
from pathlib import Path

from surgewire.errors import UsageError
from surgewire.plan.users import UserTable, parse_users
from surgewire.plan.users_text import UsersError

MAX_BYTES = 1 << 30

_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_users(path: str | os.PathLike[str]) -> UserTable:
    """Read a table of users, CSV with a heading or JSON lines, in UTF-8.

    Raises UsageError with one line that names the file, the line and what to write, and never a
    value.
    """
    try:
        return parse_users(_text(Path(path)), name=Path(path).name)
    except UsersError as error:
        raise UsageError(f"--users: {error}") from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UsageError(f"--users: {path} cannot be read: {why}; write the name of a file") from (
            None
        )
    if len(content) > MAX_BYTES:
        raise UsersError(f"{path.name} is larger than {MAX_BYTES >> 20:,} MiB; split it")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = "UTF-16" if content.startswith(_BYTE_ORDER_MARKS) else "another encoding"
        raise UsersError(
            f"{path.name} is not UTF-8 but {found} (line {line}); save it as UTF-8"
        ) from None
