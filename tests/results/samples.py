"""Literal records for the tests of results and reports."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from surgewire._core.histogram import Histogram
from surgewire.results.record import (
    EndRecord,
    EventRecord,
    IntervalRecord,
    Record,
    StartRecord,
    WorkerSample,
)
from surgewire.results.sparse import SparseHistogram, sparse_delta
from surgewire.results.tally import Tally

S = 1_000_000_000
MS = 1_000_000

ECHO_PLAN: dict[str, Any] = {
    "kind": "echo",
    "target": "ws://127.0.0.1:8765/",
    "connections": 1_000,
    "rate": {"count": 1, "per_ns": S},
    "ramp_ns": S,
    "duration_ns": 10 * S,
    "warmup_ns": 0,
    "drain_ns": 5 * S,
    "deadline_ns": 2 * S,
    "size_bytes": 64,
    "pingpong": False,
    "witness": 16,
    "processes": 2,
}
CONNECT_PLAN: dict[str, Any] = {
    "kind": "connect",
    "target": "wss://example.com/chat?token=s3cret",
    "connections": 1_000,
    "connect_rate": {"count": 500, "per_ns": S},
    "hold_ns": 0,
    "processes": 2,
}


def start(plan: Mapping[str, Any] = ECHO_PLAN, **changes: Any) -> StartRecord:
    """Give a start record of a plan with some fields changed."""
    return StartRecord(
        format=1,
        run_id="20260131-120000-echo-a1b2",
        started_at="2026-01-31T12:00:00Z",
        plan={**plan, **changes},
        version="0.1.0",
        machine={"system": "Linux", "timer": "timerfd", "kernel_stamps": True},
    )


def gain(values_ms: Iterable[float]) -> SparseHistogram:
    """Give what a histogram gains from values in milliseconds."""
    histogram = Histogram()
    histogram.record_many(np.array([round(value * MS) for value in values_ms], dtype=np.int64))
    delta = sparse_delta(Histogram().words, histogram.words)
    assert delta is not None
    return delta


def worker(number: int = 0, **changes: Any) -> WorkerSample:
    """Give a sample of a worker with some fields changed."""
    values: dict[str, Any] = {
        "worker": number,
        "pid": 100 + number,
        "alive": True,
        "cpu_percent": 40.0,
        "rss_bytes": 30_000_000,
        "pss_bytes": 20_000_000,
        "open": 500,
    }
    return WorkerSample(**{**values, **changes})


def interval(at_s: float, phase: str = "sending", **values: Any) -> IntervalRecord:
    """Give an interval of a second; ``metrics`` are lists of milliseconds by name."""
    metrics = values.pop("metrics", {})
    record: dict[str, Any] = {"length_s": 1.0, "counters": {}, **values}
    return IntervalRecord(
        at_s=at_s,
        phase=phase,
        histograms={name: gain(sample) for name, sample in metrics.items()},
        **record,
    )


def phase(at_s: float, name: str) -> EventRecord:
    """Give the event with which a phase begins."""
    return EventRecord(at_s, "phase", {"phase": name})


def tally_of(*records: Record) -> Tally:
    """Give a tally that has taken in the records."""
    tally = Tally()
    for record in records:
        tally.add(record)
    return tally


def steady(low_ms: float, high_ms: float, n: int) -> list[float]:
    """Give n values, evenly from low to high."""
    return [low_ms + (high_ms - low_ms) * i / (n - 1) for i in range(n)]


def echo_run(end: str | None = "finished", **changes: Any) -> list[Record]:
    """Give the records of an echo run of 1,000 connections in which all goes well."""
    counters = {
        "planned": 1_000,
        "sent": 1_000,
        "expected": 1_000,
        "delivered": 1_000,
        "bytes_in": 66_000,
        "bytes_out": 70_000,
        "frames_in": 1_000,
        "payload_bytes_in": 64_000,
        "payload_bytes_out": 64_000,
    }
    gauges = {"open": 1_000, "peak_open": 1_000}
    busy = (worker(0), worker(1, cpu_percent=35.0))
    sending = [
        interval(
            2.0 + second,
            counters=counters,
            gauges=gauges,
            workers=busy,
            metrics={
                "message_latency": steady(0.2, 1.2, 1_000),
                "service_time": steady(0.1, 1.1, 1_000),
                "send_lag": steady(0.01, 0.1, 1_000),
                "loop_lag": steady(0.01, 0.2, 100),
                "witness_receive": steady(0.01, 0.03, 32),
                "witness_send": steady(0.005, 0.015, 32),
            },
        )
        for second in range(10)
    ]
    connecting = interval(
        1.0,
        "connecting",
        counters={"attempted": 1_000, "established": 1_000},
        gauges=gauges,
        workers=(worker(0, open=0, rss_bytes=28_500_000), worker(1, open=0, rss_bytes=28_500_000)),
        metrics={
            "connect_time": steady(0.5, 2.5, 1_000),
            "connect_lag": steady(0.01, 0.1, 1_000),
            "dns_time": steady(0.001, 0.002, 1_000),
            "tcp_time": steady(0.1, 0.5, 1_000),
            "upgrade_time": steady(0.399, 1.998, 1_000),
        },
    )
    records = [
        start(**changes),
        phase(0.0, "connecting"),
        connecting,
        phase(1.0, "sending"),
        *sending,
        phase(11.0, "draining"),
        interval(11.1, "draining", length_s=0.1, gauges=gauges, workers=busy),
        phase(11.1, "closing"),
    ]
    return [*records, EndRecord(11.2, end)] if end else records
