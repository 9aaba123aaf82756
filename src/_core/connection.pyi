import asyncio
from typing import Protocol, type_check_only

from surgewire._core.poller import Poller
from surgewire._core.stream import ReceiveBuffer, Stream

@type_check_only
class Handshake(Protocol):
    def start(self) -> bytes: ...
    def feed(self, data: bytes, /) -> tuple[bytes, bool, bytes]: ...

@type_check_only
class Owner(Protocol):
    def opened(self, connection: Connection, /) -> None: ...
    def failed(self, connection: Connection, kind: str, /) -> None: ...
    def closed(self, connection: Connection, kind: str | None, /) -> None: ...
    def gone(self, connection: Connection, /) -> None: ...

class Connection(Stream):
    tcp_ns: int
    secured_ns: int
    open_ns: int
    def __init__(
        self,
        buffer: ReceiveBuffer,
        owner: Owner,
        handshake: Handshake,
        *,
        client: bool = True,
        tls: bool = False,
        max_message_bytes: int = 16777216,
        poller: Poller | None = None,
    ) -> None: ...
    @property
    def is_open(self) -> bool: ...
    @property
    def is_deflated(self) -> bool: ...
    def secured(self, transport: asyncio.BaseTransport) -> None: ...
    def close(self, code: int = 1000) -> None: ...
    def abort(self, kind: str | None = None) -> None: ...
