"""Literal records of chat runs for the tests of results and reports."""

from collections.abc import Sequence
from typing import Any

from surgewire.results.record import (
    EndRecord,
    EventRecord,
    IntervalRecord,
    Record,
    RoomsRecord,
    StartRecord,
    TargetSample,
)
from tests.results.samples import S, interval, phase, start, steady, worker

CHAT_PLAN: dict[str, Any] = {
    "kind": "chat",
    "target": "ws://127.0.0.1:8765/ws?room={{room}}&user={{user}}",
    "connections": 1_000,
    "rooms": 10,
    "rate": {"count": 1, "per_ns": 5 * S},
    "ramp_ns": S,
    "duration_ns": 10 * S,
    "warmup_ns": 0,
    "drain_ns": 5 * S,
    "deadline_ns": 2 * S,
    "join": None,
    "joined": None,
    "send": "{{marker}}{{padding}}",
    "to": "room",
    "senders_ppm": 1_000_000,
    "size": None,
    "reconnect_min_ns": None,
    "reconnect_max_ns": None,
    "churn_ppm": None,
    "churn_per_ns": None,
    "ping_ns": None,
    "witness": 0,
    "processes": 2,
}
COLUMNS = (
    "sent",
    "expected",
    "delivered",
    "lost",
    "lost_to_disconnect",
    "duplicated",
    "reordered",
    "late",
    "complete",
)


def chat_start(**changes: Any) -> StartRecord:
    """Give a start record of a chat plan with some fields changed."""
    return start(CHAT_PLAN, **changes)


def rooms(totals: Sequence[Sequence[int]], at_s: float = 11.2) -> RoomsRecord:
    """Give a record of rooms with the totals of COLUMNS; what is missing in a row is 0."""
    rows = [[*row, *[0] * (len(COLUMNS) - len(row))] for row in totals]
    return RoomsRecord.from_array(at_s, COLUMNS, rows)


def moment(at_s: float, joined: int = 1_000, **values: Any) -> IntervalRecord:
    """Give a second of a chat run with so many users joined."""
    gauges = {"open": joined, "peak_open": 1_000, "joined": joined}
    return interval(at_s, values.pop("phase", "sending"), gauges=gauges, **values)


def target(rss_bytes: int, *, alive: bool = True) -> TargetSample:
    """Give a sample of the target's process."""
    return TargetSample(pid=77, alive=alive, cpu_percent=50.0, rss_bytes=rss_bytes)


def chat_run(end: str | None = "finished", **changes: Any) -> list[Record]:
    """Give the records of a chat run of 1,000 users in 10 rooms in which all goes well."""
    counters = {
        "planned": 200,
        "sent": 200,
        "expected": 20_000,
        "delivered": 20_000,
        "complete": 200,
        "bytes_in": 1_300_000,
        "bytes_out": 14_000,
        "frames_in": 20_000,
        "payload_bytes_in": 1_260_000,
        "payload_bytes_out": 12_600,
    }
    busy = (worker(0), worker(1, cpu_percent=35.0))
    metrics = {
        "message_latency": steady(0.2, 1.2, 20_000),
        "service_time": steady(0.1, 1.1, 20_000),
        "send_lag": steady(0.01, 0.1, 200),
        "fanout_first": steady(0.2, 0.4, 200),
        "fanout_median": steady(0.4, 0.8, 200),
        "fanout_last": steady(0.8, 1.2, 200),
        "loop_lag": steady(0.01, 0.2, 100),
    }
    sending = [
        moment(2.0 + second, counters=counters, workers=busy, metrics=metrics)
        for second in range(10)
    ]
    records = [
        chat_start(**changes),
        phase(0.0, "connecting"),
        moment(
            1.0,
            phase="connecting",
            counters={"attempted": 1_000, "established": 1_000, "joined": 1_000},
            workers=busy,
            metrics={
                "connect_time": steady(0.5, 2.5, 1_000),
                "tcp_time": steady(0.1, 0.5, 1_000),
                "upgrade_time": steady(0.4, 2.0, 1_000),
            },
        ),
        phase(1.0, "sending"),
        *sending,
        phase(11.0, "draining"),
        moment(11.1, phase="draining", length_s=0.1, workers=busy),
        phase(11.1, "closing"),
        moment(11.2, 0, phase="closing", length_s=0.1),
        rooms([[200, 20_000, 20_000, 0, 0, 0, 0, 0, 200]] * 10),
    ]
    return [*records, EndRecord(11.2, end)] if end else records


def back(users: int, attempts: int) -> dict[str, int]:
    """Give the counters of attempts to come back, of which so many succeed."""
    return {
        "attempted": attempts,
        "retried": attempts,
        "established": users,
        "rejoined": users,
        "failed": attempts - users,
        "retries_failed": attempts - users,
    }


def restart_run(**changes: Any) -> list[Record]:
    """Give the records of a soak of 5 minutes with a leak, and a restart of the target at 100 s."""
    steps: dict[float, dict[str, Any]] = {
        101.0: {
            "joined": 0,
            "closed": {"close_1001": 900, "eof": 100},
            "counters": {"cut_off": 1_000, "lost_to_disconnect": 300, "lost": 12, "complete": 190},
        },
        102.0: {"joined": 200, "errors": {"tcp_refused": 500}, "counters": back(200, 700)},
        103.0: {"joined": 600, "counters": back(400, 400)},
        105.0: {"joined": 950, "counters": back(350, 350)},
        107.0: {"joined": 1_000, "counters": back(50, 50)},
    }
    joined, records = 1_000, []
    for second in range(1, 301):
        step = dict(steps.get(float(second), {}))
        joined = step.pop("joined", joined)
        counters = {"planned": 200, "sent": 200, "expected": 20_000, "complete": 200}
        counters |= {"pings": 50, "pongs": 50, **step.pop("counters", {})}
        gone = counters.get("lost", 0) + counters.get("lost_to_disconnect", 0)
        counters["delivered"] = 20_000 - gone
        record = moment(
            float(second),
            joined,
            counters=counters,
            target=target(200_000_000 + 50_000 * second),
            metrics={"message_latency": steady(0.5, 5.0 + second / 50, 1_200)},
            workers=(worker(0),),
            **step,
        )
        records.append(record)
    first = moment(
        0.5,
        phase="connecting",
        length_s=0.5,
        counters={"attempted": 1_000, "established": 1_000, "joined": 1_000},
        metrics={"connect_time": steady(0.5, 2.5, 1_000), "join_time": steady(0.1, 0.2, 1_000)},
    )
    later = moment(
        300.5,
        phase="draining",
        length_s=0.5,
        metrics={"rejoin_time": steady(900.0, 7_000.0, 1_000), "ping_time": steady(0.1, 2, 15_000)},
    )
    plan = {
        "duration_ns": 300 * S,
        "joined": '"type":"joined"',
        "join": '{"type":"join","token":"s3cret"}',
        "reconnect_min_ns": S,
        "reconnect_max_ns": 30 * S,
        "ping_ns": 20 * S,
        **changes,
    }
    total = [[6_000, 600_000, 600_000, 0, 0, 0, 0, 0, 6_000] for _ in range(10)]
    total[3] = [6_000, 600_000, 599_688, 12, 300, 0, 0, 0, 5_990]
    return [
        chat_start(**plan),
        phase(0.0, "connecting"),
        first,
        EventRecord(0.5, "connected", {"last_established_s": 0.5}),
        phase(0.5, "sending"),
        *records,
        phase(300.0, "draining"),
        later,
        rooms(total, 300.6),
        EndRecord(300.6, "finished"),
    ]
