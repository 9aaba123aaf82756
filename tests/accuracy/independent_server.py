"""An echo server with nothing of ours in it: plain asyncio and the websockets library.

It delays as it is told, keeps a record of its own of every message that carries a marker, and can
measure round trips from its side with pings. What it has seen goes to a file when it is ended. The
marker is read by the rule that the documentation gives, not by our code.

Usage: independent_server.py DELAY TRUTH [PING_EVERY_MS]
"""

import asyncio
import json
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

# Clearly more than one in a hundred of the mixture's delays is long (see test_delays).
SEED = 47
# Behind the prefix, digits of base 32: run 6, room 6, worker 2, sequence 8, planned 12 ...
PREFIX, ROOM, SEQUENCE, PLANNED = b"SWX1", slice(10, 16), slice(18, 26), slice(26, 38)


class Record:
    """What happened, in ns of CLOCK_MONOTONIC."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, int, int, int, int]] = []
        self.round_trips_ns: list[int] = []

    def message(self, payload: bytes, received_ns: int, sent_ns: int) -> None:
        start = payload.find(PREFIX)
        if start >= 0:
            token = payload[start:]
            room, sequence, planned_ns = (
                int(token[part], 32) for part in (ROOM, SEQUENCE, PLANNED)
            )
            self.messages.append((room, sequence, planned_ns, received_ns, sent_ns))

    def write(self, path: Path) -> None:
        path.write_text(
            json.dumps({"messages": self.messages, "round_trips_ns": self.round_trips_ns})
        )


class Echo(asyncio.Protocol):
    """One connection."""

    alive: ClassVar[set["Echo"]] = set()

    def __init__(self, record: Record, draw_s: Callable[[], float]) -> None:
        self.record, self.draw_s = record, draw_s
        self.websocket = ServerProtocol()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.alive.discard(self)

    def data_received(self, data: bytes) -> None:
        received_ns = time.monotonic_ns()
        self.websocket.receive_data(data)
        for event in self.websocket.events_received():
            if isinstance(event, Request):
                self.websocket.send_response(self.websocket.accept(event))
                self.alive.add(self)
            elif event.opcode is Opcode.TEXT:
                self.take(event, received_ns)
            elif event.opcode is Opcode.PONG:
                self.record.round_trips_ns.append(received_ns - int(event.data))
        self.flush()

    def take(self, frame: Frame, received_ns: int) -> None:
        delay_s = self.draw_s()
        if delay_s:
            loop = asyncio.get_running_loop()
            # From the stamp and not from the loop's idea of now.
            loop.call_at(received_ns / 1e9 + delay_s, self.answer, frame.data, received_ns)
        else:
            self.answer(frame.data, received_ns)

    def answer(self, payload: bytes, received_ns: int) -> None:
        if self not in self.alive:
            return
        self.websocket.send_text(payload)
        sent_ns = self.flush()
        self.record.message(payload, received_ns, sent_ns)

    def ping(self) -> None:
        self.websocket.send_ping(str(time.monotonic_ns()).encode())
        self.flush()

    def flush(self) -> int:
        """Hand over what is to be sent; returns the instant right before."""
        pieces = self.websocket.data_to_send()
        sent_ns = time.monotonic_ns()
        for piece in pieces:
            if piece:
                self.transport.write(piece)
            else:
                self.transport.write_eof()
        if self.websocket.close_expected():
            self.transport.close()
        return sent_ns


def delays(text: str) -> Callable[[], float]:
    """Return what draws a delay in seconds: none, fixed:2ms, exponential:5ms, mix:1ms@99,50ms@1."""
    numbers = random.Random(SEED)
    kind, _, rest = text.partition(":")
    if kind == "none":
        return lambda: 0.0
    if kind == "mix":
        values, weights = zip(*(part.split("@") for part in rest.split(",")), strict=True)
        choices = [float(value.removesuffix("ms")) / 1e3 for value in values]
        shares = [float(weight) for weight in weights]
        return lambda: numbers.choices(choices, shares)[0]
    seconds = float(rest.removesuffix("ms")) / 1e3
    if kind == "exponential":
        return lambda: numbers.expovariate(1 / seconds)
    assert kind == "fixed", text
    return lambda: seconds


async def ping_in_turn(every_s: float) -> None:
    while True:
        for connection in list(Echo.alive):
            await asyncio.sleep(every_s)
            if connection in Echo.alive:
                connection.ping()
        await asyncio.sleep(every_s)


async def serve(delay: str, truth: Path, ping_every_ms: float) -> None:
    loop, record, over = asyncio.get_running_loop(), Record(), asyncio.Event()
    draw_s = delays(delay)
    server = await loop.create_server(lambda: Echo(record, draw_s), "127.0.0.1", 0)
    loop.add_signal_handler(signal.SIGTERM, over.set)
    print(f"listening on ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/", flush=True)
    pings = loop.create_task(ping_in_turn(ping_every_ms / 1e3)) if ping_every_ms else None
    await over.wait()
    if pings is not None:
        pings.cancel()
    server.close()
    record.write(truth)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2]), float((sys.argv[3:] or ["0"])[0])))
