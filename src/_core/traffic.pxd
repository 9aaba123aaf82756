from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from surgewire._core.connection cimport Connection
from surgewire._core.frame cimport FRAME_BINARY, FRAME_TEXT, frame_payload_size
from surgewire._core.ledger cimport Ledger
from surgewire._core.pacer cimport DueQueue, Schedule
from surgewire._core.pinger cimport Pinger
from surgewire._core.poller cimport Poller
from surgewire._core.template cimport Template, template_values_t
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
    TRAFFIC_RETRIED = 10
    TRAFFIC_RETRIES_FAILED = 11
    TRAFFIC_JOINED = 12
    TRAFFIC_JOIN_FAILED = 13
    TRAFFIC_REJOINED = 14
    TRAFFIC_CUT_OFF = 15
    TRAFFIC_LEFT = 16
    TRAFFIC_PINGS = 17
    TRAFFIC_PONGS = 18
    TRAFFIC_PAYLOAD_BYTES_IN = 19
    TRAFFIC_PAYLOAD_BYTES_OUT = 20
    TRAFFIC_AWKWARD_FAILED = 21
    TRAFFIC_AWKWARD_RETRIES_FAILED = 22
    TRAFFIC_COUNTERS = 23

# Whether what is sent to a user is expected to arrive, and whether it sends.
cdef enum:
    USER_ABSENT = 0
    USER_PRESENT = 1
    USER_SILENT = 2             # it is to hear, and sends nothing more

# Messages of one connection that leave in one call.
cdef enum:
    TRAFFIC_BATCH = 32


cdef class User(Connection):
    cdef Traffic traffic
    cdef readonly uint32_t index        # within the worker
    cdef readonly uint32_t user         # over the whole run
    cdef int64_t number                 # in the order of the schedule; -1: plans no messages
    cdef readonly uint64_t sequence     # number of the last message sent
    cdef uint8_t listening              # one of USER_…
    cdef readonly bint apart            # awkward: what it hears is an account of its own
    cdef bint queued                    # the queue of who is due holds its index
    cdef uint64_t turn                  # number of the next planned message
    cdef int64_t planned_ns             # its planned instant
    cdef int64_t exact_ns               # the same, unrounded, from the start of sending

    cdef void belong(
        self, Traffic traffic, uint32_t index, uint32_t user, int64_t number
    ) noexcept


cdef class Traffic:
    cdef Ledger ledger
    cdef DueQueue queue
    cdef Schedule schedule
    cdef object loop
    cdef Wakeup wakeup
    cdef Poller poller
    cdef Pinger pinger                  # None where nobody is pinged
    cdef list users                     # by index; None where there is nobody
    cdef object memory
    cdef uint64_t* counters
    cdef int64_t* latency_words
    cdef int64_t* service_words
    cdef int64_t* send_lag_words
    cdef int64_t* loop_lag_words
    cdef uint32_t run
    cdef uint32_t worker
    cdef bint closed_model
    cdef uint8_t* scratch
    cdef uint8_t* plain                 # a message before it is compressed
    cdef uint64_t batch_payload_bytes   # of what was written since somebody set it to 0
    cdef uint32_t most_in_a_call        # messages that the scratch buffer holds
    cdef size_t max_unsent
    cdef int64_t start_ns
    cdef int64_t measure_ns
    cdef int64_t end_ns
    cdef int64_t deadline_ns
    cdef int64_t next_beat_ns
    cdef bint sending

    cdef int take_memory(self, counters, histograms) except -1
    cdef int make_room(self, size_t frame_bytes, uint32_t capacity) except -1
    cdef int make_pinger(self, int64_t ping_ns, int64_t timeout_ns) except -1
    cdef int64_t* words_of(self, str name) except NULL

    # What a kind of traffic does.
    # Deliveries that are expected and have neither come nor been given up.
    cdef uint64_t owed(self) except? 0
    # Sending begins: the user, whose connection is open, takes part.
    cdef void begin(self, User user) noexcept
    # Sends `count` messages of one user; returns whether the connection still works.
    cdef bint send_batch(self, User user, const int64_t* planned_ns, uint32_t count) noexcept
    # Books what is missing at a user that ends in this way (LEDGER_DRAINED and so on).
    cdef void end(self, User user, int how) noexcept

    cdef void enter(self, User user, int64_t from_ns) noexcept
    cdef void advance(self, User user) noexcept nogil
    cdef void send_planned(self, User user, int64_t now_ns) noexcept
    cdef void skip_until(self, int64_t until_ns) noexcept
    cdef bint send_due(self, int64_t now_ns) noexcept
    cdef void beat(self, int64_t now_ns) noexcept nogil


cdef inline size_t traffic_write_frame(
    Traffic traffic, uint8_t* out, User user, Template template, const template_values_t* values
) noexcept nogil:
    """Write a message in its frame, compressed where that was agreed on; return the frame's size.

    `out` has room for deflate_frame_bound of what the traffic made room for. Counts the payload in
    batch_payload_bytes.
    """
    cdef size_t length, size
    if user.deflate == NULL:
        size = template.write_frame(out, values)
        traffic.batch_payload_bytes += frame_payload_size(size, True)
        return size
    length = template.write_payload(traffic.plain, values)
    traffic.batch_payload_bytes += length
    return user.frame_message(
        out, FRAME_BINARY if template.binary else FRAME_TEXT, traffic.plain, length
    )
