from typing import Any

import pytest

from surgewire.results.asked import Asked
from surgewire.results.attempts import Attempts, planned_per_s, schedule_of
from surgewire.results.result import Result
from tests.results.samples import CONNECT_PLAN, S, interval, start, steady, tally_of

CLIMB = {
    **CONNECT_PLAN,
    "connect_rate": {"count": 100, "per_ns": S},
    "connect_rate_end": {"count": 300, "per_ns": S},
}


def asked(**changes: Any) -> Asked:
    return Asked.from_plan({**CONNECT_PLAN, **changes})


def attempts_of(result: Result) -> Attempts:
    assert result.attempts is not None
    return result.attempts


def test_the_backlog_of_a_target_that_accepts_slower_than_planned() -> None:
    seconds = [
        interval(
            at_s,
            "connecting",
            counters={"attempted": begun, "established": accepted, "failed": failed},
            gauges={"peak_under_way": peak},
            metrics={"connect_time": steady(10, 20, accepted)} if accepted else {},
        )
        for at_s, begun, accepted, failed, peak in (
            (1.0, 500, 300, 0, 210),
            (2.0, 500, 400, 0, 310),
            (3.0, 0, 290, 10, 310),
        )
    ]
    part = attempts_of(
        tally_of(start(CONNECT_PLAN), *seconds, interval(4.0, "connecting")).result()
    )
    assert (part.planned_per_s, part.most_under_way, part.bin_s) == (500.0, 310, 1.0)
    told = [(s.planned, s.begun, s.established, s.failed, s.under_way) for s in part.course]
    assert told == [(500, 500, 300, 0, 200), (500, 500, 400, 0, 300), (0, 0, 290, 10, 0)]
    assert part.course[0].p50_ms == pytest.approx(15, rel=0.03)
    assert part.course[0].p99_ms is None


def test_p99_of_a_bin_takes_a_thousand() -> None:
    records = [
        interval(
            1.0,
            "connecting",
            counters={"attempted": 1_000, "established": 1_000},
            metrics={"connect_time": steady(10, 20, 1_000)},
        )
    ]
    (step,) = attempts_of(tally_of(start(CONNECT_PLAN), *records).result()).course
    assert step.p99_ms == pytest.approx(19.9, rel=0.03)


def test_failures_by_phase() -> None:
    facts = {"failed_tcp": 3, "failed_upgrade": 2, "failed_nowhere": 1, "tls_full": 9}
    result = tally_of(start(CONNECT_PLAN), interval(1.0, "connecting", facts=facts)).result()
    assert attempts_of(result).failed_in == {"tcp": 3, "upgrade": 2}


@pytest.mark.parametrize(
    ("plan", "planned"),
    [
        ({}, [(0.0, 0), (0.5, 250), (1.0, 500), (9.0, 1_000)]),
        ({"storm": 1_000, "connect_rate": None}, [(0.0, 0), (0.001, 1_000), (5.0, 1_000)]),
        (
            {"waves": "4x250/2s", "connect_rate": None},
            [(0.0, 0), (1.0, 250), (2.0, 250), (2.1, 500), (99.0, 1_000)],
        ),
        # 100/s to 300/s in 5 s: the integral is 100 t + 20 t^2.
        (CLIMB, [(1.0, 120), (2.0, 280), (5.0, 1_000), (6.0, 1_000)]),
        (
            {
                "connect_rate": CLIMB["connect_rate_end"],
                "connect_rate_end": CLIMB["connect_rate"],
            },
            [(1.0, 280), (5.0, 1_000), (20.0, 1_000)],
        ),
        ({"connect_rate": "nonsense"}, [(1.0, 1_000)]),
    ],
)
def test_what_the_schedule_has_by_an_instant(
    plan: dict[str, Any], planned: list[tuple[float, int]]
) -> None:
    by = schedule_of(asked(**plan))
    assert [(at_s, by(at_s)) for at_s, _ in planned] == planned


def test_the_mean_of_a_climb() -> None:
    assert planned_per_s(asked(**CLIMB)) == 200
    assert planned_per_s(asked()) == 500
    assert planned_per_s(asked(waves="4x250/2s", connect_rate=None)) is None


def test_other_runs_have_no_attempts_of_this_kind() -> None:
    assert tally_of(start(), interval(1.0, "connecting")).result().attempts is None
