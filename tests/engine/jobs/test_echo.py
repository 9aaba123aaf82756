import pytest

from surgewire.engine.jobs.echo import window_bits
from surgewire.plan.models import EchoPlan


@pytest.mark.parametrize(
    ("rate", "bits"),
    [
        ("1/m", 128),
        ("1/s", 128),
        ("2/s", 128),
        ("3/s", 256),
        ("1000/s", 65536),
        ("100000/s", 1 << 20),
    ],
)
def test_the_ledger_covers_a_minute_within_bounds(rate: str, bits: int) -> None:
    plan = EchoPlan(url="ws://127.0.0.1/", connections=1, rate=rate, duration="2m")
    assert window_bits(plan) == bits
    assert bits > min(plan.rate.per_s * 60, (1 << 20) - 1)


def test_the_closed_model_needs_the_smallest_window() -> None:
    assert window_bits(EchoPlan(url="ws://127.0.0.1/", connections=1, pingpong=True)) == 128
