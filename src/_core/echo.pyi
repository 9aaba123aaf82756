import asyncio
from collections.abc import Sequence

from surgewire._core.connection import Connection, Handshake, Owner
from surgewire._core.poller import Poller
from surgewire._core.stream import ReceiveBuffer

TRUTH_HEADER: str

class EchoPeer(Connection):
    def __init__(
        self,
        buffer: ReceiveBuffer,
        owner: Owner,
        handshake: Handshake,
        service: EchoService,
        *,
        client: bool = True,
        tls: bool = False,
        max_message_bytes: int = 16777216,
        poller: Poller | None = None,
    ) -> None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...

class EchoService:
    messages: int
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        delays: Sequence[tuple[float, str, int]] = (),
        seed: int = 1,
        truth: str | None = None,
    ) -> None: ...
    def flush_truth(self) -> None: ...
    def close(self) -> None: ...
