"""UTF-8 validation against Python's own decoder, on literal bytes, random bytes and any split."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgewire._core import utf8

# Byte by byte, where a validator must stop: how many bytes may pass before the text is refused.
REFUSED_AFTER = {
    "lone continuation": (b"\x80", 1),
    "overlong of two, C0": (b"\xc0", 1),
    "overlong of two, C1": (b"\xc1", 1),
    "overlong of three": (b"\xe0\x9f\xbf", 2),
    "overlong of four": (b"\xf0\x8f\xbf\xbf", 2),
    "first surrogate": (b"\xed\xa0\x80", 2),
    "last surrogate": (b"\xed\xbf\xbf", 2),
    "beyond U+10FFFF": (b"\xf4\x90\x80\x80", 2),
    "five bytes": (b"\xf8\x88\x80\x80\x80", 1),
    "six bytes": (b"\xfc\x84\x80\x80\x80\x80", 1),
    "FE": (b"\xfe", 1),
    "FF": (b"\xff", 1),
    "ASCII in a sequence of two": (b"\xc3A", 2),
    "ASCII in a sequence of three": (b"\xe2\x82A", 3),
    "lead in a sequence of four": (b"\xf0\x9f\x98\xc3", 4),
    "after good text": ("κόσμε".encode() + b"\xed\xa0\x80edited", 12),
}

pieces = st.lists(
    st.one_of(
        st.text(max_size=20).map(str.encode),
        st.binary(max_size=6),
        st.integers(0, 70).map(lambda n: b"a" * n),
        st.sampled_from([bad for bad, _ in REFUSED_AFTER.values()]),
    ),
    max_size=6,
).map(b"".join)


# One of these completes any cut-off sequence that can be completed at all.
COMPLETIONS = (b"", b"\x80", b"\x80\x80", b"\xa0\x80", b"\x80\x80\x80", b"\x90\x80\x80")


def python_accepts(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def can_be_completed(data: bytes) -> bool:
    return any(python_accepts(data + rest) for rest in COMPLETIONS)


def bytewise(data: bytes, state: int = utf8.ACCEPT) -> list[int]:
    """The states after each byte."""
    states = []
    for i in range(len(data)):
        state = utf8.check(data[i : i + 1], state)
        states.append(state)
    return states


@pytest.mark.parametrize(
    ("data", "after"),
    REFUSED_AFTER.values(),
    ids=[name.replace(" ", "-") for name in REFUSED_AFTER],
)
def test_refuses_at_the_first_impossible_byte(data: bytes, after: int) -> None:
    states = bytewise(data)
    assert utf8.REJECT not in states[: after - 1]
    assert set(states[after - 1 :]) == {utf8.REJECT}
    assert utf8.check(data) == utf8.REJECT


@pytest.mark.parametrize("text", ["", "a", "é", "€", "😀", "\x00", "\x7f", "\x80", "\ud7ff"])
@pytest.mark.parametrize(
    "edge",
    [
        "\\u07ff",
        "\\u0800",
        "\\ud7ff",
        "\\ue000",
        "\\ufffd",
        "\\uffff",
        "\\U00010000",
        "\\U0010ffff",
    ],
)
def test_accepts_the_edges_of_every_range(text: str, edge: str) -> None:
    assert utf8.check((text + edge + text).encode()) == utf8.ACCEPT


def test_a_sequence_that_is_cut_off_is_neither_accepted_nor_refused() -> None:
    for character in "é€😀":
        whole = character.encode()
        for end in range(1, len(whole)):
            state = utf8.check(whole[:end])
            assert state not in (utf8.ACCEPT, utf8.REJECT)
            assert utf8.check(whole[end:], state) == utf8.ACCEPT


def test_every_sequence_of_two_bytes_as_python_does() -> None:
    for pair in itertools.product(range(256), repeat=2):
        data = bytes(pair)
        state = utf8.check(data)
        assert (state == utf8.ACCEPT) == python_accepts(data)
        assert (state != utf8.REJECT) == can_be_completed(data)


def test_every_lead_with_the_edges_of_continuation_bytes() -> None:
    edges = (0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF)
    for lead in range(0xC0, 0x100):
        for rest in itertools.product(edges, repeat=3):
            data = bytes((lead, *rest))
            assert (utf8.check(data) == utf8.ACCEPT) == python_accepts(data), data
            assert (utf8.check(data) != utf8.REJECT) == can_be_completed(data), data


@pytest.mark.parametrize("length", [7, 8, 9, 15, 16, 31, 32, 33, 39, 40, 63, 64, 65])
def test_a_bad_byte_is_seen_at_every_place_of_the_wide_path(length: int) -> None:
    for place in range(length):
        for bad in (b"\x80", b"\xff", b"\xc3"):
            data = bytearray(b"a" * length)
            data[place : place + 1] = bad
            accepted = utf8.check(bytes(data)) == utf8.ACCEPT
            assert accepted == python_accepts(bytes(data)), (place, bad)


@settings(max_examples=100)
@given(pieces, st.data())
def test_any_split_ends_in_the_same_state(data: bytes, draw: st.DataObject) -> None:
    cut = draw.draw(st.integers(0, len(data)))
    whole = utf8.check(data)
    assert utf8.check(data[cut:], utf8.check(data[:cut])) == whole
    assert ([utf8.ACCEPT, *bytewise(data)])[-1] == whole


@settings(max_examples=200)
@given(pieces)
def test_agrees_with_python_on_text_and_on_its_prefixes(data: bytes) -> None:
    state = utf8.check(data)
    assert (state == utf8.ACCEPT) == python_accepts(data)
    assert (state != utf8.REJECT) == can_be_completed(data)


@pytest.mark.parametrize("state", [-1, 9, 1 << 20])
def test_a_state_that_is_none_is_refused_in_words(state: int) -> None:
    with pytest.raises(ValueError, match=r"no state of the validator; start with ACCEPT"):
        utf8.check(b"", state)
