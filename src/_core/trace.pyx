"""What a worker books, line by line, so that its account can be held against a server's.

A CSV file with the columns of HEADER; instants are nanoseconds of CLOCK_MONOTONIC. What a file
cannot take is not written later either: it ends where it broke, and says so when it is closed.
"""

from cython cimport final
from libc.errno cimport EIO, errno
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdio cimport FILE, fclose, fopen, fprintf, setvbuf

import os

HEADER = "instant_ns,event,user,room,worker,sequence,planned_ns,detail"
cdef bytes _HEADER = HEADER.encode("ascii")

cdef extern from "<stdio.h>" nogil:
    int _IOFBF

cdef enum:
    BUFFER_BYTES = 262144


@final
cdef class Trace:
    """The trace of one worker, written to `path`, which is made or emptied.

    Raises OSError when that cannot be done.
    """

    def __cinit__(self, path):
        cdef bytes name = os.fsencode(path)
        self.file = fopen(name, "we")
        if self.file == NULL:
            raise OSError(errno, os.strerror(errno), os.fsdecode(name))
        setvbuf(self.file, NULL, _IOFBF, BUFFER_BYTES)
        fprintf(self.file, "%s\n", <const char*>_HEADER)

    def __dealloc__(self):
        if self.file != NULL:
            fclose(self.file)

    @property
    def error(self) -> str | None:
        """Why not all is in the file; None while all is."""
        return os.strerror(self.broken) if self.broken else None

    def close(self) -> None:
        """Write what is left; OSError when not all could be written. Closing twice is no error."""
        cdef FILE* file = self.file
        if file == NULL:
            return
        self.file = NULL
        if fclose(file) != 0 and self.broken == 0:
            self.broken = errno
        if self.broken:
            raise OSError(self.broken, os.strerror(self.broken))

    cdef void note(
        self, int64_t instant_ns, const char* event, uint32_t user, uint32_t room
    ) noexcept nogil:
        if self.file == NULL or self.broken:
            return
        if fprintf(self.file, "%lld,%s,%u,%u,,,,\n", <long long>instant_ns, event, user, room) < 0:
            self.broken = errno if errno else EIO

    cdef void line(
        self, int64_t instant_ns, const char* event, uint32_t user, uint32_t room,
        uint32_t worker, uint64_t sequence, int64_t planned_ns, const char* detail,
    ) noexcept nogil:
        if self.file == NULL or self.broken:
            return
        if fprintf(
            self.file, "%lld,%s,%u,%u,%u,%llu,%lld,%s\n", <long long>instant_ns, event, user, room,
            worker, <unsigned long long>sequence, <long long>planned_ns, detail,
        ) < 0:
            self.broken = errno if errno else EIO

    def write_note(self, instant_ns, bytes event, user, room) -> None:
        """Write a line about something that has no marker."""
        self.note(instant_ns, event, user, room)

    def write_line(
        self, instant_ns, bytes event, user, room, worker, sequence, planned_ns, bytes detail=b""
    ) -> None:
        """Write a line about a number of a stream."""
        self.line(instant_ns, event, user, room, worker, sequence, planned_ns, detail)
