"""A run while it happens, on standard error: a view that redraws itself, or plain lines."""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from surgewire.plan.models import Plan
from surgewire.report.cells import cells_of
from surgewire.report.heading import insecure_banner
from surgewire.report.wording import clock, event_line, plain
from surgewire.results.record import EventRecord, IntervalRecord, Record
from surgewire.results.result import Result
from surgewire.results.tally import Tally

PLAIN_INTERVAL_S = 5.0
"""Time between two plain lines, unless the phase changes."""

_MAX_WIDTH = 100
_EVENTS_SHOWN = 3
_COLUMN_WIDTHS = (21, 18, 18, 12)
_ROUTINE = frozenset({"phase", "connected", "sending"})
_WORDS = {"warmup": "warming up"}


class _Screen:
    """What both forms share: the tally they read from, and that a lost terminal ends no run."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._broken = False
        # Whether who sees this can stop the run with Ctrl-C.
        self._in_charge = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def tally(self) -> Tally:
        """What was shown so far. Not to be written to."""
        return self._tally

    @property
    def broken(self) -> bool:
        """Whether nobody can see it any more: the terminal or the stream was closed."""
        return self._broken

    def close(self) -> None:
        """Give the terminal back. May be called more than once."""

    def finished(self, result: Result) -> None:  # noqa: ARG002 - the report shows the result
        """Tell that all is over."""
        self.close()

    def _event_text(self, record: EventRecord) -> str:
        told = f"{record.at_s:.0f} s: {event_line(record.kind, record.detail)}"
        if record.kind == "stopping" and self._in_charge:
            told += "; draining, once more stops at once"
        return told

    def _guarded(self, show: Callable[[], None]) -> None:
        # A terminal that was closed (OSError), or a stream that was (ValueError): the run goes on.
        if self._broken:
            return
        try:
            show()
        except (OSError, ValueError):
            self._broken = True


class LiveView(_Screen):
    """Observer that redraws a few lines in place; without a thread, on ``tick`` and ``record``."""

    def __init__(
        self, console: Console | None = None, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        """Draw on ``console``, standard error if not given; ``now_s`` tells the time elapsed."""
        super().__init__()
        self._console = console or Console(stderr=True)
        self._now_s = now_s
        self._began_s = 0.0
        self._title = Text()
        self._events: deque[str] = deque(maxlen=_EVENTS_SHOWN)
        self._live: Live | None = None

    def started(self, run_dir: Path, plan: Plan) -> None:  # noqa: ARG002
        """Begin to draw."""
        self._began_s = self._now_s()
        self._title = Text.assemble((f"surgewire {plan.kind}", "bold"))
        self._guarded(self._start)

    def rejoin(self, run_dir: Path, records: Iterable[Record]) -> None:  # noqa: ARG002
        """Begin to draw in the middle of a run, of which ``records`` tell what came before."""
        self._in_charge = False
        for record in records:
            self._take(record)
        self._began_s = self._now_s() - self._tally.timeline.at_s
        self._title = Text.assemble((f"surgewire {plain(self._tally.asked.kind)}", "bold"))
        self._guarded(self._start)

    def record(self, record: Record) -> None:
        """Take in what the last interval brought, and redraw."""
        self._take(record)
        self.tick()

    def tick(self) -> None:
        """Redraw."""
        self._guarded(self._refresh)

    def close(self) -> None:
        """Take the view off the screen. May be called more than once."""
        live, self._live = self._live, None
        if live is not None:
            self._guarded(live.stop)

    def _take(self, record: Record) -> None:
        self._tally.add(record)
        if isinstance(record, EventRecord) and record.kind not in _ROUTINE:
            self._events.append(self._event_text(record))

    def _start(self) -> None:
        self._live = Live(
            self._picture(),
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start(refresh=True)

    def _refresh(self) -> None:
        if self._live is not None:
            self._live.update(self._picture(), refresh=True)

    def _picture(self) -> RenderableType:
        width = min(self._console.width, _MAX_WIDTH)
        title = Text.assemble(self._title, "  ", (plain(self._tally.asked.url), "dim"))
        title.truncate(width, overflow="ellipsis")
        events = [Text(f"  ! {event}", "yellow") for event in self._events]
        for event in events:
            event.truncate(width, overflow="ellipsis")
        banner = insecure_banner(self._tally.asked.plan)
        return Group(title, *banner, self._bar(width), self._figures(width), *events)

    def _bar(self, width: int) -> Table:
        figures, phase = self._tally.last_interval, self._tally.timeline.phase
        # A phase that has begun since the last interval is at its beginning.
        progress = figures.progress if figures.phase == phase else 0.0
        bar = ProgressBar(
            total=1.0,
            complete_style="cyan",
            finished_style="green",
            completed=progress or 0.0,
            pulse=progress is None,
            animation_time=self._now_s(),
        )
        grid = Table.grid(padding=(0, 2), expand=True)
        grid.width = width
        grid.add_column(width=10, no_wrap=True)
        grid.add_column(ratio=1)
        grid.add_column(justify="right", no_wrap=True, min_width=5)
        grid.add_column(justify="right", no_wrap=True, min_width=7)
        percent = "" if progress is None else f"{progress:.0%}"
        elapsed = clock(self._now_s() - self._began_s)
        grid.add_row(Text(_word(phase), "bold cyan"), bar, percent, Text(elapsed, "dim"))
        return grid

    def _figures(self, width: int) -> Table:
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.width = width
        cells = [_cell(*cell) for cell in cells_of(self._tally.last_interval)]
        # Wide enough for what usually stands there, so that figures keep their places.
        for _, least in zip(cells[0::2], _COLUMN_WIDTHS, strict=False):
            grid.add_column(min_width=least, no_wrap=True, overflow="ellipsis")
        grid.add_row(*cells[0::2])
        grid.add_row(*cells[1::2])
        return grid


class PlainLines(_Screen):
    """Observer that writes a line about every five seconds, and at each change of phase."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to ``stream``, standard error if not given."""
        super().__init__()
        self._stream = stream or sys.stderr
        self._phase = ""
        self._shown_at_s = float("-inf")

    def started(self, run_dir: Path, plan: Plan) -> None:
        """Say what begins."""
        target = plan.public_dict()["target"]
        self._write(f"surgewire {plan.kind} {target}; run folder {run_dir}")
        self._warn(plan.to_dict())

    def rejoin(self, run_dir: Path, records: Iterable[Record]) -> None:
        """Begin in the middle of a run: say which it is, and how it stands."""
        self._in_charge = False
        for record in records:
            self._tally.add(record)
        asked = self._tally.asked
        self._write(f"surgewire {asked.kind} {asked.url}; run folder {run_dir}")
        self._warn(asked.plan)
        if self._tally.intervals:
            self._add_interval()

    def record(self, record: Record) -> None:
        """Take in what the last interval brought; write it when it is time."""
        self._tally.add(record)
        if isinstance(record, IntervalRecord):
            self._add_interval()
        elif isinstance(record, EventRecord) and record.kind not in _ROUTINE:
            self._write(f"! {self._event_text(record)}")

    def tick(self) -> None:
        """Do nothing: lines come with the records."""

    def _add_interval(self) -> None:
        figures = self._tally.last_interval
        changed = figures.phase != self._phase
        # Intervals are about a second long, and may come a moment early.
        if not changed and figures.at_s - self._shown_at_s < PLAIN_INTERVAL_S - 0.5:
            return
        self._phase, self._shown_at_s = figures.phase, figures.at_s
        told = "  ".join(f"{name} {value}" for name, value, _ in cells_of(figures))
        self._write(f"{figures.at_s:6.0f} s  {_word(figures.phase):<10}  {told}")

    def _warn(self, plan: Mapping[str, Any]) -> None:
        for banner in insecure_banner(plan):
            self._write(banner.plain)

    def _write(self, line: str) -> None:
        self._guarded(lambda: print(plain(line), file=self._stream, flush=True))


def _cell(name: str, value: str, style: str) -> Text:
    return Text.assemble((f"{name} ", "dim"), (value, style or "bold"))


def _word(phase: str) -> str:
    return plain(_WORDS.get(phase, phase))
