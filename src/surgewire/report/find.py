"""What a search for the highest rate found, and the evidence: one screen of text."""

import io
from pathlib import Path
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from surgewire.report.layout import GAP, LABEL_WIDTH, sections
from surgewire.report.wording import DASH, moment, ms, per_s, plain, whole
from surgewire.results.find import FindResult, FindStep
from surgewire.results.rate_search import Ending, Outcome

_WIDTH = 100
_STYLES = {
    Outcome.HELD: "bold green",
    Outcome.BROKE: "bold red",
    Outcome.DOUBTFUL: "bold yellow",
}


def step_line(step: FindStep) -> str:
    """Say in a line what came of a step."""
    return f"{whole(step.per_s)}/s {step.outcome.value}: {plain(step.why)}"


def sentence(found: FindResult) -> str:
    """Say in a sentence or two what the search came to."""
    end = found.conclusion
    goal = f"all connections established and p99 up to {ms(found.p99_ms)} ms"
    held = None if end.held is None else f"{whole(end.held)}/s"
    failed = None if end.failed is None else f"{whole(end.failed)}/s"
    why = f": {plain(found.why)}" if found.why else ""
    match end.ending:
        case Ending.FOUND:
            return f"The highest rate that held is {held}, with {goal}. {failed} did not{why}."
        case Ending.AT_LEAST if failed is None:
            return f"At least {held}: the highest rate that was to be tried held, with {goal}."
        case Ending.AT_LEAST:
            return (
                f"At least {held}, with {goal}. What the target does at {failed} is not known, "
                f"for the generator itself was in doubt{why}."
            )
        case Ending.NONE:
            return f"No rate held, not even {failed}{why}."
        case Ending.UNCLEAR:
            return f"Nothing can be said: the generator itself was in doubt at {failed}{why}."
        case _:
            so_far = f"{held} held" if held else "no rate held"
            return f"Stopped before the end; until then {so_far}."


def format_found(found: FindResult, folder: Path | None = None, *, colour: bool = False) -> str:
    """Write the report as text that ends with a line feed; ``folder`` is named if given."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=_WIDTH,
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    console.print(_title(found))
    console.print()
    console.print(_evidence(found.steps))
    console.print()
    console.print(sections([("Found", Text(sentence(found), "bold"))]))
    if folder is not None:
        label = ("Folder".ljust(LABEL_WIDTH + GAP), "bold cyan")
        console.print(Text.assemble(label, plain(str(folder))), soft_wrap=True)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def print_found(found: FindResult, folder: Path, stream: TextIO) -> None:
    """Print the report to ``stream``; in colour on a terminal."""
    terminal = Console(file=stream)
    colour = terminal.is_terminal and terminal.color_system is not None and not terminal.no_color
    text = format_found(found, folder, colour=colour)
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()


def _title(found: FindResult) -> RenderableType:
    first = Text.assemble(("surgewire connect --find-rate", "bold"), "  ", plain(found.url))
    goal = f"goal: every connection established, p99 up to {ms(found.p99_ms)} ms"
    return Group(first + Text(f"   {moment(found.started_at)}", "dim"), Text(goal, "dim"))


def _evidence(steps: tuple[FindStep, ...]) -> RenderableType:
    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="dim")
    for name in ("rate/s", "tried", "failed", "reached/s", "backlog", "p50 ms", "p99 ms", "max ms"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("outcome")
    for step in steps:
        table.add_row(
            whole(step.per_s),
            whole(step.connections),
            whole(step.failed),
            per_s(step.reached_per_s),
            whole(step.most_under_way),
            ms(step.p50_ms),
            ms(step.p99_ms),
            ms(step.max_ms),
            Text(step.outcome.value, _STYLES[step.outcome]),
        )
    return table if steps else Text(f"{DASH} no step came to its end", "dim")
