"""The report at the end of a run, as text."""

import io
import re

import pytest

from surgewire.report.text import format_report, print_report
from surgewire.results.record import EndRecord, EventRecord, Record
from tests.results.samples import CONNECT_PLAN, echo_run, interval, phase, start, tally_of, worker
from tests.results.test_result import RUNS

ALL_WELL = """\
surgewire echo  ws://127.0.0.1:8765/   2026-01-31 12:00:00 UTC
1,000 connections, 1/s each, 64 bytes, for 10s, ramp 1s

Connections  requested 1,000   attempted 1,000   established 1,000   failed 0   peak open 1,000
             rate 1,000/s
Messages     planned 10,000   sent 10,000   rate 1,000/s   sending time 10.0 s
             expected 10,000 = delivered 10,000 + lost 0 + lost to disconnect 0
             delivery rate 100 %   duplicated 0   reordered 0   late 0   foreign 0   damaged 0
Disconnects  none
Errors       none

Times, ms      count      p50      p90      p95      p99    p99.9      max
connect        1,000    1.499    2.300    2.400    2.480        –    2.500
  dns          1,000    0.002    0.002    0.002    0.002        –    0.002
  tcp          1,000    0.300    0.460    0.480    0.496        –    0.500
  upgrade      1,000    1.198    1.838    1.919    1.982        –    1.998
latency       10,000    0.700    1.101    1.150    1.191    1.199    1.200
  service     10,000    0.600    1.000    1.051    1.091    1.100    1.100
  send lag    10,000    0.055    0.091    0.096    0.099    0.100    0.100
– the sample is too small; values needed: p99.9 10,000

Generator    workers 2   CPU of a core each 40 % 35 %   CPU time 8.4 s
             loop lag p99 0.198 max 0.200 ms   memory 38.1 MB, 2.9 kB per connection
             own receive overhead p50 0.020 p99 – ms   own send overhead p50 0.010 p99 – ms
Doubts       none
Verdict      PASS  every connection was established and held, and every message arrived in time
Run folder   surgewire-runs/20260131-120000-echo-a1b2
"""

FAULTS = """\
surgewire connect  wss://example.com/chat?token=***   2026-01-31 12:00:00 UTC
1,000 connections, at 500/s

Connections  requested 1,000   attempted 1,000   established 988   failed 12   peak open 988
Attempts     planned 500/s   reached 988/s   most under way 0
Disconnects  close_1001 2 (0–1 s)   eof 1 (0–1 s)
Errors       http_503 7   tcp_refused 5

Times, ms      count      p50      p90      p95      p99    p99.9      max
connect           50    2.000        –        –        –        –    2.000
  tls             10        –        –        –        –        –    1.000
– the sample is too small; values needed: p50 20, p90 100, p95 200, p99 1,000, p99.9 10,000

Generator    workers 1   CPU of a core each 95 %   CPU time 0.9 s   loop lag –   memory 19.1 MB
Events       0.5 s  worker 0 died (signal 9); it had 500 connections
             0.6 s  asked to stop by SIGINT
Doubts       ! worker_died: worker 0 died at 0.5 s by signal 9 with 500 connections
               see what ended it (dmesg, if it was out of memory) and run again
             ! worker_saturated: worker 0 used 95 % of a core while connecting: latencies may be its
               own queueing
               use more --processes or more cores, or a lower rate
             ! few_samples: 50 samples are too few for p90, p95, p99, p99.9 of connect time
               1,000 samples carry p99: run longer, or with more connections
Verdict      INTERRUPTED  stopped by SIGINT after 1.2 s
                          12 of 1,000 connections failed
                          3 connections ended before their time
                          figures in doubt: worker_died, worker_saturated
"""

CONNECT_WITH_FAULTS: list[Record] = [
    start(CONNECT_PLAN),
    phase(0.0, "connecting"),
    interval(
        1.0,
        "connecting",
        counters={"attempted": 1_000, "established": 988, "failed": 12},
        gauges={"open": 985, "peak_open": 988},
        errors={"tcp_refused": 5, "http_503": 7},
        closed={"eof": 1, "close_1001": 2},
        workers=(worker(cpu_percent=95.0),),
        metrics={"connect_time": [2.0] * 50, "tls_time": [1.0] * 10},
    ),
    EventRecord(
        0.5, "worker_died", {"worker": 0, "signal": 9, "exit_code": None, "connections": 500}
    ),
    EventRecord(0.6, "stopping", {"signal": "SIGINT"}),
    EndRecord(1.2, "interrupted"),
]


def report_of(records: list[Record], width: int = 100) -> str:
    return format_report(tally_of(*records).result(), width=width)


def test_a_run_in_which_all_goes_well() -> None:
    result = tally_of(*echo_run()).result()
    assert format_report(result, "surgewire-runs/20260131-120000-echo-a1b2") == ALL_WELL


def test_a_run_with_faults_and_doubts() -> None:
    assert report_of(CONNECT_WITH_FAULTS) == FAULTS


@pytest.mark.parametrize("width", [20, 80, 100, 300])
@pytest.mark.parametrize("records", RUNS.values(), ids=RUNS.keys())
def test_a_report_fits_one_screen(records: list[Record], width: int) -> None:
    lines = report_of(records, width).splitlines()
    assert len(lines) <= 45
    assert max(map(len, lines)) <= min(max(width, 80), 100)


@pytest.mark.parametrize("records", RUNS.values(), ids=RUNS.keys())
def test_without_colour_there_is_no_escape(records: list[Record]) -> None:
    assert "\x1b" not in report_of(records)


def test_colour_changes_no_word() -> None:
    result = tally_of(*CONNECT_WITH_FAULTS).result()
    coloured = format_report(result, colour=True)
    assert "\x1b[1;31m" in coloured
    bare = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in bare.splitlines()] == FAULTS.splitlines()


def test_a_connect_run_leaves_out_messages() -> None:
    report = report_of(RUNS["connect"])
    for word in ("Messages", "latency", "service", "expected"):
        assert word not in report.replace("start lag", "")


def test_the_identity_shows_what_is_undecided() -> None:
    counters = {"expected": 1_000, "delivered": 900, "lost": 3, "lost_to_disconnect": 7}
    report = report_of([start(), interval(1.0, counters=counters)])
    identity = "expected 1,000 = delivered 900 + lost 3 + lost to disconnect 7 + undecided 90"
    assert identity in report


def test_rare_counts_are_shown_where_they_are_not_zero() -> None:
    counters = {"skipped": 5, "unmarked": 1, "misrouted": 2, "too_old": 3, "warmup_sent": 9}
    report = report_of([start(), interval(1.0, counters=counters)])
    for words in ("skipped 5", "unmarked 1", "misrouted 2", "too old 3", "warm-up 0 of 9"):
        assert words in report
        assert words.rstrip("0123456789 of") not in ALL_WELL


def test_the_closed_model_is_told() -> None:
    report = report_of(echo_run(pingpong=True, rate=None))
    assert "one message in flight each" in report
    assert "these percentiles hide it" in " ".join(report.split())


def test_many_kinds_and_many_workers_stay_short() -> None:
    records = [
        start(),
        interval(
            1.0,
            errors={f"http_{400 + n}": n + 1 for n in range(60)},
            workers=tuple(worker(n, cpu_percent=float(n)) for n in range(64)),
        ),
    ]
    report = report_of(records)
    assert "http_459 60" in report
    assert "52 more kinds 1,378" in report
    assert "workers 64   CPU of a core each 0 … 63 %, mean 32 %" in report


def test_the_largest_figures_are_never_cut() -> None:
    hour_ms = 3_600_000.0
    names = ("connect_time", "message_latency", "send_lag")
    records = [start(), interval(1.0, metrics=dict.fromkeys(names, [hour_ms] * 10_000))]
    for line in report_of(records, width=80).splitlines():
        if line.startswith(("connect ", "latency ", "  send lag")):
            assert line.split()[-6:] == ["3,600,000.000"] * 6


def test_texts_from_elsewhere_cannot_command_the_terminal() -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m"
    records: list[Record] = [
        start(target=f"ws://host/{evil}", kind=f"echo{evil}"),
        interval(1.0, errors={evil: 3}, closed={evil: 1}),
        EventRecord(1.0, "note", {"text": evil}),
        EventRecord(1.0, "journal_failed", {"reason": evil}),
        EventRecord(1.0, evil, {}),
        EndRecord(2.0, "finished"),
    ]
    result = tally_of(*records).result()
    report = format_report(result, f"runs/{evil}")
    assert all(letter.isprintable() or letter == "\n" for letter in report)
    assert not any(letter in format_report(result, colour=True) for letter in "\x07\x9b")


def test_markup_of_the_library_is_plain_text_to_us() -> None:
    report = report_of([start(), interval(1.0, errors={"[bold]x[/bold]": 1, ":smile:": 1})])
    assert "[bold]x[/bold] 1" in report
    assert ":smile: 1" in report


def test_printing_to_a_file_has_no_colour_and_full_width() -> None:
    stream = io.StringIO()
    print_report(tally_of(*echo_run()).result(), stream=stream)
    assert stream.getvalue() == ALL_WELL.rpartition("Run folder")[0]


def test_a_terminal_of_another_encoding_still_gets_the_report() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    print_report(tally_of(*echo_run()).result(), stream=stream)
    text = raw.getvalue().decode("ascii")
    assert "? the sample is too small" in text
    assert "Verdict      PASS" in text
