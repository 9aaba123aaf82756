"""Reading a journal while it grows: whole records alone, and whether more can come."""

import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from surgewire.engine.journal_format import HEADER, JournalError, read_format, read_frame
from surgewire.results.record import EndRecord, Record, StartRecord

# Where nothing but the age of the file tells: a record comes each second.
_SILENCE_S = 10.0


class JournalTail:
    """A journal from its first record on, as far as it goes at each moment.

    What is not whole is left for the next time, and never believed: it may be about to be written,
    or to be cut back because the disk is full.
    """

    def __init__(self, path: Path) -> None:
        """Open the journal at `path`; raise JournalError for what is none."""
        self._path = path
        self._end = len(HEADER)
        self._ended = False
        self.running = True
        """Whether more can come; told by `follow`."""
        self.torn_bytes = 0
        """What lay behind the last whole record at the last reading."""
        try:
            self._file = path.open("rb", buffering=0)
        except FileNotFoundError:
            raise JournalError(f"{path} does not exist; name the folder of a run") from None
        except OSError as error:
            raise JournalError(f"{path} cannot be read: {error.strerror}") from error
        try:
            self._format = read_format(self._file.read(len(HEADER)))
        except JournalError as error:
            self.close()
            raise JournalError(f"{path} {error}") from None
        except OSError as error:
            self.close()
            raise JournalError(f"{path} cannot be read: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; doing so twice is no error."""
        self._file.close()

    def follow(self) -> Iterator[Record]:
        """Iterate over what is new, and find out whether more can come: then `running` tells.

        Once it is False, all that the writer left has been read. Raises JournalError as `read`.
        """
        yield from self.read()
        self.running = self._writer_lives()
        if not self.running:
            # What it wrote between the reading and the question.
            yield from self.read()

    def read(self) -> Iterator[Record]:
        """Iterate over the records that are new and whole, up to where the file ends now.

        Takes the memory of one record. Raises JournalError for a sound record with nonsense in it,
        and when the file cannot be read.
        """
        try:
            size = os.fstat(self._file.fileno()).st_size
            while (record := self._next(size)) is not None:
                yield from record
        except OSError as error:
            raise JournalError(f"{self._path} cannot be read: {error.strerror}") from error
        self.torn_bytes = max(size - self._end, 0)

    def _writer_lives(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            # This file system has no locks.
            age_s = time.time() - os.fstat(self._file.fileno()).st_mtime
            return not self._ended and age_s < _SILENCE_S
        fcntl.flock(self._file, fcntl.LOCK_UN)
        return False

    def _next(self, size: int) -> tuple[Record, ...] | None:
        # What was not whole the last time is read anew: it may have become something else.
        self._file.seek(self._end)
        frame = read_frame(self._file, size - self._end, self._format)
        if frame is None:
            return None
        try:
            record = frame.record()
        except ValueError as error:
            raise JournalError(f"{self._path}, byte {self._end}: {error}") from error
        if self._end == len(HEADER) and not isinstance(record, StartRecord):
            raise JournalError(f"{self._path} does not begin with the start of a run")
        self._end += frame.size_bytes
        self._ended = self._ended or isinstance(record, EndRecord)
        return () if record is None else (record,)
