"""The account of messages in the text report: in total, and where a room stands out."""

from rich.console import RenderableType
from rich.text import Text

from surgewire.report.layout import fault, flow, pair
from surgewire.report.wording import counted, per_s, share, whole
from surgewire.results.result import Result

_WORST_SHOWN = 3


def messages(result: Result, width: int) -> RenderableType:
    """Write the account of messages, with the identity that it must satisfy."""
    lines = [
        flow(_sending(result), width),
        flow(_identity(result), width, gap=1),
        flow(_arrived(result), width),
    ]
    return Text("\n").join(lines)


def rooms(result: Result, width: int) -> list[RenderableType]:
    """Name the rooms in which most was lost; nothing where nothing was."""
    if result.rooms is None or not result.rooms.worst:
        return []
    items = [Text("most lost", "dim")]
    for account in result.rooms.worst[:_WORST_SHOWN]:
        lost = account.lost + account.lost_to_disconnect
        told = f"{whole(lost)} of {whole(account.expected)}"
        items.append(pair(f"room {account.room}", told, "bold red"))
    return [flow(items, width)]


def _sending(result: Result) -> list[Text]:
    part = result.delivery
    items = [pair("planned", whole(part.planned)), pair("sent", whole(part.sent))]
    if part.skipped:
        items.append(fault("skipped", part.skipped))
    items.append(pair("rate", f"{per_s(result.traffic.sent_per_s)}/s"))
    items.append(pair("sending time", f"{result.duration_s:,.1f} s"))
    if result.run.kind == "chat":
        if part.warmup_sent:
            items.append(pair("warm-up", whole(part.warmup_sent)))
        if result.duration_s > 0:
            items.append(pair("deliveries", f"{per_s(part.delivered / result.duration_s)}/s"))
    elif part.warmup_sent:
        warmup = f"{whole(part.warmup_delivered)} of {whole(part.warmup_sent)}"
        items.append(pair("warm-up", warmup))
    return items


def _identity(result: Result) -> list[Text]:
    part = result.delivery
    terms = [
        Text.assemble(("expected ", "dim"), (whole(part.expected), "bold")),
        Text.assemble(("= delivered ", "dim"), (whole(part.delivered), "bold")),
        Text("+ ", "dim") + fault("lost", part.lost),
        Text("+ ", "dim") + fault("lost to disconnect", part.lost_to_disconnect),
    ]
    if part.undecided:
        terms.append(Text("+ ", "dim") + pair("undecided", whole(part.undecided), "bold yellow"))
    return terms + _in_rooms(result)


def _in_rooms(result: Result) -> list[Text]:
    """Say whether the identity holds in each room too."""
    rooms = result.rooms
    if rooms is None:
        return []
    if rooms.identity_holds:
        each = "in the room" if rooms.count == 1 else f"in all {counted(rooms.count, 'room')}"
        when = "" if rooms.current else f" at {rooms.at_s:,.1f} s"
        return [Text(f"(holds {each}{when})", "dim")]
    named = ", ".join(map(str, rooms.unbalanced_rooms))
    more = " …" if rooms.unbalanced > len(rooms.unbalanced_rooms) else ""
    told = f"does not hold in {whole(rooms.unbalanced)} of {counted(rooms.count, 'room')}: "
    return [Text(f"({told}{named}{more})", "bold red")]


def _arrived(result: Result) -> list[Text]:
    part = result.delivery
    items = [pair("delivery rate", share(part.rate), _share_style(part.rate))]
    if part.completeness is not None:
        items.append(pair("reached all", share(part.completeness), _share_style(part.completeness)))
    items += [
        fault("duplicated", part.duplicated),
        fault("reordered", part.reordered),
        fault("late", part.late),
        pair("foreign", whole(part.foreign)),
        fault("damaged", part.damaged),
    ]
    rare = (
        ("unmarked", part.unmarked),
        ("misrouted", part.misrouted),
        ("too old", part.too_old),
        ("before join", part.before_join),
        ("in flight at leave", part.in_flight_at_leave),
    )
    return items + [pair(name, whole(count)) for name, count in rare if count]


def _share_style(rate: float | None) -> str:
    return "bold" if rate is None or rate >= 1 else "bold red"
