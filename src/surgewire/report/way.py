"""How users got to the target, out of what was counted by name: TLS, addresses, sources."""

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
    _Topic("Addresses", "address_", fewest=2),
    _Topic("Sources", "source_"),
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


def _counts(counts: dict[str, int], width: int) -> RenderableType:
    shown = list(counts.items())[:_NAMES_SHOWN]
    items = [pair(plain(name.replace("_", " ")), whole(count)) for name, count in shown]
    if len(counts) > _NAMES_SHOWN:
        rest = sum(counts.values()) - sum(count for _, count in shown)
        items.append(pair(f"{len(counts) - _NAMES_SHOWN} more", whole(rest)))
    return flow(items, width)
