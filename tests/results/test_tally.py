"""From records to totals."""

import random
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgewire.results.figures import Figures
from surgewire.results.record import EndRecord, record_from_pair, record_to_pair
from surgewire.results.tally import Tally
from tests.results.chat_samples import chat_start, moment, rooms
from tests.results.samples import CONNECT_PLAN, echo_run, interval, phase, start, tally_of, worker


def test_counts_add_up() -> None:
    tally = tally_of(
        start(),
        interval(1.0, counters={"sent": 3, "lost": 1}, errors={"dns": 2}, closed={"eof": 1}),
        interval(2.0, counters={"sent": 4}, errors={"dns": 1, "tcp_reset": 1}),
    )
    assert tally.counters == {"sent": 7, "lost": 1}
    assert tally.errors == {"dns": 3, "tcp_reset": 1}
    assert tally.closed == {"eof": 1}
    assert tally.intervals == 2


def test_histograms_are_merged_and_then_read() -> None:
    tally = tally_of(
        start(),
        interval(1.0, metrics={"message_latency": [1.0] * 990}),
        interval(2.0, metrics={"message_latency": [100.0] * 10}),
    )
    summary = tally.summary("message_latency")
    assert summary.count == 1_000
    # An average of the two p99 would be 50.5; of the merged sample, 990 of 1,000 are 1 ms.
    assert summary.p99 == pytest.approx(1.0, rel=0.001)
    assert summary.max == 100.0
    assert summary.mean == pytest.approx(1.99)


def test_the_last_interval() -> None:
    tally = tally_of(
        start(),
        phase(0.0, "connecting"),
        interval(
            1.0, "connecting", counters={"attempted": 1_000, "established": 990, "failed": 10}
        ),
        phase(1.0, "sending"),
        interval(
            3.5,
            length_s=2.0,
            counters={
                "sent": 2_000,
                "expected": 2_000,
                "delivered": 1_900,
                "duplicated": 60,
                "unmarked": 40,
                "lost": 1,
            },
            gauges={"open": 980, "peak_open": 990},
            errors={"timeout_connect": 10},
            closed={"close_1001": 10},
            workers=(worker(0, cpu_percent=10.0), worker(1, cpu_percent=55.5)),
            metrics={"message_latency": [2.0] * 1_000, "connect_time": [9.0] * 1_000},
        ),
    )
    assert tally.last_interval == Figures(
        at_s=3.5,
        phase="sending",
        progress=0.25,
        requested=1_000,
        attempted=1_000,
        established=990,
        failed=10,
        open=980,
        sent_per_s=1_000.0,
        received_per_s=1_000.0,
        connected_per_s=0.0,
        metric="message_latency",
        p50_ms=2.0,
        p99_ms=2.0,
        errors=20,
        lost=1,
        delivery=0.95,
        worst_cpu_percent=55.5,
    )


def test_the_figures_of_the_last_interval_are_of_that_interval_alone() -> None:
    tally = tally_of(
        start(),
        interval(1.0, metrics={"message_latency": [500.0] * 1_000}),
        interval(2.0, metrics={"message_latency": [1.0] * 20}),
    )
    assert tally.last_interval.p50_ms == pytest.approx(1.0, rel=0.001)
    assert tally.last_interval.p99_ms is None


@pytest.mark.parametrize(
    ("name", "at_s", "progress"),
    [("sending", 5.0, 0.4), ("sending", 50.0, 1.0), ("draining", 2.0, 0.2), ("closing", 2.0, None)],
)
def test_progress_is_of_the_phase(name: str, at_s: float, progress: float | None) -> None:
    tally = tally_of(start(), phase(1.0, name), interval(at_s, name))
    assert tally.last_interval.progress == progress


def test_while_connecting_progress_is_of_attempts_with_an_outcome() -> None:
    counters = {"attempted": 700, "established": 240, "failed": 10}
    metrics = {"connect_time": [3.0] * 240}
    tally = tally_of(
        start(CONNECT_PLAN), interval(1.0, "connecting", counters=counters, metrics=metrics)
    )
    figures = tally.last_interval
    assert (figures.progress, figures.metric) == (0.25, "connect_time")
    assert (figures.connected_per_s, figures.p50_ms) == (240.0, 3.0)


def test_an_unknown_metric_or_counter_of_a_newer_version_is_harmless() -> None:
    records = [*echo_run(), interval(9.0, counters={"later": 1}, metrics={"later": [1.0]})]
    assert tally_of(*records).result().verdict.status == "pass"


def test_nothing_at_all_gives_a_result() -> None:
    result = Tally().result()
    assert result.connections.requested == 0
    assert result.verdict.status == "interrupted"


def test_the_journal_form_gives_the_same_result() -> None:
    records = echo_run()
    copies = [record_from_pair(record_to_pair(record)) for record in records]
    again = tally_of(*[copy for copy in copies if copy is not None])
    assert again.result().to_dict() == tally_of(*records).result().to_dict()


def test_the_same_records_give_the_same_result_at_any_moment() -> None:
    tally = Tally()
    for record in echo_run():
        tally.add(record)
        assert tally.result() == tally.result()


@settings(max_examples=20, deadline=None)
@given(
    values=st.lists(st.floats(0.0, 10_000.0), min_size=1, max_size=60),
    parts=st.integers(1, 6),
    seed=st.integers(0, 1_000),
)
def test_a_tally_of_split_records_is_the_tally_of_the_whole(
    values: list[float], parts: int, seed: int
) -> None:
    whole = tally_of(
        start(),
        interval(
            6.0,
            length_s=6.0,
            counters={"sent": len(values), "delivered": len(values)},
            errors={"dns": len(values)},
            metrics={"message_latency": values},
        ),
        EndRecord(6.0, "finished"),
    )
    chunks: list[list[float]] = [[] for _ in range(parts)]
    chance = random.Random(seed)
    for value in values:
        chance.choice(chunks).append(value)
    split = tally_of(
        start(),
        *(
            interval(
                6.0 * (number + 1) / parts,
                length_s=6.0 / parts,
                counters={"sent": len(chunk), "delivered": len(chunk)},
                errors={"dns": len(chunk)},
                metrics={"message_latency": chunk} if chunk else {},
            )
            for number, chunk in enumerate(chunks)
        ),
        EndRecord(6.0, "finished"),
    )
    assert split.result().to_dict() == whole.result().to_dict()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 1_000)] * 4), max_size=8))
def test_the_identity_holds_for_any_counts(gains: list[tuple[int, int, int, int]]) -> None:
    names = ("delivered", "lost", "lost_to_disconnect")
    tally = tally_of(
        start(),
        *(
            interval(
                float(at),
                counters={**dict(zip(names, gain, strict=False)), "expected": sum(gain)},
            )
            for at, gain in enumerate(gains)
        ),
    )
    part = tally.result().delivery
    assert part.undecided == sum(gain[3] for gain in gains)
    assert part.expected == (part.delivered + part.lost + part.lost_to_disconnect + part.undecided)


def test_memory_does_not_grow_with_the_length_of_a_run() -> None:
    def held_after(tally: Tally, first: int, last: int) -> int:
        for second in range(first, last):
            closed = {"eof": 200} if second % 300 == 0 else {}
            metrics = {"message_latency": [1.0 + second % 7, 3.0]}
            counters = {"expected": 2, "delivered": 2}
            tally.add(moment(float(second), counters=counters, closed=closed, metrics=metrics))
            tally.add(rooms([[second] * 2] * 10, float(second)))
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        tally = tally_of(chat_start(), phase(0.0, "sending"))
        early = held_after(tally, 1, 500)
        late = held_after(tally, 500, 2_000)
    finally:
        tracemalloc.stop()
    # Episodes are kept up to a number that is not reached here; each is a few hundred bytes.
    assert late - early < 50_000
    assert tally.result().episodes.count == 6
