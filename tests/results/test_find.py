from typing import Any

import pytest

from surgewire.results.find import FindResult, FindStep, weigh
from surgewire.results.rate_search import Conclusion, Ending, Outcome
from surgewire.results.record import EndRecord, EventRecord, Record
from tests.results.samples import CONNECT_PLAN, interval, phase, start, steady, tally_of, worker

S = 1_000_000_000


def records(
    *,
    established: int = 1_000,
    failed: int = 0,
    took_s: float = 2.0,
    high_ms: float = 50.0,
    lag_ms: float = 1.0,
    loop_ms: float = 1.0,
    **changes: Any,
) -> list[Record]:
    """Give a step of 1,000 attempts at 500/s."""
    return [
        start(CONNECT_PLAN, **changes.pop("plan", {})),
        phase(0.0, "connecting"),
        interval(
            took_s,
            "connecting",
            counters={"attempted": established + failed, "established": established,
                      "failed": failed},
            errors={"tcp_refused": failed} if failed else {},
            metrics={
                "connect_time": steady(1, high_ms, max(established, 2)),
                "connect_lag": steady(0.1, lag_ms, 1_000),
                "loop_lag": steady(0.1, loop_ms, 200),
            },
            workers=changes.pop("workers", (worker(),)),
            **changes,
        ),
        EventRecord(took_s, "connected", {"last_established_s": took_s}),
        EndRecord(took_s + 0.1, "finished"),
    ]  # fmt: skip


def step(**values: Any) -> FindStep:
    return weigh(tally_of(*records(**values)).result(), per_s=500, p99_ns=S // 10)


def test_a_rate_that_holds() -> None:
    held = step()
    assert (held.outcome, held.connections, held.failed) == (Outcome.HELD, 1_000, 0)
    assert held.why.startswith("p99 49.")
    assert (held.reached_per_s, held.doubts) == (500.0, ())


@pytest.mark.parametrize(
    ("values", "outcome", "why"),
    [
        # The target's own shortcomings.
        ({"established": 990, "failed": 10}, Outcome.BROKE, "10 of 1,000 connections failed"),
        ({"high_ms": 300}, Outcome.BROKE, "above the goal of 100.000 ms"),
        ({"took_s": 2.3}, Outcome.BROKE, "only 434.8/s were reached"),
        ({"closed": {"eof": 3}}, Outcome.BROKE, "3 connections ended before their time"),
        # A backlog within a twentieth of the time, or 100 ms, is none.
        ({"took_s": 2.09}, Outcome.HELD, "p99"),
        # What may be the generator's.
        ({"high_ms": 110, "loop_ms": 60}, Outcome.DOUBTFUL, "in doubt: loop_lag"),
        ({"high_ms": 300, "loop_ms": 60}, Outcome.BROKE, "above the goal"),
        ({"took_s": 2.15, "loop_ms": 60}, Outcome.DOUBTFUL, "in doubt: loop_lag"),
        ({"took_s": 2.3, "loop_ms": 60}, Outcome.BROKE, "only 434.8/s were reached"),
        ({"loop_ms": 60}, Outcome.HELD, "p99"),
        ({"lag_ms": 400}, Outcome.DOUBTFUL, "in doubt: connect_lag"),
        (
            {"high_ms": 300, "workers": (worker(cpu_percent=99.0),)},
            Outcome.DOUBTFUL,
            "in doubt: worker_saturated",
        ),
        ({"workers": (worker(cpu_percent=99.0),)}, Outcome.HELD, "p99"),
    ],
)
def test_who_fell_short(values: dict[str, Any], outcome: Outcome, why: str) -> None:
    found = step(**values)
    assert found.outcome is outcome, found.why
    assert why in found.why


def test_local_limits_are_not_the_targets_fault() -> None:
    values = records(established=990, failed=10)
    result = tally_of(*values[:2], interval(
        2.0, "connecting", counters={"attempted": 1_000, "established": 990, "failed": 10},
        errors={"local_fd_limit": 10}, workers=(worker(),),
    ), *values[3:]).result()  # fmt: skip
    found = weigh(result, per_s=500, p99_ns=S)
    assert found.outcome is Outcome.DOUBTFUL
    assert "in doubt: local_limits" in found.why


def test_of_few_connections_the_slowest_counts() -> None:
    found = weigh(
        tally_of(*records(established=100, took_s=0.2, high_ms=120)).result(),
        per_s=500,
        p99_ns=S // 10,
    )
    assert (found.outcome, found.p99_ms) == (Outcome.BROKE, None)
    assert found.why.startswith("slowest 120.")


def test_why_is_that_of_the_lowest_rate_that_did_not_hold() -> None:
    steps = tuple(
        FindStep(per_s, outcome, why)
        for per_s, outcome, why in (
            (100, Outcome.HELD, "fast"),
            (200, Outcome.BROKE, "slow once"),
            (200, Outcome.HELD, "fast"),
            (400, Outcome.BROKE, "slow"),
            (400, Outcome.BROKE, "slow again"),
        )
    )
    found = FindResult(
        "id", "ws://h/", "", "1", 100.0, steps,
        Conclusion(Ending.FOUND, 200, 400, Outcome.BROKE), interrupted=False,
    )  # fmt: skip
    assert found.why == "slow again"
    assert found.to_dict()["failed_by"] == "broke"
