from dataclasses import replace

import pytest

from surgewire.results.result import Connections, Delivery
from surgewire.results.threshold import standard_thresholds

CONNECTIONS = Connections(
    requested=10,
    attempted=10,
    established=10,
    failed=0,
    peak_open=10,
    per_s=1.0,
    errors={},
    closed={},
)
DELIVERY = Delivery(
    **dict.fromkeys(Delivery.__dataclass_fields__, 0)  # type: ignore[arg-type]
)


def crossed(**messages: int) -> list[str]:
    thresholds = standard_thresholds(CONNECTIONS, replace(DELIVERY, **messages), sends=True)  # type: ignore[arg-type]
    return [threshold.figure for threshold in thresholds if threshold.crossed]


@pytest.mark.parametrize(
    "name", ["lost", "lost_to_disconnect", "duplicated", "late", "damaged", "misrouted"]
)
def test_a_single_message_crosses_its_threshold(name: str) -> None:
    assert crossed() == []
    assert crossed(**{name: 1}) == [f"delivery.{name}"]


def test_reordering_crosses_none() -> None:
    assert crossed(reordered=5) == []


def test_connections_that_fail_or_end_early_cross() -> None:
    bad = replace(CONNECTIONS, failed=2, closed={"close_1001": 3, "eof": 1})
    assert [t.to_dict() for t in standard_thresholds(bad, DELIVERY, sends=False)] == [
        {"expression": "connections.failed<=0", "value": 2, "ok": False},
        {"expression": "connections.closed<=0", "value": 4, "ok": False},
    ]
