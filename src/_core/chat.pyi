import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from surgewire._core.chat_room import ChatMember
from surgewire._core.connection import Handshake, Owner
from surgewire._core.poller import Poller, TurnListener
from surgewire._core.stream import ReceiveBuffer

DEFAULT_BACKLOG_BYTES: int
CLOSING_S: int
MAX_CUT_S: int

class ChatPeer(ChatMember):
    upgrade: Any
    def __init__(
        self,
        buffer: ReceiveBuffer,
        owner: Owner,
        handshake: Handshake,
        service: ChatService,
        *,
        client: bool = True,
        tls: bool = False,
        max_message_bytes: int = 16777216,
        poller: Poller | None = None,
    ) -> None: ...

class ChatService(TurnListener):
    messages: int
    strays: int
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        poller: Poller | None = None,
        *,
        delays: Sequence[tuple[float, str, int]] = (),
        faults: Mapping[str, int] | None = None,
        cut_ppm: int = 0,
        cut_per_ns: int = 60_000_000_000,
        seed: int = 1,
        truth: str | None = None,
        max_backlog_bytes: int = ...,
    ) -> None: ...
    @property
    def deliveries(self) -> int: ...
    @property
    def waiting(self) -> int: ...
    @property
    def room_count(self) -> int: ...
    def admit(self, peer: ChatPeer, room: str | None = None, user: str = "") -> None: ...
    def close(self) -> None: ...
