"""The bare C server against the `websockets` library and against literal bytes."""

import asyncio
import json
import socket
import struct

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 section 1.3
REQUEST = (
    "GET / HTTP/1.1\r\nHost: x\r\nupgrade: WebSocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
).encode()


def masked(first: int, payload: bytes) -> bytes:
    key = b"\x01\x02\x03\x04"
    body = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
    return bytes([first, 0x80 | len(payload)]) + key + body


def talk(port: int, pieces: list[bytes], enough: int) -> bytes:
    """Sends the pieces one by one and reads until enough bytes have come or the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as conversation:
        conversation.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            conversation.sendall(piece)
        answer = b""
        while len(answer) < enough and (more := conversation.recv(65536)):
            answer += more
    return answer


def test_echoes_text_binary_and_all_lengths(start_server, stop_server):
    process, port = start_server()

    async def converse():
        async with connect(f"ws://127.0.0.1:{port}/", compression=None, max_size=None) as client:
            for size in (0, 1, 125, 126, 65535, 65536, 1 << 20):
                for message in ("é" * (size // 2), b"\x00" * size):
                    await client.send(message)
                    assert await client.recv() == message
            await asyncio.wait_for(await client.ping(b"x" * 125), 5)
        assert client.close_code == 1000

    asyncio.run(converse())
    load = json.loads(stop_server(process))["load"]
    assert (load["messages"], load["upgraded"], load["open"]) == (14, 1, 0)
    assert (load["ended_clean"], load["ended_otherwise"], load["errors"]) == (1, 0, 0)


def test_accepts_with_the_key_of_the_rfc_and_any_split(start_server, stop_server):
    process, port = start_server()
    frames = masked(0x81, b"Hello") + masked(0x01, b"Hel") + masked(0x80, b"lo")
    pieces = [bytes([byte]) for byte in REQUEST + frames]
    answer = talk(port, pieces, enough=129 + 7 + 5 + 4)
    head, _, echoes = answer.partition(b"\r\n\r\n")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    assert echoes == b"\x81\x05Hello\x01\x03Hel\x80\x02lo"
    assert json.loads(stop_server(process))["load"]["messages"] == 2


def test_requests_that_are_no_upgrade_get_400(start_server, stop_server):
    process, port = start_server()
    answer = talk(port, [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"], enough=1 << 20)
    assert answer.startswith(b"HTTP/1.1 400 ")
    load = json.loads(stop_server(process))["load"]
    assert (load["upgraded"], load["errors"]) == (0, 1)


@pytest.mark.parametrize(
    "frame",
    [
        b"\x81\x05Hello",  # not masked
        masked(0xC1, b"x"),  # reserved bit
        masked(0x83, b"x"),  # reserved opcode
        masked(0x09, b"x"),  # fragmented control frame
        b"\x82\xff" + struct.pack(">Q", 1 << 40) + b"\x01\x02\x03\x04",  # too long
    ],
)
def test_bad_frames_end_the_connection(start_server, stop_server, frame):
    process, port = start_server()
    answer = talk(port, [REQUEST, frame], enough=1 << 20)
    assert answer.partition(b"\r\n\r\n")[2] == b""
    load = json.loads(stop_server(process))["load"]
    assert (load["messages"], load["errors"], load["ended_otherwise"]) == (0, 1, 1)


def test_one_that_does_not_read_loses_nothing(start_server, stop_server):
    process, port = start_server()
    count = 60

    async def converse():
        async with connect(f"ws://127.0.0.1:{port}/", compression=None, max_queue=1) as client:
            sending = asyncio.create_task(send_all(client))
            await asyncio.wait({sending}, timeout=0.3)
            for index in range(count):
                assert await client.recv() == bytes([index]) * 500_000
            await sending

    async def send_all(client):
        for index in range(count):
            await client.send(bytes([index]) * 500_000)

    asyncio.run(converse())
    assert json.loads(stop_server(process))["load"]["messages"] == count


def test_probe_connections_have_counters_of_their_own(start_server, stop_server, tmp_path):
    counters = tmp_path / "counters"
    process, port = start_server("--counters", str(counters))

    async def converse():
        async with (
            connect(f"ws://127.0.0.1:{port}/probe") as probe,
            connect(f"ws://127.0.0.1:{port}/") as load,
        ):
            for client in (probe, load, load):
                await client.send("x")
                await client.recv()
            return struct.unpack("=16Q", counters.read_bytes())

    seen = asyncio.run(converse())
    assert (seen[:3], seen[8:11]) == ((1, 1, 2), (1, 1, 1))
    assert json.loads(stop_server(process))["probe"]["messages"] == 1


def test_reset_connections_are_counted(start_server, stop_server):
    process, port = start_server()

    async def converse():
        client = await connect(f"ws://127.0.0.1:{port}/")
        linger = struct.pack("ii", 1, 0)
        client.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, linger
        )
        client.transport.abort()
        with pytest.raises(ConnectionClosed):
            await client.recv()
        async with connect(f"ws://127.0.0.1:{port}/") as other:
            await other.send("x")
            await other.recv()

    asyncio.run(converse())
    load = json.loads(stop_server(process))["load"]
    assert (load["ended_otherwise"], load["ended_clean"]) == (1, 1)
