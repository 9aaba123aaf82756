"""Traffic in a test's hand: users over socket pairs, woken by the test and not by a loop."""

import asyncio

import numpy as np

from surgewire._core import frame, marker
from surgewire._core.deflate import Terms
from surgewire._core.echo_traffic import EchoTraffic, EchoUser
from surgewire._core.histogram import HISTOGRAM_WORDS, Histogram
from surgewire._core.ledger import COUNTERS as LEDGER_COUNTERS
from surgewire._core.ledger import Ledger
from surgewire._core.pacer import Schedule
from surgewire._core.template import Template
from surgewire._core.traffic import COUNTERS
from tests.core.wire import BUFFER, Owner, Passed, Transport, feed

RUN = 777
WORKER = 3
FIRST_USER = 40
DEADLINE_NS = 2_000_000_000
SECOND_NS = 1_000_000_000
WORDS = ("message_latency", "service_time", "send_lag", "loop_lag", "ping_time")


class Rig:
    """An `EchoTraffic` with `users` connected users, numbered from FIRST_USER on."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        users: int,
        schedule: Schedule | None,
        *,
        before: bytes = b"",
        after: bytes = b"",
        window_bits: int = 1024,
        ping_ns: int = 0,
        ping_timeout_ns: int = 0,
        deflate: Terms | None = None,
    ) -> None:
        self.loop = loop
        self.ledger = np.zeros(len(LEDGER_COUNTERS), np.uint64)
        self.counters = np.zeros(len(COUNTERS), np.uint64)
        self.words = {name: np.zeros(HISTOGRAM_WORDS, np.int64) for name in WORDS}
        self.traffic = EchoTraffic(
            loop,
            Ledger(users, window_bits, self.ledger),
            schedule,
            self.counters,
            self.words,
            run=RUN,
            worker=WORKER,
            template=Template((before, ("marker",), after)),
            deadline_ns=DEADLINE_NS,
            ping_ns=ping_ns,
            ping_timeout_ns=ping_timeout_ns,
        )
        self.owner = Owner()
        self.transports = [Transport() for _ in range(users)]
        self.users = [
            EchoUser(BUFFER, self.owner, Passed(deflate), self.traffic, FIRST_USER + i)
            for i in range(users)
        ]
        for user, transport in zip(self.users, self.transports, strict=True):
            user.connection_made(transport)
            assert transport.sent() == b"ask?"
            feed(user, b"okay")
        self._peers = [frame.Decoder(role="server", deflate=deflate) for _ in range(users)]

    def close(self) -> None:
        self.traffic.close()
        for transport in self.transports:
            transport.shut()

    def wake(self) -> None:
        """Let the worker's timer fire."""
        self.traffic._woken()

    def payloads(self, index: int) -> list[bytes]:
        """What user `index` has sent since the last call."""
        transport, data = self.transports[index], b""
        while piece := transport.sent():
            data += piece
        data += transport.written
        transport.written.clear()
        return [event.payload for event in self._peers[index].feed(data)]

    def markers(self, index: int) -> list[marker.Marker]:
        return [found for p in self.payloads(index) for _, found in marker.find_all(p) if found]

    def answer(self, index: int, *payloads: bytes) -> None:
        """Let messages arrive at user `index`, all in one read."""
        feed(self.users[index], b"".join(frame.encode(frame.TEXT, p) for p in payloads))

    def booked(self) -> dict[str, int]:
        """The counters of the ledger that are not zero."""
        named = zip(LEDGER_COUNTERS, self.ledger.tolist(), strict=True)
        return {name: n for name, n in named if n}

    def counted(self, name: str) -> int:
        return int(self.counters[COUNTERS.index(name)])

    def histogram(self, name: str) -> Histogram:
        return Histogram(self.words[name])
