"""A session of measuring: its raw figures, how they are kept, and the page that shows them."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from harness import tables, twocore
from harness.measure import Observation
from harness.server import BenchmarkError
from harness.twocore import TwoCoreRun

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass
class Session:
    """Lines that say when, where and how; all runs; the runs of the two-core case."""

    lines: list[str]
    runs: list[Observation] = field(default_factory=list)
    two_cores: list[TwoCoreRun] = field(default_factory=list)

    def failed(self) -> bool:
        """Say whether any run did not go through."""
        errors = [run.error for run in self.runs] + [run.error for run in self.two_cores]
        return any(error is not None for error in errors)

    def save(self, path: Path) -> None:
        """Write the raw figures."""
        path.write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Session:
        """Read raw figures; BenchmarkError when the file holds none."""
        try:
            saved = json.loads(path.read_text())
            return cls(
                saved["lines"],
                [Observation.from_dict(run) for run in saved["runs"]],
                [TwoCoreRun.from_dict(run) for run in saved["two_cores"]],
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BenchmarkError(f"--load {path}: no saved figures: {error!r}") from None

    def text(self) -> str:
        """Write the tables in Markdown, under headings of the third level."""
        parts = ["\n".join(self.lines)]
        shown = tables.all_tables(tables.Observations(self.runs))
        if self.two_cores:
            shown.insert(1, (twocore.TITLE, "\n".join(run.describe() for run in self.two_cores)))
        parts += [f"### {title}\n\n{table}" for title, table in shown]
        return "\n\n".join(parts)


def check_page(path: Path) -> None:
    """See that the page has both markers before an hour is spent on measuring."""
    try:
        text = path.read_text()
    except OSError as error:
        raise BenchmarkError(f"--markdown {path}: {error.strerror}") from None
    if not re.search(f"{re.escape(BEGIN)}.*{re.escape(END)}", text, re.DOTALL):
        raise BenchmarkError(f"--markdown {path}: the lines {BEGIN} and {END} are missing")


def write_page(path: Path, text: str) -> None:
    """Put the text between the markers of the page."""
    whole = path.read_text()
    before, after = whole.split(BEGIN)[0], whole.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
