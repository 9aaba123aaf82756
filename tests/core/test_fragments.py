from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from surgewire._core.fragments import split_frames

MESSAGES = st.lists(
    st.tuples(st.sampled_from([Opcode.TEXT, Opcode.BINARY]), st.binary(max_size=300)), max_size=4
)


def serialized(frames: list[Frame]) -> bytes:
    return b"".join(frame.serialize(mask=True) for frame in frames)


def parsed(data: bytes) -> list[Frame]:
    """Take frames apart by the `websockets` library."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    frames = []
    while not ended(reader):
        parsing = Frame.parse(reader.read_exact, mask=True)
        frames.append(run(parsing))
    return frames


def ended(reader: StreamReader) -> bool:
    return bool(run(reader.at_eof()))


def run(steps: Generator[None, None, Any]) -> Any:
    try:
        next(steps)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("a frame is not whole")


@given(MESSAGES, st.integers(1, 400))
@settings(max_examples=60, deadline=None)
def test_fragments_make_the_same_messages(messages: list[tuple[Opcode, bytes]], most: int) -> None:
    frames = [Frame(opcode, data) for opcode, data in messages]
    if not frames:
        return
    found = iter(parsed(split_frames(serialized(frames), most)))
    for frame in frames:
        first = next(found)
        assert first.opcode is frame.opcode
        data, last = bytes(first.data), first
        assert len(data) <= most
        while not last.fin:
            last = next(found)
            assert last.opcode is Opcode.CONT
            assert 0 < len(last.data) <= most
            data += bytes(last.data)
        assert data == frame.data
    assert next(found, None) is None


def test_no_fragment_is_made_for_nothing() -> None:
    assert len(parsed(split_frames(serialized([Frame(Opcode.TEXT, b"x" * 40)]), 10))) == 4
    assert len(parsed(split_frames(serialized([Frame(Opcode.TEXT, b"")]), 10))) == 1


def test_control_frames_stay_whole() -> None:
    frames = [Frame(Opcode.PING, b"x" * 100), Frame(Opcode.CLOSE, b"\x03\xe8")]
    data = serialized(frames)
    assert split_frames(data, 1) == data


def test_only_the_first_fragment_says_that_a_message_is_compressed() -> None:
    data = bytearray(serialized([Frame(Opcode.TEXT, b"x" * 30)]))
    data[0] |= 0x40
    found = split_frames(bytes(data), 10)
    assert [found[i] for i in (0, 16, 32)] == [0x41, 0x00, 0x80]


def test_masks_are_as_many_as_fragments() -> None:
    data = split_frames(serialized([Frame(Opcode.BINARY, bytes(4000))]), 100)
    keys = {data[i + 2 : i + 6] for i in range(0, len(data), 106)}
    assert len(keys) > 30


@pytest.mark.parametrize(
    "data", [b"", b"\x81", b"\x81\x02hi", b"\x81\x85abcdhell", b"\x81\xfe\x00"]
)
def test_what_is_no_whole_masked_frame_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no whole masked frames"):
        split_frames(data, 10)


def test_fragments_have_a_size() -> None:
    with pytest.raises(ValueError, match="most is 0"):
        split_frames(serialized([Frame(Opcode.TEXT, b"hi")]), 0)
