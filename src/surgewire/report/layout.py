"""Building blocks of the text report: labelled sections, flowing pairs, a table of times."""

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from surgewire.report.wording import DASH, ms, plain, whole
from surgewire.results.percentile import PERCENTILES, display_name, needed
from surgewire.results.summary import Summary

LABEL_WIDTH = 11
GAP = 2
_GAP_BETWEEN_PAIRS = 3
_COLUMN_WIDTH = 7
_KINDS_SHOWN = 8


def pair(name: str, value: str, style: str = "bold") -> Text:
    """Join the name of a figure, dim, and the figure."""
    return Text.assemble((f"{name} ", "dim"), (value, style))


def fault(name: str, count: int) -> Text:
    """Write a count that should be zero: red where it is not."""
    return pair(name, whole(count), "bold red" if count else "bold")


def flow(items: Iterable[Text], width: int, gap: int = _GAP_BETWEEN_PAIRS) -> Text:
    """Set items side by side, as many on each line as fit; no item is broken."""
    lines: list[Text] = []
    for item in items:
        if lines and lines[-1].cell_len + gap + item.cell_len <= width:
            lines[-1] = lines[-1] + Text(" " * gap) + item
        else:
            lines.append(item)
    return Text("\n").join(lines)


def sections(parts: Sequence[tuple[str, RenderableType]]) -> Table:
    """Set labels in a column at the left of their contents."""
    grid = Table.grid(padding=(0, GAP, 0, 0), pad_edge=False)
    grid.add_column(width=LABEL_WIDTH, no_wrap=True, style="bold cyan")
    grid.add_column()
    for label, content in parts:
        grid.add_row(label, content)
    return grid


def kinds(counts: dict[str, int], width: int) -> Text:
    """Write counts by kind, the most frequent first."""
    if not counts:
        return Text("none", "dim")
    shown = list(counts.items())[:_KINDS_SHOWN]
    items = [pair(plain(kind), whole(count), "bold red") for kind, count in shown]
    if len(counts) > _KINDS_SHOWN:
        rest = sum(counts.values()) - sum(count for _, count in shown)
        more = len(counts) - _KINDS_SHOWN
        items.append(pair(f"{more} more kinds", whole(rest), "bold red"))
    return flow(items, width)


def times(rows: Sequence[tuple[str, Summary]], width: int) -> RenderableType:
    """Set metrics in a table of milliseconds, with a note where a sample is too small.

    Where the table would be wider than ``width``, its columns move closer together.
    """
    filled = [(name, summary) for name, summary in rows if summary.count]
    if not filled:
        return sections([("Times", Text("nothing was measured", "dim"))])
    names = ("count", *map(display_name, PERCENTILES), "max")
    cells = [_row(summary) for _, summary in filled]
    widest = [max(_COLUMN_WIDTH, *(len(row[at]) for row in cells)) for at in range(len(names))]
    label_width = max(LABEL_WIDTH, *(len(name) for name, _ in filled))
    gap = GAP if label_width + sum(widest) + GAP * len(names) <= width else 1
    table = Table(box=None, padding=(0, 0, 0, gap), pad_edge=False, header_style="dim")
    table.add_column(Text("Times, ms", "bold cyan"), no_wrap=True, min_width=LABEL_WIDTH)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True, min_width=_COLUMN_WIDTH)
    for (name, _), row in zip(filled, cells, strict=True):
        table.add_row(Text(name), *row)
    note = _note([summary for _, summary in filled])
    return Group(table, note) if note else table


def _row(summary: Summary) -> list[Text]:
    values: list[float | None] = [getattr(summary, name) for name in PERCENTILES]
    cells = [Text(ms(value), "dim" if value is None else "bold") for value in values]
    return [Text(whole(summary.count)), *cells, Text(ms(summary.max), "bold")]


def _note(summaries: list[Summary]) -> Text | None:
    missing = {name for summary in summaries for name in summary.missing()}
    needs = [
        f"{display_name(name)} {whole(needed(name))}" for name in PERCENTILES if name in missing
    ]
    if not needs:
        return None
    return Text(f"{DASH} the sample is too small; values needed: {', '.join(needs)}", "dim")
