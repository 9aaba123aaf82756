import asyncio

from surgewire._core.witness import Witness

class ReceiveBuffer:
    size: int
    def __init__(self, size: int = 262144) -> None: ...

class Stream(asyncio.BufferedProtocol):
    def fileno(self) -> int: ...
    def observe(self, witness: Witness) -> None: ...
