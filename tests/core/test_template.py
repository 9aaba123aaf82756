import re
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Opcode
from websockets.server import ServerProtocol

from surgewire._core import frame, marker
from surgewire._core.template import FILLER, Template

FIELDS = (1, 2, 3, 4, 5, 6)
DIGITS = {"room": 2**32 - 1, "user": 2**32 - 1, "seq": 2**64 - 1, "now_ms": 2**63 - 1}

Part = bytes | tuple[str] | tuple[str, int]

TEXT = st.text(max_size=200).map(str.encode)
PARTS = st.lists(
    TEXT | st.sampled_from([(name,) for name in ("marker", *DIGITS)]), max_size=12
).flatmap(lambda parts: st.permutations([*parts, ("padding",)]) | st.just(parts))
VALUES = st.fixed_dictionaries({name: st.integers(0, most) for name, most in DIGITS.items()})


def rendered(parts: list[Part], values: dict[str, int], padding_bytes: int) -> bytes:
    """What a template is to give, the slow way."""
    texts = {name: str(value).encode() for name, value in values.items()}
    texts["marker"] = marker.encode(*FIELDS)
    texts["padding"] = (FILLER * (padding_bytes // len(FILLER) + 1))[:padding_bytes]
    return b"".join(part if isinstance(part, bytes) else texts[part[0]] for part in parts)


@given(parts=PARTS, values=VALUES, padding_bytes=st.integers(0, 300) | st.just(70_000))
def test_payload_is_that_of_a_plain_rendering(
    parts: list[Part], values: dict[str, int], padding_bytes: int
) -> None:
    payload = Template(parts).payload(FIELDS, **values, padding_bytes=padding_bytes)
    assert payload == rendered(parts, values, padding_bytes)


@given(
    parts=PARTS,
    values=VALUES,
    padding_bytes=st.integers(0, 300) | st.just(70_000),
    binary=st.booleans(),
)
def test_frame_is_read_by_a_server_we_did_not_write(
    parts: list[Part], values: dict[str, int], padding_bytes: int, binary: bool
) -> None:
    template = Template(parts, binary=binary)
    raw = template.frame(FIELDS, **values, padding_bytes=padding_bytes)
    assert len(raw) <= template.frame_bound(padding_bytes)
    server = ServerProtocol(max_size=None)
    server.state = server.state.OPEN
    # The handshake is not what is asked about: the parser of frames is.
    server.parser = server.parse()
    next(server.parser)
    server.receive_data(raw)
    (event,) = server.events_received()
    assert event.opcode == (Opcode.BINARY if binary else Opcode.TEXT)
    assert event.fin
    assert event.data == rendered(parts, values, padding_bytes)


@given(parts=st.lists(TEXT | st.just(("marker",)) | st.just(("random", 9)), max_size=8))
def test_size_is_known_where_all_messages_have_one(parts: list[Part]) -> None:
    template = Template(parts)
    assert template.size_bytes == len(template.payload(FIELDS))
    assert template.frame_size == len(template.frame(FIELDS))


@pytest.mark.parametrize("slot", [*DIGITS, "padding"])
def test_size_is_left_open_where_messages_differ(slot: str) -> None:
    template = Template((b"x", (slot,)))
    assert (template.size_bytes, template.frame_size) == (0, 0)


@pytest.mark.parametrize("digits", range(1, 20))
def test_numbers_of_every_length(digits: int) -> None:
    template = Template((("seq",), b" ", ("now_ms",)))
    for value in (10 ** (digits - 1), 10**digits - 1):
        now_ms = min(value, 2**63 - 1)
        assert template.payload(seq=value, now_ms=now_ms) == b"%d %d" % (value, now_ms)


def test_time_before_1970_is_0() -> None:
    assert Template((("now_ms",),)).payload(now_ms=-1) == b"0"


@pytest.mark.parametrize("length", [1, 4, 5, 6, 4096])
def test_random_characters_are_lower_case_and_digits(length: int) -> None:
    payload = Template((b"<", ("random", length), b">")).payload()
    assert re.fullmatch(rb"<[a-z0-9]{%d}>" % length, payload)


def test_random_characters_are_all_equally_likely_and_always_new() -> None:
    template = Template((("random", 4000),))
    seen = [template.payload() for _ in range(9)]
    assert len(set(seen)) == len(seen)
    counts = [
        b"".join(seen).count(character) for character in b"abcdefghijklmnopqrstuvwxyz0123456789"
    ]
    # 1,000 of each are expected; 200 is more than six standard deviations.
    assert all(800 < count < 1200 for count in counts)


def test_every_frame_has_a_key_of_its_own() -> None:
    template = Template((("marker",),))
    assert len({template.frame(FIELDS) for _ in range(100)}) == 100


def test_no_slot_is_taken_for_a_marker() -> None:
    template = Template((("padding",), ("random", 4096), ("seq",)))
    assert marker.find_all(template.payload(seq=1, padding_bytes=5000)) == []


def test_what_it_is_made_of_is_told() -> None:
    template = Template([b"a", ("marker",), ("padding",)], binary=True)
    assert template.parts == (b"a", ("marker",), ("padding",))
    assert (template.binary, template.has_marker, template.has_padding) == (True, True, True)
    empty = Template(())
    assert (empty.binary, empty.has_marker, empty.has_padding) == (False, False, False)
    assert empty.payload() == b""
    (event,) = frame.Decoder(role="server").feed(empty.frame())
    assert event.payload == b""


def test_cells_are_those_of_the_user_s_row() -> None:
    rows = [(b"anna", b""), (b"b", "ü".encode()), (b"", b"xyz")]
    block, ends = b"".join(cell for row in rows for cell in row), array("Q")
    for cell in (cell for row in rows for cell in row):
        ends.append((ends[-1] if ends else 0) + len(cell))
    template = Template(
        (b"<", ("column", 1), ("user",), ("column", 0), b">"), cells=(block, ends, 2)
    )
    assert (template.size_bytes, template.frame_size) == (0, 0)
    for user in (0, 1, 2, 3, 2**32 - 1):
        first, second = rows[user % 3]
        payload = b"<" + second + str(user).encode() + first + b">"
        assert template.payload(user=user) == payload
        (event,) = frame.Decoder(role="server").feed(template.frame(user=user))
        assert event.payload == payload
        assert len(template.frame(user=user)) <= template.frame_bound()
    empty = Template((("column", 0),), cells=(b"", array("Q", [0]), 1))
    assert empty.payload() == b""


@pytest.mark.parametrize(
    ("block", "ends", "columns"),
    [
        (b"abc", [], 1),
        (b"abc", [1], 0),
        (b"abc", [1, 2, 3], 2),
        (b"abc", [2, 1], 1),
        (b"abc", [4], 1),
    ],
)
def test_a_table_that_is_none_is_refused(block: bytes, ends: list[int], columns: int) -> None:
    with pytest.raises(ValueError, match=r"a table has|cells lie"):
        Template((b"x",), cells=(block, array("Q", ends), columns))


@pytest.mark.parametrize(("column", "cells"), [(0, None), (1, (b"a", array("Q", [1]), 1))])
def test_a_column_that_there_is_not_is_refused(
    column: int, cells: tuple[bytes, "array[int]", int] | None
) -> None:
    with pytest.raises(ValueError, match=f"there is no column {column}"):
        Template((("column", column),), cells=cells)


@pytest.mark.parametrize(
    "part",
    ["text", None, (), ("nonsense",), ("marker", 1), ("random",), ("room", 3), ("column",), 5],
)
def test_what_is_no_part_is_refused(part: object) -> None:
    with pytest.raises(ValueError, match="no part of a template"):
        Template((b"x", part))  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [0, -1, 4097])
def test_random_of_a_senseless_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=f"1 to 4096, not {length}"):
        Template((("random", length),))


def test_two_paddings_are_refused() -> None:
    with pytest.raises(ValueError, match="one place for padding"):
        Template((("padding",), ("padding",)))


def test_marker_must_be_given() -> None:
    with pytest.raises(ValueError, match="none is given"):
        Template((("marker",),)).payload()
