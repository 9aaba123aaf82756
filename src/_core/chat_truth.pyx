"""The chat target's own ledger: a file with one line for each thing that it did.

Columns are `TRUTH_HEADER`, events `EVENTS`. Lines stand in the order in which things happened, so
that for one member those of `sent`, `duplicated` and `damaged` are in the order on the wire.
"""

from libc.errno cimport errno
from libc.stdint cimport int64_t
from libc.stdio cimport fclose, fopen, fwrite, setvbuf, snprintf
from libc.string cimport strlen

import csv
import io
import os

TRUTH_HEADER = (
    "instant_ns,event,connection,user,room,run,marker_room,worker,sequence,planned_ns"
)
EVENTS = (
    "opened", "joined", "left", "received", "sent", "duplicated", "dropped", "damaged",
    "reordered", "unsent", "cut_close", "cut_eof", "cut_reset", "cut_slow",
)

# Kept for ever: the C strings of the names are theirs.
cdef tuple _NAMES = tuple(f",{name}".encode("ascii") for name in EVENTS)

cdef extern from "stdio.h" nogil:
    enum:
        _IOFBF

cdef enum:
    BUFFER_BYTES = 1048576


def field(text):
    """Return a text as one field of a line of comma-separated values, in UTF-8."""
    out = io.StringIO()
    csv.writer(out).writerow([text, ""])
    return out.getvalue().removesuffix(",\r\n").encode("utf-8", "backslashreplace")


cdef class ChatTruth:
    """A file that takes the truth; it is written anew. Raises OSError where that cannot be."""

    def __cinit__(self, str path not None):
        cdef bytes header = f"{TRUTH_HEADER}\n".encode("ascii")
        for i in range(CHAT_EVENTS):
            self.names[i] = _NAMES[i]
            self.lengths[i] = strlen(self.names[i])
        self.path = path
        self.file = fopen(os.fsencode(path), b"w")
        if self.file == NULL:
            raise OSError(errno, os.strerror(errno), path)
        setvbuf(self.file, NULL, _IOFBF, BUFFER_BYTES)
        fwrite(<const char*>header, 1, len(header), self.file)

    def __dealloc__(self):
        if self.file != NULL:
            fclose(self.file)

    cdef void put(
        self, int64_t instant_ns, int event, const char* who, size_t who_length,
        const char* what, size_t what_length
    ) noexcept nogil:
        cdef char instant[24]
        cdef size_t length
        cdef size_t written
        if self.file == NULL:
            return
        length = <size_t>snprintf(instant, sizeof(instant), b"%lld", <long long>instant_ns)
        written = fwrite(instant, 1, length, self.file)
        written += fwrite(self.names[event], 1, self.lengths[event], self.file)
        written += fwrite(who, 1, who_length, self.file)
        written += fwrite(what, 1, what_length, self.file)
        if written != length + self.lengths[event] + who_length + what_length:
            self.failed = True

    def close(self) -> None:
        """Write what is still in memory; closing twice is no error.

        Raises OSError where the file has not taken all of it.
        """
        if self.file == NULL:
            return
        file, self.file = self.file, NULL
        if fclose(file) != 0 or self.failed:
            raise OSError(f"{self.path} could not take the whole truth")
