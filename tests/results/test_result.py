"""The result as JSON, held against its schema."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from surgewire.results.doubt import DoubtCode
from surgewire.results.metrics import LOOP_LAG, METRICS
from surgewire.results.record import EndRecord, EventRecord, Record
from surgewire.results.tally import Tally
from surgewire.results.verdict import Status
from tests.results.chat_samples import chat_run, restart_run
from tests.results.samples import CONNECT_PLAN, echo_run, interval, phase, start, tally_of, worker

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "result.schema.json").read_text())

FAULTS: list[Record] = [
    start(target="ws://me:pass@example.com/?token=s3cret"),
    phase(0.0, "connecting"),
    interval(
        1.0,
        "connecting",
        counters={"attempted": 1_000, "established": 960, "failed": 40},
        errors={"tcp_refused": 30, "http_503": 10, "dns": 0},
        workers=(worker(0), worker(1, pss_bytes=None)),
    ),
    phase(1.0, "sending"),
    interval(
        2.0,
        counters={"sent": 10, "expected": 10, "delivered": 6, "lost": 3, "lost_to_disconnect": 1},
        closed={"eof": 1, "close_1001": 1},
        metrics={"message_latency": [1.0] * 6},
    ),
    EventRecord(2.0, "worker_died", {"worker": 1, "signal": 9, "connections": 480}),
    EventRecord(2.1, "note", {"text": "a remark", "value": float("nan")}),
    EndRecord(3.0, "finished"),
]
CONNECT: list[Record] = [
    start(CONNECT_PLAN),
    phase(0.0, "connecting"),
    interval(
        1.0,
        "connecting",
        counters={"attempted": 500, "established": 500},
        gauges={"open": 500, "peak_open": 500},
        metrics={"connect_time": [1.0] * 500},
        workers=(worker(),),
    ),
    interval(2.0, "connecting", counters={"attempted": 500, "established": 500}),
    phase(2.0, "closing"),
    EndRecord(2.5, "finished"),
]
RUNS: dict[str, list[Record]] = {
    "all well": echo_run(),
    "faults": FAULTS,
    "connect": CONNECT,
    "pingpong": echo_run(pingpong=True, rate=None),
    "interrupted": [*FAULTS[:-1], EndRecord(3.0, "interrupted")],
    "killed": echo_run(end=None),
    "failed": [start(), EndRecord(0.1, "failed")],
    "without a start": [interval(1.0)],
    "nothing": [],
    "chat": chat_run(),
    "chat with a restart": restart_run(),
    "chat killed": chat_run(end=None),
}


def dict_of(records: list[Record]) -> dict[str, Any]:
    """Give the result as a reader of the file sees it; fails on NaN."""
    text = json.dumps(tally_of(*records).result().to_dict(), allow_nan=False)
    result: dict[str, Any] = json.loads(text)
    return result


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("records", RUNS.values(), ids=RUNS.keys())
def test_results_fit_the_schema(records: list[Record]) -> None:
    Draft202012Validator(SCHEMA).validate(dict_of(records))


@pytest.mark.parametrize("records", RUNS.values(), ids=RUNS.keys())
def test_the_identity_holds(records: list[Record]) -> None:
    part = dict_of(records)["delivery"]
    decided = part["delivered"] + part["lost"] + part["lost_to_disconnect"]
    assert part["expected"] == decided + part["undecided"]
    assert part["undecided"] == 0


def undescribed(node: Any, path: str = "") -> list[str]:
    """Give the paths of the properties that the schema leaves without a description."""
    if isinstance(node, list):
        return [hole for item in node for hole in undescribed(item, path)]
    if not isinstance(node, dict):
        return []
    holes = [
        f"{path}.{name}"
        for name, part in node.get("properties", {}).items()
        if not part.get("description")
    ]
    return holes + [
        hole for name, part in node.items() for hole in undescribed(part, f"{path}.{name}")
    ]


def test_the_schema_describes_every_field() -> None:
    assert undescribed(SCHEMA) == []


def test_the_schema_lists_the_codes_and_names_of_the_program() -> None:
    properties = SCHEMA["properties"]
    doubt = properties["doubts"]["items"]["properties"]["code"]["oneOf"]
    status = properties["verdict"]["properties"]["status"]["oneOf"]
    assert {item["const"] for item in doubt} == {code.value for code in DoubtCode}
    assert {item["const"] for item in status} == {status.value for status in Status}
    assert set(properties["metrics"]["properties"]) == set(METRICS) - {LOOP_LAG}


def test_the_keys_that_were_promised() -> None:
    result = dict_of(echo_run())
    assert list(result) == [
        "schema",
        "run",
        "target",
        "started_at",
        "duration_s",
        "connections",
        "delivery",
        "traffic",
        "metrics",
        "rooms",
        "joins",
        "awkward",
        "reconnects",
        "disconnects",
        "episodes",
        "pings",
        "attempts",
        "surges",
        "facts",
        "drift",
        "generator",
        "events",
        "doubts",
        "notes",
        "thresholds",
        "verdict",
    ]
    assert result["schema"] == "surgewire.result/1"
    assert list(result["metrics"]["message_latency"]) == [
        "unit",
        "count",
        "min",
        "mean",
        "max",
        "p50",
        "p90",
        "p95",
        "p99",
        "p99_9",
    ]


def test_a_run_in_which_all_goes_well() -> None:
    result = dict_of(echo_run())
    assert result["started_at"] == "2026-01-31T12:00:00Z"
    assert result["duration_s"] == 10.0
    assert result["target"] == {
        "url": "ws://127.0.0.1:8765/",
        "host": "127.0.0.1",
        "port": 8765,
        "process": None,
    }
    assert result["connections"] == {
        "requested": 1_000,
        "attempted": 1_000,
        "established": 1_000,
        "failed": 0,
        "peak_open": 1_000,
        "per_s": 1_000.0,
        "errors": {},
        "closed": {},
    }
    assert (result["delivery"]["sent"], result["delivery"]["rate"]) == (10_000, 1.0)
    assert result["traffic"] == {
        "bytes_in": 660_000,
        "bytes_out": 700_000,
        "frames_in": 10_000,
        "payload_bytes_in": 640_000,
        "payload_bytes_out": 640_000,
        "sent_per_s": 1_000.0,
    }
    latency = result["metrics"]["message_latency"]
    assert latency["count"] == 10_000
    assert (latency["min"], latency["mean"], latency["max"]) == (0.2, 0.7, 1.2)
    assert latency["p50"] == pytest.approx(0.7, rel=0.002)
    assert latency["p99_9"] == pytest.approx(1.199, rel=0.002)
    assert result["metrics"]["tls_time"]["count"] == 0
    assert result["doubts"] == result["notes"] == []
    assert all(threshold["ok"] for threshold in result["thresholds"])
    assert result["verdict"] == {"status": "pass", "reasons": []}


def test_the_generator() -> None:
    part = dict_of(echo_run())["generator"]
    assert part["processes"] == 2
    assert part["cpu_percent"] == [40.0, 35.0]
    assert part["cpu_seconds"] == [4.44, 3.935]
    assert (part["rss_bytes"], part["pss_bytes"]) == (60_000_000, 40_000_000)
    assert part["memory_per_connection_bytes"] == 3_000
    assert part["loop_lag"]["count"] == 1_000


def test_faults() -> None:
    result = dict_of(FAULTS)
    assert result["connections"]["errors"] == {"tcp_refused": 30, "http_503": 10}
    assert list(result["connections"]["closed"]) == ["close_1001", "eof"]
    assert result["delivery"]["rate"] == 0.6
    assert result["notes"][-1] == {"code": "event", "message": "a remark"}
    assert result["events"][-1]["detail"]["value"] is None
    assert result["generator"]["pss_bytes"] is None
    assert result["verdict"] == {
        "status": "fail",
        "reasons": [
            "40 of 1,000 connections failed",
            "2 connections ended before their time",
            "of 10 deliveries: 3 lost, 1 lost to disconnect",
            "figures in doubt: worker_died",
        ],
    }


def test_no_secret_of_the_url_comes_out() -> None:
    text = json.dumps(dict_of(FAULTS)) + json.dumps(dict_of(CONNECT))
    assert "s3cret" not in text
    assert "pass@" not in text


def test_a_connect_run() -> None:
    result = dict_of(CONNECT)
    assert result["duration_s"] == 2.0
    assert result["connections"]["per_s"] == 500.0
    assert result["traffic"]["sent_per_s"] is None
    assert result["delivery"]["rate"] is None
    assert result["verdict"]["status"] == "pass"


def test_the_rate_of_connecting_is_up_to_the_last_success() -> None:
    slow = interval(31.0, "connecting", length_s=29.0, counters={"failed": 1})
    result = dict_of([*CONNECT[:-2], slow, *CONNECT[-2:]])
    assert result["connections"]["per_s"] == 500.0


def test_the_closed_model_is_told() -> None:
    (note,) = dict_of(echo_run(pingpong=True, rate=None))["notes"]
    assert note["code"] == "closed_model"
    assert "hide" in note["message"]


def test_missing_kernel_stamps_are_told_only_where_they_were_asked_for() -> None:
    def notes(**plan: int) -> list[str]:
        metrics = {"message_latency": [1.0] * 1_000}
        tally = tally_of(start(**plan), interval(1.0, metrics=metrics))
        return [note.code for note in tally.result().notes]

    assert notes(witness=16) == ["kernel_stamps_missing"]
    assert notes(witness=0) == []


def test_an_empty_result_has_nulls_and_no_nan() -> None:
    result = json.loads(json.dumps(Tally().result().to_dict(), allow_nan=False))
    assert result["connections"]["per_s"] is None
    assert result["metrics"]["message_latency"]["p50"] is None
