"""Who wants to see a run while it happens: the live view, a test, a program of one's own."""

from pathlib import Path
from typing import Protocol

from surgewire.plan.models import Plan
from surgewire.results.record import Record
from surgewire.results.result import Result


class Observer(Protocol):
    """Told of a run as it goes, from the one thread that supervises it: each call must be short.

    All calls come after the workers were forked, so an observer may start threads. What an
    observer raises ends the run, with the workers cleared away.
    """

    def started(self, run_dir: Path, plan: Plan) -> None:
        """Tell that the workers are starting; the run is kept in `run_dir`."""

    def record(self, record: Record) -> None:
        """Tell of a record, right after it went to the journal."""

    def tick(self) -> None:
        """Give the observer a turn, about four times a second."""

    def finished(self, result: Result) -> None:
        """Tell that all is over and written down."""


class SilentObserver:
    """An observer that does nothing."""

    def started(self, run_dir: Path, plan: Plan) -> None:
        """Do nothing."""

    def record(self, record: Record) -> None:
        """Do nothing."""

    def tick(self) -> None:
        """Do nothing."""

    def finished(self, result: Result) -> None:
        """Do nothing."""
