"""The record of what was counted in each room."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from surgewire.results import reading
from surgewire.results.reading import Reader, read

MAX_ROOMS = 1_000_000
"""A record that claims more is damaged: memory is not taken on its word."""

_COUNT = np.dtype("<i8")
_LEVEL = 1
"""Of zlib: most counts are small and repeat, so that the quickest level takes most of it."""


@dataclass(frozen=True, slots=True)
class RoomsRecord:
    """What was counted in each room from the start of the run on: totals, not deltas.

    So the latest one tells all, and one that was lost from the journal costs nothing.
    """

    TYPE: ClassVar[str] = "rooms"

    at_s: float
    rooms: int
    counters: tuple[str, ...]
    """Names of the columns: those of the ledger, ``expected`` as it is at this moment."""
    totals: bytes
    """int64, little-endian, [rooms][counters], packed by zlib."""

    @classmethod
    def from_array(cls, at_s: float, counters: Sequence[str], totals: npt.ArrayLike) -> Self:
        """Pack totals of the shape [rooms][counters]. Raises ``ValueError`` for another shape."""
        counts = np.ascontiguousarray(totals, dtype=_COUNT)
        if counts.ndim != 2 or counts.shape[1] != len(counters):
            raise ValueError(f"totals must be [rooms][{len(counters)}], are {counts.shape}")
        packed = zlib.compress(counts.tobytes(), _LEVEL)
        return cls(at_s=at_s, rooms=counts.shape[0], counters=tuple(counters), totals=packed)

    def array(self) -> npt.NDArray[np.int64]:
        """Return the totals as a read-only array of the shape [rooms][counters].

        Raises ``ValueError`` where they are damaged.
        """
        shape = (self.rooms, len(self.counters))
        if not 0 <= self.rooms <= MAX_ROOMS:
            raise ValueError(f"rooms record: 'rooms': must be 0 to {MAX_ROOMS}, is {self.rooms}")
        length = self.rooms * len(self.counters) * _COUNT.itemsize
        unpacker = zlib.decompressobj()
        try:
            # One byte more than there may be tells too much from enough.
            data = unpacker.decompress(self.totals, length + 1)
        except zlib.error as error:
            raise ValueError(f"rooms record: 'totals': {error}") from None
        if len(data) != length:
            raise ValueError(f"rooms record: 'totals': must hold {length} bytes")
        return np.frombuffer(data, _COUNT).reshape(shape)

    def to_dict(self) -> dict[str, Any]:
        """As a map of msgpack types."""
        data = {name: getattr(self, name) for name in _ROOMS}
        data["counters"] = list(self.counters)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Raise ``ValueError`` when a key is missing or has the wrong type."""
        return cls(**read("rooms record", data, _ROOMS))


_ROOMS: dict[str, Reader] = {
    "at_s": reading.number,
    "rooms": reading.whole,
    "counters": reading.texts,
    "totals": reading.raw,
}
