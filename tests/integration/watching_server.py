"""An echo server that watches its clients: python -m tests.integration.watching_server [CERT].

The first line printed is the port; then follows a line of JSON for each connection when it has
ended, with what was seen of it. Frames are taken apart by the few lines below, because the clients
that are watched break the rules. Each client is pinged all the time: one that does not read gives
no answer. `mute` in the URL: close frames are not answered.
"""

import asyncio
import contextlib
import json
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).parents[2]
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_PING_EVERY_S = 0.02
_TCPI_SND_WND = 228


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.path = ""
        self.mute = False
        self.seen: dict[str, Any] = {
            "request_reads": 0,
            "pings_sent": 0,
            "pongs": 0,
            "longest_silence_s": 0.0,
            "pings": 0,
            "fragments": 0,
            "largest_fragment": 0,
            "texts": 0,
            "broken": "",
            "end": "",
            "reason": "",
            "window": 0,
        }
        self.heard_s = time.monotonic()

    async def serve(self) -> None:
        begun_s = time.monotonic()
        request = b""
        while b"\r\n\r\n" not in request:
            piece = await self.reader.read(4096)
            if not piece:
                return
            self.seen["request_reads"] += 1
            request += piece
        self.seen["request_s"] = time.monotonic() - begun_s
        head = request.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        self.path = head[0].split()[1]
        self.mute = "mute" in self.path
        fields = dict(line.split(": ", 1) for line in head[1:])
        names = {name.lower(): value for name, value in fields.items()}
        accept = b64encode(sha1(names["sec-websocket-key"].encode() + _GUID).digest()).decode()
        self.writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        self.heard_s = time.monotonic()
        pinging = asyncio.create_task(self._ping())
        try:
            await self._read_frames()
        finally:
            pinging.cancel()

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(_PING_EVERY_S)
            self.writer.write(b"\x89\x00")
            self.seen["pings_sent"] += 1
            self._listen()
            sock = self.writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
                if len(info) >= _TCPI_SND_WND + 4:
                    self.seen["window"] = struct.unpack_from("I", info, _TCPI_SND_WND)[0]

    def _listen(self) -> None:
        silence_s = time.monotonic() - self.heard_s
        self.seen["longest_silence_s"] = max(self.seen["longest_silence_s"], silence_s)

    async def _read_frames(self) -> None:
        while True:
            head = await self.reader.readexactly(2)
            fin, reserved, opcode = head[0] >> 7, head[0] >> 4 & 7, head[0] & 15
            masked, length = head[1] >> 7, head[1] & 127
            if length == 126:
                (length,) = struct.unpack("!H", await self.reader.readexactly(2))
            key = await self.reader.readexactly(4) if masked else b"\0\0\0\0"
            data = bytes(
                byte ^ key[i % 4] for i, byte in enumerate(await self.reader.readexactly(length))
            )
            if not masked:
                self.seen["broken"] = "mask"
            elif reserved:
                self.seen["broken"] = "reserved bits"
            elif opcode not in (0, 1, 2, 8, 9, 10):
                self.seen["broken"] = "opcode"
            elif opcode >= 8 and (not fin or length > 125):
                self.seen["broken"] = "control frame"
            elif opcode == 0 and not self.seen["open_message"]:
                self.seen["broken"] = "continuation"
            if self.seen["broken"]:
                self.seen["end"] = "refused"
                self.writer.write(b"\x88\x02\x03\xea")
                return
            if self._take(fin, opcode, data):
                return

    def _take(self, fin: int, opcode: int, data: bytes) -> bool:
        """Handle a sound frame; return whether it was the last one."""
        if opcode == 10:
            self.seen["pongs"] += 1
            self._listen()
            self.heard_s = time.monotonic()
        elif opcode == 9:
            self.seen["pings"] += 1
            self.writer.write(bytes([0x8A, len(data)]) + data)
        elif opcode == 8:
            self.seen["end"] = f"close_{int.from_bytes(data[:2])}"
            self.seen["reason"] = data[2:].decode()
            if not self.mute:
                self.writer.write(bytes([0x88, len(data)]) + data)
            return not self.mute
        else:
            begun = b"" if opcode else self.message
            self.message = begun + data
            self.seen["fragments"] += not fin or not opcode
            if not fin or not opcode:
                self.seen["largest_fragment"] = max(self.seen["largest_fragment"], len(data))
            self.seen["open_message"] = not fin
            if fin:
                self.seen["texts"] += 1
                assert len(self.message) < 126
                self.writer.write(bytes([0x81, len(self.message)]) + self.message)
        return False


async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    client = Client(reader, writer)
    client.seen["open_message"] = False
    client.message = b""
    try:
        await client.serve()
    except asyncio.IncompleteReadError:
        client.seen["end"] = client.seen["end"] or "eof"
    except ConnectionResetError:
        client.seen["end"] = client.seen["end"] or "reset"
    client._listen()
    query = parse_qs(urlsplit(client.path).query)
    print(json.dumps({"user": int(query.get("user", ["-1"])[0]), **client.seen}), flush=True)
    writer.close()


async def main(certificate: str = "") -> None:
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(visit, "127.0.0.1", 0, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    await stop.wait()
    server.close()


class Watch:
    """A watching server of a test."""

    def __init__(self, process: "subprocess.Popen[str]", scheme: str) -> None:
        self._process = process
        assert process.stdout is not None
        self.url = f"{scheme}://127.0.0.1:{int(process.stdout.readline())}/?user={{{{user}}}}"

    def seen(self, count: int) -> dict[int, dict[str, Any]]:
        """Return what was seen of the next `count` connections to end, by number of their user."""
        assert self._process.stdout is not None
        lines = [json.loads(self._process.stdout.readline()) for _ in range(count)]
        return {line["user"]: line for line in lines}


@contextmanager
def watching(certificate: Path | None = None) -> Iterator[Watch]:
    arguments = [] if certificate is None else [str(certificate)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.watching_server", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Watch(process, "ws" if certificate is None else "wss")
    finally:
        process.terminate()
        process.communicate()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
