"""Drift: what is found in intervals of sending, and what is left unsaid."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from surgewire.results.asked import Asked
from surgewire.results.bins import MOST_BINS
from surgewire.results.drift import MIN_SENDING_S, Drift, DriftWatch, Finding
from surgewire.results.record import IntervalRecord
from surgewire.results.tally import Tally
from tests.results.chat_samples import CHAT_PLAN, moment, target
from tests.results.samples import ECHO_PLAN, gain, start

CHAT = Asked.from_plan(CHAT_PLAN)
LATENCY = gain([1.0] * 1_000)


def drift_of(seconds: int, values: Callable[[int], dict[str, Any]], asked: Asked = CHAT) -> Drift:
    """Give the drift of so many seconds of sending; ``values`` gives what each second brought."""
    watch = DriftWatch()
    for second in range(seconds):
        given = {"joined": 1_000, "latency": LATENCY, "rss": None, **values(second)}
        flow = {"expected": 1_000, "delivered": 1_000}
        record = moment(
            second + 1.0,
            given["joined"],
            counters={**flow, **given.get("counters", {})},
            target=None if given["rss"] is None else target(round(given["rss"])),
        )
        histograms = {} if given["latency"] is None else {"message_latency": given["latency"]}
        watch.add(
            IntervalRecord(**{**_fields(record), "histograms": histograms}),
            asked,
        )
    return watch.drift()


def _fields(record: IntervalRecord) -> dict[str, Any]:
    return {item.name: getattr(record, item.name) for item in fields(record)}


def finding(drift: Drift, key: str) -> Finding:
    return next(found for found in drift.findings if found.measure.key == key)


def wandering(seed: int, points: int, correlation: float = 0.8) -> list[float]:
    random = np.random.default_rng(seed)
    values = [0.0]
    for _ in range(points - 1):
        values.append(correlation * values[-1] + random.standard_normal())
    return values


def test_nothing_is_said_of_a_short_run() -> None:
    drift = drift_of(int(MIN_SENDING_S) - 1, lambda second: {"joined": 1_000 - second})
    assert drift.findings == ()
    assert drift.to_dict() == {"sending_s": 119.0, "findings": {}}


def test_a_run_without_drift_is_steady() -> None:
    drift = drift_of(200, lambda _: {"rss": 2e8})
    assert {found.measure.key: found.status for found in drift.findings} == {
        "p99": "steady",
        "delivery": "steady",
        "joined": "steady",
        "target_memory": "steady",
    }
    assert finding(drift, "joined").typical == 1_000


def test_p99_that_grows() -> None:
    drift = drift_of(300, lambda second: {"latency": gain([10.0 + second / 60] * 1_000)})
    found = finding(drift, "p99")
    assert found.status == "rising"
    assert found.per_hour == pytest.approx(60.0, rel=0.05)
    assert found.change == pytest.approx(5.0, rel=0.05)
    assert finding(drift, "delivery").status == "steady"


def test_growth_that_does_not_matter_is_none() -> None:
    drift = drift_of(300, lambda second: {"latency": gain([10.0 + second / 600] * 1_000)})
    assert finding(drift, "p99").status == "steady"


def test_p99_is_of_several_seconds_where_one_does_not_carry_it() -> None:
    sparse = drift_of(300, lambda second: {"latency": gain([10.0 + second / 60] * 600)})
    assert finding(sparse, "p99").per_hour == pytest.approx(60.0, rel=0.1)
    rare = drift_of(300, lambda second: {"latency": gain([10.0 + second / 60] * 10)})
    assert finding(rare, "p99").status == "unknown"


def test_delivery_that_falls() -> None:
    drift = drift_of(300, lambda second: {"counters": {"delivered": 1_000 - second // 30}})
    found = finding(drift, "delivery")
    assert found.status == "falling"
    assert found.per_hour == pytest.approx(-0.12, rel=0.1)


def test_seconds_without_messages_say_nothing_of_delivery() -> None:
    quiet = {"counters": {"expected": 0, "delivered": 0}, "latency": None}
    drift = drift_of(200, lambda _: quiet)
    assert finding(drift, "delivery").status == "unknown"
    assert finding(drift, "p99").status == "unknown"
    half = drift_of(200, lambda second: quiet if second % 2 else {})
    assert finding(half, "delivery").status == "steady"


def test_users_that_go_for_good() -> None:
    drift = drift_of(240, lambda second: {"joined": 1_000 - second // 4})
    found = finding(drift, "joined")
    assert found.status == "falling"
    assert found.per_hour == pytest.approx(-900, rel=0.05)


def test_an_echo_run_follows_open_connections() -> None:
    echo = Asked.from_plan(ECHO_PLAN)
    drift = drift_of(240, lambda second: {"joined": 1_000 - second}, echo)
    assert finding(drift, "open").status == "falling"


def test_memory_that_leaks_under_a_saw_tooth() -> None:
    drift = drift_of(600, lambda second: {"rss": 2e8 + 20_000 * second + second % 23 * 1e5})
    found = finding(drift, "target_memory")
    assert found.status == "rising"
    assert found.per_hour == pytest.approx(72e6, rel=0.1)


def test_memory_that_grows_only_at_first_has_settled() -> None:
    drift = drift_of(600, lambda second: {"rss": 2e8 + 1e6 * min(second, 280) + second % 7})
    found = finding(drift, "target_memory")
    assert (found.status, found.per_hour) == ("settled", None)
    assert found.change is not None
    assert found.change > 0


def test_memory_is_of_the_seconds_in_which_the_target_lived() -> None:
    watch = DriftWatch()
    for second in range(200):
        alive = not 50 <= second < 60
        sample = target(200_000_000 if alive else 0, alive=alive)
        watch.add(moment(second + 1.0, target=sample), CHAT)
    found = finding(watch.drift(), "target_memory")
    assert (found.status, found.typical) == ("steady", 2e8)


@pytest.mark.parametrize("key", ["p99", "joined", "target_memory"])
def test_wandering_is_no_drift(key: str) -> None:
    found = []
    for seed in range(25):
        steps = wandering(seed, 200)
        drift = drift_of(
            200,
            lambda second, steps=steps: {  # type: ignore[misc]
                "latency": gain([20.0 + 2 * steps[second]] * 1_000) if key == "p99" else LATENCY,
                "joined": round(1_000 + 20 * steps[second]),
                "rss": 2e8 + 1e7 * steps[second],
            },
        )
        found.append(finding(drift, key).status != "steady")
    assert sum(found) <= 1


def test_memory_of_the_tally_does_not_grow_with_time() -> None:
    watch = DriftWatch()
    for second in range(3_000):
        watch.add(moment(second + 1.0), CHAT)
        assert len(watch._moments.bins) <= MOST_BINS
    assert watch.drift().sending_s == 3_000


def test_only_sending_is_looked_at() -> None:
    tally = Tally()
    tally.add(start(CHAT_PLAN))
    for second in range(200):
        tally.add(moment(second + 1.0, phase="connecting"))
    assert tally.result().drift.sending_s == 0
