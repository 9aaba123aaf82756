import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgewire.plan.units import UnitError
from surgewire.plan.waves import MAX_WAVES, Waves, parse_waves

S = 1_000_000_000
WAVES = st.builds(Waves, st.integers(1, MAX_WAVES), st.integers(1, 50), st.integers(1, 3_600 * S))


@pytest.mark.parametrize(
    ("text", "waves"),
    [
        ("5x2000/10s", Waves(5, 2_000, 10 * S)),
        (" 1 x 1_000 / 250ms ", Waves(1, 1_000, S // 4)),
    ],
)
def test_waves_as_people_write_them(text: str, waves: Waves) -> None:
    assert parse_waves(text) == waves


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("5x2000", "'5x2000' is not a row of waves; write for example 5x2000/10s"),
        ("x2000/10s", "is not a row of waves"),
        ("0x10/1s", "there may be 1 to 100 waves, not 0"),
        ("101x10/1s", "there may be 1 to 100 waves, not 101"),
        ("5x0/1s", "a wave of nobody is none"),
        ("5x10/0", "waves need a time between them"),
        ("5x10/10", "'10' has no unit"),
    ],
)
def test_what_makes_no_waves(text: str, why: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_waves(text)
    assert why in str(caught.value)


@given(WAVES)
def test_the_way_there_and_back(waves: Waves) -> None:
    assert parse_waves(str(waves)) == waves


@given(WAVES, st.integers(0, 4_000 * S))
def test_as_many_are_planned_as_have_their_instant_by_then(waves: Waves, at_ns: int) -> None:
    planned = sum(waves.instant_ns(user) <= at_ns for user in range(waves.users))
    assert waves.planned_by(at_ns) == planned
    assert waves.planned_by(-1) == 0
    assert waves.instant_ns(waves.users - 1) == waves.span_ns
