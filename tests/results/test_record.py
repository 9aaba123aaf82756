"""Records: to msgpack types and back."""

import re

import msgpack
import pytest

from surgewire.results.metrics import METRICS
from surgewire.results.record import (
    PHASES,
    EndRecord,
    EventRecord,
    IntervalRecord,
    Record,
    RoomsRecord,
    StartRecord,
    TargetSample,
    WorkerSample,
    record_from_pair,
    record_to_pair,
)
from surgewire.results.sparse import SparseHistogram
from surgewire.results.surges import SurgeSample

START = StartRecord(
    format=1,
    run_id="20260131-120000-echo-a1b2",
    started_at="2026-01-31T12:00:00Z",
    plan={"kind": "echo", "connections": 3},
    version="0.1.0",
    machine={"cpus": 2},
)
HISTOGRAM = SparseHistogram.from_arrays(
    [3, 70_000 // 1024], [2, 5], total_ns=7_000, min_ns=10, max_ns=70_000, clipped=1
)
INTERVAL = IntervalRecord(
    at_s=2.0,
    length_s=1.0,
    phase="sending",
    counters={"sent": 7, "expected": 7},
    gauges={"open": 3, "peak_open": 3, "joined": 2},
    histograms={"message_latency": HISTOGRAM},
    errors={"dns": 1},
    closed={"close_1001": 2},
    facts={"tls_resumed": 3},
    surges=(SurgeSample(number=2, users=5, came=4, planned_s=1.0, last_s=1.5),),
    workers=(
        WorkerSample(
            worker=0, pid=9, alive=True, cpu_percent=3.5, rss_bytes=10, pss_bytes=None, open=3
        ),
    ),
    target=TargetSample(pid=7, alive=True, cpu_percent=80.0, rss_bytes=90),
)
ROOMS = RoomsRecord.from_array(2.0, ["expected", "delivered"], [[5, 3], [7, 7]])
EVENT = EventRecord(at_s=1.5, kind="phase", detail={"phase": "sending"})
END = EndRecord(at_s=3.0, reason="finished")


@pytest.mark.parametrize("record", [START, INTERVAL, ROOMS, EVENT, END], ids=lambda r: r.TYPE)
def test_a_record_survives_msgpack(record: Record) -> None:
    packed = msgpack.packb(record_to_pair(record))
    assert record_from_pair(msgpack.unpackb(packed)) == record


def test_the_interval_as_a_literal_map() -> None:
    assert INTERVAL.to_dict() == {
        "at_s": 2.0,
        "length_s": 1.0,
        "phase": "sending",
        "counters": {"sent": 7, "expected": 7},
        "gauges": {"open": 3, "peak_open": 3, "joined": 2},
        "histograms": {
            "message_latency": {
                "gaps": [1, b"\x03\x41"],
                "counts": [1, b"\x02\x05"],
                "total_ns": 7_000,
                "clipped": 1,
                "min_ns": 10,
                "max_ns": 70_000,
            }
        },
        "errors": {"dns": 1},
        "closed": {"close_1001": 2},
        "facts": {"tls_resumed": 3},
        "surges": [{"number": 2, "users": 5, "came": 4, "planned_s": 1.0, "last_s": 1.5}],
        "workers": [
            {
                "worker": 0,
                "pid": 9,
                "alive": True,
                "cpu_percent": 3.5,
                "rss_bytes": 10,
                "pss_bytes": None,
                "open": 3,
            }
        ],
        "target": {"pid": 7, "alive": True, "cpu_percent": 80.0, "rss_bytes": 90},
    }


@pytest.mark.parametrize("record", [START, INTERVAL, ROOMS, EVENT, END], ids=lambda r: r.TYPE)
def test_unknown_keys_are_ignored(record: Record) -> None:
    assert type(record).from_dict({**record.to_dict(), "added_later": [1]}) == record


def test_an_unknown_type_is_none() -> None:
    assert record_from_pair(["added_later", {}]) is None


@pytest.mark.parametrize("record", [START, INTERVAL, ROOMS, EVENT, END], ids=lambda r: r.TYPE)
def test_a_missing_key_is_named(record: Record) -> None:
    for name in record.to_dict().keys() - {"target", "facts", "surges"}:
        data = record.to_dict()
        del data[name]
        with pytest.raises(ValueError, match=f"^{record.TYPE} record: '{name}' is missing$"):
            type(record).from_dict(data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"at_s": "now"}, "interval record: 'at_s': must be a finite number"),
        ({"at_s": float("nan")}, "interval record: 'at_s': must be a finite number"),
        ({"length_s": float("inf")}, "interval record: 'length_s': must be a finite number"),
        ({"phase": 3}, "interval record: 'phase': must be a text"),
        ({"counters": []}, "interval record: 'counters': must be a map with texts as keys"),
        ({"counters": {"sent": 1.5}}, "interval record: 'counters': must be a whole number"),
        ({"errors": {"dns": True}}, "interval record: 'errors': must be a whole number"),
        ({"workers": 3}, "interval record: 'workers': must be a list"),
        ({"workers": [{}]}, "interval record: 'workers': worker sample: 'worker' is missing"),
        ({"workers": [3]}, "interval record: 'workers': worker sample: must be a map, is int"),
        (
            {"histograms": {"send_lag": {}}},
            "interval record: 'histograms': histogram: 'total_ns' is missing",
        ),
        (
            {"histograms": {"send_lag": {**HISTOGRAM.to_dict(), "counts": [1, b"123"]}}},
            "interval record: 'histograms': histogram: 'indices' and 'counts' do not fit together",
        ),
        (
            {"histograms": {"send_lag": {**HISTOGRAM.to_dict(), "max_ns": "9"}}},
            "interval record: 'histograms': histogram: 'max_ns': must be int",
        ),
    ],
)
def test_wrong_types_are_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        IntervalRecord.from_dict({**INTERVAL.to_dict(), **change})


def test_an_interval_of_format_1_has_no_target() -> None:
    data = INTERVAL.to_dict()
    del data["target"]
    assert IntervalRecord.from_dict(data).target is None


def test_a_target_that_is_no_sample_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'target': target sample: 'pid' is missing$"):
        IntervalRecord.from_dict({**INTERVAL.to_dict(), "target": {}})


@pytest.mark.parametrize("pair", [None, 3, [], ["start"], [1, {}], ["start", {}, 1]])
def test_what_is_no_record_is_refused(pair: object) -> None:
    with pytest.raises(ValueError, match="must be a list of a type and a map"):
        record_from_pair(pair)


def test_a_record_that_is_no_map_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^start record: must be a map, is list$"):
        record_from_pair(["start", []])


def test_names_are_unique() -> None:
    assert len(set(METRICS)) == len(METRICS)
    assert len(set(PHASES)) == len(PHASES)
