"""The ledger against an account kept with plain sets, and case by case."""

import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from numpy.typing import NDArray

from surgewire._core.build_info import PROFILE
from surgewire._core.ledger import (
    BEFORE_JOIN,
    COUNTERS,
    CUT_OFF,
    DELIVERED,
    DRAINED,
    DUPLICATED,
    LEFT,
    NOT_EXPECTED,
    REORDERED,
    TOO_OLD,
    Ledger,
)

WINDOWS = 3
ROWS = 2


def fresh(
    windows: int = 1, window_bits: int = 64, rows: tuple[int, ...] = ()
) -> tuple[Ledger, NDArray[np.uint64]]:
    counts = np.zeros((*rows, len(COUNTERS)), dtype=np.uint64)
    return Ledger(windows, window_bits, counts), counts


def nonzero(counts: NDArray[np.uint64]) -> dict[str, int]:
    return {name: int(n) for name, n in zip(COUNTERS, counts, strict=True) if n}


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096


def send(ledger: Ledger, messages: int, receivers: int = 1) -> None:
    for _ in range(messages):
        ledger.book_sent(receivers)


@dataclass
class Heard:
    """What a receiver that is open has heard, kept without limit."""

    first: int
    delivered: set[int] = field(default_factory=set)
    excluded: set[int] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)

    @property
    def highest(self) -> int:
        return max(self.delivered, default=self.first - 1)

    @property
    def booked(self) -> set[int]:
        return self.delivered | self.excluded

    def base(self, window_bits: int) -> int:
        top = max(self.booked, default=self.first - 1)
        return max(self.first, top - window_bits + 1)


class Accounts(RuleBasedStateMachine):
    """One stream that several receivers hear, who come and go; two rows share them."""

    window_bits = 64

    def __init__(self) -> None:
        super().__init__()
        self.ledger, self.counts = fresh(WINDOWS, self.window_bits, rows=(ROWS,))
        self.last_sent = 0
        self.heard: dict[int, Heard] = {}
        self.models: list[Counter[str]] = [Counter() for _ in range(ROWS)]

    windows = st.integers(0, WINDOWS - 1)

    @rule(window=windows)
    def opens(self, window: int) -> None:
        if window not in self.heard:
            self.heard[window] = Heard(self.last_sent + 1)
            self.ledger.open_window(window, self.last_sent + 1)

    @rule(messages=st.sampled_from([1, 1, 2, 5, 63, 64, 65, 300]))
    def sends(self, messages: int) -> None:
        for row, model in enumerate(self.models):
            receivers = sum(window % ROWS == row for window in self.heard)
            for _ in range(messages):
                self.ledger.book_sent(receivers, row)
            model["sent"] += messages
            model["expected"] += messages * receivers
        self.last_sent += messages

    @rule(window=windows, messages=st.integers(1, 70), every=st.integers(1, 4))
    def sends_its_own(self, window: int, messages: int, every: int) -> None:
        for number in range(messages):
            self.sends(1)
            if number % every == 0:
                self.excludes(window, self.last_sent)

    @rule(window=windows, back=st.integers(0, 90))
    def excludes_an_old_one(self, window: int, back: int) -> None:
        if self.last_sent > back:
            self.excludes(window, self.last_sent - back)

    def excludes(self, window: int, sequence: int) -> None:
        self.ledger.exclude_number(window, sequence, window % ROWS)
        heard = self.heard.get(window)
        if heard is None or sequence < heard.base(self.window_bits) or sequence in heard.booked:
            return
        self.models[window % ROWS]["expected"] -= 1
        self.puts(window, sequence, heard.excluded)

    def puts(self, window: int, sequence: int, into: set[int]) -> None:
        """Keep a number; those that the window leaves behind are lost."""
        heard = self.heard[window]
        base = heard.base(self.window_bits)
        into.add(sequence)
        gone = set(range(base, heard.base(self.window_bits))) - heard.booked
        self.models[window % ROWS]["lost"] += len(gone)
        heard.lost |= gone

    def books(self, window: int, sequence: int, late: bool) -> int:
        """What the sets say about an arrival."""
        heard = self.heard.get(window)
        model = self.models[window % ROWS]
        if heard is None or sequence > self.last_sent:
            model["misrouted"] += 1
            return NOT_EXPECTED
        if sequence < heard.first:
            model["before_join"] += 1
            return BEFORE_JOIN
        base = heard.base(self.window_bits)
        if sequence < base and not heard.booked.issuperset(range(sequence, base)):
            model["too_old"] += 1
            return TOO_OLD
        if sequence in heard.booked:
            model["duplicated"] += 1
            return DUPLICATED
        reordered = sequence < heard.highest
        model["delivered"] += 1
        model["late"] += late
        model["reordered"] += reordered
        self.puts(window, sequence, heard.delivered)
        return REORDERED if reordered else DELIVERED

    def arrives(self, window: int, sequence: int, late: bool = False) -> None:
        expected = self.books(window, sequence, late)
        booked = self.ledger.book_arrival(window, sequence, self.last_sent, late, window % ROWS)
        assert booked == expected

    @rule(window=windows, back=st.integers(-2, 200), late=st.booleans())
    def one_arrives(self, window: int, back: int, late: bool) -> None:
        self.arrives(window, max(1, self.last_sent - back), late)

    @rule(window=windows, ahead=st.integers(-3, 80))
    def one_arrives_near_the_highest(self, window: int, ahead: int) -> None:
        if window in self.heard:
            self.arrives(window, max(1, self.heard[window].highest + ahead))

    @rule(window=windows, most=st.integers(1, 150), skip=st.integers(1, 3))
    def a_run_arrives(self, window: int, most: int, skip: int) -> None:
        if window in self.heard:
            start = self.heard[window].highest + 1
            for sequence in range(start, min(start + most, self.last_sent + 1), skip):
                self.arrives(window, sequence)

    @rule(window=windows, order=st.permutations(range(12)))
    def some_arrive_in_any_order(self, window: int, order: list[int]) -> None:
        for back in order:
            self.arrives(window, max(1, self.last_sent - back))

    @rule(window=windows, how=st.sampled_from([DRAINED, CUT_OFF, LEFT]))
    def closes(self, window: int, how: int) -> None:
        self.ledger.close_window(window, self.last_sent, how, window % ROWS)
        heard = self.heard.pop(window, None)
        if heard is None:
            return
        model = self.models[window % ROWS]
        missing = set(range(heard.first, self.last_sent + 1)) - heard.booked - heard.lost
        above = sum(sequence > heard.highest for sequence in missing)
        model["lost"] += len(missing) - above
        if how == DRAINED:
            model["lost"] += above
        elif how == CUT_OFF:
            model["lost_to_disconnect"] += above
        else:
            model["in_flight_at_leave"] += above
            model["expected"] -= above

    @rule(window=windows, how=st.sampled_from([CUT_OFF, LEFT]))
    def comes_back(self, window: int, how: int) -> None:
        self.closes(window, how)
        self.opens(window)

    @invariant()
    def the_counts_agree(self) -> None:
        for row, model in enumerate(self.models):
            assert nonzero(self.counts[row]) == {name: n for name, n in model.items() if n}

    def teardown(self) -> None:
        for window in list(self.heard):
            self.closes(window, CUT_OFF)
        self.the_counts_agree()
        for row in range(ROWS):
            n = nonzero(self.counts[row])
            assert n.get("expected", 0) == (
                n.get("delivered", 0) + n.get("lost", 0) + n.get("lost_to_disconnect", 0)
            )


class WiderAccounts(Accounts):
    window_bits = 256


TestAccounts: Any = Accounts.TestCase
TestAccounts.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)
TestWiderAccounts: Any = WiderAccounts.TestCase
TestWiderAccounts.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("window_bits", [64, 1024])
def test_in_order_all_are_delivered(window_bits: int) -> None:
    ledger, counts = fresh(1, window_bits)
    ledger.open_window(0, 1)
    send(ledger, 5_000)
    for sequence in range(1, 5_001):
        assert ledger.book_arrival(0, sequence, 5_000) == DELIVERED
    ledger.close_window(0, 5_000, DRAINED)
    assert nonzero(counts) == {"sent": 5_000, "expected": 5_000, "delivered": 5_000}


def test_a_duplicate_is_known_however_old_where_nothing_was_lost() -> None:
    ledger, counts = fresh()
    ledger.open_window(0, 1)
    send(ledger, 1_000)
    for sequence in range(1, 1_001):
        ledger.book_arrival(0, sequence, 1_000)
    assert [ledger.book_arrival(0, sequence, 1_000) for sequence in (1, 500, 1_000)] == [
        DUPLICATED
    ] * 3
    assert nonzero(counts)["duplicated"] == 3


def test_a_number_that_comes_after_its_window_moved_on_stays_lost() -> None:
    ledger, counts = fresh()
    ledger.open_window(0, 1)
    send(ledger, 200)
    for sequence in range(1, 201):
        if sequence != 100:
            ledger.book_arrival(0, sequence, 200)
    assert nonzero(counts)["lost"] == 1
    assert ledger.book_arrival(0, 100, 200) == TOO_OLD
    assert ledger.book_arrival(0, 99, 200) == TOO_OLD  # perhaps a duplicate: nobody can tell
    assert ledger.book_arrival(0, 101, 200) == DUPLICATED
    ledger.close_window(0, 200, DRAINED)
    assert nonzero(counts) == {
        "sent": 200, "expected": 200, "delivered": 199, "lost": 1, "too_old": 2, "duplicated": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("how", "booked"),
    [
        (DRAINED, {"expected": 10, "lost": 6}),
        (CUT_OFF, {"expected": 10, "lost": 3, "lost_to_disconnect": 3}),
        (LEFT, {"expected": 7, "lost": 3, "in_flight_at_leave": 3}),
    ],
)
def test_how_a_receiver_ends(how: int, booked: dict[str, int]) -> None:
    """Ten sent; 1, 2, 4 and 7 arrived: 3, 5 and 6 are missing below, 8, 9 and 10 above."""
    ledger, counts = fresh()
    ledger.open_window(0, 1)
    send(ledger, 10)
    for sequence in (1, 2, 4, 7):
        ledger.book_arrival(0, sequence, 10)
    ledger.close_window(0, 10, how)
    ledger.close_window(0, 10, how)
    assert nonzero(counts) == {"sent": 10, "delivered": 4, **booked}


def test_a_receiver_that_heard_nothing() -> None:
    for how, name in ((CUT_OFF, "lost_to_disconnect"), (DRAINED, "lost")):
        ledger, counts = fresh()
        ledger.open_window(0, 41)
        ledger.close_window(0, 40, how)
        assert nonzero(counts) == {}
        ledger.open_window(0, 41)
        send(ledger, 2)
        ledger.close_window(0, 42, how)
        assert nonzero(counts) == {"sent": 2, "expected": 2, name: 2}


def test_what_a_receiver_was_not_to_hear_is_misrouted() -> None:
    ledger, counts = fresh()
    assert ledger.book_arrival(0, 1, 10) == NOT_EXPECTED  # not open yet
    ledger.open_window(0, 5)
    assert ledger.book_arrival(0, 4, 10) == BEFORE_JOIN
    assert ledger.book_arrival(0, 11, 10) == NOT_EXPECTED  # never sent
    assert ledger.book_arrival(0, 5, 10) == DELIVERED
    ledger.close_window(0, 10, LEFT)
    assert ledger.book_arrival(0, 6, 10) == NOT_EXPECTED  # gone
    assert ledger.book_arrival(0, 4, 10) == NOT_EXPECTED
    assert nonzero(counts)["misrouted"] == 4
    assert nonzero(counts)["before_join"] == 1


def test_an_own_message_is_never_missing() -> None:
    ledger, counts = fresh()
    ledger.open_window(0, 1)
    for number in range(1, 11):
        send(ledger, 1)
        if number in (3, 9, 10):
            ledger.exclude_number(0, number)
    for number in (1, 2, 5):  # 4 is missing below, 6, 7, 8 above the highest
        ledger.book_arrival(0, number, 10)
    ledger.close_window(0, 10, CUT_OFF)
    assert nonzero(counts) == {
        "sent": 10, "expected": 7, "delivered": 3, "lost": 1, "lost_to_disconnect": 3,
    }  # fmt: skip


def test_an_own_message_is_not_the_highest_received() -> None:
    ledger, _ = fresh()
    ledger.open_window(0, 1)
    send(ledger, 5)
    ledger.exclude_number(0, 5)
    assert ledger.book_arrival(0, 4, 5) == DELIVERED
    assert ledger.book_arrival(0, 3, 5) == REORDERED
    assert ledger.book_arrival(0, 5, 5) == DUPLICATED


@pytest.mark.parametrize("how", [DRAINED, CUT_OFF, LEFT])
def test_what_was_excluded_is_forgotten_when_the_receiver_ends(how: int) -> None:
    ledger, counts = fresh()
    ledger.open_window(0, 1)
    send(ledger, 1)
    ledger.exclude_number(0, 1)
    ledger.exclude_number(0, 1)
    ledger.exclude_number(0, 40)  # above the last one sent: a slip of the caller
    ledger.close_window(0, 1, how)
    assert nonzero(counts) == {"sent": 1, "expected": 2**64 - 1}
    counts[:] = 0
    ledger.open_window(0, 1)
    assert [ledger.book_arrival(0, n, 70) for n in (1, 40)] == [DELIVERED, DELIVERED]


def test_own_messages_alone_move_the_window() -> None:
    ledger, counts = fresh()
    ledger.open_window(0, 1)
    ledger.book_arrival(0, 1, 300)
    for number in range(2, 301):
        if number != 200:
            ledger.exclude_number(0, number)
    assert nonzero(counts)["lost"] == 1  # it left the window, unlike what is above
    assert ledger.book_arrival(0, 200, 300) == TOO_OLD
    assert ledger.book_arrival(0, 201, 300) == DUPLICATED
    ledger.close_window(0, 300, CUT_OFF)
    assert "lost_to_disconnect" not in nonzero(counts)


def test_rows_are_apart() -> None:
    ledger, counts = fresh(2, rows=(3,))
    assert ledger.rows == 3
    for window, row in ((0, 0), (1, 2)):
        ledger.open_window(window, 1)
        ledger.book_sent(1, row)
        ledger.book_arrival(window, 1, 1, row=row)
        ledger.close_window(window, 2, LEFT, row)
    row_counts = {"sent": 1, "delivered": 1, "in_flight_at_leave": 1}
    assert nonzero(counts[0]) == nonzero(counts[2]) == row_counts
    assert nonzero(counts[1]) == {}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.skipif(PROFILE == "sanitize", reason="AddressSanitizer shadows the memory")
def test_a_membership_of_eight_workers_takes_256_bytes() -> None:
    memberships = 5_000
    before = resident_bytes()
    ledger, _ = fresh(8 * memberships, 64)
    for window in range(8 * memberships):
        ledger.open_window(window, 1)
        ledger.book_arrival(window, 1, 1)
    assert resident_bytes() - before <= 256 * memberships + (256 << 10)


def test_a_jump_over_many_windows_loses_what_lies_between() -> None:
    ledger, counts = fresh()
    ledger.open_window(0, 1)
    ledger.book_arrival(0, 1, 10**12)
    assert ledger.book_arrival(0, 10**12, 10**12) == DELIVERED
    assert nonzero(counts)["lost"] == 10**12 - 64 - 1
    assert ledger.book_arrival(0, 10**12 - 63, 10**12) == REORDERED
    ledger.close_window(0, 10**12, DRAINED)
    assert nonzero(counts)["lost"] == 10**12 - 3


@pytest.mark.parametrize("jump", [64, 65, 66, 127, 128, 129, 200])
def test_what_a_jump_leaves_behind_is_too_old(jump: int) -> None:
    ledger, counts = fresh()
    ledger.open_window(0, 1)
    for sequence in range(1, 11):
        ledger.book_arrival(0, sequence, 10)
    ledger.book_arrival(0, 10 + jump, 10 + jump)
    lost = range(11, 10 + jump - 63)
    assert nonzero(counts).get("lost", 0) == len(lost)
    assert [ledger.book_arrival(0, n, 10 + jump) for n in lost] == [TOO_OLD] * len(lost)
    assert ledger.book_arrival(0, 10, 10 + jump) == (TOO_OLD if lost else DUPLICATED)


def test_a_late_arrival_is_delivered_and_its_duplicate_is_not_late() -> None:
    ledger, counts = fresh()
    ledger.open_window(0, 1)
    send(ledger, 1)
    assert ledger.book_arrival(0, 1, 1, late=True) == DELIVERED
    assert ledger.book_arrival(0, 1, 1, late=True) == DUPLICATED
    assert nonzero(counts) == {
        "sent": 1, "expected": 1, "delivered": 1, "late": 1, "duplicated": 1,
    }  # fmt: skip


def test_windows_do_not_touch_each_other() -> None:
    ledger, counts = fresh(3, 64)
    for window in range(3):
        ledger.open_window(window, 1)
    for sequence in range(1, 200):
        ledger.book_arrival(1, sequence, 200)
    assert ledger.book_arrival(0, 1, 200) == ledger.book_arrival(2, 1, 200) == DELIVERED
    ledger.close_window(1, 200, CUT_OFF)
    assert ledger.book_arrival(0, 200, 200) == DELIVERED
    assert ledger.book_arrival(2, 2, 200) == DELIVERED
    assert nonzero(counts)["lost_to_disconnect"] == 1


def test_a_window_opened_again_starts_clean() -> None:
    ledger, counts = fresh()
    for _ in range(3):
        ledger.open_window(0, 1)
        assert [ledger.book_arrival(0, n, 70) for n in (70, 7)] == [DELIVERED, REORDERED]
        ledger.close_window(0, 70, DRAINED)
    assert nonzero(counts) == {"delivered": 6, "reordered": 3, "lost": 3 * 68}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_windows_never_used_take_no_memory() -> None:
    before = resident_bytes()
    ledger, _ = fresh(1_000_000, 4096)  # 544 MB if it were all used
    ledger.open_window(999_999, 1)
    assert ledger.book_arrival(999_999, 1, 1) == DELIVERED
    assert resident_bytes() - before < 4 << 20


def test_counts_may_be_any_buffer_of_64_bit_counters() -> None:
    memory = bytearray(8 * len(COUNTERS))
    ledger = Ledger(1, 64, memoryview(memory).cast("Q"))
    ledger.book_sent(3)
    assert memoryview(memory).cast("Q").tolist()[:2] == [1, 3]
    with pytest.raises(BufferError):  # held while the ledger writes there
        memory.clear()


@pytest.mark.parametrize(
    ("windows", "window_bits", "places", "message"),
    [
        (0, 64, 18, "windows is 0; it must lie in 1 to 4294967294"),
        (2**32, 64, 18, "windows is 4294967296"),
        (1, 32, 18, "window_bits is 32; use a power of two, 64 to"),
        (1, 96, 18, "window_bits is 96; use a power of two"),
        (1, 2**25, 18, "window_bits is 33554432"),
        (1, 64, 17, "counts has 17 places; it must have 18"),
    ],
)
def test_refuses_a_wrong_set_up(windows: int, window_bits: int, places: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Ledger(windows, window_bits, np.zeros(places, dtype=np.uint64))


@pytest.mark.parametrize("shape", [(0, 18), (2, 17), (2, 2, 18)])
def test_refuses_rows_that_do_not_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"counts has|dimensions"):
        Ledger(1, 64, np.zeros(shape, dtype=np.uint64))
    with pytest.raises(ValueError, match="contiguous"):
        Ledger(1, 64, np.zeros((2, 36), dtype=np.uint64)[:, ::2])


def test_refuses_counts_that_it_cannot_write() -> None:
    counts = np.zeros(18, dtype=np.uint64)
    counts.setflags(write=False)
    with pytest.raises(ValueError, match="read-only"):
        Ledger(1, 64, counts)
    with pytest.raises(ValueError, match="dtype"):
        Ledger(1, 64, np.zeros(18, dtype=np.float64))


def test_refuses_wrong_calls() -> None:
    ledger, counts = fresh(2)
    ledger.open_window(0, 1)
    wrong: list[tuple[Any, str]] = [
        (lambda: ledger.open_window(0, 1), "window 0 is open"),
        (lambda: ledger.open_window(1, 0), "first is 0; it must lie in 1 to"),
        (lambda: ledger.open_window(2, 1), "window is 2; it must lie in 0 to 1"),
        (lambda: ledger.book_arrival(-1, 1, 1), "window is -1"),
        (lambda: ledger.book_arrival(0, 0, 1), "sequence is 0"),
        (lambda: ledger.book_arrival(0, 2**63, 1), "sequence is 9223372036854775808"),
        (lambda: ledger.book_arrival(0, 1, 1, row=1), "row is 1; it must lie in 0 to 0"),
        (lambda: ledger.exclude_number(0, 0), "sequence is 0"),
        (lambda: ledger.close_window(0, -1, LEFT), "last_sent is -1"),
        (lambda: ledger.close_window(0, 1, 3), "how is 3; it must be DRAINED, CUT_OFF or LEFT"),
    ]
    for call, message in wrong:
        with pytest.raises(ValueError, match=message):
            call()
    assert nonzero(counts) == {}


def test_the_names_of_the_counters() -> None:
    assert len(COUNTERS) == len(set(COUNTERS)) == 18
    assert COUNTERS[:5] == ("sent", "expected", "delivered", "lost", "lost_to_disconnect")
    assert COUNTERS[16:] == ("before_join", "complete")
