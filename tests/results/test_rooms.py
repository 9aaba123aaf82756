"""The account of each room."""

from dataclasses import replace

import numpy as np
import pytest

from surgewire.results.record import RoomsRecord
from surgewire.results.rooms import MAX_LISTED, MAX_WORST, read_rooms, sums
from surgewire.results.tally import Tally
from tests.results.chat_samples import COLUMNS, chat_run, rooms
from tests.results.samples import tally_of

BALANCED = [
    [10, 100, 100, 0, 0, 0, 0, 0, 10],
    [10, 100, 90, 6, 4, 1, 2, 3, 5],
    [0, 0, 0, 0, 0],
    [20, 200, 188, 12, 0, 0, 0, 0, 15],
]


def test_accounts_of_rooms() -> None:
    account = read_rooms(rooms(BALANCED), {}, finished=True)
    assert (account.count, account.identity_holds, account.unbalanced_rooms) == (4, True, ())
    assert account.all[1].to_dict() == {
        "room": 1,
        "sent": 10,
        "expected": 100,
        "delivered": 90,
        "lost": 6,
        "lost_to_disconnect": 4,
        "undecided": 0,
        "duplicated": 1,
        "reordered": 2,
        "late": 3,
        "complete": 5,
        "completeness": 0.5,
    }
    assert account.all[2].completeness is None


def test_the_worst_rooms_are_those_in_which_most_was_lost() -> None:
    account = read_rooms(rooms(BALANCED), {}, finished=True)
    assert [room.room for room in account.worst] == [3, 1]
    many = rooms([[1, 10, 10 - lost, lost] for lost in [0, 5, 5, *range(20)][:25]])
    worst = read_rooms(many, {}, finished=True).worst
    assert len(worst) == MAX_WORST
    assert [room.lost for room in worst] == sorted((room.lost for room in worst), reverse=True)


def test_a_room_that_does_not_balance_is_named() -> None:
    off = [*BALANCED, [1, 10, 9], [1, 10, 11]]
    account = read_rooms(rooms(off), {}, finished=True)
    assert (account.identity_holds, account.unbalanced) == (False, 2)
    assert account.unbalanced_rooms == (4, 5)
    assert [account.all[room].undecided for room in (4, 5)] == [1, -1]


def test_in_a_run_that_goes_on_the_rest_may_be_under_way() -> None:
    under_way = rooms([[1, 10, 9]])
    assert read_rooms(under_way, {}, finished=False).identity_holds
    twice = rooms([[1, 10, 11]])
    assert not read_rooms(twice, {}, finished=False).identity_holds


def test_too_many_rooms_are_not_listed_but_all_are_checked() -> None:
    counts = np.zeros((MAX_LISTED + 1, len(COLUMNS)), np.int64)
    counts[MAX_LISTED] = [1, 10, 8, 1, 0, 0, 0, 0, 0]
    account = read_rooms(RoomsRecord.from_array(1.0, COLUMNS, counts), {}, finished=True)
    assert account.all == ()
    assert account.unbalanced_rooms == (MAX_LISTED,)
    assert [room.room for room in account.worst] == [MAX_LISTED]


def test_unknown_columns_are_left_out_and_missing_ones_are_zero() -> None:
    record = RoomsRecord.from_array(1.0, ("added_later", "expected", "delivered"), [[7, 3, 3]])
    (room,) = read_rooms(record, {}, finished=True).all
    assert (room.expected, room.delivered, room.lost) == (3, 3, 0)


def test_corrections_below_zero_are_taken_modulo() -> None:
    counts = np.array([[2**64 - 5]], np.uint64)
    record = RoomsRecord.from_array(1.0, ("expected",), counts)
    assert sums(record)["expected"] == -5


def test_sums_are_over_all_rooms() -> None:
    assert sums(rooms(BALANCED)) == {
        "expected": 400,
        "delivered": 378,
        "lost": 18,
        "lost_to_disconnect": 4,
    }


def test_rooms_that_do_not_add_up_to_the_totals_are_of_an_earlier_moment() -> None:
    totals = sums(rooms(BALANCED))
    account = read_rooms(rooms(BALANCED, 7.5), totals, finished=False)
    assert (account.at_s, account.current) == (7.5, True)
    later = {**totals, "delivered": totals["delivered"] + 1}
    assert not read_rooms(rooms(BALANCED), later, finished=False).current


def test_the_latest_record_counts() -> None:
    tally = tally_of(rooms([[1, 10, 5]], 1.0), rooms([[1, 10, 10]], 2.0))
    account = tally.rooms()
    assert account is not None
    assert account.all[0].delivered == 10


def test_without_a_record_there_is_no_account() -> None:
    assert Tally().rooms() is None
    assert Tally().result().rooms is None


def test_a_damaged_record_is_refused_where_it_is_read() -> None:
    with pytest.raises(ValueError, match="'totals': must hold"):
        tally_of(replace(rooms(BALANCED), rooms=5))


def test_a_run_in_which_all_goes_well() -> None:
    result = tally_of(*chat_run()).result()
    assert result.rooms is not None
    assert (result.rooms.count, result.rooms.identity_holds, result.rooms.worst) == (10, True, ())
    assert (result.delivery.complete, result.delivery.completeness) == (2_000, 1.0)
    assert result.verdict.status == "pass"
