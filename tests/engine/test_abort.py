"""Counts of several workers held against rules, in a region that a test writes."""

import pytest

from surgewire._core import ledger, traffic
from surgewire.engine.abort import AbortWatch
from surgewire.engine.shared import SharedRegion
from surgewire.plan.abort import parse_abort_rule


def watch(region: SharedRegion, *rules: str, connections: int = 1_000) -> AbortWatch:
    return AbortWatch([parse_abort_rule(rule) for rule in rules], region, connections)


def count(region: SharedRegion, worker: int, **counts: int) -> None:
    part = region.slice(worker)
    for name, n in counts.items():
        if name in traffic.COUNTERS:
            part.traffic[traffic.COUNTERS.index(name)] += n
        else:
            part.ledger[0, ledger.COUNTERS.index(name)] += n


def test_without_rules_nothing_is_crossed() -> None:
    region = SharedRegion(2)
    count(region, 0, failed=1_000)
    assert watch(region).crossing() is None


def test_workers_are_summed_up() -> None:
    region = SharedRegion(2)
    watching = watch(region, "http_503>5", "failed>20%")
    count(region, 0, established=40, failed=5)
    count(region, 1, established=40, failed=5)
    region.slice(0).errors.add("http_503", 5)
    assert watching.crossing() is None
    region.slice(1).errors.add("http_503", 1)
    crossing = watching.crossing()
    assert crossing is not None
    assert crossing.to_dict() == {
        "rule": "http_503>5",
        "value": 6,
        "of": 90,
        "what": "attempts",
    }


@pytest.mark.parametrize(
    ("rule", "counts", "crossed"),
    [
        ("failed>20%", {"established": 15, "failed": 4}, False),
        ("failed>20%", {"established": 16, "failed": 4}, False),
        ("failed>20%", {"established": 15, "failed": 5}, True),
        ("join_failed>0", {"joined": 10, "join_failed": 1}, True),
        ("join_failed>10%", {"joined": 20, "join_failed": 2}, False),
        ("late>1%", {"delivered": 1_000, "late": 10}, False),
        ("late>1%", {"delivered": 1_000, "late": 11}, True),
        ("late>0", {"delivered": 1, "late": 1}, True),
        ("late>50%", {"delivered": 1, "late": 1}, False),
        ("lost_to_disconnect>5%", {"delivered": 90, "lost_to_disconnect": 10}, True),
    ],
)
def test_each_figure(rule: str, counts: dict[str, int], crossed: bool) -> None:
    region = SharedRegion(1)
    count(region, 0, **counts)
    assert (watch(region, rule).crossing() is not None) is crossed


def test_connections_that_ended_early() -> None:
    region = SharedRegion(1)
    count(region, 0, established=100)
    region.slice(0).closed.add("eof", 3)
    region.slice(0).closed.add("close_1001", 3)
    assert watch(region, "closed>6%", "eof>3").crossing() is None
    assert watch(region, "closed>5%").crossing() is not None
    # A kind is counted wherever it comes up.
    region.slice(0).errors.add("tcp_reset", 1)
    region.slice(0).closed.add("tcp_reset", 1)
    assert watch(region, "tcp_reset>1").crossing() is not None


def test_a_small_run_is_judged_when_all_have_an_outcome() -> None:
    region = SharedRegion(1)
    watching = watch(region, "failed>20%", connections=4)
    count(region, 0, failed=3)
    assert watching.crossing() is None
    count(region, 0, established=1)
    assert watching.crossing() is not None
