from typing import Any, final

import numpy as np
from numpy.typing import NDArray

DELIVERED: int
REORDERED: int
DUPLICATED: int
NOT_EXPECTED: int
TOO_OLD: int
BEFORE_JOIN: int

DRAINED: int
CUT_OFF: int
LEFT: int

COUNTERS: tuple[str, ...]

@final
class Ledger:
    @property
    def windows(self) -> int: ...
    @property
    def window_bits(self) -> int: ...
    @property
    def rows(self) -> int: ...
    def __init__(
        self, windows: int, window_bits: int, counts: NDArray[np.uint64] | memoryview[Any]
    ) -> None: ...
    def open_window(self, window: int, first: int) -> None: ...
    def book_sent(self, receivers: int = 1, row: int = 0) -> None: ...
    def book_arrival(
        self, window: int, sequence: int, last_sent: int, late: bool = False, row: int = 0
    ) -> int: ...
    def exclude_number(self, window: int, sequence: int, row: int = 0) -> None: ...
    def close_window(self, window: int, last_sent: int, how: int, row: int = 0) -> None: ...
