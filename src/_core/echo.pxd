from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.stdio cimport FILE

from surgewire._core.connection cimport Connection
from surgewire._core.delays cimport Delays
from surgewire._core.holding cimport Holding
from surgewire._core.wakeup cimport Wakeup


# A message that waits for its release; its payload lies behind it.
ctypedef struct echo_held_t:
    void* peer                  # owned reference
    uint8_t opcode
    size_t length
    int64_t received_ns


cdef class EchoPeer(Connection):
    cdef EchoService service


cdef class EchoService:
    cdef Delays delays
    cdef uint64_t random_state
    cdef Holding holding
    cdef Wakeup wakeup
    cdef FILE* truth
    cdef uint8_t* out
    cdef size_t out_length
    cdef size_t out_capacity
    cdef readonly uint64_t messages

    cdef int arm(self) except -1
    cdef void append(
        self, EchoPeer peer, uint8_t opcode, const uint8_t* payload, size_t length
    ) noexcept
    cdef int flush(self, EchoPeer peer) noexcept
    cdef void hold(
        self, EchoPeer peer, uint8_t opcode, const uint8_t* payload, size_t length,
        int64_t received_ns, int64_t release_ns
    ) noexcept
    cdef void record(
        self, const uint8_t* payload, size_t length, int64_t received_ns, int64_t release_ns,
        int64_t sent_ns
    ) noexcept nogil
