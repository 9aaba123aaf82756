"""The HdrHistogram log is read back by the reader of PyPI's hdrhistogram."""

import re
from datetime import UTC, datetime

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

from surgewire._core.histogram import Histogram
from surgewire.report import hdr
from surgewire.results.record import EndRecord, EventRecord, IntervalRecord, StartRecord
from surgewire.results.sparse import SparseHistogram, sparse_delta

START = StartRecord(
    format=1,
    run_id="20260131-120000-echo-1a2b",
    started_at="2026-01-31T12:00:00Z",
    plan={},
    version="0.1.0",
    machine={},
)
EPOCH_S = datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp()


def interval(at_s, length_s=1.0, **histograms):
    return IntervalRecord(at_s, length_s, "sending", counters={}, histograms=histograms)


def records_of(seconds):
    """One interval per item; an item maps metrics to the values recorded in that second."""
    live: dict[str, Histogram] = {}
    yield START
    yield EventRecord(0.0, "phase", {"phase": "connecting"})
    for number, values_of in enumerate(seconds, start=1):
        deltas = {}
        for metric, values in values_of.items():
            histogram = live.setdefault(metric, Histogram())
            before = histogram.words.copy()
            histogram.record_many(np.array(values, dtype=np.int64))
            deltas[metric] = sparse_delta(before, histogram.words)
        yield interval(float(number), **deltas)
    yield EndRecord(float(len(seconds)), "finished")


def read(path):
    reader = HistogramLogReader(str(path), HdrHistogram(1_000, 3_600_000_000_000, 3))
    try:
        histograms = []
        while (histogram := reader.get_next_interval_histogram()) is not None:
            histograms.append(histogram)
        return reader.get_start_time_sec(), histograms
    finally:
        reader.close()


SECONDS = [
    {"message_latency": [1_000_000, 2_000_000, 900_000_000], "send_lag": [40_000]},
    {"message_latency": [3_000_000] * 5},
    {},
    {"message_latency": [700], "send_lag": [50_000, 0, 3_600_000_000_000]},
]


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "run.hlog"
    hdr.write(records_of(SECONDS), path)
    return path


def test_the_reader_gets_every_interval_of_every_metric(log):
    start_s, histograms = read(log)
    assert start_s == EPOCH_S
    expected = [
        (number, metric, values)
        for number, values_of in enumerate(SECONDS)
        for metric, values in values_of.items()
    ]
    assert len(histograms) == len(expected)
    for histogram, (number, metric, values) in zip(histograms, expected, strict=True):
        reference = HdrHistogram(1_000, 3_600_000_000_000, 3)
        for value in values:
            reference.record_value(value)
        assert histogram.get_tag() == metric
        assert list(histogram.counts) == list(reference.counts)
        assert histogram.get_start_time_stamp() == pytest.approx((EPOCH_S + number) * 1_000)
        assert histogram.get_end_time_stamp() == pytest.approx((EPOCH_S + number + 1) * 1_000)


def test_intervals_add_up_to_the_run(log):
    reader = HistogramLogReader(str(log), HdrHistogram(1_000, 3_600_000_000_000, 3))
    total = HdrHistogram(1_000, 3_600_000_000_000, 3)
    while reader.add_next_interval_histogram(total) is not None:
        pass
    reader.close()
    assert total.get_total_count() == sum(len(v) for second in SECONDS for v in second.values())


def test_the_head_and_the_form_of_a_line(log):
    text = log.read_text(encoding="ascii").splitlines()
    assert text[:5] == [
        "#[Surgewire 0.1.0, run 20260131-120000-echo-1a2b: values in ns, Interval_Max in ms]",
        "#[Histogram log format version 1.3]",
        "#[BaseTime: 1769860800.000 (seconds since epoch)]",
        "#[StartTime: 1769860800.000 (seconds since epoch), 2026-01-31T12:00:00+00:00]",
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ]
    for line in text[5:]:
        assert re.fullmatch(r"Tag=[a-z_]+,\d+\.\d{3},1\.000,\d+\.\d{3},HIST[A-Za-z0-9+/]+=*", line)


def test_the_maximum_is_that_of_the_interval_in_milliseconds(log):
    rows = [line.split(",") for line in log.read_text().splitlines()[5:]]
    of_latency = [float(row[3]) for row in rows if row[0] == "Tag=message_latency"]
    assert of_latency[0] == 900.0
    assert of_latency[1] == pytest.approx(3.0, rel=1e-3)
    assert of_latency[2] == 0.001


def test_a_run_without_intervals_is_an_empty_log(tmp_path):
    hdr.write([START], tmp_path / "run.hlog")
    assert read(tmp_path / "run.hlog")[1] == []


def test_an_interval_never_begins_before_the_run(tmp_path):
    sparse = SparseHistogram.from_arrays([1], [1], total_ns=600, min_ns=600, max_ns=600)
    line = list(hdr.lines([START, interval(0.5, 0.501, dns_time=sparse)]))[-1]
    assert line.startswith("Tag=dns_time,0.000,0.501,0.001,")


def test_standard_output(capsys):
    hdr.write(records_of(SECONDS), "-")
    assert capsys.readouterr().out.count("Tag=") == 5


@pytest.mark.parametrize(
    ("records", "match"),
    [
        ([], "no start record"),
        ([interval(1.0)], "no start record"),
        ([interval(1.0), START], "no start record"),
        (
            [START, interval(2.0, dns_time=SparseHistogram.from_arrays(
                [99_999], [1], total_ns=1, min_ns=1, max_ns=1))],
            r"interval at 2\.000 s: dns_time: indices must rise",
        ),
    ],
)  # fmt: skip
def test_damaged_records_leave_nothing_behind(tmp_path, records, match):
    kept = tmp_path / "run.hlog"
    kept.write_text("before")
    with pytest.raises(ValueError, match=match):
        hdr.write(records, kept)
    assert kept.read_text() == "before"
    assert list(tmp_path.iterdir()) == [kept]


@pytest.mark.parametrize("started_at", ["", "yesterday", "2026-01-31T12:00:00"])
def test_a_start_without_an_instant(started_at):
    start = StartRecord(1, "x", started_at, {}, "0.1.0", {})
    with pytest.raises(ValueError, match="it must be like '2026-01-31T12:00:00Z'"):
        list(hdr.lines([start]))
