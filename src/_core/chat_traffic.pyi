import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol, type_check_only

import numpy as np
from numpy.typing import NDArray

from surgewire._core.connection import Handshake, Owner
from surgewire._core.ledger import Ledger
from surgewire._core.pacer import Schedule
from surgewire._core.poller import Poller
from surgewire._core.rooms import Rooms
from surgewire._core.sizes import SizePicker
from surgewire._core.stream import ReceiveBuffer
from surgewire._core.template import Template
from surgewire._core.trace import Trace
from surgewire._core.traffic import Traffic, User

@type_check_only
class ChatOwner(Owner, Protocol):
    def joined(self, connection: ChatUser, /) -> None: ...

class ChatUser(User):
    room: int
    def __init__(
        self,
        buffer: ReceiveBuffer,
        owner: ChatOwner,
        handshake: Handshake,
        traffic: ChatTraffic,
        *,
        index: int,
        user: int,
        room: int,
        number: int,
        client: bool = True,
        tls: bool = False,
        max_message_bytes: int = 16777216,
        poller: Poller | None = None,
    ) -> None: ...
    @property
    def is_joined(self) -> bool: ...
    def ask(self, payload: bytes, binary: bool = False) -> None: ...

class ChatTraffic(Traffic):
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        ledger: Ledger,
        schedule: Schedule,
        counters: NDArray[np.uint64],
        histograms: Mapping[str, NDArray[np.int64]],
        *,
        run: int,
        worker: int,
        rooms: Rooms,
        template: Template,
        sizes: SizePicker | None,
        to_others: bool,
        deadline_ns: int,
        poller: Poller | None = None,
        ping_ns: int = 0,
        ping_timeout_ns: int = 0,
        join_matcher: bytes | Callable[[bytes], bool] | None = None,
        trace: Trace | None = None,
    ) -> None: ...
    def add(self, user: ChatUser) -> None: ...
    def joined(self, user: ChatUser) -> None: ...
    def leave(self, user: ChatUser) -> None: ...
