"""Awkward clients: which behaviours there are, and how many users behave so.

A behaviour is written ``NAME:SHARE`` or ``NAME:SHARE@AMOUNT``, such as ``slow-reader:5%@1k/s``;
what the amount is depends on the behaviour.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from surgewire.plan.units import (
    UnitError,
    format_duration,
    format_share,
    format_size,
    parse_duration,
    parse_rate,
    parse_share,
    parse_size,
    shorten,
)

_HINT = "write for example slow-reader:5%, or slow-reader:5%@1k/s"
_MS = 1_000_000
_S = 1_000_000_000
_HOUR = 3_600 * _S


def _bytes_per_s(text: str) -> int:
    size, slash, unit = text.rpartition("/")
    if not slash or unit != "s":
        raise UnitError(f"{shorten(text)} is no size in a second; write for example 1k/s")
    return parse_size(size)


def _per_s(text: str) -> int:
    rate = parse_rate(text)
    count, rest = divmod(rate.count * _S, rate.per_ns)
    if rest:
        raise UnitError(f"{shorten(text)} is no whole number in a second; write for example 100/s")
    return count


@dataclass(frozen=True, slots=True)
class Amount:
    """What stands behind the ``@`` of a behaviour: how it is read and shown, and its bounds."""

    parse: Callable[[str], int]
    show: Callable[[int], str]
    default: int
    low: int
    high: int


def _rate_of_bytes(default: int) -> Amount:
    return Amount(_bytes_per_s, lambda n: f"{format_size(n)}/s", default, 1, 1 << 30)


def _time(default: int) -> Amount:
    return Amount(parse_duration, format_duration, default, 10 * _MS, _HOUR)


BEHAVIOURS: Mapping[str, Amount] = {
    "slow-reader": _rate_of_bytes(1 << 10),
    "pausing-reader": _time(2 * _S),
    "small-buffer": Amount(parse_size, format_size, 4 << 10, 1 << 10, 1 << 20),
    "slow-upgrade": _rate_of_bytes(50),
    "fragmented": Amount(parse_size, format_size, 16, 1, 1 << 20),
    "broken-frames": _time(_S),
    "broken-masks": _time(_S),
    "ping-flood": Amount(_per_s, lambda n: f"{n}/s", 100, 1, 100_000),
    "vanish": _time(_S),
    "silent": _time(_S),
}
"""All behaviours by name, with their amounts: bytes read or sent in a second, the length of a pause
in ns, a buffer's or a fragment's bytes, pings in a second, or the time in ns after which it is
done."""

_OF_MESSAGES = frozenset({"fragmented"})
"""Behaviours of those who send messages."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One behaviour of a share of the users. amount: in the unit that BEHAVIOURS says."""

    name: str
    share_ppm: int
    amount: int

    def __str__(self) -> str:
        return (
            f"{self.name}:{format_share(self.share_ppm)}@{BEHAVIOURS[self.name].show(self.amount)}"
        )

    def users(self, connections: int) -> int:
        """Return how many of `connections` users behave so: the share, rounded down, or one."""
        return max(1, connections * self.share_ppm // 1_000_000)


def parse_behaviours(text: str) -> tuple[Behaviour, ...]:
    """Read behaviours separated by commas. Raises UnitError."""
    return tuple(_parse_one(part.strip()) for part in text.split(","))


def _parse_one(text: str) -> Behaviour:
    name, colon, rest = text.partition(":")
    share, at, amount = rest.partition("@")
    kind = BEHAVIOURS.get(name)
    if kind is None:
        raise UnitError(f"{shorten(name)} is no behaviour; write one of {', '.join(BEHAVIOURS)}")
    if not colon or not share:
        raise UnitError(f"{shorten(text)} does not say how many users; {_HINT}")
    share_ppm = parse_share(share)
    if not 0 < share_ppm < 1_000_000:
        raise UnitError(f"{name}:{shorten(share)}: a share lies between 0 and 100%; {_HINT}")
    value = kind.parse(amount) if at else kind.default
    if not kind.low <= value <= kind.high:
        raise UnitError(
            f"{name}: {shorten(amount)} lies outside {kind.show(kind.low)} to "
            f"{kind.show(kind.high)}; {_HINT}"
        )
    return Behaviour(name, share_ppm, value)


def _read(value: Any) -> tuple[Behaviour, ...]:
    return tuple(_each(value))


def _each(value: Any) -> Iterator[Behaviour]:
    if isinstance(value, Behaviour):
        yield value
    elif isinstance(value, str):
        yield from parse_behaviours(value)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _each(part)
    else:
        raise UnitError(f"{shorten(value)} is no behaviour; {_HINT}")


BehavioursField = Annotated[
    tuple[Behaviour, ...],
    BeforeValidator(_read),
    PlainSerializer(lambda value: [str(one) for one in value]),
]


def check_behaviours(behave: Sequence[Behaviour], connections: int, *, sends: bool) -> None:
    """Refuse what makes no sense together. sends: whether users send messages.

    Raises UnitError.
    """
    names = [one.name for one in behave]
    for name in names:
        if names.count(name) > 1:
            raise UnitError(f"--behave: {name} is given twice; write one share for it")
        if name in _OF_MESSAGES and not sends:
            raise UnitError(
                f"--behave: {name} is about messages, and `surgewire connect` sends none; leave it "
                "out, or use `surgewire echo` or `surgewire chat`"
            )
    awkward = sum(one.users(connections) for one in behave)
    if behave and awkward >= connections:
        raise UnitError(
            f"--behave: {awkward:,} awkward users of {connections:,} leave nobody who behaves; "
            "write smaller shares, or more connections"
        )
