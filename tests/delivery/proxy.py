"""A TCP proxy that harms deliveries on their way, and puts down what it did to which.

It stands in front of a chat server and takes apart what comes from there with the frames of the
`websockets` library; what is not a message with a marker passes byte by byte. Writes are split at
random places.

Usage: python -m tests.delivery.proxy UPSTREAM_PORT FAULTS TRUTH
"""

import asyncio
import contextlib
import logging
import random
import signal
import socket
import struct
import sys
from collections import Counter
from collections.abc import Coroutine, Generator, Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.frames import Close, Frame, Opcode
from websockets.streams import StreamReader

from tests.delivery.faults import Dice, Fate, Faults
from tests.delivery.record import Peer, Record
from tests.delivery.token import Token, damage, find_token

HOLD_S = 0.05
"""A reordered delivery waits for the next one, but not longer than this."""

CHUNK_BYTES = 65536
SPLIT_SHARE = 0.2
MARKED = (Opcode.TEXT, Opcode.BINARY)
_ENDINGS = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError)


class Frames:
    """What a server says once its handshake is over, frame by frame."""

    def __init__(self) -> None:
        self._reader = StreamReader()
        self._parser = self._parse()

    def feed(self, data: bytes) -> Iterator[Frame]:
        self._reader.feed_data(data)
        while (frame := next(self._parser)) is not None:
            yield frame

    def _parse(self) -> Generator[Frame | None, None, None]:
        """None where there is no whole frame yet."""
        while True:
            frame = yield from Frame.parse(self._reader.read_exact, mask=False)
            yield frame


class EndedError(Exception):
    """The connection was cut."""


class Passage:
    """One connection's way from the server to the client."""

    def __init__(
        self, peer: Peer, record: Record, dice: Dice, client: asyncio.StreamWriter
    ) -> None:
        self.peer, self.record, self.dice, self.client = peer, record, dice, client
        self._held: tuple[Frame, Token, Fate] | None = None
        self._patience: asyncio.Task[None] | None = None
        self._splits = random.Random(peer.connection)
        # Whoever writes is not to be interrupted between two pieces of a frame.
        self._pen = asyncio.Lock()

    async def run(self, server: asyncio.StreamReader) -> None:
        """Pass on what comes until the server ends, or the connection is cut."""
        response = await server.readuntil(b"\r\n\r\n")
        await self.write(response)
        if not response.startswith(b"HTTP/1.1 101 "):
            await pipe(server, self.client)
            return
        frames = Frames()
        with contextlib.suppress(EndedError):
            while data := await server.read(CHUNK_BYTES):
                for frame in frames.feed(data):
                    async with self._pen:
                        await self.deliver(frame)
            async with self._pen:
                await self.let_go()
                end_of_stream(self.client)

    async def deliver(self, frame: Frame) -> None:
        """Do to a frame what the dice say, and to no other than a message with a marker."""
        token = find_token(bytes(frame.data)) if frame.opcode in MARKED and frame.fin else None
        if token is None:
            await self.let_go()
            await self.write(frame.serialize(mask=False))
            return
        self.record.note("seen", self.peer, token)
        fate = self.dice.draw()
        if fate.cut is not None:
            self.cut(fate.cut, token)
        if fate.drop:
            self.record.note("dropped", self.peer, token)
            return
        if fate.delay_s:
            # Whatever comes behind it waits too: the order stays, and all is late.
            await asyncio.sleep(fate.delay_s)
        if fate.reorder and self._held is None:
            self.record.note("reordered", self.peer, token)
            self._held = frame, token, fate
            self._patience = asyncio.create_task(self.wait_no_longer())
            return
        await self.emit(frame, token, fate)
        await self.let_go()

    async def emit(self, frame: Frame, token: Token, fate: Fate) -> None:
        """Write a delivery in what forms it is to have."""
        plain = frame.serialize(mask=False)
        forms = [("sent", plain)]
        if fate.places is not None:
            harmed = Frame(frame.opcode, damage(bytes(frame.data), *fate.places))
            forms = [("damaged", harmed.serialize(mask=False))]
        if fate.duplicate:
            forms.append(("duplicated", plain))
        for event, data in forms:
            if self.client.is_closing():
                self.record.note("unsent", self.peer, token)
                raise EndedError
            self.record.note(event, self.peer, token)
            await self.write(data)

    async def let_go(self) -> None:
        """Write what was held back."""
        if self._held is not None:
            held, self._held = self._held, None
            await self.emit(*held)

    async def wait_no_longer(self) -> None:
        held = self._held
        await asyncio.sleep(HOLD_S)
        async with self._pen:
            if self._held is held:
                with contextlib.suppress(EndedError):
                    await self.let_go()

    async def write(self, data: bytes) -> None:
        """Write, now and then in two pieces with a turn of the loop between them."""
        if len(data) > 1 and self._splits.random() < SPLIT_SHARE:
            place = self._splits.randrange(1, len(data))
            self.client.write(data[:place])
            await asyncio.sleep(0)
            data = data[place:]
        self.client.write(data)

    def cut(self, how: str, token: Token) -> None:
        """End the connection in place of a delivery; what is held back stays unwritten."""
        self.record.note("unsent", self.peer, token)
        if self._held is not None:
            self.record.note("unsent", self.peer, self._held[1])
            self._held = None
        self.record.note(how, self.peer)
        if how == "cut_close":
            close = Frame(Opcode.CLOSE, Close(1001, "cut").serialize())
            self.client.write(close.serialize(mask=False))
        if how == "cut_reset":
            sock = self.client.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.client.transport.abort()
        else:
            end_of_stream(self.client)
        raise EndedError


def end_of_stream(writer: asyncio.StreamWriter) -> None:
    if not writer.is_closing():
        writer.write_eof()


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass everything on, byte by byte."""
    while data := await reader.read(CHUNK_BYTES):
        if not writer.is_closing():
            writer.write(data)
    end_of_stream(writer)


async def both(*ways: Coroutine[Any, Any, None]) -> None:
    """Wait for both ways; when one breaks, the other is over too."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Proxy:
    """Takes connections and opens one to the server for each."""

    def __init__(self, upstream_port: int, faults: Faults) -> None:
        self.upstream_port, self.faults = upstream_port, faults
        self.record = Record()
        self._numbers = count()
        self._turns: Counter[str] = Counter()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = None
        # Whoever ends in whatever way, also by the end of the program: the connection is over.
        with contextlib.suppress(*_ENDINGS):
            request = await reader.readuntil(b"\r\n\r\n")
            peer = self.peer_of(request)
            self.record.note("opened", peer)
            server, upstream = await asyncio.open_connection("127.0.0.1", self.upstream_port)
            upstream.write(request)
            dice = Dice(self.faults, peer.user, self._turns[peer.user])
            self._turns[peer.user] += 1
            passage = Passage(peer, self.record, dice, writer)
            await both(passage.run(server), pipe(reader, upstream))
        for ending in (writer, upstream):
            if ending is not None:
                ending.close()
                with contextlib.suppress(*_ENDINGS):
                    await ending.wait_closed()

    def peer_of(self, request: bytes) -> Peer:
        path = request.split(b" ", 2)[1].decode()
        values = parse_qs(urlsplit(path).query)
        user, room = (values.get(name, [""])[0] for name in ("user", "room"))
        return Peer(next(self._numbers), user, room)


async def serve(upstream_port: int, faults: Faults, truth: Path) -> None:
    proxy = Proxy(upstream_port, faults)
    server = await asyncio.start_server(proxy.handle, "127.0.0.1", 0, backlog=1024)
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    port = server.sockets[0].getsockname()[1]
    print(f"listening on ws://127.0.0.1:{port}/", flush=True)
    await told.wait()
    server.close()
    proxy.record.write(truth)


def main(upstream_port: str, faults: str, truth: str) -> None:
    # It warns of each write to a connection that the other side has just ended.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    asyncio.run(serve(int(upstream_port), Faults.from_text(faults), Path(truth)))


if __name__ == "__main__":
    main(*sys.argv[1:])
