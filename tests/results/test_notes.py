import pytest

from surgewire.results.notes import find_notes
from surgewire.results.record import EndRecord, EventRecord, Record
from surgewire.results.timeline import MAX_EVENTS
from tests.results.chat_samples import CHAT_PLAN, moment
from tests.results.samples import interval, start, tally_of


def witnesses(overhead_ms: float, n: int = 100, service_ms: float = 1.0) -> list[Record]:
    metrics = {
        "service_time": [service_ms] * 1_000,
        "message_latency": [service_ms] * 1_000,
        "witness_receive": [overhead_ms * 0.6] * n,
        "witness_send": [overhead_ms * 0.4] * n,
    }
    return [start(), interval(1.0, metrics={name: v for name, v in metrics.items() if v})]


def codes(*records: Record) -> list[str]:
    return [note.code for note in find_notes(tally_of(*records))]


def test_overhead_is_told_when_it_is_half_of_what_was_measured() -> None:
    (note,) = find_notes(tally_of(*witnesses(0.52)))
    assert note.code == "overhead"
    assert note.message.startswith(
        "of the median service time of 1.000 ms, 0.520 ms are ours by the kernel's stamps"
    )
    assert codes(*witnesses(0.49)) == []


def test_few_witnesses_tell_nothing() -> None:
    assert codes(*witnesses(2.0, n=99)) == []


def test_missing_stamps_are_told() -> None:
    assert codes(*witnesses(1.0, n=0)) == ["kernel_stamps_missing"]


def test_events_that_are_not_listed_are_told() -> None:
    events = [EventRecord(1.0, "steal", {"percent": 3.0}) for _ in range(MAX_EVENTS + 7)]
    assert codes(start(), *events[7:]) == []
    (note,) = find_notes(tally_of(start(), *events))
    assert note.code == "events_left_out"
    assert note.message.startswith("7 events came after the 200 that are listed")


def test_joins_that_nobody_confirms_are_told() -> None:
    assert codes(start(CHAT_PLAN, join="hello")) == ["join_unconfirmed"]
    assert codes(start(CHAT_PLAN, join="hello", joined="welcome")) == []
    assert codes(start(CHAT_PLAN)) == []


def test_compression_that_no_connection_has_is_told() -> None:
    def opened(**facts: int) -> list[Record]:
        return [start(), moment(1.0, facts=facts)]

    assert codes(*opened(deflate_declined=3)) == ["deflate_declined"]
    assert codes(*opened(deflate_declined=3, deflate_agreed=1)) == []
    assert codes(*opened(deflate_agreed=3)) == []


def fanned_out(end: str = "finished", **counters: int) -> list[Record]:
    flow = {"sent": 10, "expected": 100, "delivered": 100, "complete": 7, **counters}
    return [start(CHAT_PLAN, witness=0), moment(1.0, counters=flow), EndRecord(2.0, end)]


def test_messages_that_reached_all_too_slowly_to_be_followed_are_told() -> None:
    (note,) = find_notes(tally_of(*fanned_out()))
    assert note.code == "fanout_forgotten"
    assert note.message.startswith("3 messages took so long to their last receiver")
    assert codes(*fanned_out(complete=10)) == []


@pytest.mark.parametrize(
    "records",
    [
        fanned_out(delivered=99, lost=1),
        fanned_out(in_flight_at_leave=1),
        fanned_out("interrupted"),
    ],
)
def test_where_not_all_arrived_messages_may_well_be_incomplete(records: list[Record]) -> None:
    assert codes(*records) == []


def test_what_the_engine_noted_is_passed_on() -> None:
    tally = tally_of(start(), EventRecord(2.0, "note", {"text": "worker 1 was slow"}))
    assert [note.message for note in find_notes(tally)] == ["worker 1 was slow"]
