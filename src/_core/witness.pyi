import numpy as np
from numpy.typing import NDArray

AVAILABLE: bool

class Witness:
    def __init__(
        self, fd: int, receive_words: NDArray[np.int64], send_words: NDArray[np.int64]
    ) -> None: ...
