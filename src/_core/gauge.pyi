import numpy as np
from numpy.typing import NDArray

def add(words: NDArray[np.int64], change: int) -> None: ...
