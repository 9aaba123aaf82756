from array import array
from collections.abc import Iterable, Sequence
from typing import final

FILLER: bytes

@final
class Template:
    @property
    def parts(self) -> tuple[bytes | tuple[str] | tuple[str, int], ...]: ...
    @property
    def binary(self) -> bool: ...
    @property
    def has_marker(self) -> bool: ...
    @property
    def has_padding(self) -> bool: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def frame_size(self) -> int: ...
    def __init__(
        self,
        parts: Iterable[bytes | tuple[str] | tuple[str, int]],
        *,
        binary: bool = False,
        cells: tuple[bytes, array[int], int] | None = None,
    ) -> None: ...
    def frame_bound(self, padding_bytes: int = 0) -> int: ...
    def payload(
        self,
        marker: Sequence[int] | None = None,
        *,
        room: int = 0,
        user: int = 0,
        seq: int = 0,
        now_ms: int = 0,
        padding_bytes: int = 0,
    ) -> bytes: ...
    def frame(
        self,
        marker: Sequence[int] | None = None,
        *,
        room: int = 0,
        user: int = 0,
        seq: int = 0,
        now_ms: int = 0,
        padding_bytes: int = 0,
    ) -> bytes: ...
