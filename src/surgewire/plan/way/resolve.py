"""Addresses that stand for a name: ``HOST:PORT:ADDRESS``, as curl writes it."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from surgewire.plan.host import HostError, parse_host
from surgewire.plan.units import UnitError, shorten

ANY_HOST = "*"
_EXAMPLE = "example.com:443:192.0.2.10, or more addresses with commas between them"
_ENTRY = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]+):(?P<port>\d{1,5}):(?P<addresses>.+)")


@dataclass(frozen=True, slots=True)
class Resolution:
    """To which `addresses`, in that order, a connection to `host` and `port` goes."""

    host: str
    port: int
    addresses: tuple[str, ...]

    def covers(self, host: str, port: int) -> bool:
        """Tell whether this is about `host` and `port`."""
        return self.port == port and self.host in (ANY_HOST, host)


def parse_resolution(text: str) -> Resolution:
    """Read ``host:port:address[,address…]``; the host ``*`` stands for any.

    IPv6 addresses may stand in brackets. Raises UnitError.
    """
    entry = _ENTRY.fullmatch(text.strip())
    if entry is None:
        raise UnitError(f"{shorten(text)} is no HOST:PORT:ADDRESS; write {_EXAMPLE}")
    port = int(entry["port"])
    if not 1 <= port <= 65_535:
        raise UnitError(f"{shorten(text)} has a bad port; a port is a number from 1 to 65535")
    try:
        host = entry["host"] if entry["host"] == ANY_HOST else parse_host(entry["host"])
    except HostError as error:
        raise UnitError(f"{shorten(text)} has {error}") from None
    return Resolution(host, port, tuple(map(_address, entry["addresses"].split(","))))


def find_resolution(entries: Sequence[Resolution], host: str, port: int) -> Resolution | None:
    """Return the first of `entries` that is about `host` and `port`."""
    return next((entry for entry in entries if entry.covers(host, port)), None)


def _address(text: str) -> str:
    bare = text.strip()
    if bare.startswith("[") and bare.endswith("]"):
        bare = bare[1:-1]
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        raise UnitError(f"{shorten(text)} is no address; write for example {_EXAMPLE}") from None
