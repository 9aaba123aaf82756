"""What the doctor found, as text: what is well first, what must change last, where the eye is."""

import io
import textwrap
from collections.abc import Iterator
from typing import TextIO

from rich.console import Console
from rich.text import Text

from surgewire.doctor.examination import Examination
from surgewire.doctor.finding import Finding, Status
from surgewire.report.wording import counted, plain

MIN_WIDTH = 80
MAX_WIDTH = 100

_ORDER = (Status.OK, Status.UNKNOWN, Status.WARN, Status.FAIL)
_WORDS = {Status.OK: "ok", Status.UNKNOWN: "?", Status.WARN: "warn", Status.FAIL: "FAIL"}
_STYLES = {
    Status.OK: "green",
    Status.UNKNOWN: "dim",
    Status.WARN: "bold yellow",
    Status.FAIL: "bold red",
}
_WORD_WIDTH = 6
_TITLE_WIDTH = 15
_KEY_WIDTH = 8
_GAP = 3
_MARGIN = _WORD_WIDTH + _TITLE_WIDTH


def print_examination(examination: Examination, asked: str, stream: TextIO) -> None:
    """Write an examination to `stream`, in colour on a terminal. `asked` is the plan in words."""
    terminal = Console(file=stream)
    width = terminal.width if terminal.is_terminal else MAX_WIDTH
    colour = terminal.is_terminal and terminal.color_system is not None and not terminal.no_color
    text = format_examination(examination, asked, width=width, colour=colour)
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()


def format_examination(
    examination: Examination, asked: str, *, width: int = MAX_WIDTH, colour: bool = False
) -> str:
    """Write an examination as text that ends with a line feed; commands are never broken."""
    width = min(max(width, MIN_WIDTH), MAX_WIDTH)
    out = io.StringIO()
    console = Console(
        file=out,
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
    )
    console.print(Text.assemble(("surgewire doctor", "bold"), "  ", plain(asked)))
    console.print()
    for status in _ORDER:
        for finding in examination.of(status):
            for line in _lines(finding, width):
                console.print(line)
    console.print()
    console.print(_verdict(examination))
    return out.getvalue()


def _lines(finding: Finding, width: int) -> Iterator[Text]:
    """Write a finding: in one paragraph where all is well, with all that helps where it is not."""
    head = Text.assemble(
        (f"{_WORDS[finding.status]:<{_WORD_WIDTH}}", _STYLES[finding.status]),
        (f"{finding.title:<{_TITLE_WIDTH}}", "bold"),
    )
    if finding.status in (Status.OK, Status.UNKNOWN):
        yield from _well(head, finding, width)
        return
    first, *more = _wrapped(finding.found, width - _MARGIN)
    yield head + Text(first)
    for line in more:
        yield Text(" " * _MARGIN + line)
    if finding.wanted:
        yield from _part("wanted", finding.wanted, width)
    if finding.command:
        yield _keyed("change", Text(plain(finding.command), "bold cyan"))
    if finding.advice:
        yield from _part("or" if finding.command else "change", finding.advice, width)
    if finding.consequence:
        yield from _part("if not", finding.consequence, width)


def _well(head: Text, finding: Finding, width: int) -> Iterator[Text]:
    """Write what was found, and behind it, dim, what was wanted; on one line where both fit."""
    found, wanted = plain(finding.found), plain(finding.wanted)
    wanted = f"wanted: {wanted}" if wanted else ""
    if len(found) + _GAP + len(wanted) <= width - _MARGIN:
        yield Text.assemble(head, found, " " * _GAP if wanted else "", (wanted, "dim"))
        return
    paragraphs = [(line, "") for line in _wrapped(found, width - _MARGIN)]
    paragraphs += [(line, "dim") for line in _wrapped(wanted, width - _MARGIN) if line]
    for number, (line, style) in enumerate(paragraphs):
        yield Text.assemble(" " * _MARGIN if number else head, (line, style))


def _part(key: str, text: str, width: int) -> Iterator[Text]:
    for number, line in enumerate(_wrapped(text, width - _MARGIN - _KEY_WIDTH)):
        yield _keyed("" if number else key, Text(line))


def _keyed(key: str, text: Text) -> Text:
    return Text.assemble(" " * _MARGIN, (f"{key:<{_KEY_WIDTH}}", "dim"), text)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(plain(text), width, break_long_words=False, break_on_hyphens=False) or [""]


def _verdict(examination: Examination) -> Text:
    failed, warned = examination.of(Status.FAIL), examination.of(Status.WARN)
    names = ", ".join(finding.title for finding in failed)
    if failed:
        told = f"  change first: {names}"
        return Text.assemble(("NOT READY", "bold red"), told)
    if warned:
        names = ", ".join(finding.title for finding in warned)
        return Text.assemble(
            ("READY", "bold yellow"), f"  with {counted(len(warned), 'warning')}: {names}"
        )
    return Text.assemble(("READY", "bold green"), "  nothing stands against this run")
