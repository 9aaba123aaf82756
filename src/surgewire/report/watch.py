"""A run that another process carries out, shown from its journal while it grows."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from rich.console import Console

from surgewire.engine.journal_format import JournalError
from surgewire.engine.tail import JournalTail
from surgewire.report.live import LiveView, PlainLines
from surgewire.report.wording import plain
from surgewire.results.result import Result

_POLL_S = 0.25


def watch_run(folder: Path, journal: Path, *, stream: TextIO | None = None) -> Result:
    """Show the run in `folder` on `stream` (standard output unless given) until it has ended.

    A terminal gets the live view, anything else plain lines. Returns what came out. Raises
    JournalError when `journal` cannot be read, BrokenPipeError when nobody reads `stream` any more.
    """
    stream = stream or sys.stdout
    view = LiveView(Console(file=stream)) if stream.isatty() else PlainLines(stream)
    try:
        with JournalTail(journal) as tail, view:
            view.rejoin(folder, tail.follow())
            while tail.running:
                time.sleep(_POLL_S)
                for record in tail.follow():
                    view.record(record)
                view.tick()
                if view.broken:
                    raise BrokenPipeError
    except ValueError as error:
        raise JournalError(f"{journal}: {error}") from error
    if view.tally.start is None:
        raise JournalError(f"{journal} holds no whole record")
    return view.tally.result()


def farewell(result: Result, folder: Path) -> Iterator[str]:
    """Say in two lines how a run ended, and where its report is."""
    verdict = result.verdict
    yield f"Verdict  {verdict.status.value.upper()}  {plain('; '.join(verdict.reasons))}".rstrip()
    yield f"Report   surgewire report {plain(str(folder))}"
