"""Where connections come from: addresses, ranges of them, interfaces, or whatever there is."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from surgewire.plan.units import UnitError, shorten

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_SOURCES = 10_000
_EXAMPLE = "127.0.0.2-127.0.0.9, addresses with commas between them, the name of an interface, auto"
# What Linux takes for a name (IFNAMSIZ), less what could be meant for an address.
_INTERFACE = re.compile(r"[A-Za-z][A-Za-z0-9_.@-]{0,14}")


@dataclass(frozen=True, slots=True)
class AddressRange:
    """All addresses from `first` to `last`, both included."""

    first: IPAddress
    last: IPAddress

    def __len__(self) -> int:
        return int(self.last) - int(self.first) + 1

    def __iter__(self) -> Iterator[str]:
        make = type(self.first)
        return (str(make(number)) for number in range(int(self.first), int(self.last) + 1))


@dataclass(frozen=True, slots=True)
class Interface:
    """All addresses of a network interface."""

    name: str


@dataclass(frozen=True, slots=True)
class Automatic:
    """All addresses of this machine from which the target can be reached."""


Source = AddressRange | Interface | Automatic


def parse_sources(text: str) -> tuple[Source, ...]:
    """Read a list such as ``127.0.0.2-127.0.0.9,eth0``. Raises UnitError."""
    sources = tuple(_source(piece.strip()) for piece in text.split(","))
    named = sum(len(source) for source in sources if isinstance(source, AddressRange))
    if named > MAX_SOURCES:
        raise UnitError(
            f"{shorten(text)} names {named:,} addresses; write {MAX_SOURCES:,} or fewer"
        )
    if Automatic() in sources and len(sources) > 1:
        raise UnitError(
            f"{shorten(text)} has auto beside others; write auto alone, or leave it out"
        )
    return sources


def _source(text: str) -> Source:
    if text == "auto":
        return Automatic()
    first, dash, last = (piece.strip() for piece in text.partition("-"))
    if (low := _address(first)) is not None:
        return _range(text, low, last if dash else first)
    if _INTERFACE.fullmatch(text):
        return Interface(text)
    raise UnitError(f"{shorten(text)} is no source address; write {_EXAMPLE}")


def _range(text: str, low: IPAddress, last: str) -> AddressRange:
    high = _address(last)
    if high is None or high.version != low.version or int(high) < int(low):
        raise UnitError(
            f"{shorten(text)} is no range of addresses; write the lowest and the highest, "
            f"as 127.0.0.2-127.0.0.9"
        )
    return AddressRange(low, high)


def _address(text: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
