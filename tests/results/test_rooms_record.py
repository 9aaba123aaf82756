"""The record of the rooms: totals as an array, packed, and what damage is found."""

import re
import zlib

import numpy as np
import pytest

from surgewire.results.rooms_record import MAX_ROOMS, RoomsRecord

NAMES = ("expected", "delivered", "lost")
TOTALS = [[10, 9, 1], [20, 20, 0]]


def record(**changes: object) -> RoomsRecord:
    data = RoomsRecord.from_array(1.5, NAMES, TOTALS).to_dict()
    return RoomsRecord.from_dict({**data, **changes})


def test_what_went_in_comes_out() -> None:
    assert record().counters == NAMES
    assert record().rooms == 2
    assert record().array().tolist() == TOTALS


def test_the_totals_are_little_endian_words_in_rows() -> None:
    assert zlib.decompress(record().totals)[:16] == b"\x0a" + bytes(7) + b"\x09" + bytes(7)


def test_counts_of_the_ledger_are_taken_as_they_are() -> None:
    counts = np.array(TOTALS, np.uint64)
    assert RoomsRecord.from_array(1.5, NAMES, counts.view(np.int64)) == record()


def test_no_rooms_are_an_empty_array() -> None:
    empty = RoomsRecord.from_array(0.0, NAMES, np.zeros((0, 3), np.int64))
    assert empty.array().shape == (0, 3)


@pytest.mark.parametrize("totals", [[1, 2, 3], [[1, 2]], [[[1, 2, 3]]]])
def test_another_shape_is_refused(totals: object) -> None:
    with pytest.raises(ValueError, match=r"^totals must be \[rooms\]\[3\], are "):
        RoomsRecord.from_array(0.0, NAMES, totals)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rooms": 3}, "rooms record: 'totals': must hold 72 bytes"),
        ({"rooms": 1}, "rooms record: 'totals': must hold 24 bytes"),
        ({"rooms": -1}, f"rooms record: 'rooms': must be 0 to {MAX_ROOMS}, is -1"),
        ({"rooms": 10**12}, f"rooms record: 'rooms': must be 0 to {MAX_ROOMS}, is {10**12}"),
        ({"totals": zlib.compress(bytes(10**6))}, "rooms record: 'totals': must hold 48 bytes"),
        ({"totals": b"no zlib"}, "rooms record: 'totals': Error -3"),
        ({"totals": b""}, "rooms record: 'totals': must hold 48 bytes"),
    ],
)
def test_damage_is_found(changes: dict[str, object], message: str) -> None:
    damaged = record(**changes)
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        damaged.array()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"totals": "text"}, "rooms record: 'totals': must be bytes"),
        ({"counters": 3}, "rooms record: 'counters': must be a list"),
        ({"counters": [3]}, "rooms record: 'counters': must be a text"),
    ],
)
def test_wrong_types_are_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        record(**changes)
