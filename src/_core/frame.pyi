from typing import NamedTuple, final

from surgewire._core.deflate import Terms

CONTINUATION: int
TEXT: int
BINARY: int
CLOSE: int
PING: int
PONG: int
DEFAULT_LIMIT: int
ERRORS: tuple[str, ...]
KINDS: tuple[str, ...]

class Event(NamedTuple):
    kind: str
    opcode: int
    payload: bytes
    close_code: int | None
    error: str | None

@final
class Decoder:
    def __init__(
        self,
        role: str,
        *,
        max_frame: int = 16777216,
        max_message: int = 16777216,
        deflate: Terms | None = None,
    ) -> None: ...
    @property
    def failed(self) -> str | None: ...
    @property
    def buffer_bytes(self) -> int: ...
    def feed(self, data: bytes) -> list[Event]: ...

def encode(
    opcode: int, payload: bytes, fin: bool = True, mask_key: bytes | None = None
) -> bytes: ...
