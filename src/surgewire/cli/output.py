"""Where the view of a run, its report and its files go."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from surgewire.cli.places import STANDARD_OUTPUT
from surgewire.errors import SurgewireError

if TYPE_CHECKING:
    from surgewire.engine.observer import Observer
    from surgewire.results.result import Result

__all__ = ["STANDARD_OUTPUT", "live_view", "print_report", "write_hdr", "write_json"]


@contextmanager
def live_view(*, quiet: bool) -> "Iterator[Observer | None]":
    """Give the observer that shows a run on standard error; None when nothing is to be shown.

    A terminal gets the live view, anything else plain lines.
    """
    if quiet:
        yield None
        return
    from rich.console import Console

    from surgewire.report.live import LiveView, PlainLines

    console = Console(stderr=True)
    if not console.is_terminal:
        yield PlainLines(sys.stderr)
        return
    view = LiveView(console)
    try:
        yield view
    finally:
        view.stop()


def print_report(result: "Result", *, to_stderr: bool = False) -> None:
    """Print the final text."""
    from rich.console import Console

    from surgewire.report import text

    Console(stderr=to_stderr).print(text.render(result))


def write_json(result: "Result", path: Path) -> None:
    """Write the result as JSON to a file, or to standard output for ``-``.

    Raises SurgewireError when it cannot be written.
    """
    from surgewire.report import json

    if path == STANDARD_OUTPUT:
        sys.stdout.write(json.dumps(result))
        return
    try:
        json.write(result, path)
    except OSError as error:
        raise _unwritten(path, error) from None


def write_hdr(result: "Result", path: Path) -> None:
    """Write the histograms as an HdrHistogram log; raise SurgewireError when that fails."""
    from surgewire.report import hdr

    try:
        hdr.write(result, path)
    except OSError as error:
        raise _unwritten(path, error) from None


def _unwritten(path: Path, error: OSError) -> SurgewireError:
    return SurgewireError(f"{path} cannot be written: {(error.strerror or str(error)).lower()}")
