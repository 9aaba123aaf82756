"""The tables of docs/accuracy.md, written between markers from what the full tests measured."""

import os
import platform
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.accuracy.comparison import Proof, Row
from tests.accuracy.effort import Load

PAGE = Path(__file__).parents[2] / "docs" / "accuracy.md"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown; all columns but the first are figures."""
    rule = "|---|" + "---:|" * (len(head) - 1)
    lines = (f"| {' | '.join(cells)} |" for cells in (head, *rows))
    first, *rest = lines
    return "\n".join([first, rule, *rest])


def comparison(rows: Iterable[Row], true: str = "true, ms") -> str:
    """Return the table of a comparison."""
    return table(
        ("figure", true, "reported, ms", "difference, µs"),
        (
            (
                row.name,
                f"{row.true_ms:,.3f}",
                f"{row.reported_ms:,.3f}",
                f"{1e3 * row.difference_ms:+,.0f}",
            )
            for row in rows
        ),
    )


def conditions(load: Load, proof: Proof) -> str:
    """Say in one line under what load figures were taken."""
    line = f"{load}; {proof.run.delivery['sent']:,} messages; "
    line += f"busiest worker {proof.run.cpu_percent:.0f} % of a core."
    if proof.run.favoured:
        line += " Real-time priority: the machine was busy."
    return line


def machine() -> str:
    """Say in one line on what machine figures were taken."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        found = re.search(r"^model name\s*: (.+)$", cpuinfo.read_text(), re.M)
        model = found[1] if found else model
    load = os.getloadavg()[0]
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, Python "
        f"{platform.python_version()}; load average at the end {load:.1f}."
    )


class Page:
    """Sections of the page by name; written when all tests are through."""

    def __init__(self) -> None:
        self._sections: dict[str, list[str]] = {}

    def add(self, name: str, *parts: str) -> None:
        self._sections.setdefault(name, []).extend(parts)

    def write(self, path: Path = PAGE) -> None:
        text = path.read_text()
        for name, parts in self._sections.items():
            begin, end = f"<!-- {name}: written by make accuracy -->", f"<!-- end of {name} -->"
            before, found, rest = text.partition(begin)
            _, found_end, after = rest.partition(end)
            assert found, f"{path} has no {begin}"
            assert found_end, f"{path} has no {end}"
            text = "\n\n".join([before + begin, *parts, end + after])
        path.write_text(text)
