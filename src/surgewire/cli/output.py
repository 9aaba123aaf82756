"""Where the view of a run, its report and its files go."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from surgewire.cli.places import STANDARD_OUTPUT
from surgewire.errors import SurgewireError

if TYPE_CHECKING:
    from surgewire.engine.observer import Observer
    from surgewire.report.json import Told
    from surgewire.results.find import FindResult
    from surgewire.results.result import Result


@contextmanager
def live_view(*, quiet: bool) -> "Iterator[Observer | None]":
    """Give the observer that shows a run on standard error; None when nothing is to be shown.

    A terminal gets the live view, anything else plain lines.
    """
    if quiet:
        yield None
        return
    from surgewire.report.live import LiveView, PlainLines

    with LiveView() if sys.stderr.isatty() else PlainLines() as view:
        yield view


def print_report(result: "Result", run_dir: Path, *, to_stderr: bool = False) -> None:
    """Print the final text on standard output, or on standard error."""
    from surgewire.report import text

    text.print_report(result, run_dir, stream=sys.stderr if to_stderr else sys.stdout)


def print_found(found: "FindResult", folder: Path, *, to_stderr: bool = False) -> None:
    """Print what a search found on standard output, or on standard error."""
    from surgewire.report import find

    find.print_found(found, folder, sys.stderr if to_stderr else sys.stdout)


def write_json(result: "Told", path: Path) -> None:
    """Write a result, or what else was found, as JSON to a file, or to standard output for ``-``.

    Raises SurgewireError when it cannot be written.
    """
    from surgewire.report import json

    _write(path, lambda: json.write(result, str(path)))


def write_hdr(run: Path, path: Path) -> None:
    """Write the histograms of the run in folder ``run`` as an HdrHistogram log.

    Raises SurgewireError when the run cannot be read or the file not be written.
    """
    from surgewire.engine.journal import JournalReader
    from surgewire.engine.rundir import open_run_dir
    from surgewire.report import hdr

    records = JournalReader(open_run_dir(run).journal_path)
    try:
        _write(path, lambda: hdr.write(records, str(path)))
    except ValueError as error:
        raise SurgewireError(f"{run} cannot be written as a log: {error}") from None


def _write(path: Path, write: Callable[[], None]) -> None:
    try:
        write()
    except BrokenPipeError:
        raise
    except OSError as error:
        place = "standard output" if path == STANDARD_OUTPUT else path
        reason = (error.strerror or str(error)).lower()
        raise SurgewireError(f"{place} cannot be written: {reason}") from None
