"""Sparse form of what a histogram gained: only the counts that changed, as bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from surgewire._core import histogram
from surgewire._core.histogram import Histogram

_INDEX = np.dtype("<i4")
_COUNT = np.dtype("<i8")


@dataclass(frozen=True, slots=True)
class SparseHistogram:
    """What a histogram gained in an interval; ``min_ns`` and ``max_ns`` are those of the run."""

    indices: bytes
    """int32, little-endian, ascending: positions among the counts."""
    counts: bytes
    """int64, little-endian: as many as indices."""
    total_ns: int
    """Gain of the sum of the values."""
    clipped: int
    """Gain of the values that lay outside the histogram's range."""
    min_ns: int
    max_ns: int

    def __post_init__(self) -> None:
        items = len(self.indices) // _INDEX.itemsize
        if len(self.indices) % _INDEX.itemsize or len(self.counts) != items * _COUNT.itemsize:
            raise ValueError("histogram: 'indices' and 'counts' do not fit together")

    @classmethod
    def from_arrays(
        cls,
        indices: npt.ArrayLike,
        counts: npt.ArrayLike,
        *,
        total_ns: int,
        min_ns: int,
        max_ns: int,
        clipped: int = 0,
    ) -> Self:
        """Pack two sequences of the same length."""
        return cls(
            indices=np.asarray(indices, dtype=_INDEX).tobytes(),
            counts=np.asarray(counts, dtype=_COUNT).tobytes(),
            total_ns=total_ns,
            clipped=clipped,
            min_ns=min_ns,
            max_ns=max_ns,
        )

    def arrays(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Return indices and counts as read-only arrays."""
        return np.frombuffer(self.indices, _INDEX), np.frombuffer(self.counts, _COUNT)

    def to_dict(self) -> dict[str, Any]:
        """As a map of msgpack types.

        Positions as gaps, gaps and counts in as few bytes each as the largest takes: compressed
        afterwards, a third of what the arrays would take.
        """
        indices, counts = self.arrays()
        return {
            "gaps": _narrow(np.diff(indices, prepend=np.int32(0))),
            "counts": _narrow(counts),
            "total_ns": self.total_ns,
            "clipped": self.clipped,
            "min_ns": self.min_ns,
            "max_ns": self.max_ns,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Raise ``ValueError`` when a key is missing or has the wrong type."""
        if not isinstance(data, Mapping):
            raise ValueError(f"histogram: must be a map, is {type(data).__name__}")
        values = {name: _field(data, name, int) for name in _NUMBERS}
        if "gaps" not in data:
            # Of a journal of format 1.
            arrays = {name: _field(data, name, bytes) for name in ("indices", "counts")}
            return cls(**arrays, **values)
        indices = np.cumsum(_wide(_field(data, "gaps", list)), dtype=np.int64)
        if indices.size and not 0 <= indices[-1] <= np.iinfo(_INDEX).max:
            raise ValueError("histogram: 'gaps': too large")
        counts = _wide(_field(data, "counts", list))
        return cls.from_arrays(indices, counts, **values)


_NUMBERS = ("total_ns", "clipped", "min_ns", "max_ns")
_WIDTHS: dict[int, np.dtype[Any]] = {
    1: np.dtype("<u1"),
    2: np.dtype("<u2"),
    4: np.dtype("<u4"),
    8: np.dtype("<i8"),
}


def _field(data: Mapping[str, Any], name: str, kind: type) -> Any:
    if name not in data:
        raise ValueError(f"histogram: {name!r} is missing")
    # Lists come back from msgpack as lists, and go in as tuples or lists.
    if not isinstance(data[name], (list, tuple) if kind is list else kind):
        raise ValueError(f"histogram: {name!r}: must be {kind.__name__}")
    return data[name]


def _narrow(values: npt.NDArray[Any]) -> list[Any]:
    """Give the bytes of each value, and the bytes of all of them; none may be negative."""
    largest = int(values.max(initial=0))
    width = next(width for width, kind in _WIDTHS.items() if largest <= np.iinfo(kind).max)
    return [width, values.astype(_WIDTHS[width]).tobytes()]


def _wide(narrow: Any) -> npt.NDArray[np.int64]:
    match narrow:
        case [int(width), bytes(values)] if width in _WIDTHS and len(values) % width == 0:
            return np.frombuffer(values, _WIDTHS[width]).astype(_COUNT)
    raise ValueError("histogram: gaps and counts must be pairs of a width and bytes")


def sparse_delta(
    before: npt.NDArray[np.int64], now: npt.NDArray[np.int64]
) -> SparseHistogram | None:
    """Give what a histogram gained between two snapshots of its words; None when nothing.

    Raises ValueError when ``now`` is not a later state of ``before``.
    """
    delta = SparseHistogram(*histogram.sparse_delta(before, now))
    return delta if delta.indices else None


def add_sparse(target: Histogram, delta: SparseHistogram) -> None:
    """Add a delta to a histogram. Raises ValueError when it does not fit the layout."""
    target.add_sparse(
        delta.indices, delta.counts, delta.total_ns, delta.clipped, delta.min_ns, delta.max_ns
    )
