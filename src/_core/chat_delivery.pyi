import asyncio
from collections.abc import Callable

from surgewire._core.chat_faults import ChatFaults
from surgewire._core.chat_truth import ChatTruth
from surgewire._core.delays import Delays

class ChatDelivery:
    handed_over: int
    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        delays: Delays,
        faults: ChatFaults,
        truth: ChatTruth | None,
        relieved: Callable[[], None],
    ) -> None: ...
    def close(self) -> None: ...
