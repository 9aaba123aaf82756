"""A run while it happens."""

import io
import re
import threading
from pathlib import Path

import pytest
from rich.console import Console

from surgewire.plan.models import EchoPlan
from surgewire.report.live import LiveView, PlainLines
from surgewire.results.record import EventRecord, Record
from surgewire.results.tally import Tally
from tests.results.chat_samples import chat_start, moment
from tests.results.samples import echo_run, interval, phase, start, worker

PLAN = EchoPlan(url="ws://127.0.0.1:8765/?token=s3cret", connections=1_000, rate="1/s")
DEATH = EventRecord(
    4.0, "worker_died", {"worker": 1, "signal": 9, "exit_code": None, "connections": 500}
)


class Terminal:
    """A live view on a terminal of 100 columns, with a clock that stands still until moved."""

    def __init__(self, width: int = 100) -> None:
        self.stream = io.StringIO()
        self.now_s = 1_000.0
        console = Console(
            file=self.stream, width=width, force_terminal=True, color_system=None, _environ={}
        )
        self.view = LiveView(console, lambda: self.now_s)
        self.view.started(Path("runs/x"), PLAN)

    def feed(self, *records: Record) -> None:
        for record in records:
            self.view.record(record)

    def picture(self) -> list[str]:
        """Give the lines as drawn last."""
        before = self.stream.tell()
        self.view.tick()
        drawn = self.stream.getvalue()[before:]
        bare = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", drawn)
        return [line.rstrip() for line in bare.splitlines()]


def test_the_figures_of_a_large_chat_run_are_whole_on_a_narrow_terminal() -> None:
    terminal = Terminal(width=80)
    second = moment(
        2.0,
        10_000,
        counters={"sent": 1_000, "delivered": 99_990, "lost": 10, "expected": 100_000},
        workers=(worker(cpu_percent=100.0),),
        metrics={"message_latency": [123.456] * 1_000},
    )
    terminal.feed(chat_start(connections=10_000), second)
    figures = terminal.picture()[-2:]
    assert [line.split("  ")[0] for line in figures] == ["joined 10,000 of 10,000", "errors 0"]
    for told in ("deliveries 99,990/s", "delivery 99.9900 %", "p99 123.", "worst CPU 100 %"):
        assert told in " ".join(figures)


def test_while_connecting() -> None:
    terminal = Terminal()
    terminal.feed(
        start(),
        phase(0.0, "connecting"),
        interval(
            1.0,
            "connecting",
            counters={"attempted": 400, "established": 380, "failed": 20},
            gauges={"open": 380, "peak_open": 380},
            errors={"tcp_refused": 20},
            workers=(worker(cpu_percent=12.0),),
            metrics={"connect_time": [1.5] * 380},
        ),
    )
    terminal.now_s += 61.0
    title, bar, first, second = terminal.picture()
    assert title == "surgewire echo  ws://127.0.0.1:8765/"
    assert re.fullmatch(r"connecting  ━+╸? +40%     1:01", bar)
    assert first.split("  ")[0] == "open 380 of 1,000"
    assert [" ".join(first.split()), " ".join(second.split())] == [
        "open 380 of 1,000 p50 1.500 ms errors 20",
        "connected 380/s p99 – worst CPU 12 %",
    ]
    terminal.view.close()


def test_while_sending() -> None:
    terminal = Terminal()
    terminal.feed(*echo_run()[:9], DEATH)
    _, bar, first, second, event = terminal.picture()
    assert bar.startswith("sending ")
    assert " 50% " in bar
    assert [" ".join(first.split()), " ".join(second.split())] == [
        "open 1,000 of 1,000 sent 1,000/s p50 0.700 ms lost 0",
        "errors 0 received 1,000/s p99 1.191 ms worst CPU 40 %",
    ]
    assert event == "  ! 4 s: worker 1 died (signal 9); it had 500 connections"
    terminal.view.close()


def test_a_new_phase_is_shown_at_once_and_at_its_beginning() -> None:
    terminal = Terminal()
    terminal.feed(*echo_run()[:9], phase(9.0, "draining"))
    bar = terminal.picture()[1]
    assert bar.startswith("draining ")
    assert " 0% " in bar
    terminal.view.close()


def test_stopping_says_what_a_second_signal_does() -> None:
    terminal = Terminal()
    terminal.feed(*echo_run()[:6], EventRecord(4.0, "stopping", {"signal": "SIGINT"}))
    assert terminal.picture()[-1] == (
        "  ! 4 s: asked to stop by SIGINT; draining, once more stops at once"
    )
    terminal.view.close()


@pytest.mark.parametrize("width", [40, 80, 100, 200])
def test_the_view_fits_its_terminal(width: int) -> None:
    terminal = Terminal(width)
    terminal.feed(*echo_run()[:9], DEATH)
    assert max(map(len, terminal.picture())) <= min(width, 100)
    terminal.view.close()


def test_there_is_no_thread_and_the_cursor_comes_back() -> None:
    before = threading.active_count()
    terminal = Terminal()
    terminal.feed(*echo_run())
    assert threading.active_count() == before
    tally = Tally()
    terminal.view.finished(tally.result())
    assert terminal.stream.getvalue().count("\x1b[?25l") == 1
    assert terminal.stream.getvalue().count("\x1b[?25h") == 1
    terminal.view.close()
    terminal.view.tick()
    assert terminal.stream.getvalue().count("\x1b[?25h") == 1


def test_leaving_the_block_gives_the_terminal_back() -> None:
    terminal = Terminal()
    with pytest.raises(RuntimeError), terminal.view:
        raise RuntimeError
    assert "\x1b[?25h" in terminal.stream.getvalue()


def test_what_a_server_says_cannot_command_the_terminal() -> None:
    terminal = Terminal()
    evil = EventRecord(1.0, "note", {"text": "\x1b]0;owned\x07\x9b2J"})
    terminal.feed(start(target="ws://h/\x1b[2J\x07"), evil)
    terminal.view.close()
    shown = terminal.stream.getvalue()
    assert not any(sequence in shown for sequence in ("\x1b]", "\x1b[2J", "\x07", "\x9b"))
    assert "�]0;owned��2J" in shown


class Gone(io.StringIO):
    """A terminal whose window was closed."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize(
    "view", [LiveView(Console(file=Gone(), force_terminal=True)), PlainLines(Gone())]
)
def test_a_terminal_that_goes_away_ends_no_run(view: LiveView | PlainLines) -> None:
    view.started(Path("runs/x"), PLAN)
    for record in echo_run():
        view.record(record)
        view.tick()
    view.close()


def plain_lines(*records: Record) -> list[str]:
    stream = io.StringIO()
    with PlainLines(stream) as view:
        view.started(Path("runs/x"), PLAN)
        for record in records:
            view.record(record)
            view.tick()
        view.finished(Tally().result())
    return stream.getvalue().splitlines()


def test_plain_lines_come_every_five_seconds_and_with_each_phase() -> None:
    sent = "open 1,000 of 1,000  errors 0  sent 1,000/s  received 1,000/s"
    assert plain_lines(*echo_run()) == [
        "surgewire echo ws://127.0.0.1:8765/?token=***; run folder runs/x",
        "     1 s  connecting  open 1,000 of 1,000  connected 1,000/s  p50 1.499 ms"
        "  p99 2.480 ms  errors 0  worst CPU 40 %",
        f"     2 s  sending     {sent}  p50 0.700 ms  p99 1.191 ms  lost 0  worst CPU 40 %",
        f"     7 s  sending     {sent}  p50 0.700 ms  p99 1.191 ms  lost 0  worst CPU 40 %",
        "    11 s  draining    open 1,000 of 1,000  errors 0  sent 0/s  received 0/s"
        "  p50 –  p99 –  lost 0  worst CPU 40 %",
    ]


def test_plain_lines_tell_events_at_once_and_without_control_characters() -> None:
    lines = plain_lines(start(), DEATH, EventRecord(5.0, "note", {"text": "a\x1b[2Jb\nc"}))
    assert lines[1:] == [
        "! 4 s: worker 1 died (signal 9); it had 500 connections",
        "! 5 s: a�[2Jb�c",
    ]


def test_the_shared_lines_of_a_phase_change_are_not_repeated() -> None:
    lines = plain_lines(start(), interval(1.0), interval(2.0), interval(5.9), interval(10.4))
    assert [line.split()[0] for line in lines[1:]] == ["1", "6", "10"]


def test_a_view_that_joins_late_shows_what_came_before() -> None:
    terminal = Terminal()
    view = LiveView(terminal.view._console, lambda: terminal.now_s)
    terminal.view.close()
    terminal.view = view
    drawn_before = terminal.stream.tell()
    view.rejoin(Path("runs/x"), [*echo_run()[:9], DEATH])
    assert terminal.stream.getvalue()[drawn_before:].count("surgewire echo") == 1
    title, bar, first, *_, event = terminal.picture()
    assert title == "surgewire echo  ws://127.0.0.1:8765/"
    elapsed = int(view.tally.timeline.at_s)
    assert bar.startswith("sending ")
    assert bar.endswith(f"0:{elapsed:02}")
    assert first.startswith("open 1,000 of 1,000")
    assert event.startswith("  ! 4 s: worker 1 died")
    terminal.feed(EventRecord(5.0, "stopping", {"signal": "SIGINT"}))
    # Ctrl-C here would stop the watching, not the run.
    assert terminal.picture()[-1] == "  ! 5 s: asked to stop by SIGINT"
    view.close()


def test_plain_lines_that_join_late_say_how_it_stands() -> None:
    stream = io.StringIO()
    view = PlainLines(stream)
    view.rejoin(Path("runs/x"), echo_run()[:9])
    head, line = stream.getvalue().splitlines()
    assert head == "surgewire echo ws://127.0.0.1:8765/; run folder runs/x"
    assert "sending" in line
    assert "open 1,000 of 1,000" in line
    view.rejoin(Path("runs/y"), [])
    assert len(stream.getvalue().splitlines()) == 3
    stream.close()
    assert not view.broken
    view.record(DEATH)
    assert view.broken
