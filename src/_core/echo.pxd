from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdio cimport FILE

from surgewire._core.connection cimport Connection
from surgewire._core.pacer cimport DueQueue
from surgewire._core.wakeup cimport Wakeup


cdef enum:
    ECHO_FIXED = 0
    ECHO_EXPONENTIAL = 1
    ECHO_MAX_DELAYS = 16


# One of several kinds of delay, chosen with a probability.
ctypedef struct echo_delay_t:
    double until                # upper end of this kind's share of 0..1
    int kind
    int64_t delay_ns            # fixed delay, or mean of the exponential


# A message that waits for its release.
ctypedef struct echo_held_t:
    void* peer                  # owned reference
    uint8_t opcode
    uint8_t* payload
    size_t length
    int64_t received_ns


cdef class EchoPeer(Connection):
    cdef EchoService service


cdef class EchoService:
    cdef echo_delay_t delays[ECHO_MAX_DELAYS]
    cdef uint32_t delay_count
    cdef uint64_t random_state
    cdef DueQueue queue
    cdef echo_held_t* held
    cdef uint32_t* free_slots
    cdef uint32_t free_count
    cdef uint32_t capacity
    cdef Wakeup wakeup
    cdef FILE* truth
    cdef uint8_t* out
    cdef size_t out_length
    cdef size_t out_capacity
    cdef readonly uint64_t messages

    cdef double uniform(self) noexcept nogil
    cdef int arm(self) except -1
    cdef int64_t draw_delay(self) noexcept nogil
    cdef void append(
        self, EchoPeer peer, uint8_t opcode, const uint8_t* payload, size_t length
    ) noexcept
    cdef int flush(self, EchoPeer peer) noexcept
    cdef void hold(
        self, EchoPeer peer, uint8_t opcode, const uint8_t* payload, size_t length,
        int64_t received_ns, int64_t release_ns
    ) noexcept
    cdef int grow(self) noexcept
    cdef void record(
        self, const uint8_t* payload, size_t length, int64_t received_ns, int64_t release_ns,
        int64_t sent_ns
    ) noexcept nogil
