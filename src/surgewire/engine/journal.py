"""The journal of a run: one record after the other, sound up to the last whole one.

A file of magic bytes and a format number (uint16), then per record its length (uint32), the
CRC-32 of its body (uint32) and the body, msgpack of ``[type, dict]``. Numbers are little-endian.
"""

import os
import struct
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgpack

from surgewire.errors import UsageError
from surgewire.results.record import Record, record_from_pair, record_to_pair

MAGIC = b"SWJRNL"
FORMAT = 1

_FORMAT = struct.Struct("<H")
_FRAME = struct.Struct("<II")
_HEADER = MAGIC + _FORMAT.pack(FORMAT)
# What is kept in memory of records that could not be written yet.
_BACKLOG_BYTES = 16 * 1024 * 1024


class JournalError(UsageError):
    """What was to be read is no journal, or one of a newer format."""


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
        try:
            self._write(_HEADER)
        except OSError:
            os.close(self._fd)
            raise

    def fileno(self) -> int:
        """Return the file's descriptor, -1 once closed."""
        return self._fd

    def append(self, record: Record) -> bool:
        """Write `record` and what is missing before it; return whether all is in the file."""
        body: bytes = msgpack.packb(record_to_pair(record))
        frame = _FRAME.pack(len(body), zlib.crc32(body)) + body
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
        try:
            with self._path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                self._check_header(file.read(len(_HEADER)))
                yield from self._records(file, size)
        except FileNotFoundError:
            raise JournalError(f"{self._path} does not exist; name the folder of a run") from None
        except OSError as error:
            raise JournalError(f"{self._path} cannot be read: {error.strerror}") from error

    def _check_header(self, header: bytes) -> None:
        if header[: len(MAGIC)] != MAGIC or len(header) < len(_HEADER):
            raise JournalError(f"{self._path} is no journal of a Surgewire run")
        (number,) = _FORMAT.unpack_from(header, len(MAGIC))
        if number > FORMAT:
            raise JournalError(
                f"{self._path} has format {number}, which is newer than this version reads "
                f"({FORMAT}); read it with the version of Surgewire that wrote it"
            )
        if number != FORMAT:
            raise JournalError(f"{self._path} has the unknown format {number}")

    def _records(self, file: BinaryIO, size: int) -> Iterator[Record]:
        end = len(_HEADER)
        while (body := _read_body(file, size - end)) is not None:
            try:
                record = record_from_pair(msgpack.unpackb(body))
            except (ValueError, msgpack.UnpackException) as error:
                raise JournalError(f"{self._path}, byte {end}: {error}") from error
            end += _FRAME.size + len(body)
            # Kinds of record that a newer minor version adds are left out.
            if record is not None:
                yield record
        self.torn_bytes = size - end


def _read_body(file: BinaryIO, remaining: int) -> bytes | None:
    """Return the next body; None at the end and for one that is cut off or damaged."""
    frame = file.read(_FRAME.size)
    if len(frame) < _FRAME.size:
        return None
    length, checksum = _FRAME.unpack(frame)
    if length > remaining - _FRAME.size:
        return None
    body = file.read(length)
    return body if len(body) == length and zlib.crc32(body) == checksum else None


def read_journal(path: Path) -> JournalContents:
    """Read all records of the journal at `path`; raise JournalError when it is none."""
    reader = JournalReader(path)
    records = tuple(reader)
    return JournalContents(records, reader.torn_bytes)
