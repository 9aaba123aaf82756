"""Awkward users in the text report: how they behaved, what became of them, and their account."""

from rich.console import RenderableType
from rich.text import Text

from surgewire.report.layout import flow, pair
from surgewire.report.wording import plain, whole
from surgewire.results.awkward import AwkwardDelivery
from surgewire.results.result import Result


def users(result: Result, width: int) -> list[RenderableType]:
    """Write a line for each behaviour and one for the account; nothing where all behaved."""
    part = result.awkward
    if part is None:
        return []
    lines = []
    for name, behaved in part.behaviours.items():
        items = [pair(plain(name), whole(behaved.users), "bold")]
        items += [pair(plain(kind), whole(count)) for kind, count in behaved.ends.items()]
        lines.append(flow(items, width))
    if result.run.kind != "connect":
        lines.append(flow(_identity(part.delivery), width, gap=1))
    return [Text("\n").join(lines)]


def _identity(part: AwkwardDelivery) -> list[Text]:
    """Nothing is painted red: what these users miss is no fault of the server."""
    terms = [
        pair("expected", whole(part.expected)),
        pair("= delivered", whole(part.delivered)),
        pair("+ lost", whole(part.lost)),
        pair("+ lost to disconnect", whole(part.lost_to_disconnect)),
    ]
    if part.undecided:
        terms.append(pair("+ undecided", whole(part.undecided)))
    return [*terms, Text("(kept apart)", "dim")]
