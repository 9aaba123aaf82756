"""One attempt to connect: the instants of its phases."""

from dataclasses import dataclass

from surgewire._core.connection import Connection


@dataclass(slots=True)
class Attempt:
    """Instants in ns of CLOCK_MONOTONIC; 0 for what has not taken place.

    `user`: whose attempt it is; `again`: whether that user has made one before. `planned_ns`: when
    it was to begin; `deadline_ns`: when it is given up; `started_ns`: when it did begin;
    `dialled_ns`: when the name was known and TCP began, the same as `started_ns` where nothing was
    looked up. The connection stamps the rest.
    """

    user: int
    planned_ns: int
    deadline_ns: int
    again: bool = False
    started_ns: int = 0
    dialled_ns: int = 0
    securing: bool = False

    def phases_ns(self, connection: Connection) -> dict[str, int]:
        """Return the length of each phase of an established connection, by metric.

        Each phase begins where the one before it ends: dns, tcp, tls and upgrade add up to
        `connect_time`.
        """
        phases = {
            "connect_time": connection.open_ns - self.started_ns,
            "tcp_time": connection.tcp_ns - self.dialled_ns,
            "upgrade_time": connection.open_ns - (connection.secured_ns or connection.tcp_ns),
        }
        if self.dialled_ns > self.started_ns:
            phases["dns_time"] = self.dialled_ns - self.started_ns
        if connection.secured_ns:
            phases["tls_time"] = connection.secured_ns - connection.tcp_ns
        return phases
