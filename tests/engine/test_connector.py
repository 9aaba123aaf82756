"""Connections in a test's loop, with a server whose sockets the test holds."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop

from surgewire._core import traffic
from surgewire._core.clock import now_ns
from surgewire._core.connection import Connection
from surgewire._core.stream import ReceiveBuffer
from surgewire.dialects.upgrade import UpgradeError
from surgewire.engine.connector import Audience, Connector
from surgewire.engine.shared import PROGRESS_ESTABLISHED_NS, SharedRegion
from surgewire.engine.way import syn
from surgewire.engine.way.deadlines import Deadlines
from surgewire.engine.way.dialler import Dialler
from surgewire.plan.models import ConnectPlan

MS = 1_000_000
S = 1_000_000_000
WITHIN_S = 10.0


class Welcome:
    """A handshake that any answer completes."""

    def start(self) -> bytes:
        return b"let me in"

    def feed(self, data: bytes) -> tuple[bytes, bool, bytes]:
        return b"", True, b""


class Refusal(Welcome):
    """A handshake that any answer ends: it redirects."""

    def feed(self, data: bytes) -> tuple[bytes, bool, bytes]:
        raise UpgradeError("http_302")


class Bench(Audience):
    """A connector, a listening socket, and what the connector has told."""

    def __init__(self, loop: asyncio.AbstractEventLoop, **values: Any) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.listener.setblocking(False)
        self.region = SharedRegion(1)
        self.part = self.region.slice(0)
        self.told: list[str] = []
        self.failures: list[int] = []
        self.left = 0
        self.refuses = False
        self.tidied_ns = 0
        self.all_settled = asyncio.Event()
        self.accepted: list[socket.socket] = []
        self.loop = loop
        port = self.listener.getsockname()[1]
        given = {"url": f"ws://127.0.0.1:{port}/", "connections": 3, "connect_rate": "1000/s"}
        plan = ConnectPlan(**(given | values))
        self.buffer = ReceiveBuffer()
        deadlines = Deadlines(plan)
        self.dialler = Dialler(loop, plan, (), None, deadlines)
        self.connector = Connector(
            loop,
            self.part,
            self.region,
            self.dialler,
            self,
            deadlines,
        )

    def begin(self, attempts: int = 3) -> None:
        for user in range(attempts):
            self.connector.attempt(user, now_ns())

    def make(self, owner: Connector, user: int) -> Connection:
        handshake = Refusal() if self.refuses else Welcome()
        return Connection(self.buffer, owner, handshake)

    def opened(self, connection: Connection) -> None:
        self.told.append("opened")

    def joined(self, connection: Connection) -> None:
        self.told.append("joined")

    def failed(self, user: int) -> None:
        self.failures.append(user)

    def ended(self, connection: Connection) -> None:
        self.told.append("ended")

    def gone(self, connection: Connection) -> None:
        self.left += 1

    def tidy(self, now_ns: int) -> None:
        self.tidied_ns = now_ns

    def settled(self) -> None:
        self.told.append("settled")
        self.all_settled.set()

    async def accept(self, count: int, answer: bytes = b"come in") -> None:
        """Accept and answer `count` connections, without which none is established."""
        for _ in range(count):
            sock, _ = await self.loop.sock_accept(self.listener)
            sock.setblocking(False)
            self.accepted.append(sock)
            assert await self.loop.sock_recv(sock, 100) == b"let me in"
            if answer:
                await self.loop.sock_sendall(sock, answer)

    async def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not condition():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.005)

    def count(self, name: str) -> int:
        return int(self.part.traffic[traffic.COUNTERS.index(name)])

    def samples(self, metric: str) -> int:
        from surgewire._core.histogram import Histogram

        return Histogram(self.part.histograms[metric]).count

    def close(self) -> None:
        self.connector.shut()
        self.listener.close()
        for sock in self.accepted:
            sock.close()


@pytest.fixture
def bench() -> Callable[..., None]:
    """Give what runs an asynchronous test on a bench of its own."""

    def run(test: Callable[[Bench], Awaitable[None]], **values: Any) -> None:
        async def on_a_bench() -> None:
            made = Bench(asyncio.get_running_loop(), **values)
            try:
                await asyncio.wait_for(test(made), WITHIN_S)
            finally:
                made.connector.abort_all()
                await asyncio.sleep(0)
                made.close()

        uvloop.run(on_a_bench())

    return run


Run = Callable[..., None]


def test_connections_are_counted_and_timed(bench: Run) -> None:
    async def test(on: Bench) -> None:
        on.begin()
        await on.accept(3)
        await on.all_settled.wait()
        assert on.told == ["opened", "opened", "opened", "settled"]
        assert on.connector.open_now == on.count("open") == on.count("established") == 3
        assert list(on.region.gauge) == [3, 3]
        for metric in ("connect_time", "connect_lag", "tcp_time", "upgrade_time"):
            assert on.samples(metric) == 3
        assert on.samples("dns_time") == on.samples("tls_time") == 0
        assert 0 < on.part.progress[PROGRESS_ESTABLISHED_NS] < now_ns()

    bench(test)


def test_attempts_under_way_are_counted_by_all_workers_together(bench: Run) -> None:
    async def test(on: Bench) -> None:
        on.begin()
        assert list(on.region.under_way) == [3, 3]
        await on.accept(3)
        await on.all_settled.wait()
        assert list(on.region.under_way) == [0, 3]

    bench(test)


def test_failures_are_counted_by_the_phase_that_they_were_in(bench: Run) -> None:
    async def test(on: Bench) -> None:
        on.begin(1)
        await on.accept(1, answer=b"")
        on.accepted[0].close()
        await on.all_settled.wait()
        on.listener.close()
        on.connector.attempt(1, now_ns())
        await on.until(lambda: on.count("failed") == 2)
        facts = on.part.facts.counts()
        assert (facts["failed_upgrade"], facts["failed_tcp"]) == (1, 1)
        assert list(on.region.under_way) == [0, 1]

    bench(test)


def test_packets_sent_again_are_counted(bench: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syn, "may_be_retransmitted", lambda _tcp_ns: True)
    told = iter((0, 1, 9))
    monkeypatch.setattr(syn, "retransmissions", lambda _descriptor: next(told))

    async def test(on: Bench) -> None:
        on.begin()
        await on.accept(3)
        await on.all_settled.wait()
        facts = on.part.facts.counts()
        counted = {name: n for name, n in facts.items() if name.startswith("syn_")}
        assert counted == {"syn_retransmitted": 2, "syn_sent_2_times": 1, "syn_sent_6_times": 1}

    bench(test)


def test_a_server_that_ends_a_connection(bench: Run) -> None:
    async def test(on: Bench) -> None:
        on.begin()
        await on.accept(3)
        await on.all_settled.wait()
        on.accepted[0].close()
        await on.until(lambda: on.connector.open_now == 2)
        assert on.told[-1] == "ended"
        assert on.part.closed.counts() == {"eof": 1}
        assert list(on.region.gauge) == [2, 3]

    bench(test)


def test_closing_all_waits_for_the_server_within_a_bound(
    bench: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surgewire.engine.connector.CLOSE_TIMEOUT_NS", 300 * MS)

    async def test(on: Bench) -> None:
        on.begin()
        await on.accept(3)
        await on.all_settled.wait()
        on.accepted.pop().close()
        began_ns = now_ns()
        await on.until(lambda: on.connector.open_now == 2)
        await on.connector.close_all()
        # The server never answers the close frames.
        assert 290 * MS < now_ns() - began_ns < 5 * S
        assert on.count("closed") == 3
        assert on.count("open") == 0
        assert on.part.closed.counts() == {"eof": 1}

    bench(test)


def test_no_answer_to_the_upgrade_ends_in_time(bench: Run) -> None:
    async def test(on: Bench) -> None:
        on.begin()
        await on.accept(3, answer=b"")
        await on.all_settled.wait()
        assert on.part.errors.counts() == {"timeout_upgrade": 3}
        assert on.count("failed") == 3
        assert on.samples("connect_time") == 0
        for sock in on.accepted:
            # Ours is closed as well.
            assert await on.loop.sock_recv(sock, 100) == b""

    bench(test, connect_timeout="100ms")


def test_an_answer_after_the_timeout_changes_nothing(bench: Run) -> None:
    async def test(on: Bench) -> None:
        on.begin(1)
        await on.accept(1, answer=b"")
        await on.all_settled.wait()
        on.accepted[0].send(b"come in")
        await asyncio.sleep(0.02)
        assert on.count("established") == 0
        assert on.part.errors.counts() == {"timeout_upgrade": 1}

    bench(test, connect_timeout="100ms")


def test_attempts_under_way_are_given_up(bench: Run) -> None:
    async def test(on: Bench) -> None:
        on.begin(2)
        await on.accept(1)
        await on.accept(1, answer=b"")
        await on.until(lambda: on.count("established") == 1)
        assert on.connector.busy
        on.connector.give_up()
        assert not on.connector.busy
        assert on.count("attempted") == 2
        assert on.part.errors.counts() == {"interrupted": 1}
        assert on.told == ["opened", "settled"]

    bench(test)


def test_nothing_listens(bench: Run) -> None:
    async def test(on: Bench) -> None:
        on.listener.close()
        on.begin()
        await on.all_settled.wait()
        assert on.part.errors.counts() == {"tcp_refused": 3}
        assert on.told == ["settled"]

    bench(test)


def test_another_attempt_is_counted_apart_and_settles_nothing(bench: Run) -> None:
    async def test(on: Bench) -> None:
        on.connector.retry(7, now_ns())
        assert on.connector.busy
        assert not on.connector.first_busy
        await on.accept(1)
        await on.until(lambda: on.count("established") == 1)
        on.listener.close()
        on.connector.retry(8, now_ns())
        await on.until(lambda: on.count("failed") == 1)
        assert on.count("attempted") == on.count("retried") == 2
        assert on.count("retries_failed") == 1
        assert on.failures == [8]
        assert on.told == ["opened"]

    bench(test)


def test_what_is_dismissed_is_booked_by_its_kind_and_closed_in_order(bench: Run) -> None:
    made: list[Connection] = []

    async def test(on: Bench) -> None:
        make = on.make
        on.make = lambda *args: made.append(make(*args)) or made[-1]  # type: ignore
        on.begin(1)
        await on.accept(1)
        await on.all_settled.wait()
        on.connector.dismiss(made[0], "timeout_join")
        frame = await on.loop.sock_recv(on.accepted[0], 100)
        # A masked close frame of two bytes.
        assert (frame[0], frame[1]) == (0x88, 0x82)
        assert on.part.closed.counts() == {"timeout_join": 1}
        assert on.told == ["opened", "settled"]
        on.accepted[0].close()
        await on.until(lambda: on.left == 1)
        assert on.count("open") == 0
        assert on.count("closed") == 1

    bench(test)


def test_its_audience_is_told_of_the_time(bench: Run) -> None:
    async def test(on: Bench) -> None:
        await on.until(lambda: on.tidied_ns > 0)

    bench(test)


def test_nothing_is_kept_of_attempts_that_are_over(bench: Run) -> None:
    async def test(on: Bench) -> None:
        on.listener.close()
        for user in range(200):
            on.connector.retry(user, now_ns())
        await on.until(lambda: on.count("failed") == 200)
        assert not on.connector._pending
        assert not on.connector._tasks
        assert not on.connector._closing

    bench(test)


def test_each_attempt_has_its_lag_also_one_that_is_given_up_at_once(bench: Run) -> None:
    async def test(on: Bench) -> None:
        on.begin(2)
        on.connector.give_up()
        await asyncio.sleep(0.01)
        assert on.count("attempted") == on.count("failed") == on.samples("connect_lag") == 2

    bench(test)


def test_a_redirected_attempt_goes_on_with_another_connection(bench: Run) -> None:
    async def test(on: Bench) -> None:
        ways = iter([None, "http_500"])
        on.turn = lambda user, kind: next(ways)  # type: ignore[method-assign]
        on.refuses = True
        on.begin(1)
        await on.accept(1)
        assert on.connector.first_busy
        await on.accept(1)
        await on.until(lambda: bool(on.failures))
        assert on.part.errors.counts() == {"http_500": 1}
        assert (on.count("attempted"), on.count("failed"), on.count("established")) == (1, 1, 0)
        assert on.samples("connect_lag") == 1
        assert on.failures == [0]
        assert on.told == ["settled"]
        await on.until(lambda: on.connector._tasks == {})

    bench(test)


def test_a_redirected_attempt_that_goes_silent_ends_in_time(bench: Run) -> None:
    async def test(on: Bench) -> None:
        on.turn = lambda user, kind: None if kind == "http_302" else kind  # type: ignore[method-assign]
        on.refuses = True
        on.begin(1)
        await on.accept(1)
        await on.accept(1, answer=b"")
        began = time.monotonic()
        await on.until(lambda: bool(on.failures))
        assert 0.1 < time.monotonic() - began < 2
        assert on.part.errors.counts() == {"timeout_upgrade": 1}

    bench(test, connect_timeout="200ms")
