import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgewire._core.ledger import Ledger
from surgewire._core.rooms import memory_bytes
from surgewire.engine.windows import (
    fanout_slots,
    ledger_bytes,
    stream_rate_per_s,
    window_bits,
)
from surgewire.plan.units import parse_duration, parse_rate
from tests.engine.fakes import chat_plan, echo_plan

NS_PER_S = 1_000_000_000


@pytest.mark.parametrize(
    ("rate", "deadline", "bits", "slots"),
    [
        ("1/h", "2s", 64, 8),
        ("0.8/s", "2s", 64, 8),
        ("2.5/s", "2s", 64, 32),  # 100 users of a room at 0.2/s, eight workers
        ("6.4/s", "2s", 64, 64),
        ("6.5/s", "2s", 128, 128),
        ("10/s", "2s", 128, 128),
        ("10/s", "5s", 128, 128),
        ("10/s", "1m", 2048, 2048),
        ("1000/s", "2s", 16_384, 16_384),
        ("100000/s", "2s", 1 << 20, 1 << 16),
        ("100000/s", "1h", 1 << 20, 1 << 16),
    ],
)
def test_what_can_be_on_its_way_has_a_place(
    rate: str, deadline: str, bits: int, slots: int
) -> None:
    given = parse_rate(rate).per_s, parse_duration(deadline)
    assert (window_bits(*given), fanout_slots(*given)) == (bits, slots)


@given(st.floats(0, 1e8), st.integers(0, 30 * 86_400 * NS_PER_S))
def test_any_rate_and_deadline_give_sizes_that_the_core_takes(
    rate_per_s: float, deadline_ns: int
) -> None:
    bits, slots = window_bits(rate_per_s, deadline_ns), fanout_slots(rate_per_s, deadline_ns)
    memory_bytes(1, 1, slots)
    assert 64 <= bits <= 1 << 20
    assert bits & (bits - 1) == slots & (slots - 1) == 0
    in_flight = rate_per_s * max(10, 2 * deadline_ns / NS_PER_S)
    assert bits + 0.5 >= min(in_flight, 1 << 20)
    assert bits < 2 * max(in_flight + 1, 64)


def test_the_core_takes_the_largest_window(counts_row: memoryview) -> None:
    assert Ledger(1, window_bits(1e8, 0), counts_row).window_bits == 1 << 20


@pytest.fixture
def counts_row() -> memoryview:
    return memoryview(bytearray(18 * 8)).cast("Q")


@pytest.mark.parametrize(
    ("values", "rate_per_s"),
    [
        ({"connections": 100, "rooms": 1, "processes": 1}, 10),
        ({"connections": 100, "rooms": 1, "processes": 3}, 3.4),
        ({"connections": 101, "rooms": 10, "processes": 1}, 1.1),
        ({"connections": 100, "rooms": 1, "processes": 2, "senders": "10%"}, 0.6),
        ({"connections": 2, "rooms": 1, "processes": 2, "senders": "1%"}, 0.1),
    ],
)
def test_the_fastest_stream_is_that_of_most_speakers(values, rate_per_s):
    plan = chat_plan(**values, rate="0.1/s", duration="1m")
    assert stream_rate_per_s(plan) == pytest.approx(rate_per_s)
    layout = plan.layout
    for room in range(plan.rooms):
        for worker in range(plan.processes):
            speakers = sum(
                layout.speaks(user)
                for user in layout.members(room)
                if user % plan.processes == worker
            )
            assert speakers * plan.rate.per_s <= rate_per_s + 1e-9


def test_the_books_of_a_chat_run_take_memory():
    assert ledger_bytes(echo_plan()) == 0
    plan = chat_plan(connections=10_000, rooms=100, rate="0.1/s", duration="1m", processes=8)
    each = ledger_bytes(plan) / 10_000
    assert 8 * 32 <= each < 8 * 32 + 100
