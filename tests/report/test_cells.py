"""Which figures are shown while a run goes on."""

from surgewire.report.cells import Cell, cells_of
from surgewire.results.record import Record
from tests.results.chat_samples import chat_start, moment
from tests.results.samples import interval, start, tally_of, worker

FLOW = {"sent": 200, "expected": 20_000, "delivered": 19_990, "before_join": 10}


def cells(*records: Record) -> list[Cell]:
    return cells_of(tally_of(*records).last_interval)


def test_a_chat_run_shows_who_joined_and_what_was_delivered() -> None:
    second = moment(
        2.0,
        998,
        counters={**FLOW, "lost": 4, "lost_to_disconnect": 3},
        closed={"eof": 2},
        workers=(worker(cpu_percent=95.0),),
        metrics={"message_latency": [2.0] * 1_000},
    )
    assert cells(chat_start(), second) == [
        ("joined", "998 of 1,000", ""),
        ("errors", "2", "bold red"),
        ("sent", "200/s", ""),
        ("deliveries", "20,000/s", ""),
        ("delivery", "99.9500 %", "bold red"),
        ("p99", "2.000 ms", ""),
        ("lost", "7", "bold red"),
        ("worst CPU", "95 %", "bold red"),
    ]


def test_delivery_is_that_of_the_run_so_far() -> None:
    lossy = moment(2.0, counters={**FLOW, "delivered": 19_000, "lost": 1_000})
    named = {name: value for name, value, _ in cells(chat_start(), lossy, moment(3.0))}
    assert named["delivery"] == "95.0000 %"
    assert named["deliveries"] == "0/s"


def test_before_anything_is_expected_there_is_a_dash() -> None:
    named = {name: value for name, value, _ in cells(chat_start(), moment(1.0))}
    assert (named["delivery"], named["p99"], named["worst CPU"]) == ("–", "–", "–")


def test_while_connecting_the_open_connections_count() -> None:
    record = moment(1.0, 300, phase="connecting", counters={"established": 300})
    names = [name for name, _, _ in cells(chat_start(), record)]
    assert names == ["open", "connected", "p50", "p99", "errors", "worst CPU"]


def test_an_echo_run_shows_what_came_back() -> None:
    names = [name for name, _, _ in cells(start(), interval(1.0))]
    assert names == ["open", "errors", "sent", "received", "p50", "p99", "lost", "worst CPU"]
