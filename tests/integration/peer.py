"""One connection of a misbehaving server: the right way, of which behaviours do parts.

Frames are read and written by the `websockets` library, so that nothing here shares a mistake with
what is tested.
"""

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol


class Peer:
    """One connection of a misbehaving server."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        truth: Counter[str],
        others: list["Peer"],
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.truth = truth
        self.others = others
        self.kept: list[bytes] = []
        self._protocol = ServerProtocol(max_size=None)
        self._compresses = False
        self._frames: list[Frame] = []

    def compress(self, **parameters: bool | int) -> None:
        """Agree to permessage-deflate, with the library's parameters, and count all bytes.

        To be called before the request is read.
        """
        factory = ServerPerMessageDeflateFactory(**parameters)  # type: ignore[arg-type]
        self._protocol = ServerProtocol(max_size=None, extensions=[factory])
        self._compresses = True

    async def request(self) -> Request:
        """Read the request; nothing is answered."""
        while True:
            await self._read()
            for event in self._protocol.events_received():
                assert isinstance(event, Request)
                return event

    async def response(self) -> bytes:
        """Read the request and give the right answer to it."""
        self._protocol.send_response(self._protocol.accept(await self.request()))
        return b"".join(self._protocol.data_to_send())

    async def upgrade(self) -> None:
        await self.write(await self.response())
        self.truth["upgraded"] += 1

    async def messages(self) -> AsyncIterator[bytes]:
        """Give what comes until the client closes or is gone; answers pings and the close frame."""
        while True:
            for frame in await self.next_frames():
                if frame.opcode is Opcode.TEXT:
                    self.truth["received"] += 1
                    self._count("payload_in", len(frame.data))
                    yield bytes(frame.data)
                elif frame.opcode is Opcode.PONG:
                    self.truth["pongs"] += 1
                elif frame.opcode is Opcode.CLOSE:
                    self.truth[f"close_{int.from_bytes(frame.data[:2])}"] += 1
                    await self.write(b"".join(self._protocol.data_to_send()))
                    return

    def _count(self, what: str, size: int) -> None:
        if self._compresses:
            self.truth[what] += size

    async def write(self, data: bytes) -> None:
        self._count("bytes_out", len(data))
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, payload: bytes) -> None:
        await self.send(payload)
        self.truth["answered"] += 1

    async def send(self, payload: bytes, opcode: Opcode = Opcode.TEXT, **bits: bool) -> None:
        if opcode is Opcode.TEXT:
            self._count("payload_out", len(payload))
        frame = Frame(opcode, payload, **bits)
        await self.write(frame.serialize(mask=False, extensions=self._protocol.extensions))

    async def until_gone(self) -> None:
        """Read until the client ends the connection; its close code is counted."""
        async for _ in self.messages():
            pass

    def reset(self) -> None:
        """End with RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def next_frames(self) -> list[Frame]:
        await self._read()
        return [event for event in self._protocol.events_received() if isinstance(event, Frame)]

    async def _read(self) -> None:
        data = await self.reader.read(65536)
        if not data:
            raise ConnectionResetError
        self._count("bytes_in", len(data))
        self._protocol.receive_data(data)
