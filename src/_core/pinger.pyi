from typing import final

import numpy as np
from numpy.typing import NDArray

@final
class Pinger:
    @property
    def ping_ns(self) -> int: ...
    @property
    def timeout_ns(self) -> int: ...
    @property
    def capacity(self) -> int: ...
    def __init__(
        self,
        capacity: int,
        ping_ns: int,
        timeout_ns: int,
        words: NDArray[np.int64],
        counts: NDArray[np.uint64],
    ) -> None: ...
    def next_ping(self, index: int, now_ns: int) -> int: ...
