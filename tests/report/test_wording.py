"""Figures and texts as people read them."""

import pytest

from surgewire.report.wording import (
    clock,
    counted,
    event_line,
    moment,
    ms,
    per_s,
    plain,
    share,
    size,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tcp_refused", "tcp_refused"),
        ("größer 漢字", "größer 漢字"),
        ("\x1b[31mred\x1b[0m", "�[31mred�[0m"),
        ("two\nlines\r\t\x00\x07", "two�lines����"),
        ("\x9b31m \u202eback\u2028", "�31m �back�"),
    ],
)
def test_nothing_a_terminal_could_obey_is_left(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (0.0, "0.000"), (0.0424, "0.042"), (12_345.6, "12,345.600")]
)
def test_milliseconds(value: float | None, shown: str) -> None:
    assert ms(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0.0, "0"), (0.25, "0.2"), (99.94, "99.9"), (100.0, "100"), (12_345.6, "12,346")],
)
def test_frequencies(value: float | None, shown: str) -> None:
    assert per_s(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (1.0, "100 %"),
        (599_999 / 600_000, "99.9998 %"),
        (0.999_999_999, "99.9999 %"),
        (0.5, "50.0000 %"),
        (0.0, "0.0000 %"),
    ],
)
def test_a_share_is_never_rounded_up_to_all(value: float | None, shown: str) -> None:
    assert share(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0, "0 B"),
        (1_023, "1023 B"),
        (2_900, "2.8 kB"),
        (104_857_600, "100 MB"),
        (3 << 30, "3.0 GB"),
    ],
)
def test_sizes(value: int | None, shown: str) -> None:
    assert size(value) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(0.9, "0:00"), (75, "1:15"), (3_725, "1:02:05")])
def test_elapsed_time(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


@pytest.mark.parametrize(
    ("iso", "shown"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31 12:00:00 UTC"),
        ("2026-01-31T12:00:00.987+02:00", "2026-01-31 10:00:00 UTC"),
        ("", ""),
        ("\x1b now", "� now"),
    ],
)
def test_moments(iso: str, shown: str) -> None:
    assert moment(iso) == shown


def test_counted_things() -> None:
    assert (counted(1, "connection"), counted(2_000, "connection")) == (
        "1 connection",
        "2,000 connections",
    )


@pytest.mark.parametrize(
    ("kind", "detail", "line"),
    [
        (
            "worker_died",
            {"worker": 1, "signal": 9, "connections": 5_000},
            "worker 1 died (signal 9); it had 5,000 connections",
        ),
        ("worker_died", {"worker": 0, "exit_code": 3}, "worker 0 died (exit code 3)"),
        ("worker_died", {}, "worker ? died (exit code ?)"),
        ("clock_step", {"step_ms": -3.5}, "the wall clock stepped by -3.5 ms"),
        ("stopping", {"signal": "SIGINT"}, "asked to stop by SIGINT"),
        ("stopping", {}, "asked to stop by its caller"),
        ("journal_failed", {"reason": "disk\nfull"}, "the journal cannot be written: disk�full"),
        ("steal", {"percent": 12.0}, "the hypervisor took 12.0 % of the CPU"),
        ("note", {"text": "a\x1bremark"}, "a�remark"),
        ("later", {"x": 1}, "later"),
    ],
)
def test_events(kind: str, detail: dict[str, object], line: str) -> None:
    assert event_line(kind, detail) == line
