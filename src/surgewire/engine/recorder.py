"""Where a record goes: to the journal, into the totals, to who watches."""

from surgewire.engine.journal import JournalWriter
from surgewire.engine.observer import Observer
from surgewire.plan.secrets import Redactor
from surgewire.results.record import EventRecord, Record
from surgewire.results.tally import Tally


class Recorder:
    """Passes records on; a journal that cannot be written is an event, and never stops a run."""

    def __init__(
        self,
        journal: JournalWriter,
        tally: Tally,
        observer: Observer,
        secrets: Redactor | None = None,
    ) -> None:
        """Pass records on to `journal`, `tally` and `observer`, in that order.

        secrets: what is taken out of the texts of events.
        """
        self._secrets = secrets
        self._journal = journal
        self._tally = tally
        self._observer = observer
        self._failing = False
        self._dropped = 0

    def add(self, record: Record) -> None:
        """Pass `record` on, and after it what is to be said about the journal itself."""
        self._pass_on(record)
        failing = self._journal.failure is not None
        if failing != self._failing:
            self._failing = failing
            self._pass_on(self._journal_event(getattr(record, "at_s", 0.0)))

    def event(self, at_s: float, kind: str, **detail: object) -> None:
        """Pass on an EventRecord of `kind`, `at_s` seconds after the start instant."""
        if self._secrets:
            hide = self._secrets.redact
            detail = {n: hide(v) if isinstance(v, str) else v for n, v in detail.items()}
        self.add(EventRecord(at_s, kind, detail))

    def tick(self) -> None:
        """Give the observer its turn."""
        self._observer.tick()

    def _pass_on(self, record: Record) -> None:
        self._journal.append(record)
        self._tally.add(record)
        self._observer.record(record)

    def _journal_event(self, at_s: float) -> EventRecord:
        if self._journal.failure is not None:
            return EventRecord(at_s, "journal_failed", {"reason": self._journal.failure})
        missing = self._journal.dropped - self._dropped
        self._dropped = self._journal.dropped
        if missing:
            return EventRecord(
                at_s,
                "journal_failed",
                {"reason": f"{missing} records are missing", "missing": missing},
            )
        return EventRecord(at_s, "journal_restored", {})
