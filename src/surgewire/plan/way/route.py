"""Where connections come from, and by which way they go."""

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from surgewire.plan.units import UnitError, shorten
from surgewire.plan.way.part import Part
from surgewire.plan.way.proxy import Proxy, parse_proxy
from surgewire.plan.way.resolve import Resolution, parse_resolution
from surgewire.plan.way.source import Source, parse_sources

FAMILIES = ("4", "6", "any")


def _texts(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _family(value: str) -> str:
    if value not in FAMILIES:
        raise UnitError(f"{shorten(value)} is no address family; write 4, 6 or any")
    return value


def _resolutions(value: tuple[str, ...]) -> tuple[str, ...]:
    seen: set[tuple[str, int]] = set()
    for text in value:
        entry = parse_resolution(text)
        if (entry.host, entry.port) in seen:
            raise UnitError(
                f"{entry.host}:{entry.port} is given twice; write its addresses in one, "
                "with commas between them"
            )
        seen.add((entry.host, entry.port))
    return value


def _sources(value: str) -> str:
    parse_sources(value)
    return value


def _proxy(value: str) -> str:
    parse_proxy(value)
    return value


_Resolve = Annotated[
    tuple[str, ...],
    BeforeValidator(_texts),
    AfterValidator(_resolutions),
    PlainSerializer(list),
]


class RoutePart(Part):
    """Where connections come from, and by which way they go.

    The fields hold what was written; the properties beside them what that means.
    """

    SECRET: ClassVar[frozenset[str]] = frozenset({"proxy"})

    resolve: Annotated[
        tuple[str, ...],
        BeforeValidator(_texts),
        AfterValidator(_resolutions),
        PlainSerializer(list),
    ] = ()
    family: Annotated[str, AfterValidator(_family)] = "any"
    source: Annotated[str, AfterValidator(_sources)] | None = None
    proxy: Annotated[str, AfterValidator(_proxy)] | None = None

    @cached_property
    def resolutions(self) -> tuple[Resolution, ...]:
        """The addresses that `resolve` gives."""
        return tuple(map(parse_resolution, self.resolve))

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """What `source` names; empty where nothing is asked for."""
        return () if self.source is None else parse_sources(self.source)

    @cached_property
    def via(self) -> Proxy | None:
        """The proxy."""
        return None if self.proxy is None else parse_proxy(self.proxy)

    @property
    def ip_version(self) -> int | None:
        """4 or 6 where only addresses of that version are to be used."""
        return None if self.family == "any" else int(self.family)

    def _public(self, name: str, value: Any) -> Any:
        if name == "proxy" and self.via is not None:
            return self.via.public_url
        return super()._public(name, value)
