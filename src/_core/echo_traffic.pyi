import asyncio
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from surgewire._core.connection import Handshake, Owner
from surgewire._core.ledger import Ledger
from surgewire._core.pacer import Schedule
from surgewire._core.poller import Poller
from surgewire._core.stream import ReceiveBuffer
from surgewire._core.template import Template
from surgewire._core.traffic import Traffic, User

class EchoUser(User):
    def __init__(
        self,
        buffer: ReceiveBuffer,
        owner: Owner,
        handshake: Handshake,
        traffic: EchoTraffic,
        user: int,
        *,
        index: int | None = None,
        client: bool = True,
        tls: bool = False,
        max_message_bytes: int = 16777216,
        poller: Poller | None = None,
    ) -> None: ...

class EchoTraffic(Traffic):
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        ledger: Ledger,
        schedule: Schedule | None,
        counters: NDArray[np.uint64],
        histograms: Mapping[str, NDArray[np.int64]],
        *,
        run: int,
        worker: int,
        template: Template,
        deadline_ns: int,
        poller: Poller | None = None,
        ping_ns: int = 0,
        ping_timeout_ns: int = 0,
    ) -> None: ...
