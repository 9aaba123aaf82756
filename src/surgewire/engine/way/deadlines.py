"""Which attempts take too long: each phase of connecting has a bound of its own."""

from itertools import takewhile

from surgewire._core.connection import Connection
from surgewire.plan.models import Plan


class Deadlines:
    """When each attempt under way must have left the phase that it is in.

    An attempt is begun, enters TLS where there is any, then the upgrade, and is dropped with its
    outcome. In each phase all wait equally long, so that who came first is overdue first.
    """

    def __init__(self, plan: Plan) -> None:
        """Take the bounds of the phases from `plan`."""
        self._reach_ns, self._tls_ns, self._upgrade_ns = plan.phase_timeouts_ns
        self._reaching: dict[Connection, int] = {}
        self._securing: dict[Connection, int] = {}
        self._upgrading: dict[Connection, int] = {}

    def begin(self, connection: Connection, now_ns: int) -> None:
        """Take note of an attempt that begins."""
        self._reaching[connection] = now_ns + self._reach_ns

    def secure(self, connection: Connection, now_ns: int) -> None:
        """Take note that TLS begins; does nothing for an attempt that has its outcome."""
        if self._reaching.pop(connection, None) is not None:
            self._securing[connection] = now_ns + self._tls_ns

    def upgrade(self, connection: Connection, now_ns: int) -> None:
        """Take note that the upgrade begins; does nothing for one that has its outcome."""
        before = self._securing if connection in self._securing else self._reaching
        if before.pop(connection, None) is not None:
            self._upgrading[connection] = now_ns + self._upgrade_ns

    def drop(self, connection: Connection) -> None:
        """Forget an attempt that has its outcome."""
        for waiting in (self._upgrading, self._reaching, self._securing):
            if waiting.pop(connection, None) is not None:
                return

    def overdue(self, now_ns: int) -> list[Connection]:
        """Return those whose time is up."""
        found: list[Connection] = []
        for waiting in (self._reaching, self._securing, self._upgrading):
            found += [
                connection
                for connection, _ in takewhile(lambda item: item[1] <= now_ns, waiting.items())
            ]
        return found
