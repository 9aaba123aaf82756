"""The job that every peer does: connect at a rate, send at planned instants, check the echoes.

Each peer is a script that hands :func:`main` a way to open one connection with its library. The
job, the payload and the printed JSON are those of the bare C client in ``benchmarks/limit``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import uvloop

PREFIX = "LIMIT"
TOKEN_CHARS = len(PREFIX) + 8 + 8 + 16
STEPS = 1024


class Connection(Protocol):
    """One open WebSocket."""

    def send(self, text: str, /) -> Awaitable[object] | None:
        """Send a text message; the awaitable, if any, is awaited before the next send."""

    async def close(self) -> None:
        """Close with code 1000."""


# What a connection calls with each text that arrives; returns what to send at once, if anything.
Receive = Callable[[str], str | None]
Open = Callable[[str, Receive], Awaitable[Connection]]
CloseLibrary = Callable[[], Awaitable[None]]


class Histogram:
    """Nanoseconds in 1,024 linear steps per power of two."""

    def __init__(self) -> None:
        self.cells: dict[int, int] = {}
        self.count = 0
        self.largest_ns = 0

    def record(self, value_ns: int) -> None:
        """Count one value."""
        shift = value_ns.bit_length() - 11
        cell = (shift * STEPS) + (value_ns >> shift) if shift > 0 else value_ns
        self.cells[cell] = self.cells.get(cell, 0) + 1
        self.count += 1
        if value_ns > self.largest_ns:
            self.largest_ns = value_ns

    def quantile_ms(self, share: float) -> float | None:
        """Middle of the cell in which the share (0 to 1) of the values is reached."""
        seen = 0
        for cell in sorted(self.cells):
            seen += self.cells[cell]
            if seen >= share * self.count:
                shift = max(0, cell // STEPS - 1)
                return (((cell - shift * STEPS) << shift) + ((1 << shift) >> 1)) / 1e6
        return None

    def to_dict(self) -> dict[str, float | int | None]:
        """Count and percentiles in milliseconds, null where nothing was counted."""
        shares = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99_9": 0.999}
        percentiles = {name: self.quantile_ms(share) for name, share in shares.items()}
        largest = self.largest_ns / 1e6 if self.count else None
        return {"count": self.count, **percentiles, "max": largest}


@dataclass
class Account:
    """What was sent and what came back."""

    size: int
    pingpong: bool
    record_from_ns: int = 0
    stop_ns: int = 0
    sent: int = 0
    sent_in_warmup: int = 0
    delivered: int = 0
    unexpected: int = 0
    skipped: int = 0
    latency: Histogram = field(default_factory=Histogram)

    def message(self, index: int, sequence: int, planned_ns: int) -> str:
        """Text of a message, counted as sent."""
        self.sent += 1
        if planned_ns < self.record_from_ns:
            self.sent_in_warmup += 1
        return f"{PREFIX}{index:08x}{sequence:08x}{planned_ns:016x}".ljust(self.size, ".")


class User:
    """One connection's side of the job."""

    def __init__(self, index: int, account: Account) -> None:
        self.index = index
        self.account = account
        self.sent = 0
        self.received = 0

    def next_message(self, planned_ns: int) -> str:
        """Text of this user's next message."""
        self.sent += 1
        return self.account.message(self.index, self.sent, planned_ns)

    def receive(self, text: str) -> str | None:
        """Check and count one echo; the next message in a ping-pong."""
        arrival_ns = time.monotonic_ns()
        account = self.account
        at = text.find(PREFIX) + len(PREFIX)
        head = text[at : at + 16]
        if head != f"{self.index:08x}{self.received + 1:08x}":
            account.unexpected += 1
            return None
        planned_ns = int(text[at + 16 : at + 32], 16)
        self.received += 1
        account.delivered += 1
        if planned_ns >= account.record_from_ns:
            account.latency.record(arrival_ns - planned_ns)
        if account.pingpong and arrival_ns < account.stop_ns:
            return self.next_message(time.monotonic_ns())
        return None


def planned_instant(start_ns: int, index: int, per_s: float, tick_ns: int) -> int:
    """Instant of number ``index`` of a constant schedule, rounded down to the grid."""
    after = int(index * (1e9 / per_s))
    return start_ns + after - after % tick_ns


async def sleep_until(instant_ns: int) -> None:
    """Sleep as an asyncio program does; the loop's timers count whole milliseconds."""
    await asyncio.sleep(max(0, instant_ns - time.monotonic_ns()) / 1e9)


class Run:
    """All connections of one run."""

    def __init__(self, options: argparse.Namespace, open_connection: Open) -> None:
        self.options = options
        self.open_connection = open_connection
        self.account = Account(options.size, options.mode == "pingpong")
        self.tick_ns = options.tick_us * 1000
        self.users = [User(i, self.account) for i in range(options.connections)]
        self.open: list[Connection | None] = [None] * options.connections
        self.failed = 0

    async def connect(self) -> None:
        """Begin every attempt at its planned instant and wait until each has an outcome."""
        start_ns = time.monotonic_ns() + self.tick_ns
        attempts: set[asyncio.Task[None]] = set()
        index = 0
        while index < len(self.users):
            rate = self.options.connect_rate
            next_ns = planned_instant(start_ns, index, rate, self.tick_ns)
            if next_ns > time.monotonic_ns():
                await sleep_until(next_ns)
                continue
            attempts.add(asyncio.create_task(self._attempt(index)))
            index += 1
        await asyncio.gather(*attempts)

    async def _attempt(self, index: int) -> None:
        options = self.options
        url = f"{'wss' if options.tls else 'ws'}://{options.host}:{options.port}/"
        try:
            async with asyncio.timeout(options.connect_timeout):
                self.open[index] = await self.open_connection(url, self.users[index].receive)
        except Exception:  # whatever a library raises, the attempt has failed
            self.failed += 1

    async def messages(self) -> None:
        """Send for the warm-up and the measured seconds, then wait for what is under way."""
        options, account = self.options, self.account
        start_ns = time.monotonic_ns() + self.tick_ns
        account.record_from_ns = start_ns + int(options.warmup * 1e9)
        account.stop_ns = account.record_from_ns + int(options.seconds * 1e9)
        if options.mode == "paced":
            await self._paced(start_ns)
        else:
            for index in range(len(self.users)):
                await self._send(index, time.monotonic_ns())
            await sleep_until(account.stop_ns)
        deadline_ns = time.monotonic_ns() + int(options.drain * 1e9)
        while account.delivered < account.sent and time.monotonic_ns() < deadline_ns:
            await asyncio.sleep(0.005)

    async def _paced(self, start_ns: int) -> None:
        per_s, index, next_ns = self.options.rate * len(self.users), 0, start_ns
        stop_ns = self.account.stop_ns
        while (now_ns := time.monotonic_ns()) < stop_ns or next_ns < stop_ns:
            while next_ns <= now_ns and next_ns < stop_ns:
                await self._send(index % len(self.users), next_ns)
                index += 1
                next_ns = planned_instant(start_ns, index, per_s, self.tick_ns)
            await sleep_until(min(next_ns, stop_ns))

    async def _send(self, index: int, planned_ns: int) -> None:
        connection = self.open[index]
        if connection is None:
            self.account.skipped += 1
            return
        pending = connection.send(self.users[index].next_message(planned_ns))
        if pending is not None:
            await pending

    async def close(self) -> None:
        """Close all connections, as far as they are still there."""
        closing = [connection.close() for connection in self.open if connection is not None]
        await asyncio.gather(*closing, return_exceptions=True)


def mark() -> tuple[int, float, float]:
    """Wall clock and CPU time of this process up to now."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return time.monotonic_ns(), usage.ru_utime, usage.ru_stime


def phase(begin: tuple[int, float, float], end: tuple[int, float, float]) -> dict[str, float]:
    """Time spent between two marks."""
    return {
        "wall_s": (end[0] - begin[0]) / 1e9,
        "cpu_user_s": end[1] - begin[1],
        "cpu_sys_s": end[2] - begin[2],
    }


def resident_bytes() -> int:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def perform(name: str, run: Run) -> dict[str, object]:
    """Do the whole job; returns the object to print."""
    rss = {"before": resident_bytes()}
    begin = mark()
    await run.connect()
    connected = mark()
    rss["connected"] = resident_bytes()
    established = sum(connection is not None for connection in run.open)
    await asyncio.sleep(run.options.hold)
    ready = mark()
    if run.options.mode != "connect":
        await run.messages()
    done = mark()
    rss["end"] = resident_bytes()
    account = run.account
    result: dict[str, object] = {
        "generator": name,
        "requested": len(run.users),
        "established": established,
        "failed": run.failed,
        "sent": account.sent,
        "sent_in_warmup": account.sent_in_warmup,
        "delivered": account.delivered,
        "unexpected": account.unexpected,
        "skipped": account.skipped,
        "connect": phase(begin, connected),
        "messages": phase(ready, done),
        "rss_bytes": rss,
        "latency_ms": account.latency.to_dict(),
    }
    await run.close()
    return result


def parse_options(name: str) -> argparse.Namespace:
    """Options with the names that the bare C client has."""
    parser = argparse.ArgumentParser(prog=name, description=__doc__)
    parser.add_argument("--mode", choices=["paced", "pingpong", "connect"], default="paced")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tls", action="store_true", help="authorities: SSL_CERT_FILE")
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--tick-us", type=int, default=1000)
    defaults = {"connect-rate": 1000, "rate": 1, "seconds": 5, "warmup": 0, "drain": 2, "hold": 0}
    for option, default in {**defaults, "connect-timeout": 30}.items():
        parser.add_argument(f"--{option}", type=float, default=default)
    options = parser.parse_args()
    if options.size < TOKEN_CHARS:
        parser.error(f"--size: at least {TOKEN_CHARS} bytes")
    return options


def main(name: str, open_connection: Open, close_library: CloseLibrary | None = None) -> None:
    """Run one peer from the command line and print its JSON object."""
    run = Run(parse_options(name), open_connection)

    async def everything() -> dict[str, object]:
        result = await perform(name, run)
        if close_library is not None:
            await close_library()
        return result

    print(json.dumps(uvloop.run(everything())))
