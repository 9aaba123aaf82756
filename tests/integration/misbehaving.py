"""Servers that misbehave on purpose, each in its own way, and count what they do.

Run as a program, one process serves any number of them. It reads commands from standard input, one
JSON object a line, and answers each with a line:

    {"open": NAME, "certificate": PEM file or null}     -> {"port": PORT}
        also "client_ca": PEM file, "tls_max": name of a TLS version
    {"admit": PORT}                                     -> {}, of a server that is late
    {"truth": PORT}                                     -> {"received": 12, "dropped": 2, ...}
    {"accepted": PORT}                                  -> [instants of CLOCK_MONOTONIC in ns]
    {"close": PORT}                                     -> the same, and the server is gone"""

import asyncio
import contextlib
import json
import socket
import ssl
import sys
import time
from collections import Counter
from typing import Any

from tests.integration.behaviours import BEHAVIOURS
from tests.integration.peer import Peer

LATE_S = 0.7
"""So long after it was told to, `late` accepts."""


class Server:
    """A listening socket whose connections all get one behaviour."""

    def __init__(self, name: str) -> None:
        self.truth: Counter[str] = Counter()
        self.accepted_ns: list[int] = []
        self._behaviour = BEHAVIOURS[name]
        self._peers: list[Peer] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, command: dict[str, Any]) -> int:
        tls = _tls(command)
        self._server = await asyncio.start_server(self._visit, "127.0.0.1", 0, ssl=tls)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        peer = Peer(reader, writer, self.truth, self._peers)
        self._peers.append(peer)
        self.accepted_ns.append(time.monotonic_ns())
        self.truth["accepted"] += 1
        if tls := writer.get_extra_info("ssl_object"):
            self.truth["resumed"] += tls.session_reused
            self.truth[f"secured by {tls.version()}"] += 1
        self.truth[f"from {writer.get_extra_info('peername')[0]}"] += 1
        try:
            await self._behaviour(peer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._peers.remove(peer)
            self._tasks.discard(task)
            writer.close()


class Late(Server):
    """A server whose queue is full until it is told to admit: whoever comes early knocks again."""

    def __init__(self) -> None:
        super().__init__("echo")
        self._listener = socket.socket()
        self._fillers = [socket.socket() for _ in range(4)]

    async def listen(self, command: dict[str, Any]) -> int:
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        for filler in self._fillers:
            filler.setblocking(False)
            filler.connect_ex(self._listener.getsockname())
        return int(self._listener.getsockname()[1])

    def admit(self) -> None:
        """Accept in a while from now on."""
        self._opening = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        await asyncio.sleep(LATE_S)
        self._server = await asyncio.start_server(self._visit, sock=self._listener)

    async def close(self) -> None:
        await self._opening
        for filler in self._fillers:
            filler.close()
        await super().close()


def _tls(command: dict[str, Any]) -> ssl.SSLContext | None:
    if command.get("certificate") is None:
        return None
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(command["certificate"])
    if command.get("client_ca") is not None:
        tls.load_verify_locations(command["client_ca"])
        tls.verify_mode = ssl.CERT_REQUIRED
    if command.get("tls_max") is not None:
        tls.maximum_version = ssl.TLSVersion[command["tls_max"]]
    return tls


class Blackhole:
    """A listening socket whose queue is full: what comes is not answered at all."""

    def __init__(self) -> None:
        self.truth: Counter[str] = Counter()
        self.accepted_ns: list[int] = []
        self._listener = socket.socket()
        self._fillers = [socket.socket() for _ in range(4)]

    async def listen(self, command: dict[str, Any]) -> int:
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        for filler in self._fillers:
            filler.setblocking(False)
            filler.connect_ex(self._listener.getsockname())
        return int(self._listener.getsockname()[1])

    async def close(self) -> None:
        for sock in (self._listener, *self._fillers):
            sock.close()


async def serve_commands() -> None:
    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    servers: dict[int, Server | Blackhole] = {}
    while line := await commands.readline():
        print(json.dumps(await _obey(json.loads(line), servers)), flush=True)
    for server in servers.values():
        await server.close()


async def _obey(
    command: dict[str, Any], servers: dict[int, Server | Blackhole]
) -> dict[str, int] | list[int]:
    if "open" in command:
        name = command["open"]
        special = {"blackhole": Blackhole, "late": Late}
        server = special[name]() if name in special else Server(name)
        port = await server.listen(command)
        servers[port] = server
        return {"port": port}
    if "accepted" in command:
        return servers[command["accepted"]].accepted_ns
    if "admit" in command:
        late = servers[command["admit"]]
        assert isinstance(late, Late)
        late.admit()
        return {}
    if "truth" in command:
        return dict(servers[command["truth"]].truth)
    server = servers.pop(command["close"])
    await server.close()
    return dict(server.truth)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve_commands())
