import pytest

from surgewire.results.surges import RETURNS, Surge, SurgeSample
from tests.results.samples import CONNECT_PLAN, interval, start, tally_of

WAVES = {**CONNECT_PLAN, "connect_rate": None, "waves": "2x500/10s", "reconnect_storm_ppm": 200_000}


def sample(number: int, came: int, last_s: float | None, planned_s: float = 0.0) -> SurgeSample:
    return SurgeSample(number=number, users=500, came=came, planned_s=planned_s, last_s=last_s)


def test_the_latest_word_on_each_surge_counts() -> None:
    tally = tally_of(
        start(WAVES),
        interval(1.0, "connecting", surges=(sample(0, 300, 0.9),)),
        interval(2.0, "connecting", surges=(sample(0, 500, 1.2345),)),
        interval(11.0, "connecting", surges=(sample(1, 400, 10.8, planned_s=10.0),)),
        interval(20.0, "returning", surges=(sample(RETURNS, 0, None, planned_s=19.0),)),
    )
    result = tally.result()
    assert result.surges == (
        Surge("wave", 1, 0.0, 500, 500, all_in_s=1.234, last_in_s=1.234),
        Surge("wave", 2, 10.0, 500, 400, all_in_s=None, last_in_s=0.8),
        Surge("return", 1, 19.0, 500, 0, all_in_s=None, last_in_s=None),
    )
    assert result.reconnects.missing == 500
    assert "500 users that left together did not come back" in result.verdict.reasons


def test_a_storm_is_called_so() -> None:
    plan = {**CONNECT_PLAN, "connect_rate": None, "storm": 500}
    result = tally_of(start(plan), interval(1.0, "connecting", surges=(sample(0, 500, 0.5),)))
    (surge,) = result.result().surges
    assert (surge.kind, surge.all_in_s) == ("storm", 0.5)


def test_runs_without_surges_have_none() -> None:
    assert tally_of(start(CONNECT_PLAN), interval(1.0, "connecting")).result().surges == ()


def test_a_sample_survives_being_written_down() -> None:
    one = sample(3, 7, None, planned_s=1.5)
    assert SurgeSample.from_dict(one.to_dict()) == one
    with pytest.raises(ValueError, match="surge: 'came': must be a whole number"):
        SurgeSample.from_dict({**one.to_dict(), "came": "all"})
