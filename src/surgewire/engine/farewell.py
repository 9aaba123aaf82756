"""How connections end: how we take our leave, and under which name each end is counted.

Ends of well-behaved users are `errors` and `closed` of their worker. Those of awkward ones are no
fault of the server: they are facts, `behave_NAME` for each user and `behave_NAME:KIND` for each
end.
"""

from surgewire._core.connection import Connection
from surgewire._core.traffic import COUNTERS
from surgewire.engine.kinds import NAME_BYTES
from surgewire.engine.shared import WorkerSlice
from surgewire.plan.way.closing import ClosingPart

_FAILED, _RETRIES_FAILED = map(COUNTERS.index, ("awkward_failed", "awkward_retries_failed"))


class Farewell:
    """Ends connections as `closing` says, and counts their ends in `counts`."""

    def __init__(self, counts: WorkerSlice, closing: ClosingPart) -> None:
        """Count nothing yet."""
        self._counts = counts
        self._code, self._reason = closing.code_sent, closing.reason_sent
        self._resets = closing.reset

    def say(self, connection: Connection) -> None:
        """Begin to close a connection from our side."""
        if connection.manners is not None and connection.manners.abrupt:
            connection.abort()
        elif self._resets and connection.is_open:
            self._counts.facts.add("closing_reset")
            connection.reset()
        else:
            connection.close(self._code, self._reason)

    def attempted(self, connection: Connection) -> None:
        """Count an awkward user at its first attempt."""
        if connection.manners is not None:
            self._counts.facts.add(f"behave_{connection.manners.name}")

    def failed(self, connection: Connection, kind: str, *, again: bool) -> None:
        """Count an attempt that came to nothing."""
        if connection.manners is None:
            self._counts.errors.add(kind)
        else:
            self._counts.traffic[_RETRIES_FAILED if again else _FAILED] += 1
            self._awkward_end(connection, kind)

    def closed(self, connection: Connection, kind: str | None) -> None:
        """Count the end of an open connection; `kind` is None where it came from our side."""
        if connection.manners is not None:
            self._awkward_end(connection, kind or connection.manners.outcome)
        elif kind is not None:
            self._counts.closed.add(kind)

    def dismissed(self, connection: Connection, kind: str) -> None:
        """Count a connection as ended by `kind` that we are going to close."""
        if connection.manners is None:
            self._counts.closed.add(kind)
        else:
            connection.manners.outcome = kind

    def gone(self, connection: Connection) -> None:
        """Count whether the server answered our close frame, and what else was counted."""
        answered = connection.was_answered
        if answered is not None:
            self._counts.facts.add("closing_answered" if answered else "closing_unanswered")
        if connection.manners is not None:
            for name, count in connection.manners.counts.items():
                self._counts.facts.add(name, count)

    def _awkward_end(self, connection: Connection, kind: str) -> None:
        self._counts.facts.add(f"behave_{connection.manners.name}:{kind}"[:NAME_BYTES])
