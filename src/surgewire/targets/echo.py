"""The echo target: sends every message back, and can delay, stall and record what it did."""

import asyncio
import time

import uvloop

from surgewire._core.clock import now_ns
from surgewire._core.connection import Connection
from surgewire._core.echo import EchoPeer, EchoService
from surgewire._core.stream import ReceiveBuffer
from surgewire._core.wakeup import Wakeup
from surgewire.dialects.server_upgrade import ServerUpgrade
from surgewire.plan.echo_target import EchoTargetConfig
from surgewire.targets.processes import Share, run_processes

_BACKLOG = 4096


class _Visitors:
    """The connections of one process, so that they can be ended with it."""

    def __init__(self) -> None:
        self.all: set[Connection] = set()

    def opened(self, connection: Connection) -> None:
        self.all.add(connection)

    def failed(self, connection: Connection, kind: str) -> None:
        """Take no notice: a request that is no upgrade has had its answer."""

    def closed(self, connection: Connection, kind: str | None) -> None:
        """Wait for `gone`."""

    def gone(self, connection: Connection) -> None:
        self.all.discard(connection)


class _Stall:
    """Stops the whole process for a while, again and again, as a long garbage collection would."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, start_ns: int, stall_ns: int, every_ns: int
    ) -> None:
        self._stall_ns = stall_ns
        self._every_ns = every_ns
        self._next_ns = start_ns + every_ns
        self._wakeup = Wakeup(loop, self._stop_the_world)
        self._wakeup.arm(self._next_ns)

    def _stop_the_world(self) -> None:
        time.sleep(max(0, self._next_ns + self._stall_ns - now_ns()) / 1e9)
        self._next_ns += self._every_ns
        self._wakeup.arm(self._next_ns)


async def _serve(config: EchoTargetConfig, share: Share) -> None:
    loop = asyncio.get_running_loop()
    delays = [(part.weight, part.kind, part.ns) for part in config.delay.parts]
    truth = None if share.truth is None else str(share.truth)
    service = EchoService(loop, delays, seed=config.seed + share.number, truth=truth)
    buffer, visitors = ReceiveBuffer(), _Visitors()

    def peer() -> EchoPeer:
        return EchoPeer(
            buffer,
            visitors,
            ServerUpgrade(),
            service,
            client=False,
            max_message_bytes=config.max_message_bytes,
        )

    stall = None
    if config.stall_ns:
        stall = _Stall(loop, share.start_ns, config.stall_ns, config.stall_every_ns)
    server = await loop.create_server(peer, sock=share.listener, backlog=_BACKLOG)
    await share.ended(loop)
    server.close()
    for connection in list(visitors.all):
        connection.abort()
    await asyncio.sleep(0)
    service.close()
    del stall


def serve(config: EchoTargetConfig) -> None:
    """Serve until SIGINT or SIGTERM. Prints one line when it listens: `listening on ws://…`.

    Raises SurgewireError when the address cannot be bound or the truth file cannot be written.
    """
    run_processes(config, lambda share: uvloop.run(_serve(config, share)))
