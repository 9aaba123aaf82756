import errno
import socket
import struct
from collections.abc import Iterator

import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from surgewire._core.connection import Connection
from surgewire._core.stream import ReceiveBuffer
from tests.core.wire import BUFFER, Owner, Passed, Transport, feed


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport()
    yield made
    made.shut()


def connect(
    transport: Transport, *, client: bool = True, **options: int
) -> tuple[Connection, Owner]:
    owner = Owner()
    connection = Connection(BUFFER, owner, Passed(), client=client, **options)
    connection.connection_made(transport)
    assert transport.sent() == b"ask?"
    return connection, owner


def opened(
    transport: Transport, *, client: bool = True, **options: int
) -> tuple[Connection, Owner]:
    connection, owner = connect(transport, client=client, **options)
    feed(connection, b"okay")
    assert owner.told == ["opened"]
    owner.told.clear()
    return connection, owner


def frame(opcode: Opcode, data: bytes = b"", *, mask: bool = False) -> bytes:
    return Frame(opcode, data).serialize(mask=mask)


def close_frame(code: int, reason: bytes = b"") -> bytes:
    return frame(Opcode.CLOSE, struct.pack("!H", code) + reason)


def parse(data: bytes, *, mask: bool) -> list[tuple[Opcode, bytes]]:
    """Read frames with the library's parser."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    frames = []
    while reader.buffer:
        steps = Frame.parse(reader.read_exact, mask=mask)
        try:
            next(steps)
        except StopIteration as stop:
            frames.append((stop.value.opcode, bytes(stop.value.data)))
    return frames


def test_upgrade_in_pieces_then_open(transport: Transport) -> None:
    connection, owner = connect(transport)
    assert not connection.is_open
    assert connection.open_ns == 0
    feed(connection, b"ok")
    assert owner.told == []
    feed(connection, b"okay")
    assert owner.told == ["opened"]
    assert connection.is_open
    assert connection.open_ns >= connection.tcp_ns > 0


def test_frames_behind_the_response_are_taken(transport: Transport) -> None:
    connection, owner = connect(transport)
    feed(connection, b"okay" + frame(Opcode.PING, b"hi") + close_frame(1001))
    assert owner.told == ["opened", ("closed", "close_1001")]
    assert [opcode for opcode, _ in parse(transport.sent(), mask=True)] == [
        Opcode.PONG,
        Opcode.CLOSE,
    ]


def test_failed_upgrade_sends_the_last_words_and_closes(transport: Transport) -> None:
    connection, owner = connect(transport)
    feed(connection, b"bad!")
    assert transport.sent() == b"last words"
    assert owner.told == [("failed", "http_503")]
    assert transport.calls == ["close"]
    connection.connection_lost(None)
    assert owner.told == [("failed", "http_503"), "gone"]


@pytest.mark.parametrize(
    ("exception", "kind"),
    [
        (None, "upgrade_eof"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "tcp_reset"),
        (TimeoutError(errno.ETIMEDOUT, "timed out"), "tcp_timeout"),
    ],
)
def test_loss_before_the_upgrade(
    transport: Transport, exception: Exception | None, kind: str
) -> None:
    connection, owner = connect(transport)
    connection.connection_lost(exception)
    assert owner.told == [("failed", kind), "gone"]


@pytest.mark.parametrize(
    ("exception", "kind"),
    [
        (None, "eof"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "tcp_reset"),
        (BrokenPipeError(errno.EPIPE, "pipe"), "tcp_reset"),
        (TimeoutError(errno.ETIMEDOUT, "timed out"), "tcp_timeout"),
        (OSError(errno.EHOSTUNREACH, "no route"), "tcp_unreachable"),
    ],
)
def test_loss_of_an_open_connection(
    transport: Transport, exception: Exception | None, kind: str
) -> None:
    connection, owner = opened(transport)
    feed(connection, b"\x81\x7e\x01\x00half a message")
    connection.connection_lost(exception)
    assert owner.told == [("closed", kind), "gone"]
    assert not connection.is_open


@pytest.mark.parametrize("data", [b"", b"x", b"p" * 125])
def test_ping_is_answered_with_its_payload(transport: Transport, data: bytes) -> None:
    connection, _ = opened(transport)
    feed(connection, frame(Opcode.PING, data))
    assert parse(transport.sent(), mask=True) == [(Opcode.PONG, data)]


def test_pongs_are_withheld_from_a_peer_that_does_not_read(transport: Transport) -> None:
    connection, _ = opened(transport)
    transport.ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    ping = frame(Opcode.PING, b"p" * 125) * 100
    for _ in range(50):
        feed(connection, ping)
        transport.waiting = len(transport.written)
    assert 0 < len(transport.written) < 100_000


@pytest.mark.parametrize(
    ("payload", "code"), [(b"", 1005), (b"\x03\xe8", 1000), (b"\x0f\xa0why", 4000)]
)
def test_close_frame_is_answered_with_its_code(
    transport: Transport, payload: bytes, code: int
) -> None:
    connection, owner = opened(transport)
    feed(connection, frame(Opcode.CLOSE, payload))
    assert owner.told == [("closed", f"close_{code}")]
    assert parse(transport.sent(), mask=True) == [(Opcode.CLOSE, payload[:2])]
    # The client leaves the closing of TCP to the server.
    assert transport.calls == []


def test_server_closes_tcp_after_the_closing_handshake(transport: Transport) -> None:
    connection, owner = opened(transport, client=False)
    feed(connection, frame(Opcode.CLOSE, b"\x03\xe8", mask=True))
    assert owner.told == [("closed", "close_1000")]
    assert transport.calls == ["close"]


def test_own_close_has_no_kind_and_is_sent_once(transport: Transport) -> None:
    connection, owner = opened(transport)
    connection.close(1001)
    connection.close(1001)
    assert owner.told == [("closed", None)]
    assert parse(transport.sent(), mask=True) == [(Opcode.CLOSE, b"\x03\xe9")]
    feed(connection, frame(Opcode.TEXT, b"late") + close_frame(1001) + b"\xff\xff")
    connection.connection_lost(None)
    assert owner.told == [("closed", None), "gone"]
    assert transport.sent() == b""


def test_close_before_the_upgrade_gives_up(transport: Transport) -> None:
    connection, owner = connect(transport)
    connection.close()
    assert owner.told == [("failed", "cancelled")]
    assert transport.calls == ["abort"]


def test_abort_books_the_given_kind_once(transport: Transport) -> None:
    connection, owner = opened(transport)
    connection.abort("timeout_ping")
    connection.abort("other")
    connection.connection_lost(None)
    assert owner.told == [("closed", "timeout_ping"), "gone"]
    assert transport.calls == ["abort", "abort"]


@pytest.mark.parametrize(
    ("data", "kind", "code"),
    [
        (b"\xc1\x00", "protocol_reserved_bits", 1002),
        (b"\x83\x00", "protocol_opcode", 1002),
        (b"\x80\x00", "protocol_continuation", 1002),
        (b"\x09\x00", "protocol_control_fragmented", 1002),
        (b"\x89\x7e\x00\x7e", "protocol_control_too_long", 1002),
        (b"\x81\x80abcd", "protocol_mask", 1002),
        (b"\x81\x01\xff", "protocol_utf8", 1007),
        (b"\x88\x01\x00", "protocol_close_length", 1002),
        (b"\x88\x02\x03\xed", "protocol_close_code", 1002),
        (b"\x82\x7f\x00\x00\x00\x00\x01\x00\x00\x01", "protocol_frame_limit", 1009),
    ],
)
def test_breach_of_the_protocol_is_named_and_answered(
    transport: Transport, data: bytes, kind: str, code: int
) -> None:
    connection, owner = opened(transport)
    feed(connection, data)
    assert owner.told == [("closed", kind)]
    assert parse(transport.sent(), mask=True) == [(Opcode.CLOSE, struct.pack("!H", code))]
    assert transport.calls == ["close"]
    feed(connection, b"\x81\x02hi")
    assert owner.told == [("closed", kind)]


def test_limit_of_a_message_is_the_plan_s(transport: Transport) -> None:
    connection, owner = opened(transport, max_message_bytes=1000)
    feed(connection, b"\x82\x7e\x03\xe9")
    assert owner.told == [("closed", "protocol_frame_limit")]


def test_what_the_kernel_does_not_take_goes_through_the_transport_in_order(
    transport: Transport,
) -> None:
    connection, _ = opened(transport)
    transport.ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    direct = b""
    for number in range(200):
        feed(connection, frame(Opcode.PING, b"%0100d" % number))
        transport.waiting = min(len(transport.written), 1)
    while piece := transport.sent():
        direct += piece
    pongs = parse(direct + bytes(transport.written), mask=True)
    assert len(transport.written) > 0
    assert pongs == [(Opcode.PONG, b"%0100d" % number) for number in range(200)]
    # Once the transport has got rid of its rest, the short way is open again.
    transport.waiting = 0
    feed(connection, frame(Opcode.PING, b"again"))
    assert parse(transport.sent(), mask=True) == [(Opcode.PONG, b"again")]


def test_broken_pipe_is_a_reset(transport: Transport) -> None:
    connection, owner = opened(transport)
    transport.peer.close()
    feed(connection, frame(Opcode.PING, b"are you there"))
    connection.connection_lost(None)
    assert owner.told == [("closed", "tcp_reset"), "gone"]


def test_calls_after_the_end_do_nothing(transport: Transport) -> None:
    connection, owner = opened(transport)
    connection.connection_lost(None)
    connection.close()
    connection.abort("late")
    assert connection.fileno() == -1
    assert owner.told == [("closed", "eof"), "gone"]


def test_buffer_has_a_least_size() -> None:
    with pytest.raises(ValueError, match="at least 4096 bytes, not 100"):
        ReceiveBuffer(100)
    assert ReceiveBuffer(4096).size == 4096
