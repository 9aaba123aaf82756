from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from surgewire._core.connection cimport Connection
from surgewire._core.ledger cimport Ledger
from surgewire._core.marker cimport marker_t
from surgewire._core.pacer cimport DueQueue, Schedule
from surgewire._core.poller cimport Poller
from surgewire._core.template cimport Template
from surgewire._core.wakeup cimport Wakeup

# Order of the counters in the memory that the caller hands in.
cdef enum:
    TRAFFIC_ATTEMPTED = 0
    TRAFFIC_ESTABLISHED = 1
    TRAFFIC_FAILED = 2
    TRAFFIC_OPEN = 3
    TRAFFIC_CLOSED = 4
    TRAFFIC_BYTES_IN = 5
    TRAFFIC_BYTES_OUT = 6
    TRAFFIC_FRAMES_IN = 7
    TRAFFIC_PLANNED = 8
    TRAFFIC_SKIPPED = 9
    TRAFFIC_COUNTERS = 10


cdef class EchoUser(Connection):
    cdef Traffic traffic
    cdef readonly uint32_t index        # within the worker; also the number of its ledger window
    cdef readonly uint32_t user         # over the whole run; the room of its markers
    cdef readonly uint64_t sequence     # number of the last message sent
    cdef bint listening                 # its ledger window is open
    cdef uint64_t turn                  # number of the next planned message
    cdef int64_t planned_ns             # its planned instant
    cdef int64_t exact_ns               # the same, unrounded, from the start of sending
    cdef int64_t awaited_ns             # closed model: planned instant of the message in flight


cdef class Traffic:
    cdef Ledger ledger
    cdef DueQueue queue
    cdef Schedule schedule
    cdef object loop
    cdef Wakeup wakeup
    cdef Poller poller
    cdef list users
    cdef tuple memory
    cdef uint64_t* counters
    cdef int64_t* latency_words
    cdef int64_t* service_words
    cdef int64_t* send_lag_words
    cdef int64_t* loop_lag_words
    cdef uint32_t run
    cdef uint32_t worker
    cdef bint closed_model
    cdef Template template
    cdef size_t frame_size
    cdef uint8_t* scratch
    cdef size_t scratch_size
    cdef size_t max_unsent
    cdef int64_t start_ns
    cdef int64_t measure_ns
    cdef int64_t end_ns
    cdef int64_t deadline_ns
    cdef int64_t next_beat_ns
    cdef bint sending

    cdef void encode(
        self, uint8_t* out, EchoUser user, uint64_t sequence, int64_t planned_ns, int64_t sent_ns
    ) noexcept nogil
    cdef void advance(self, EchoUser user) noexcept nogil
    cdef void send_planned(self, EchoUser user, int64_t now_ns) noexcept
    cdef void skip_until(self, int64_t until_ns) noexcept
    cdef bint send_batch(
        self, EchoUser user, const int64_t* planned_ns, uint32_t count
    ) noexcept
    cdef bint send_due(self, int64_t now_ns) noexcept
    cdef void book(
        self, EchoUser user, const uint8_t* payload, size_t length, int64_t arrival_ns
    ) noexcept
    cdef void deliver(
        self, EchoUser user, const marker_t* marker, int64_t arrival_ns
    ) noexcept
    cdef void beat(self, int64_t now_ns) noexcept nogil
