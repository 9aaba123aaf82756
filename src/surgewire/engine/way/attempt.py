"""One attempt to connect: the instants of its phases."""

from dataclasses import dataclass, field

from surgewire._core.connection import Connection


@dataclass(slots=True)
class Attempt:
    """Instants in ns of CLOCK_MONOTONIC; 0 for what has not taken place.

    `user`: whose attempt it is; `again`: whether that user has made one before. `planned_ns`: when
    it was to begin; `started_ns`: when it did begin; `hop_ns`: when the last redirect was followed;
    `dialled_ns`: when the name was known and TCP began, the same as `begun_ns` where nothing was
    looked up; `proxied_ns`: when TCP to the proxy was there and the proxy was asked to go on. The
    connection stamps the rest. `facts`: names to be counted with
    the outcome; `trying`: those of the addresses that are being tried, which count once TCP is
    there.
    """

    user: int
    planned_ns: int
    again: bool = False
    started_ns: int = 0
    hop_ns: int = 0
    dialled_ns: int = 0
    proxied_ns: int = 0
    facts: list[str] = field(default_factory=list)
    trying: tuple[str, ...] = ()

    @property
    def begun_ns(self) -> int:
        """When the way to the present address began: with the attempt, or the last redirect."""
        return self.hop_ns or self.started_ns

    def hop(self, at_ns: int) -> None:
        """Begin anew with another address, to which a server has redirected."""
        self.hop_ns, self.dialled_ns, self.proxied_ns = at_ns, 0, 0

    def phases_ns(self, connection: Connection) -> dict[str, int]:
        """Return the length of each phase of an established connection, by metric.

        Each phase begins where the one before it ends: redirect, dns, tcp, proxy, tls and upgrade
        add up to `connect_time`. TLS that resumed a session has a metric of its own.
        """
        phases = {
            "connect_time": connection.open_ns - self.started_ns,
            "tcp_time": (self.proxied_ns or connection.tcp_ns) - self.dialled_ns,
            "upgrade_time": connection.open_ns - (connection.secured_ns or connection.tcp_ns),
        }
        if self.hop_ns:
            phases["redirect_time"] = self.hop_ns - self.started_ns
        if self.dialled_ns > self.begun_ns:
            phases["dns_time"] = self.dialled_ns - self.begun_ns
        if self.proxied_ns:
            phases["proxy_time"] = connection.tcp_ns - self.proxied_ns
        if connection.link is not None:
            name = "tls_time_resumed" if connection.link.resumed else "tls_time"
            phases[name] = connection.secured_ns - connection.tcp_ns
        return phases

    def phase(self, connection: Connection) -> str:
        """Return the phase in which the attempt is: dns, tcp, proxy, tls or upgrade."""
        if not self.dialled_ns:
            return "dns"
        if not connection.tcp_ns:
            return "proxy" if self.proxied_ns else "tcp"
        secured = connection.link is None or connection.secured_ns
        return "upgrade" if secured else "tls"
