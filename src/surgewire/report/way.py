"""How users got to the target, out of what was counted by name: TLS, compression, addresses."""

from dataclasses import dataclass

from rich.console import RenderableType

from surgewire.report.layout import flow, pair
from surgewire.report.wording import plain, whole
from surgewire.results.result import Result

_NAMES_SHOWN = 6


@dataclass(frozen=True, slots=True)
class _Topic:
    """One line of the report: the facts whose names begin with `prefix`.

    fewest: how many different names make the line worth its place.
    """

    label: str
    prefix: str
    fewest: int = 1


_TOPICS = (
    _Topic("TLS", "tls_"),
    _Topic("Compression", "deflate_"),
    _Topic("Addresses", "address_", fewest=2),
    _Topic("Sources", "source_"),
    _Topic("Subprotocol", "subprotocol_"),
    _Topic("Redirects", "redirects_"),
    _Topic("Closing", "closing_"),
    _Topic("Flood", "flood_"),
)


def facts(result: Result, width: int) -> list[tuple[str, RenderableType]]:
    """Write a labelled line for each topic of which something was counted."""
    lines: list[tuple[str, RenderableType]] = []
    for topic in _TOPICS:
        found = {
            name.removeprefix(topic.prefix): count
            for name, count in result.facts.items()
            if name.startswith(topic.prefix)
        }
        if len(found) >= topic.fewest:
            lines.append((topic.label, _counts(found, width)))
    return lines


def volume(result: Result, width: int) -> list[tuple[str, RenderableType]]:
    """Write what compression saved, where any connection compresses."""
    if not result.facts.get("deflate_agreed"):
        return []
    traffic = result.traffic
    items = [
        pair("received", _volume(traffic.bytes_in, traffic.payload_bytes_in)),
        pair("sent", _volume(traffic.bytes_out, traffic.payload_bytes_out)),
    ]
    return [("Bytes", flow(items, width))]


def _volume(wire_bytes: int, payload_bytes: int) -> str:
    """``300 for 1,000 of messages (30.0 %)``."""
    told = f"{whole(wire_bytes)} for {whole(payload_bytes)} of messages"
    return f"{told} ({100 * wire_bytes / payload_bytes:,.1f} %)" if payload_bytes else told


def _counts(counts: dict[str, int], width: int) -> RenderableType:
    shown = list(counts.items())[:_NAMES_SHOWN]
    items = [pair(plain(name.replace("_", " ")), whole(count)) for name, count in shown]
    if len(counts) > _NAMES_SHOWN:
        rest = sum(counts.values()) - sum(count for _, count in shown)
        items.append(pair(f"{len(counts) - _NAMES_SHOWN} more", whole(rest)))
    return flow(items, width)
