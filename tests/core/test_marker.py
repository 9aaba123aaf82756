"""The marker: its text, how it is found, and which damage its check field finds."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgewire._core.marker import LENGTH, Marker, encode, find_all
from tests.fuzz.marker_input import run_input
from tests.fuzz.marker_mutator import mutate
from tests.fuzz.marker_oracle import check_of

SEEDS = Path(__file__).parents[1] / "fuzz" / "corpus" / "marker"

DIGITS = "0123456789abcdefghijklmnopqrstuv"
WIDTHS = Marker(run=30, room=30, worker=10, sequence=40, planned_ns=60, send_lag_ns=40)
SAMPLE = Marker(0x2ABCDEF1, 9_999, 1, 123_456_789, 98_765_432_109_876, 47_113)

markers = st.builds(Marker, *(st.integers(0, 2**width - 1) for width in WIDTHS))
no_prefix = st.binary(max_size=80).filter(lambda data: b"SWX1" not in data)


def digits(value: int, count: int) -> str:
    return "".join(DIGITS[value >> 5 * (count - 1 - i) & 31] for i in range(count))


def text_of(marker: Marker) -> bytes:
    body = "".join(
        digits(value, count) for value, count in zip(marker, (6, 6, 2, 8, 12, 8), strict=True)
    )
    return f"SWX1{body}{digits(check_of(body.encode()), 6)}".encode()


@given(markers)
def test_encodes_as_defined_and_reads_back(marker: Marker) -> None:
    text = encode(*marker)
    assert text == text_of(marker)
    assert len(text) == LENGTH == 52
    assert re.fullmatch(rb"SWX1[0-9a-v]{48}", text)
    assert find_all(text) == [(0, marker)]


def test_a_literal_marker() -> None:
    text = b"SWX1" + b"000001" + b"00009s" + b"02" + b"0000000v" + b"000000009qns" + b"000001v8"
    marker = Marker(1, 316, 2, 31, 322_300, 2_024)
    assert encode(*marker)[:-6] == text
    assert find_all(b'{"text":"' + encode(*marker) + b'"}') == [(9, marker)]


@pytest.mark.parametrize("field", range(6))
def test_the_bounds_of_each_field(field: int) -> None:
    for value in (0, 1, 2 ** WIDTHS[field] - 1):
        marker = Marker(*(value if i == field else 0 for i in range(6)))
        assert find_all(encode(*marker)) == [(0, marker)]


@pytest.mark.parametrize("field", Marker._fields)
def test_refuses_fields_out_of_range(field: str) -> None:
    width = getattr(WIDTHS, field)
    with pytest.raises(ValueError, match=f"^{field} is -1; it must lie in 0 to 2\\*\\*{width} - 1"):
        encode(*SAMPLE._replace(**{field: -1}))
    if field != "send_lag_ns":
        with pytest.raises(ValueError, match=f"^{field} is {2**width}; "):
            encode(*SAMPLE._replace(**{field: 2**width}))


def test_a_long_send_lag_saturates() -> None:
    top = SAMPLE._replace(send_lag_ns=2**40 - 1)
    for lag_ns in (2**40 - 1, 2**40, 2**63 - 1, 2**80):
        assert find_all(encode(*SAMPLE._replace(send_lag_ns=lag_ns))) == [(0, top)]


@given(st.lists(st.tuples(no_prefix, markers)), no_prefix)
def test_finds_every_marker_in_any_surroundings(
    pieces: list[tuple[bytes, Marker]], tail: bytes
) -> None:
    data = b""
    expected = []
    for filler, marker in pieces:
        data += filler
        expected.append((len(data), marker))
        data += encode(*marker)
    data += tail
    assert data.count(b"SWX1") == len(pieces)
    assert find_all(data) == expected


def test_every_single_substitution_is_found() -> None:
    """All 255 other bytes at all 52 places: no damaged marker passes for a sound one."""
    for marker in (SAMPLE, Marker(0, 0, 0, 0, 0, 0), Marker(*(2**w - 1 for w in WIDTHS))):
        text = encode(*marker)
        for place in range(LENGTH):
            outcome = [] if place < 4 else [(0, None)]
            for byte in range(256):
                if byte != text[place]:
                    damaged = text[:place] + bytes([byte]) + text[place + 1 :]
                    assert find_all(damaged) == outcome


def test_every_exchange_of_two_characters_is_found() -> None:
    text = encode(*SAMPLE)
    for i in range(4, LENGTH):
        for j in range(i + 1, LENGTH):
            if text[i] != text[j]:
                damaged = bytearray(text)
                damaged[i], damaged[j] = text[j], text[i]
                assert find_all(damaged) == [(0, None)]


def test_no_change_of_two_characters_keeps_the_check() -> None:
    """Whatever the marker: the check is linear, so the differences that a change can make suffice.

    A change of one character by d moves the check by d times that character's weight; two changes
    cancel only if two such differences at two places are opposite, modulo the prime.
    """
    prime = 2**30 - 35
    weights = [444758425, 786033569, 253476060, 693370190, 339973279, 650205731, 132183658, -1]
    place_of: dict[int, int] = {}
    for limb, weight in enumerate(weights):
        for k in range(6):
            for d in (d for d in range(-31, 32) if d):
                difference = weight * 32**k * d % prime
                assert difference != 0
                assert place_of.setdefault(difference, 6 * limb + k) == 6 * limb + k


@given(markers, st.integers(0, LENGTH - 1))
def test_a_cut_marker_is_damaged_once_its_prefix_stands(marker: Marker, length: int) -> None:
    cut = encode(*marker)[:length]
    assert find_all(cut) == ([(0, None)] if length >= 4 else [])
    # What follows a cut marker is still found.
    expected: list[tuple[int, Marker | None]] = [(0, None)] if length >= 4 else []
    assert find_all(cut + encode(*SAMPLE)) == [*expected, (length, SAMPLE)]


@given(markers)
def test_a_piece_lost_or_doubled_in_the_middle_is_damage(marker: Marker) -> None:
    text = encode(*marker)
    for place in range(4, LENGTH):
        shorter = text[:place] + text[place + 1 :] + b"0"
        longer = text[:place] + text[place : place + 1] + text[place:]
        for damaged in (shorter, longer):
            if damaged[:LENGTH] != text:
                assert find_all(damaged) == [(0, None)]


def test_a_run_of_prefixes() -> None:
    assert find_all(b"SWX1" * 20) == [(4 * i, None) for i in range(20)]
    assert find_all(b"SWX1" * 20 + encode(*SAMPLE)[4:])[-1] == (76, SAMPLE)


def test_nothing_to_find() -> None:
    for data in (b"", b"S", b"SWX", b"swx1" + b"0" * 48, b"SWX2" + b"0" * 48, bytes(4096)):
        assert find_all(data) == []
    assert find_all(b"SWX1" + b"0" * 48) == [(0, None)]


def test_upper_case_digits_are_not_digits() -> None:
    text = encode(*SAMPLE)
    assert find_all(b"SWX1" + text[4:].upper()) == [(0, None)]


def test_accepts_any_contiguous_buffer() -> None:
    text = b"xx" + encode(*SAMPLE)
    for data in (text, bytearray(text), memoryview(text)):
        assert find_all(data) == [(2, SAMPLE)]
    with pytest.raises(BufferError, match="contig"):
        find_all(memoryview(text)[::2])
    with pytest.raises(TypeError):
        find_all("text")  # type: ignore[arg-type]


def test_offsets_do_not_overlap() -> None:
    data = b"".join(encode(*SAMPLE._replace(sequence=n)) for n in range(1, 200))
    found = find_all(data)
    assert [marker.sequence for _, marker in found if marker] == list(range(1, 200))
    assert all(b - a == LENGTH for (a, _), (b, _) in pairwise(found))


def test_the_seed_corpus_and_some_mutations_agree_with_the_definition() -> None:
    seeds = sorted(SEEDS.iterdir())
    assert len(seeds) > 20
    for path in seeds:
        data = path.read_bytes()
        run_input(data)
        for seed in range(20):
            data = mutate(data, 1024, seed)
            run_input(data)
