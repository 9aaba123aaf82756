from libc.stdint cimport uint8_t, uint64_t

from surgewire._core.connection cimport Connection


cdef class Reins:
    cdef Connection user                # None once it is gone
    cdef object manners
    cdef size_t quota                   # bytes that may still be read
    cdef readonly bint own_reading      # the poller is to keep its hands off
    cdef size_t most                    # payload of a fragment, bytes; 0: messages stay whole
    cdef uint8_t* scratch
    cdef size_t scratch_bytes
    cdef readonly uint64_t pings
    cdef readonly uint64_t pongs

    # Frames with their messages cut into fragments, in memory that the next call uses again; the
    # frames as they came where they cannot be cut. Sets *length.
    cdef const uint8_t* cut(self, const uint8_t* frames, size_t* length) noexcept
    # What is lent to the loop to read into.
    cdef object lend(self, object view)
    # So much was read into it.
    cdef int took(self, size_t length) except -1
    cdef bint _reachable(self) except -1
    cdef void opened(self) noexcept
    cdef void closing(self) noexcept
    cdef void release(self) noexcept
