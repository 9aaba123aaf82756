from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdio cimport FILE


cdef class Trace:
    cdef FILE* file             # NULL once closed
    cdef int broken             # errno of what could not be written; 0 while all is there

    # A line about something that has no marker.
    cdef void note(
        self, int64_t instant_ns, const char* event, uint32_t user, uint32_t room
    ) noexcept nogil
    # A line about a number of a stream.
    cdef void line(
        self, int64_t instant_ns, const char* event, uint32_t user, uint32_t room,
        uint32_t worker, uint64_t sequence, int64_t planned_ns, const char* detail,
    ) noexcept nogil
