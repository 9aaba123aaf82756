"""Names to addresses."""

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from typing import Self

from surgewire.plan.host import is_address
from surgewire.plan.way.resolve import Resolution, find_resolution

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6, None: socket.AF_UNSPEC}


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of one host: `first` are dealt out in turn, `others` are a way out."""

    first: tuple[str, ...]
    others: tuple[str, ...] = ()

    @classmethod
    def found(cls, addresses: tuple[str, ...]) -> Self:
        """Deal out those of the family that the system prefers (RFC 6724): its first answer's."""
        preferred = ":" in addresses[0]
        same = tuple(address for address in addresses if (":" in address) == preferred)
        return cls(same, tuple(address for address in addresses if address not in same))

    def for_turn(self, turn: int, version: int | None = None) -> tuple[str, ...]:
        """Return the addresses in the order in which the attempt number `turn` tries them.

        version: 4 or 6 where only such addresses will do; raises socket.gaierror without any.
        """
        if len(self.first) == 1 and not self.others and version is None:
            return self.first
        first, others = self.first, self.others
        if version is not None:
            first, others = _of_version(first, version), _of_version(others, version)
        if not first:
            first, others = others, ()
        if not first:
            raise socket.gaierror(socket.EAI_NONAME, f"no address of IPv{version}")
        start = turn % len(first)
        return first[start:] + first[:start] + others


def _of_version(addresses: tuple[str, ...], version: int) -> tuple[str, ...]:
    return tuple(text for text in addresses if ipaddress.ip_address(text).version == version)


class Resolver:
    """Looks hosts up.

    With `cached`, one lookup of a host serves the whole run, and attempts that begin before it is
    done wait for it; otherwise every attempt looks up anew, as independent clients would.
    `given`: addresses that need no lookup; version: 4 or 6 where only such addresses will do.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        cached: bool,
        given: tuple[Resolution, ...] = (),
        version: int | None = None,
    ) -> None:
        """Prepare; nothing is looked up yet."""
        self._loop = loop
        self._cached = cached
        self._given = given
        self._version = version
        self._known: dict[tuple[str, int], Addresses] = {}
        self._lookups: dict[tuple[str, int], asyncio.Task[Addresses]] = {}

    def is_name(self, host: str, port: int) -> bool:
        """Tell whether `host` stands for addresses that are not the host itself."""
        return not is_address(host) or find_resolution(self._given, host, port) is not None

    def known(self, key: tuple[str, int]) -> Addresses | None:
        """Return the addresses of a host and port that need no more asking, if there are any."""
        return self._known.get(key)

    async def resolve(self, host: str, port: int) -> tuple[Addresses, bool]:
        """Return the addresses and whether the caller had to wait for a lookup.

        Raises socket.gaierror.
        """
        key = (host, port)
        known = self._known.get(key)
        if known is not None:
            return known, False
        if (fixed := self._fixed(host, port)) is not None:
            self._known[key] = fixed
            return fixed, False
        if not self._cached:
            return await self._look_up(host, port), True
        if key not in self._lookups:
            self._lookups[key] = self._loop.create_task(self._look_up(host, port))
        # Who is given up while it waits must not take the lookup of the others along.
        found = self._known[key] = await asyncio.shield(self._lookups[key])
        return found, True

    def forget(self) -> None:
        """Look up anew at the next attempt whatever is not being looked up."""
        for key, lookup in list(self._lookups.items()):
            if lookup.done():
                del self._lookups[key]
                self._known.pop(key, None)

    def _fixed(self, host: str, port: int) -> Addresses | None:
        """Return the addresses that need no lookup."""
        entry = find_resolution(self._given, host, port)
        addresses = entry.addresses if entry else (host,) if is_address(host) else ()
        if self._version is not None:
            addresses = _of_version(addresses, self._version)
        return Addresses(addresses) if addresses else None

    async def _look_up(self, host: str, port: int) -> Addresses:
        found = await self._loop.getaddrinfo(
            host, port, family=_FAMILIES[self._version], type=socket.SOCK_STREAM
        )
        # dict: each address once, in the resolver's order of preference.
        return Addresses.found(tuple(dict.fromkeys(str(entry[4][0]) for entry in found)))
