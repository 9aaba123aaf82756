"""How a connect run went over time: surges, planned against reached, the backlog, the course.

Each part is a list of what to show: empty where there is nothing to say.
"""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from surgewire.report.layout import GAP, flow, pair
from surgewire.report.wording import DASH, ms, per_s, plain, whole
from surgewire.results.attempts import Step
from surgewire.results.result import Result
from surgewire.results.surges import Surge

_SURGES_SHOWN = 8
_STEPS_SHOWN = 12
_FEWEST_STEPS = 3


def surges(result: Result, width: int) -> list[RenderableType]:
    """Write of each storm, wave and return how many came in, and when the last of them did."""
    found = result.surges
    lines = [flow(_surge(surge, alone=len(found) == 1), width) for surge in found[:_SURGES_SHOWN]]
    if len(found) > _SURGES_SHOWN:
        lines.append(Text(f"and {len(found) - _SURGES_SHOWN} more", "dim"))
    return [Text("\n").join(lines)] if lines else []


def attempts(result: Result, width: int) -> list[RenderableType]:
    """Write which rate was planned and reached, the backlog, and in which phase attempts failed."""
    part = result.attempts
    if part is None:
        return []
    items = []
    if part.planned_per_s is not None:
        items.append(pair("planned", f"{per_s(part.planned_per_s)}/s"))
    items.append(pair("reached", f"{per_s(part.reached_per_s)}/s"))
    items.append(pair("most under way", whole(part.most_under_way)))
    items += [
        pair(f"failed in {plain(phase)}", whole(count), "bold red")
        for phase, count in part.failed_in.items()
    ]
    return [flow(items, width)]


def course(result: Result) -> list[RenderableType]:
    """Set the course in a table; nothing where the run was short."""
    part = result.attempts
    if part is None or len(part.course) < _FEWEST_STEPS:
        return []
    names = (
        "from s",
        "planned/s",
        "begun/s",
        "accepted/s",
        "failed",
        "backlog",
        "p50 ms",
        "p99 ms",
    )
    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="dim")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    steps, left_out = _chosen(part.course)
    for step in steps:
        table.add_row(*_row(step))
    if left_out:
        table.add_row(DASH, *[""] * (len(names) - 2), f"{left_out} more in JSON", style="dim")
    return [table]


def _surge(surge: Surge, *, alone: bool) -> list[Text]:
    name = surge.kind if surge.kind != "wave" or alone else f"{surge.kind} {surge.number}"
    done = surge.came >= surge.users
    items = [
        Text(name),
        pair("at", f"{surge.planned_s:,.1f} s"),
        pair("in", f"{whole(surge.came)} of {whole(surge.users)}", "bold" if done else "bold red"),
    ]
    if surge.all_in_s is not None:
        items.append(pair("all in after", f"{surge.all_in_s:,.3f} s"))
    elif surge.last_in_s is not None:
        items.append(pair("the last of them after", f"{surge.last_in_s:,.3f} s"))
    return items


def _chosen(course: Sequence[Step]) -> tuple[list[Step], int]:
    """Choose steps that are evenly spread, the first and the last among them."""
    if len(course) <= _STEPS_SHOWN:
        return list(course), 0
    gap = (len(course) - 1) / (_STEPS_SHOWN - 1)
    chosen = [course[round(at * gap)] for at in range(_STEPS_SHOWN)]
    return chosen, len(course) - len(chosen)


def _row(step: Step) -> list[Text]:
    width_s = step.to_s - step.from_s
    return [
        Text(f"{step.from_s:,.0f}"),
        Text(per_s(step.planned / width_s)),
        Text(per_s(step.begun / width_s)),
        Text(per_s(step.established / width_s), "bold"),
        Text(whole(step.failed), "bold red" if step.failed else ""),
        Text(whole(step.under_way)),
        Text(ms(step.p50_ms)),
        Text(ms(step.p99_ms)),
    ]
