"""What happened to users over the time of a run: joins, ends, returns, pings, drift.

Each part is a list of what to show: empty where there is nothing to say.
"""

import math

from rich.console import RenderableType
from rich.text import Text

from surgewire.report.layout import fault, flow, pair
from surgewire.report.wording import DASH, plain, whole
from surgewire.results.drift_words import sentence
from surgewire.results.episodes import Episode
from surgewire.results.result import Result

_KINDS_SHOWN = 8
_EPISODES_SHOWN = 5
_MOVED = frozenset({"rising", "falling", "settled"})


def joins(result: Result, width: int) -> list[RenderableType]:
    """Write how many users joined, where they had to ask, or where not all are there any more."""
    part = result.joins
    if part is None:
        return []
    asked = result.run.plan.get("join") is not None
    if not asked and not part.failed and part.joined_now == part.joined:
        return []
    items = [
        pair("joined", whole(part.joined)),
        fault("failed", part.failed),
        pair("listening at the end", whole(part.joined_now)),
    ]
    return [flow(items, width)]


def disconnects(result: Result, width: int) -> RenderableType:
    """Write how many connections ended before we closed them, by kind, and when."""
    kinds = result.disconnects.kinds
    if not kinds:
        return Text("none", "dim")
    items = []
    for kind, course in list(kinds.items())[:_KINDS_SHOWN]:
        when = f" ({math.floor(course.first_s)}{DASH}{math.ceil(course.last_s)} s)"
        items.append(pair(plain(kind), whole(course.count), "bold red") + Text(when, "dim"))
    if len(kinds) > _KINDS_SHOWN:
        rest = sum(course.count for course in list(kinds.values())[_KINDS_SHOWN:])
        more = len(kinds) - _KINDS_SHOWN
        items.append(pair(f"{more} more kinds", whole(rest), "bold red"))
    return flow(items, width)


def reconnects(result: Result, width: int) -> list[RenderableType]:
    """Write who ended, who left, and who came back."""
    part = result.reconnects
    if not (part.left or part.rejoined or part.attempts):
        return []
    items = [fault("cut off", part.cut_off)]
    if part.left:
        items.append(pair("left on purpose", whole(part.left)))
    items += [
        pair("tries to come back", whole(part.attempts)),
        fault("failed", part.failed),
        pair("joined again", whole(part.rejoined)),
    ]
    return [flow(items, width)]


def episodes(result: Result, width: int) -> list[RenderableType]:
    """Write when many were cut off at once, and how they came back."""
    found = result.episodes
    if not found.count:
        return []
    lines = [flow(_episode(episode), width) for episode in found.first[:_EPISODES_SHOWN]]
    if found.count > _EPISODES_SHOWN:
        lines.append(Text(f"and {found.count - _EPISODES_SHOWN} more", "dim"))
    return [Text("\n").join(lines)]


def pings(result: Result, width: int) -> list[RenderableType]:
    """Write how many pings were answered, where any were sent."""
    part = result.pings
    if not part.sent:
        return []
    items = [
        pair("sent", whole(part.sent)),
        pair("answered", whole(part.answered)),
        fault("timeouts", part.timeouts),
    ]
    return [flow(items, width)]


def drift(result: Result, width: int) -> list[RenderableType]:
    """Say in a sentence each what grew or fell slowly; nothing where sending was too short."""
    part = result.drift
    items = []
    for place, finding in enumerate(part.findings):
        end = "" if place == len(part.findings) - 1 else ";"
        style = "bold yellow" if finding.status in _MOVED else ""
        items.append(Text(sentence(finding, part.sending_s) + end, style))
    return [flow(items, width, gap=1)] if items else []


def _episode(episode: Episode) -> list[Text]:
    items = [
        Text(f"{episode.began_s:,.1f} s"),
        pair("cut off", f"{whole(episode.cut_off)} of {whole(episode.before)}", "bold red"),
    ]
    if episode.half_back_s is None:
        items.append(pair("there at its end", whole(episode.now), "bold red"))
    else:
        items += [
            pair("half back after", _seconds(episode.half_back_s)),
            pair("90 %", _seconds(episode.most_back_s)),
            pair("all", _seconds(episode.all_back_s)),
        ]
        if episode.all_back_s is None:
            items.append(pair("there at its end", whole(episode.now), "bold red"))
    items.append(fault("messages lost", episode.lost))
    return items


def _seconds(value_s: float | None) -> str:
    return DASH if value_s is None else f"{value_s:,.1f} s"
