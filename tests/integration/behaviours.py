"""What a misbehaving server does to a connection, by name."""

import asyncio
import json
import os
import struct
import zlib
from collections.abc import Awaitable, Callable

from websockets.frames import Frame, Opcode

from tests.integration.handshakes import HANDSHAKES, Behaviour, silent
from tests.integration.peer import Peer

# Echoed before what is wrong happens, where a behaviour has a part in which all goes well.
ECHOED_FIRST = 3
EVERY = 5


async def closes_with_the_response(peer: Peer) -> None:
    close = Frame(Opcode.CLOSE, struct.pack("!H", 1013)).serialize(mask=False)
    await peer.write(await peer.response() + close)
    await peer.until_gone()


async def greets_with_the_response(peer: Peer) -> None:
    hello = Frame(Opcode.TEXT, b'{"hello": "world"}').serialize(mask=False)
    await peer.write(await peer.response() + hello)
    await echo_on(peer)


async def echo_on(peer: Peer) -> None:
    async for payload in peer.messages():
        await peer.answer(payload)


async def echo(peer: Peer) -> None:
    await peer.upgrade()
    await echo_on(peer)


def breaking(act: Behaviour) -> Behaviour:
    """Echo some messages, then do something, then listen to what the client says to it."""

    async def serve(peer: Peer) -> None:
        await peer.upgrade()
        left = ECHOED_FIRST
        async for payload in peer.messages():
            await peer.answer(payload)
            left -= 1
            if left == 0:
                break
        await act(peer)
        if not peer.writer.is_closing():
            await peer.until_gone()

    return serve


def sending(data: bytes) -> Behaviour:
    return breaking(lambda peer: peer.write(data))


def closing(code: int | None) -> Behaviour:
    payload = b"" if code is None else struct.pack("!H", code)
    return sending(bytes([0x88, len(payload)]) + payload)


async def reset(peer: Peer) -> None:
    peer.reset()


async def write_past_tls(peer: Peer) -> None:
    """Put bytes into the stream that are no TLS record."""
    os.write(peer.writer.get_extra_info("socket").fileno(), b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def hang_up(peer: Peer) -> None:
    """Send FIN once all is read, so that it is no RST; then wait for the client to do the same."""
    peer.writer.write_eof()


def cut_short(data: bytes) -> Behaviour:
    async def act(peer: Peer) -> None:
        await peer.write(data)
        peer.writer.write_eof()

    return breaking(act)


async def never_ends(peer: Peer) -> None:
    """Answer the close frame and leave the connection open."""
    await echo(peer)
    await silent(peer)


async def never_answers_close(peer: Peer) -> None:
    await peer.upgrade()
    while True:
        for frame in await peer.next_frames():
            if frame.opcode is Opcode.TEXT:
                peer.truth["received"] += 1
                await peer.answer(bytes(frame.data))


async def stops_reading(peer: Peer) -> None:
    await peer.upgrade()
    peer.writer.transport.pause_reading()
    await asyncio.Event().wait()


async def hangs_up_and_stops_reading(peer: Peer) -> None:
    await peer.upgrade()
    peer.writer.transport.pause_reading()
    peer.writer.write_eof()
    await asyncio.Event().wait()


async def floods_with_pings(peer: Peer) -> None:
    await peer.upgrade()
    async for payload in peer.messages():
        for _ in range(10):
            await peer.send(b"are you there?", Opcode.PING)
            peer.truth["pings"] += 1
        await peer.answer(payload)


# Wrong answers.


def answering(act: Callable[[Peer, int, bytes], Awaitable[None]]) -> Behaviour:
    """Answer the messages of a connection, numbered from 1, each by `act`."""

    async def serve(peer: Peer) -> None:
        await peer.upgrade()
        number = 0
        async for payload in peer.messages():
            number += 1
            await act(peer, number, payload)

    return serve


async def dropping(peer: Peer, number: int, payload: bytes) -> None:
    if number % EVERY == 0:
        peer.truth["dropped"] += 1
    else:
        await peer.answer(payload)


async def dropping_all(peer: Peer, number: int, payload: bytes) -> None:
    peer.truth["dropped"] += 1


async def duplicating(peer: Peer, number: int, payload: bytes) -> None:
    await peer.answer(payload)
    if number % EVERY == 0:
        await peer.send(payload)
        peer.truth["again"] += 1


async def replaying(peer: Peer, number: int, payload: bytes) -> None:
    """Send all that came before once more, every so often."""
    await peer.answer(payload)
    peer.kept.append(payload)
    if number % EVERY == 0:
        for old in peer.kept:
            await peer.send(old)
        peer.truth["again"] += len(peer.kept)


async def reordering(peer: Peer, number: int, payload: bytes) -> None:
    """Hold every fifth message back until after the next one."""
    if number % EVERY == 0:
        peer.kept.append(payload)
        return
    await peer.answer(payload)
    while peer.kept:
        await peer.answer(peer.kept.pop())
        peer.truth["after_a_later_one"] += 1


def _damaging(place: int) -> Callable[[Peer, int, bytes], Awaitable[None]]:
    async def act(peer: Peer, number: int, payload: bytes) -> None:
        if number % EVERY == 0:
            other = b"1" if payload[place : place + 1] != b"1" else b"2"
            await peer.send(payload[:place] + other + payload[place + 1 :])
            peer.truth["damaged"] += 1
        else:
            await peer.answer(payload)

    return act


async def truncating(peer: Peer, number: int, payload: bytes) -> None:
    if number % EVERY == 0:
        await peer.send(payload[:30])
        peer.truth["damaged"] += 1
    else:
        await peer.answer(payload)


async def holding_back(peer: Peer, number: int, payload: bytes) -> None:
    """Answer every fifth message 0.8 s later."""
    if number % EVERY == 0:
        peer.truth["held"] += 1
        frame = Frame(Opcode.TEXT, payload).serialize(mask=False)
        asyncio.get_running_loop().call_later(0.8, peer.writer.write, frame)
    else:
        await peer.answer(payload)


async def misrouting(peer: Peer, number: int, payload: bytes) -> None:
    """Answer every fifth message to another connection."""
    others = [other for other in peer.others if other is not peer]
    if number % EVERY == 0 and others:
        await others[0].send(payload)
        peer.truth["misrouted"] += 1
    else:
        await peer.answer(payload)


async def batching(peer: Peer, number: int, payload: bytes) -> None:
    """Answer with lists in JSON, two messages in each."""
    peer.kept.append(payload)
    if number % 2 == 0:
        await peer.send(json.dumps([kept.decode() for kept in peer.kept]).encode())
        peer.truth["answered"] += len(peer.kept)
        peer.kept.clear()


async def fragmenting(peer: Peer, number: int, payload: bytes) -> None:
    """Answer in three fragments, with a ping between them."""
    await peer.send(payload[:10], fin=False)
    await peer.send(b"", Opcode.PING)
    await peer.send(payload[10:40], Opcode.CONT, fin=False)
    await peer.send(payload[40:], Opcode.CONT)
    peer.truth["answered"] += 1


async def chattering(peer: Peer, number: int, payload: bytes) -> None:
    await peer.send(b'{"type": "notice", "text": "nothing of yours"}')
    peer.truth["chatter"] += 1
    await peer.answer(payload)


_remembered: list[bytes] = []


async def remembers(peer: Peer) -> None:
    """Greet with the first message that it has ever seen."""
    await peer.upgrade()
    for payload in _remembered:
        await peer.send(payload)
        peer.truth["remembered"] += 1
    async for payload in peer.messages():
        if not _remembered:
            _remembered.append(payload)
        await peer.answer(payload)


# The first bytes of a binary message in three fragments.
_FRAGMENTS = (b"\x02", b"\x00", b"\x80")


def deflating(act: Behaviour, **parameters: bool | int) -> Behaviour:
    """Agree to permessage-deflate, then act."""

    async def serve(peer: Peer) -> None:
        peer.compress(**parameters)
        await act(peer)

    return serve


def deflated(size: int) -> bytes:
    """Give a frame with zeros, compressed to a thousandth."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packer.compress(bytes(size)) + packer.flush(zlib.Z_SYNC_FLUSH)
    return b"\xc2\x7f" + (len(data) - 4).to_bytes(8) + data[:-4]


BEHAVIOURS: dict[str, Behaviour] = {
    **HANDSHAKES,
    "deflates": deflating(echo),
    "deflates_alone": deflating(
        echo, server_no_context_takeover=True, client_no_context_takeover=True
    ),
    "deflates_narrowly": deflating(echo, server_max_window_bits=9, client_max_window_bits=9),
    "deflate_bomb": deflating(sending(deflated(100 << 20))),
    "deflate_noise": deflating(sending(b"\xc1\x01\x07")),
    "deflate_bad_utf8": deflating(sending(b"\xc1\x0b\x00\x05\x00\xfa\xffHe\xfflo\x00")),
    "closes_with_the_response": closes_with_the_response,
    "greets_with_the_response": greets_with_the_response,
    "echo": echo,
    "reset": breaking(reset),
    "eof": breaking(hang_up),
    "past_tls": breaking(write_past_tls),
    "half_a_frame": cut_short(b"\x81\x7e\x01\x00half a frame"),
    "half_a_header": cut_short(b"\x81"),
    "close_1000": closing(1000),
    "close_1001": closing(1001),
    "close_1011": closing(1011),
    "close_4000": closing(4000),
    "close_without_code": closing(None),
    "close_1006": closing(1006),
    "close_with_half_a_code": sending(b"\x88\x01\x03"),
    "masked": sending(Frame(Opcode.TEXT, b"masked").serialize(mask=True)),
    "compressed": sending(b"\xc1\x03\xf2H\xcd"),
    "bad_utf8": sending(b"\x81\x04\xf0\x28\x8c\xbc"),
    "continuation": sending(b"\x80\x02ab"),
    "reserved_opcode": sending(b"\x83\x00"),
    "fragmented_ping": sending(b"\x09\x00"),
    "long_ping": sending(b"\x89\x7e\x00\x7e" + bytes(126)),
    "endless_length": sending(b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"),
    "huge_frame": sending(b"\x82\x7f" + (1 << 40).to_bytes(8)),
    "huge_message": sending(b"".join(head + b"\x7e\x02\x00" + bytes(512) for head in _FRAGMENTS)),
    "noise": sending(b"\xff\xfe\xfd\xfc" * 100),
    "never_ends": never_ends,
    "never_answers_close": never_answers_close,
    "stops_reading": stops_reading,
    "hangs_up_and_stops_reading": hangs_up_and_stops_reading,
    "floods_with_pings": floods_with_pings,
    "drops": answering(dropping),
    "drops_all": answering(dropping_all),
    "duplicates": answering(duplicating),
    "replays": answering(replaying),
    "reorders": answering(reordering),
    "damages": answering(_damaging(10)),
    "damages_the_check": answering(_damaging(51)),
    "hides": answering(_damaging(2)),
    "truncates": answering(truncating),
    "holds_back": answering(holding_back),
    "misroutes": answering(misrouting),
    "batches": answering(batching),
    "fragments": answering(fragmenting),
    "chatters": answering(chattering),
    "remembers": remembers,
}
