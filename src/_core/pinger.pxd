from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from surgewire._core.connection cimport Connection
from surgewire._core.pacer cimport DueQueue
from surgewire._core.poller cimport Poller

ctypedef struct pinged_t:
    int64_t next_ns             # when the next ping is due
    int64_t sent_ns             # of the ping whose pong is awaited; 0 when there is none
    int64_t until_ns            # how long that pong is awaited
    bint spared                 # that was put off once
    bint queued                 # the queue holds its index


cdef class Pinger:
    cdef readonly int64_t ping_ns
    cdef readonly int64_t timeout_ns
    cdef readonly uint32_t capacity
    cdef DueQueue queue
    cdef list members           # by index; None where nobody is pinged
    cdef pinged_t* pinged
    cdef object memory
    cdef int64_t* words
    cdef uint64_t* pings
    cdef uint64_t* pongs

    # The connection, which is open, is pinged until it is removed or silent for too long.
    cdef void add(self, uint32_t index, Connection connection) noexcept
    # Harmless for a connection that is not pinged.
    cdef void remove(self, uint32_t index, Connection connection) noexcept
    # A pong came, with a read at `arrival_ns`.
    cdef void pong(
        self, uint32_t index, const uint8_t* payload, size_t length, int64_t arrival_ns
    ) noexcept nogil
    # Pings whom it is time to ping and ends those that are silent; the poller reads in between.
    cdef void ping_due(self, int64_t now_ns, Poller poller) noexcept

    cdef int64_t instant_after(self, uint32_t index, int64_t now_ns) noexcept nogil
    cdef object serve(self, uint32_t index, int64_t now_ns)
