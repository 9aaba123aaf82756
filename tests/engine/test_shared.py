import os
from pathlib import Path

import numpy as np
import pytest

from surgewire._core import ledger, traffic
from surgewire._core.histogram import HISTOGRAM_WORDS
from surgewire.engine.shared import SharedRegion, slice_bytes
from surgewire.results.metrics import METRICS


def test_a_slice_has_the_contracts_shapes_and_is_zero():
    part = SharedRegion(1).slice(0)
    assert part.ledger.dtype == part.traffic.dtype == np.uint64
    assert part.ledger.shape == (1, len(ledger.COUNTERS))
    assert part.traffic.shape == (len(traffic.COUNTERS),)
    assert tuple(part.histograms) == METRICS
    assert all(h.shape == (HISTOGRAM_WORDS,) for h in part.histograms.values())
    assert all(h.dtype == np.int64 for h in part.histograms.values())
    assert part.progress.shape == (8,)
    assert not part.ledger.any()
    assert part.errors.counts() == part.closed.counts() == {}


def test_rooms_have_rows_of_their_own_and_a_place_that_all_workers_share():
    region = SharedRegion(2, rooms=5, fanout_slots=8)
    assert region.slice(1).ledger.shape == (5, len(ledger.COUNTERS))
    for number, array in enumerate(arrays(region), start=1):
        array[:] = number
    writer, reader = region.share_rooms(1), region.share_rooms()
    assert (writer.workers, writer.rooms, writer.slots) == (2, 5, 8)
    assert writer.publish_number(4, 0, 0) == 1
    assert reader.last_number(1, 4) == 1
    for number, array in enumerate(arrays(region), start=1):
        assert (array == number).all()
    with pytest.raises(ValueError, match="only looked at"):
        reader.publish_number(0, 0, 0)


def test_a_run_without_rooms_shares_none():
    assert SharedRegion(2).share_rooms(0) is None


def arrays(region):
    yield region.gauge
    for part in region.slices:
        yield from (part.progress, part.ledger, part.traffic, *part.histograms.values())


def test_no_view_overlaps_another():
    region = SharedRegion(3)
    for number, array in enumerate(arrays(region), start=1):
        array[:] = number
    for part in region.slices:
        part.errors.add("dns")
        part.closed.add("eof", 2)
    for number, array in enumerate(arrays(region), start=1):
        assert (array == number).all()
    for part in region.slices:
        assert part.errors.counts() == {"dns": 1}
        assert part.closed.counts() == {"eof": 2}


def test_what_a_killed_child_counted_stays():
    region = SharedRegion(2)
    pid = os.fork()
    if pid == 0:
        part = region.slice(1)
        part.ledger[0, 0] = 7
        part.histograms["message_latency"][-1] = 9
        part.closed.add("eof", 3)
        region.gauge[1] = 5
        os.kill(os.getpid(), 9)
    os.waitpid(pid, 0)
    part = region.slice(1)
    assert part.ledger[0, 0] == 7
    assert part.histograms["message_latency"][-1] == 9
    assert part.closed.counts() == {"eof": 3}
    assert region.gauge.tolist() == [0, 5]


def test_untouched_pages_cost_no_memory():
    def resident():
        with Path("/proc/self/statm").open() as statm:
            return int(statm.read().split()[2]) * os.sysconf("SC_PAGE_SIZE")

    before = resident()
    region = SharedRegion(64)
    assert 64 * slice_bytes() > 100 << 20
    assert resident() - before < 8 << 20
    assert region.workers == 64


def test_bad_numbers_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        SharedRegion(0)
    region = SharedRegion(1)
    for worker in (-1, 1):
        with pytest.raises(IndexError, match="no worker"):
            region.slice(worker)
