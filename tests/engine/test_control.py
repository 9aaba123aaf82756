import socket

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgewire.engine.control import (
    MESSAGE_LIMIT_BYTES,
    ControlChannel,
    ControlDecoder,
    ControlError,
    encode,
)

messages = st.lists(
    st.fixed_dictionaries(
        {"t": st.text(max_size=10)}, optional={"at_ns": st.integers(0, 2**63 - 1)}
    ),
    max_size=5,
)


@given(messages, st.lists(st.integers(1, 7), min_size=1, max_size=20))
def test_any_split_gives_the_same_messages(sent, pieces):
    wire = b"".join(encode(message) for message in sent)
    decoder, got, offset, turn = ControlDecoder(), [], 0, 0
    while offset < len(wire):
        size = pieces[turn % len(pieces)]
        got += decoder.feed(wire[offset : offset + size])
        offset, turn = offset + size, turn + 1
    assert got == sent


@pytest.mark.parametrize(
    "body", [b"\xc1", msgpack.packb([1]), msgpack.packb({"x": 1}), msgpack.packb({"t": 1}), b""]
)
def test_anything_else_is_refused(body):
    with pytest.raises(ControlError):
        ControlDecoder().feed(len(body).to_bytes(4, "little") + body)


def test_length_is_checked_before_memory_is_taken():
    with pytest.raises(ControlError, match="over the limit"):
        ControlDecoder().feed((MESSAGE_LIMIT_BYTES + 1).to_bytes(4, "little"))
    with pytest.raises(ControlError, match="over the limit"):
        encode({"t": "x" * MESSAGE_LIMIT_BYTES})


def test_channel_carries_messages_and_tells_the_end():
    ours, theirs = (ControlChannel(end) for end in socket.socketpair())
    assert ours.receive() == []
    assert theirs.send({"t": "ready"})
    assert theirs.send({"t": "connected"})
    assert ours.receive() == [{"t": "ready"}, {"t": "connected"}]
    assert not ours.ended
    theirs.send({"t": "finished"})
    theirs.close()
    assert ours.receive() == [{"t": "finished"}]
    assert ours.ended
    assert not ours.send({"t": "drain"})
    ours.close()
    ours.close()
    assert ours.fileno() == -1


def test_sending_to_one_who_never_reads_fails_instead_of_blocking():
    ours, theirs = socket.socketpair()
    channel = ControlChannel(ours)
    while channel.send({"t": "x" * 60_000}):
        pass
    channel.close()
    theirs.close()
