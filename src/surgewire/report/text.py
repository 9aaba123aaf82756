"""The report at the end of a run: one screen of text."""

import io
import os
import sys
from pathlib import Path
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.text import Text

from surgewire.report import account, awkward, connecting, course, heading, sections, way
from surgewire.report.layout import GAP, LABEL_WIDTH, times
from surgewire.report.layout import sections as labelled
from surgewire.report.wording import plain
from surgewire.results.result import Result

MIN_WIDTH = 80
MAX_WIDTH = 100
# Of the console that lays the report out; each part is then given the width that it may take.
_UNBOUNDED = 100_000


def format_report(
    result: Result,
    run_dir: str | os.PathLike[str] | None = None,
    *,
    width: int = MAX_WIDTH,
    colour: bool = False,
) -> str:
    """Write the report as text that ends with a line feed.

    ``width`` is brought between 80 and 100 columns; ``run_dir`` is named at the end if given.
    """
    width = min(max(width, MIN_WIDTH), MAX_WIDTH)
    out = io.StringIO()
    console = Console(
        file=out,
        width=_UNBOUNDED,
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for number, block in enumerate(_blocks(result, width)):
        if number:
            console.print()
        # A figure is never cut: rather let the terminal wrap a line that became too long.
        narrowest = Measurement.get(console, console.options, block).minimum
        console.print(block, width=max(width, narrowest))
    if run_dir is not None:
        label = ("Run folder".ljust(LABEL_WIDTH + GAP), "bold cyan")
        console.print(Text.assemble(label, plain(str(Path(run_dir)))), soft_wrap=True)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def print_report(
    result: Result,
    run_dir: str | os.PathLike[str] | None = None,
    *,
    stream: TextIO | None = None,
) -> None:
    """Print the report to ``stream``, standard output if not given; in colour on a terminal."""
    stream = stream or sys.stdout
    terminal = Console(file=stream)
    text = format_report(
        result,
        run_dir,
        width=terminal.width if terminal.is_terminal else MAX_WIDTH,
        colour=terminal.is_terminal and terminal.color_system is not None and not terminal.no_color,
    )
    # A terminal of another encoding shows question marks; it must not cost the report.
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()


def _blocks(result: Result, width: int) -> list[RenderableType]:
    room = width - LABEL_WIDTH - GAP
    happened = [("Connections", sections.connections(result, room))]
    happened += way.facts(result, room)
    happened += way.volume(result, room)
    happened += [("Attempts", part) for part in connecting.attempts(result, room)]
    happened += [("Surges", part) for part in connecting.surges(result, room)]
    happened += [("Joins", part) for part in course.joins(result, room)]
    if result.run.kind != "connect":
        happened.append(("Messages", account.messages(result, room)))
        happened += [("Rooms", part) for part in account.rooms(result, room)]
    happened += [("Awkward", part) for part in awkward.users(result, room)]
    happened.append(("Disconnects", course.disconnects(result, room)))
    happened.append(("Errors", sections.errors(result, room)))
    happened += [("Reconnects", part) for part in course.reconnects(result, room)]
    happened += [("Episodes", part) for part in course.episodes(result, room)]
    happened += [("Pings", part) for part in course.pings(result, room)]
    closing = [("Target", part) for part in sections.target(result, room)]
    closing += [("Drift", part) for part in course.drift(result, room)]
    closing.append(("Generator", sections.generator(result, room)))
    closing += [("Events", part) for part in sections.events(result)]
    closing += [("Notes", part) for part in sections.notes(result)]
    closing += [("Doubts", sections.doubts(result)), ("Verdict", sections.verdict(result))]
    course_of_attempts = connecting.course(result)
    return [
        Group(*heading.title(result, width)),
        labelled(happened),
        times(sections.times_of(result), width),
        *course_of_attempts,
        labelled(closing),
    ]
