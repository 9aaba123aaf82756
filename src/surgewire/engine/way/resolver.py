"""Names to addresses."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence

from surgewire.plan.target import Target

Addresses = Sequence[str]


class Resolver:
    """Looks the target's host up.

    With `cached`, one lookup serves the whole run, and attempts that begin before it is done wait
    for it; otherwise every attempt looks up anew, as independent clients would.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, target: Target, *, cached: bool) -> None:
        """Take `target`; a literal address needs no lookup."""
        self._loop = loop
        self._target = target
        self._cached = cached
        self._literal = _is_address(target.host)
        self._known: Addresses | None = (target.host,) if self._literal else None
        self._lookup: asyncio.Task[Addresses] | None = None

    async def resolve(self, family: int = 0) -> tuple[Addresses, bool]:
        """Return the addresses and whether the caller had to wait for a lookup.

        family: AF_INET or AF_INET6 where only that will do. Raises socket.gaierror.
        """
        if self._known is not None:
            return self._known, False
        if not self._cached:
            return await self._look_up(family), True
        if self._lookup is None:
            self._lookup = self._loop.create_task(self._look_up(family))
        # Who is given up while it waits must not take the lookup of the others along.
        self._known = await asyncio.shield(self._lookup)
        return self._known, True

    def forget(self) -> None:
        """Look up anew at the next attempt, unless a lookup is under way."""
        if not self._literal and self._lookup is not None and self._lookup.done():
            self._known = self._lookup = None

    async def _look_up(self, family: int) -> Addresses:
        found = await self._loop.getaddrinfo(
            self._target.host, self._target.port, family=family, type=socket.SOCK_STREAM
        )
        # dict: each address once, in the resolver's order of preference.
        return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
