import asyncio
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from surgewire._core.connection import Handshake, Owner
from surgewire._core.ledger import Ledger
from surgewire._core.poller import Poller
from surgewire._core.stream import ReceiveBuffer
from surgewire._core.traffic import Traffic, User

class ConnectUser(User):
    @property
    def greeted_ns(self) -> int: ...
    def __init__(
        self,
        buffer: ReceiveBuffer,
        owner: Owner,
        handshake: Handshake,
        traffic: ConnectTraffic,
        *,
        index: int,
        user: int,
        awaits_greeting: bool = False,
        client: bool = True,
        tls: bool = False,
        max_message_bytes: int = 16777216,
        poller: Poller | None = None,
    ) -> None: ...

class ConnectTraffic(Traffic):
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        ledger: Ledger,
        schedule: None,
        counters: NDArray[np.uint64],
        histograms: Mapping[str, NDArray[np.int64]],
        *,
        run: int,
        worker: int,
        deadline_ns: int,
        users: int,
        ping_ns: int = 0,
        ping_timeout_ns: int = 0,
    ) -> None: ...
    def arrived(self, user: ConnectUser, at_ns: int) -> None: ...
    def leave(self, user: ConnectUser) -> None: ...
