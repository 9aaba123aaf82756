from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from surgewire._core.ledger cimport Ledger
from surgewire._core.marker cimport marker_t
from surgewire._core.rooms cimport Rooms
from surgewire._core.trace cimport Trace

# How a member stands to its room.
cdef enum:
    MEMBER_OUTSIDE = 0          # not joined yet: nothing is expected to reach it
    MEMBER_LISTENING = 1
    MEMBER_ENDED = 2            # what it heard has been booked; what comes still is not

ctypedef struct member_t:
    uint32_t index              # within the worker
    uint32_t user               # over the whole run
    uint32_t room
    uint32_t row                # where its account is kept: the room, or apart from it
    int standing

# Where the histograms of deliveries lie.
ctypedef struct member_words_t:
    int64_t* latency
    int64_t* service
    int64_t* first
    int64_t* median
    int64_t* last


cdef class Memberships:
    cdef Ledger ledger
    cdef Rooms rooms
    cdef Trace trace            # None where none is wanted
    cdef member_words_t words
    cdef uint32_t run
    cdef uint32_t worker
    cdef uint32_t workers
    cdef bint to_others         # nobody hears his own messages
    cdef int64_t deadline_ns
    cdef uint64_t* numbers      # scratch: one for each worker

    # From now on the member, which was outside, hears its room. instant_ns: why it does now.
    cdef void join(self, member_t* member, int64_t instant_ns) noexcept nogil
    # The member hears nothing more; `how` is one of the ledger's.
    cdef void end(self, member_t* member, int how) noexcept nogil
    # A message of the member has been handed to the kernel.
    cdef void sent(
        self, const member_t* member, uint64_t sequence, int64_t planned_ns, int64_t sent_ns
    ) noexcept nogil
    # A message has come to the member.
    cdef void arrived(
        self, const member_t* member, const uint8_t* payload, size_t length, int64_t arrival_ns
    ) noexcept nogil
    # Deliveries that are expected and have neither come nor been given up.
    cdef uint64_t owed(self) noexcept nogil
    # The counters of a room, or of those who are kept apart there.
    cdef uint64_t* row(self, uint32_t number) noexcept nogil

    cdef void deliver(
        self, const member_t* member, const marker_t* marker, int64_t arrival_ns
    ) noexcept nogil
    cdef void spread(
        self, const member_t* member, const marker_t* marker, int64_t latency_ns
    ) noexcept nogil
    cdef void misfit(
        self, const member_t* member, int counter, const char* event, int64_t arrival_ns
    ) noexcept nogil
    cdef void misplaced(
        self, const member_t* member, int counter, const char* event, const marker_t* marker,
        int64_t arrival_ns,
    ) noexcept nogil
    cdef void trace_numbers(
        self, const member_t* member, const char* event, int64_t instant_ns, const char* detail
    ) noexcept nogil
