"""Secrets on the command line: kept out of what is printed, and out of the list of processes."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from surgewire.plan.secrets import Redactor, Secret

# Places in /proc/self/stat, counted behind the name of the program (proc(5): fields 48 and 49).
_ARGUMENTS_BEGIN = 45
_ARGUMENTS_END = 46


def secrets_of_arguments(arguments: Sequence[str]) -> "Redactor":
    """Find the values that are secret by the option before them, and those in URLs."""
    from surgewire.plan.secrets import Redactor

    return Redactor(_secrets(arguments))


def has_secret_options(arguments: Sequence[str]) -> bool:
    """Tell whether an option is given whose value is secret."""
    from surgewire.plan.describe import secret_options

    return any(argument.partition("=")[0] in secret_options() for argument in arguments)


def _secrets(arguments: Sequence[str]) -> "Iterator[Secret]":
    from surgewire.plan.describe import secret_options
    from surgewire.plan.secrets import named_secrets, secrets_in, secrets_in_url

    options, names = secret_options(), []
    words = list(_words(arguments))
    for option, value in words:
        if option == "--secret":
            names.append(value)
    for option, value in words:
        if option in options:
            yield from secrets_in(value)
        elif "://" in value:
            yield from secrets_in_url(value, names)
        else:
            yield from named_secrets(value, names)


def _words(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Give each word that may be a value, with the option that it may belong to."""
    before = ""
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not name.startswith("--"):
            yield before, argument
        elif equals:
            yield name, value
        before = argument


def hide_arguments() -> None:
    """Blot out the secrets of the command line where ``ps`` reads it.

    Where the system does not let us, they stay: whoever may list processes sees them then.
    """
    secrets = secrets_of_arguments(sys.orig_argv[1:])
    if not secrets:
        return
    try:
        stat = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace")
        fields = stat.rpartition(")")[2].split()
        begin, end = int(fields[_ARGUMENTS_BEGIN]), int(fields[_ARGUMENTS_END])
        with Path("/proc/self/mem").open("r+b", buffering=0) as memory:
            memory.seek(begin)
            line = memory.read(end - begin)
            for value in sorted(secrets.values, key=len, reverse=True):
                written = os.fsencode(value)
                line = line.replace(written, b"*" * len(written))
            memory.seek(begin)
            memory.write(line)
    except (OSError, ValueError, IndexError):
        return
