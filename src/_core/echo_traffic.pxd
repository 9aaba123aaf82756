from libc.stdint cimport int64_t, uint8_t, uint64_t

from surgewire._core.marker cimport marker_t
from surgewire._core.template cimport Template
from surgewire._core.traffic cimport Traffic, User


cdef class EchoUser(User):
    cdef int64_t awaited_ns             # closed model: planned instant of the message in flight


cdef class EchoTraffic(Traffic):
    cdef Template template

    cdef size_t encode(
        self, uint8_t* out, EchoUser user, uint64_t sequence, int64_t planned_ns, int64_t sent_ns
    ) noexcept nogil
    # The counters of well-behaved users, or of the others.
    cdef uint64_t* row(self, EchoUser user) noexcept nogil
    cdef void book(
        self, EchoUser user, const uint8_t* payload, size_t length, int64_t arrival_ns
    ) noexcept
    cdef void deliver(self, EchoUser user, const marker_t* marker, int64_t arrival_ns) noexcept
