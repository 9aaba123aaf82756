"""The journal of a run: one record after the other, sound up to the last whole one.

Its writer holds a lock (flock) on the file for as long as it lives, however it ends: so readers
can tell a run that goes on from one that was killed. How records lie in the file is told in
`journal_format`.
"""

import contextlib
import fcntl
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from surgewire.engine.journal_format import HEADER, encode
from surgewire.engine.tail import JournalTail
from surgewire.results.record import Record

# What is kept in memory of records that could not be written yet.
_BACKLOG_BYTES = 16 * 1024 * 1024


class JournalWriter:
    """Appends records to a new file; each is with the operating system before append returns.

    A file that cannot take a record (full disk, limit on its size) is cut back to its last whole
    record. What is missing stays in memory, up to 16 MiB, and is tried again with each record.
    """

    def __init__(self, path: Path) -> None:
        """Create the file at `path`, which must not exist; raise OSError when that fails."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o644)
        self._end = 0
        self._backlog: deque[bytes] = deque()
        self._backlog_bytes = 0
        self.failure: str | None = None
        """Why nothing can be written at present."""
        self.dropped = 0
        """Records given up, because they neither fitted the file nor the memory kept for them."""
        # A reader asks for the lock only where there is a header, so nobody is before us here.
        # File systems without locks leave readers to guess.
        with contextlib.suppress(OSError):
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            self._write(HEADER)
        except OSError:
            os.close(self._fd)
            raise

    def fileno(self) -> int:
        """Return the file's descriptor, -1 once closed."""
        return self._fd

    def append(self, record: Record) -> bool:
        """Write `record` and what is missing before it; return whether all is in the file."""
        frame = encode(record)
        self._backlog.append(frame)
        self._backlog_bytes += len(frame)
        try:
            self._write_backlog()
        except OSError as error:
            self.failure = (error.strerror or str(error)).lower()
            self._drop_oldest()
            return False
        self.failure = None
        return True

    def close(self) -> None:
        """Close the file; doing so twice is no error."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _write_backlog(self) -> None:
        while self._backlog:
            self._write(self._backlog[0])
            self._backlog_bytes -= len(self._backlog.popleft())

    def _write(self, frame: bytes) -> None:
        written = 0
        try:
            while written < len(frame):
                written += os.pwrite(self._fd, frame[written:], self._end + written)
        except OSError:
            # Cut back what got in of this record. Where even that fails, readers drop the torn
            # tail, and the next attempt writes over it.
            os.truncate(self._fd, self._end)
            raise
        self._end += len(frame)

    def _drop_oldest(self) -> None:
        while self._backlog_bytes > _BACKLOG_BYTES:
            self._backlog_bytes -= len(self._backlog.popleft())
            self.dropped += 1


@dataclass(frozen=True, slots=True)
class JournalContents:
    """What a journal holds: its records, and how many bytes of a torn tail were dropped."""

    records: tuple[Record, ...]
    torn_bytes: int


class JournalReader:
    """Iterates over the records of a journal with the memory of one record."""

    def __init__(self, path: Path) -> None:
        """Read the file at `path`, also while it is being written."""
        self._path = path
        self.torn_bytes = 0
        """Bytes of the torn tail; known once the iteration is over."""

    def __iter__(self) -> Iterator[Record]:
        """Iterate from the first record on; raise JournalError for what is no journal."""
        with JournalTail(self._path) as tail:
            yield from tail.read()
            self.torn_bytes = tail.torn_bytes


def read_journal(path: Path) -> JournalContents:
    """Read all records of the journal at `path`; raise JournalError when it is none."""
    reader = JournalReader(path)
    records = tuple(reader)
    return JournalContents(records, reader.torn_bytes)
