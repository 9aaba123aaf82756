import asyncio

import numpy as np
from numpy.typing import NDArray

from surgewire._core.connection import Connection, Handshake, Owner
from surgewire._core.ledger import Ledger
from surgewire._core.pacer import Schedule
from surgewire._core.poller import Poller
from surgewire._core.stream import ReceiveBuffer
from surgewire._core.template import Template

COUNTERS: tuple[str, ...]

class EchoUser(Connection):
    index: int
    user: int
    sequence: int
    def __init__(
        self,
        buffer: ReceiveBuffer,
        owner: Owner,
        handshake: Handshake,
        traffic: Traffic,
        user: int,
        *,
        client: bool = True,
        tls: bool = False,
        max_message_bytes: int = 16777216,
        poller: Poller | None = None,
    ) -> None: ...

class Traffic:
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        ledger: Ledger,
        schedule: Schedule | None,
        counters: NDArray[np.uint64],
        latency: NDArray[np.int64],
        service: NDArray[np.int64],
        send_lag: NDArray[np.int64],
        loop_lag: NDArray[np.int64],
        *,
        run: int,
        worker: int,
        template: Template,
        deadline_ns: int,
        poller: Poller | None = None,
    ) -> None: ...
    @property
    def behind(self) -> bool: ...
    @property
    def outstanding(self) -> int: ...
    @property
    def precise(self) -> bool: ...
    def start(self, start_ns: int, measure_ns: int, end_ns: int) -> None: ...
    def stop(self) -> None: ...
    def cut_off(self, user: EchoUser) -> None: ...
    def finish(self, *, drained: bool) -> None: ...
    def close(self) -> None: ...
