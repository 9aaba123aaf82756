import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from surgewire._core import gauge, ledger, traffic
from surgewire._core.histogram import HISTOGRAM_COUNT, Histogram
from surgewire.engine.casualty import book_death
from surgewire.engine.sampler import Sampler
from surgewire.engine.shared import SharedRegion
from surgewire.results.sparse import add_sparse

steps = st.lists(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(["sent", "delivered", "attempted", "bytes_in"]),
            st.integers(0, 2**40),
            st.integers(1, 10**10),
        ),
        max_size=6,
    ),
    max_size=6,
)


def bump(part, name, n):
    names = ledger.COUNTERS if name in ledger.COUNTERS else traffic.COUNTERS
    counts = part.ledger[0] if name in ledger.COUNTERS else part.traffic
    counts[names.index(name)] += np.uint64(n)


@settings(max_examples=40, deadline=None)
@given(steps)
def test_gains_add_up_to_what_was_counted(rounds):
    region = SharedRegion(3)
    sampler, sums, expected = Sampler(region), {}, {}
    rebuilt, truth = Histogram(), Histogram()
    errors = {}
    for counted in rounds:
        for worker, name, n, value_ns in counted:
            part = region.slice(worker)
            bump(part, name, n)
            expected[name] = expected.get(name, 0) + n
            Histogram(part.histograms["service_time"]).record(value_ns)
            truth.record(value_ns)
            part.errors.add("dns", n % 3)
            errors["dns"] = errors.get("dns", 0) + n % 3
        gain = sampler.take()
        for name, n in gain.counters.items():
            sums[name] = sums.get(name, 0) + n
        for kind, n in gain.errors.items():
            errors[kind] -= n
        for name, delta in gain.histograms.items():
            assert name == "service_time"
            add_sparse(rebuilt, delta)
    assert {name: n for name, n in sums.items() if n} == {k: n for k, n in expected.items() if n}
    assert not any(errors.values())
    assert (rebuilt.words == truth.words).all()


def test_names_are_those_of_the_core_but_for_the_gauge():
    gain = Sampler(SharedRegion(1)).take()
    assert set(gain.counters) == {*ledger.COUNTERS, *traffic.COUNTERS} - {"open"}
    assert gain.gauges == {"open": 0, "peak_open": 0, "peak_under_way": 0}
    assert gain.histograms == gain.errors == gain.closed == {}


def test_gauges_are_those_of_now():
    region = SharedRegion(2)
    gauge.add(region.gauge, 7)
    gauge.add(region.gauge, -3)
    bump(region.slice(1), "open", 4)
    gauge.add(region.under_way, 2)
    gauge.add(region.under_way, -2)
    sampler = Sampler(region)
    now = {"open": 4, "peak_open": 7, "peak_under_way": 2}
    assert sampler.take().gauges == sampler.take().gauges == now
    assert [sampler.open_of(w) for w in (0, 1)] == [0, 4]


def test_the_last_sample_sees_what_a_killed_writer_half_wrote():
    region = SharedRegion(1)
    sampler = Sampler(region)
    words = region.slice(0).histograms["send_lag"]
    Histogram(words).record(5_000)
    words[HISTOGRAM_COUNT] = 0
    assert sampler.take().histograms == {}
    assert sum(sampler.take(last=True).histograms["send_lag"].arrays()[1]) == 1


def test_a_dead_workers_books_are_closed():
    region = SharedRegion(2)
    part = region.slice(1)
    messages = {"sent": 9, "expected": 9, "delivered": 4, "lost": 2, "lost_to_disconnect": 1}
    attempts = {"attempted": 8, "established": 6, "failed": 1, "open": 5, "closed": 1}
    for name, n in (messages | attempts).items():
        bump(part, name, n)
    gauge.add(region.gauge, 11)
    assert book_death(region, 1) == 5
    counters = Sampler(region).take().counters
    assert counters["lost_to_disconnect"] == 3
    assert counters["expected"] == sum(
        counters[name] for name in ("delivered", "lost", "lost_to_disconnect")
    )
    assert (counters["failed"], counters["closed"]) == (2, 6)
    assert part.traffic[traffic.COUNTERS.index("open")] == 0
    assert region.gauge.tolist() == [6, 11]
    assert part.closed.counts() == {"worker_died": 5}
    assert part.errors.counts() == {"worker_died": 1}
    # Nothing is left to book.
    assert book_death(region, 1) == 0
    assert Sampler(region).take().counters == counters


def test_a_worker_that_died_before_it_did_anything_leaves_nothing():
    region = SharedRegion(1)
    assert book_death(region, 0) == 0
    assert not any(Sampler(region).take().counters.values())
    assert region.slice(0).closed.counts() == region.slice(0).errors.counts() == {}
