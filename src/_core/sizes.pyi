from collections.abc import Sequence
from typing import final

MAX_PARTS: int
MAX_BYTES: int
MAX_WEIGHT: int

@final
class SizePicker:
    @property
    def most_bytes(self) -> int: ...
    def __init__(
        self, kind: str, parts: Sequence[int] | Sequence[tuple[int, int]], seed: int
    ) -> None: ...
    def next(self) -> int: ...
