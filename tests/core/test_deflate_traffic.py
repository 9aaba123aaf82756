"""Compressed messages on connections: what is sent, echoed, joined and counted."""

import asyncio
import zlib
from collections.abc import Iterator

import pytest

from surgewire._core import frame, marker
from surgewire._core.clock import now_ns
from surgewire._core.connection import Connection
from surgewire._core.deflate import Compressor, Terms
from surgewire._core.echo import EchoPeer, EchoService
from surgewire._core.frame import Decoder
from surgewire._core.pacer import Schedule
from surgewire._core.traffic import COUNTERS
from tests.core.chat_rig import Party
from tests.core.rig import FIRST_USER, SECOND_NS, Rig
from tests.core.wire import BUFFER, Owner, Passed, Transport, feed

TERMS = [
    Terms(),
    Terms(sends_takeover=False, receives_takeover=False),
    Terms(sends_bits=9, receives_bits=9, level=1),
]


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


def compressed(payload: bytes, opcode: int = frame.TEXT, key: bytes | None = None) -> bytes:
    encoded = frame.encode(opcode, payload, mask_key=key)
    return bytes([encoded[0] | 0x40]) + encoded[1:]


@pytest.mark.parametrize("terms", TERMS, ids=str)
def test_planned_messages_leave_compressed_and_their_echoes_are_booked(
    terms: Terms, loop: asyncio.AbstractEventLoop
) -> None:
    rig = Rig(
        loop, 2, Schedule.constant(FIRST_USER + 2, 1000, SECOND_NS), after=b"x" * 500, deflate=terms
    )
    packers = [Compressor(terms) for _ in range(2)]
    try:
        assert [user.is_deflated for user in rig.users] == [True, True]
        start_ns = now_ns() - SECOND_NS // 20
        rig.traffic.start(start_ns, start_ns, start_ns + 3600 * SECOND_NS)
        rig.wake()
        sent = 0
        for index, packer in enumerate(packers):
            payloads = rig.payloads(index)
            assert all(len(payload) == 552 for payload in payloads)
            sent += len(payloads)
            found = [marker.find_all(payload)[0][1] for payload in payloads]
            assert [m.sequence for m in found if m] == list(range(1, len(payloads) + 1))
            for payload in payloads:
                feed(rig.users[index], compressed(packer.compress(payload)))
        booked = rig.booked()
    finally:
        rig.close()
    assert sent >= 40
    assert booked["sent"] == booked["delivered"] == sent
    assert rig.counted("payload_bytes_out") == rig.counted("payload_bytes_in") == 552 * sent
    assert rig.counted("bytes_out") < 200 * sent
    assert rig.counted("bytes_in") < 200 * sent


def test_payload_is_counted_without_compression_too(loop: asyncio.AbstractEventLoop) -> None:
    rig = Rig(loop, 1, Schedule.constant(FIRST_USER + 1, 1000, SECOND_NS), after=b"x" * 200)
    try:
        assert not rig.users[0].is_deflated
        start_ns = now_ns() - SECOND_NS // 100
        rig.traffic.start(start_ns, start_ns, start_ns + 3600 * SECOND_NS)
        rig.wake()
        payloads = rig.payloads(0)
        rig.answer(0, *payloads)
    finally:
        rig.close()
    total = sum(map(len, payloads))
    assert total == 252 * len(payloads) > 0
    assert rig.counted("payload_bytes_out") == rig.counted("payload_bytes_in") == total
    assert rig.counted("bytes_out") == len(b"ask?") + total + 8 * len(payloads)


def test_a_connection_that_breaks_takes_no_payload(loop: asyncio.AbstractEventLoop) -> None:
    rig = Rig(loop, 1, Schedule.constant(FIRST_USER + 1, 1000, SECOND_NS), deflate=Terms())
    try:
        rig.transports[0].peer.close()
        start_ns = now_ns() - SECOND_NS // 100
        rig.traffic.start(start_ns, start_ns, start_ns + 3600 * SECOND_NS)
        rig.wake()
    finally:
        rig.close()
    assert rig.counted("skipped") == rig.counted("planned") >= 1
    assert rig.counted("payload_bytes_out") == 0


@pytest.mark.parametrize("client", [True, False], ids=["client", "server"])
@pytest.mark.parametrize("terms", TERMS, ids=str)
def test_an_echo_peer_answers_compressed_messages_compressed(
    terms: Terms, client: bool, loop: asyncio.AbstractEventLoop
) -> None:
    transport, service = Transport(), EchoService(loop)
    peer = EchoPeer(BUFFER, Owner(), Passed(terms), service, client=client)
    try:
        peer.connection_made(transport)
        feed(peer, b"okay")
        assert transport.sent() == b"ask?"
        packer, reader = Compressor(terms), Decoder("server" if client else "client", deflate=terms)
        key = None if client else b"\x01\x02\x03\x04"
        for payload in (b"", b"Hello", b"Hello" * 1000, bytes(range(100)) * 600):
            data = packer.compress(payload)
            feed(peer, compressed(data, frame.BINARY, key) + frame.encode(9, b"?", mask_key=key))
            answer = transport.sent()
            events = reader.feed(answer)
            assert sorted(event.kind for event in events) == ["message", "pong"]
            assert [e.payload for e in events if e.kind == "message"] == [payload]
            assert len(answer) < len(payload) // 2 + 40
    finally:
        service.close()
        transport.shut()


def test_a_chat_is_compressed_from_the_join_on(loop: asyncio.AbstractEventLoop) -> None:
    party = Party(
        loop,
        users=3,
        deflate=Terms(sends_takeover=False),
        join=False,
        parts=(("marker",), b" said with many words" * 20),
    )
    try:
        for person in party.people:
            person.user.ask(b"please let me in " * 50)
            asked = person.transport.sent()
            assert asked[0] == 0x80 | 0x40 | frame.TEXT
            assert len(asked) < 100
            (event,) = Decoder("server", deflate=Terms()).feed(asked)
            assert event.payload == b"please let me in " * 50
            party.traffic_of(person).joined(person.user)
        party.begin(2)
        said = party.said()
        party.relay(said)
        party.finish()
        booked = party.booked()
    finally:
        party.close()
    assert booked["sent"] == len(said) == 6
    assert booked["delivered"] == booked["expected"] == 18
    counted = dict(zip(COUNTERS, party.counters.tolist(), strict=True))
    assert counted["payload_bytes_out"] == 3 * 850 + 6 * 472
    assert counted["payload_bytes_in"] == 18 * 472


@pytest.mark.parametrize(
    ("data", "kind", "code"),
    [
        (b"\x07", "protocol_deflate", 1007),
        (zlib.compress(b"\xff\xfe" * 50, wbits=-15), "protocol_utf8", 1007),
        (zlib.compress(bytes(5000), wbits=-15), "protocol_message_limit", 1009),
    ],
)
def test_what_is_wrong_ends_the_connection_by_name(data: bytes, kind: str, code: int) -> None:
    transport, owner = Transport(), Owner()
    connection = Connection(BUFFER, owner, Passed(Terms()), max_message_bytes=4096)
    connection.connection_made(transport)
    try:
        feed(connection, b"okay")
        assert transport.sent() == b"ask?"
        feed(connection, compressed(data))
        (close,) = Decoder("server").feed(transport.sent())
    finally:
        transport.shut()
    assert owner.told == ["opened", ("closed", kind)]
    assert close.close_code == code
