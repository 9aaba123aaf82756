import numpy as np
from numpy.typing import NDArray

LOWEST_DISCERNIBLE_NS: int
HIGHEST_TRACKABLE_NS: int
SIGNIFICANT_DIGITS: int

def encode_counts(counts: NDArray[np.int64]) -> str: ...
def decode_counts(text: str | bytes) -> NDArray[np.int64]: ...
