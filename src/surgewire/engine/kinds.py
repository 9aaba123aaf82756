"""Counts by kind in shared memory: one process writes, every process may read at any moment."""

import re
from typing import Any

import numpy as np
import numpy.typing as npt

CAPACITY = 64
NAME_BYTES = 48
OTHER = "other"

_SOUND = re.compile(rf"[a-z0-9_.:-]{{1,{NAME_BYTES}}}")
_HEADER_BYTES = 16
_ENTRY = np.dtype([("name", f"S{NAME_BYTES}"), ("count", np.uint64)])

KIND_TABLE_BYTES = _HEADER_BYTES + CAPACITY * _ENTRY.itemsize


class KindTable:
    """At most 64 stable kinds (of ``[a-z0-9_.:-]``, up to 48 characters) with a count each.

    What is no such name, and what no longer fits, is counted as ``other``, so that no text of a
    server reaches a report and the table stays within its memory.
    """

    def __init__(self, memory: npt.NDArray[np.uint8]) -> None:
        """Read and write the table that lies in `memory` (KIND_TABLE_BYTES long, zeroed if new)."""
        if memory.nbytes != KIND_TABLE_BYTES:
            raise ValueError(f"a table takes {KIND_TABLE_BYTES} bytes, not {memory.nbytes}")
        self._header: npt.NDArray[np.uint64] = memory[:_HEADER_BYTES].view(np.uint64)
        self._entries: npt.NDArray[Any] = memory[_HEADER_BYTES:].view(_ENTRY)
        self._counts: npt.NDArray[np.uint64] = self._entries["count"]
        self._index: dict[str, int] = {}

    def add(self, kind: str, n: int = 1) -> None:
        """Count `kind` `n` times more."""
        if n < 0:
            raise ValueError("counts only grow")
        index = self._index_of(kind)
        if index is None:
            self._header[1] += np.uint64(n)
        else:
            self._counts[index] += np.uint64(n)

    def counts(self) -> dict[str, int]:
        """Return the counts by kind, `other` included where there is any."""
        used = int(self._header[0])
        names = self._entries["name"][:used].tolist()
        found = {name.decode("ascii"): int(n) for name, n in zip(names, self._counts, strict=False)}
        if other := int(self._header[1]):
            found[OTHER] = found.get(OTHER, 0) + other
        return found

    def _index_of(self, kind: str) -> int | None:
        index = self._index.get(kind)
        if index is not None:
            return index
        used = int(self._header[0])
        if len(self._index) < used:
            # The writer before us was another process: its names are in the memory alone.
            names = self._entries["name"][:used].tolist()
            self._index = {name.decode("ascii"): i for i, name in enumerate(names)}
            if kind in self._index:
                return self._index[kind]
        if used == CAPACITY or kind == OTHER or not _SOUND.fullmatch(kind):
            return None
        self._entries["name"][used] = kind.encode("ascii")
        # Readers look at `used` names only: raised last, it never shows a half-written one.
        self._header[0] = used + 1
        self._index[kind] = used
        return used
