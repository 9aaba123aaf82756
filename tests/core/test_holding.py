import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgewire._core.holding import Holding


@settings(max_examples=60)
@given(st.lists(st.integers(-5, 5) | st.none(), max_size=300))
def test_items_leave_by_instant_and_then_as_they_came(steps: list[int | None]) -> None:
    holding = Holding()
    waiting: list[tuple[int, int]] = []
    for number, instant_ns in enumerate(steps):
        if instant_ns is not None:
            holding.put_number(instant_ns, number)
            waiting.append((instant_ns, number))
        elif waiting:
            waiting.sort()
            assert holding.take_number() == waiting.pop(0)
        assert len(holding) == holding.length == len(waiting)
    assert [holding.take_number() for _ in waiting] == sorted(waiting)


def test_it_grows() -> None:
    holding = Holding()
    for number in range(5000):
        holding.put_number(-number // 3, number)
    expected = sorted((-number // 3, number) for number in range(5000))
    assert [holding.take_number() for _ in range(5000)] == expected


def test_nothing_waits() -> None:
    with pytest.raises(IndexError, match="nothing waits"):
        Holding().take_number()
