"""Pings (RFC 6455 section 5.5.2): they tell an idle connection from one whose peer is gone.

Each connection is pinged once in `ping_ns`, the connections of a worker evenly spread over that
time; the payload is the instant of sending, 8 bytes. The pong with that payload gives the time
there and back; pongs that nobody asked for mean nothing (section 5.5.3). Before a pong has come no
other ping is sent, and a connection whose pong does not come in `timeout_ns` is ended as
`timeout_ping`.

Whoever stood still himself must not call others silent: when the time for a pong is up, what waits
unread is read first, for as long as the look at the clock came late and at least for one beat.
"""

from cython cimport final
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp

from surgewire._core.clock cimport clock_now_ns
from surgewire._core.connection cimport Connection
from surgewire._core.frame cimport FRAME_PING
from surgewire._core.histogram cimport HISTOGRAM_WORDS, histogram_record
from surgewire._core.pacer cimport DueQueue
from surgewire._core.poller cimport Poller

cdef enum:
    PAYLOAD_BYTES = 8
    # Pings sent in one go before the poller reads: the same reasons as for messages.
    PINGS_IN_A_TURN = 8
    # And before the loop gets its turn; the rest comes with the next beat.
    PINGS_AT_MOST = 256
    # The least time between the look at the clock that finds a pong overdue and the verdict.
    GRACE_NS = 10_000_000


@final
cdef class Pinger:
    """Pings up to `capacity` connections by their index.

    ping_ns, timeout_ns: time between two pings, and until a pong must have come. words: histogram
    of the times there and back, int64[HISTOGRAM_WORDS]. counts: uint64[2], pings sent and pongs
    that answered one. Raises ValueError where one of these does not fit.
    """

    def __cinit__(
        self,
        uint32_t capacity,
        int64_t ping_ns,
        int64_t timeout_ns,
        int64_t[::1] words not None,
        uint64_t[::1] counts not None,
    ):
        if ping_ns < 1 or timeout_ns < 1:
            raise ValueError(f"pings need times above 0, not {ping_ns} and {timeout_ns}")
        if words.shape[0] != HISTOGRAM_WORDS or counts.shape[0] != 2:
            raise ValueError(f"pings need {HISTOGRAM_WORDS} words and 2 counts")
        self.capacity = max(1, capacity)
        self.ping_ns = ping_ns
        self.timeout_ns = timeout_ns
        self.queue = DueQueue(self.capacity)
        self.members = [None] * self.capacity
        self.pinged = <pinged_t*>calloc(self.capacity, sizeof(pinged_t))
        if self.pinged == NULL:
            raise MemoryError()
        self.memory = (words, counts)
        self.words = &words[0]
        self.pings = &counts[0]
        self.pongs = &counts[1]

    def __dealloc__(self):
        free(self.pinged)

    def next_ping(self, index, int64_t now_ns) -> int:
        """Return when the connection with this index is pinged next after an instant."""
        if not 0 <= index < self.capacity:
            raise ValueError(f"index is {index}; it must lie in 0 to {self.capacity - 1}")
        return self.instant_after(index, now_ns)

    cdef int64_t instant_after(self, uint32_t index, int64_t now_ns) noexcept nogil:
        # ping_ns * index / capacity, without a product that might not fit.
        cdef int64_t phase_ns = (
            self.ping_ns // self.capacity * index
            + self.ping_ns % self.capacity * index // self.capacity
        )
        return now_ns - (now_ns - phase_ns) % self.ping_ns + self.ping_ns

    cdef void add(self, uint32_t index, Connection connection) noexcept:
        cdef pinged_t* p = &self.pinged[index]
        self.members[index] = connection
        p.next_ns = self.instant_after(index, clock_now_ns())
        p.sent_ns = 0
        if not p.queued:
            # Whoever is queued still, for a connection that ended, comes up earlier than this.
            p.queued = True
            self.queue.push(p.next_ns, index)

    cdef void remove(self, uint32_t index, Connection connection) noexcept:
        if self.members[index] is connection:
            self.members[index] = None

    cdef void pong(
        self, uint32_t index, const uint8_t* payload, size_t length, int64_t arrival_ns
    ) noexcept nogil:
        cdef pinged_t* p = &self.pinged[index]
        if p.sent_ns == 0 or length != PAYLOAD_BYTES or memcmp(payload, &p.sent_ns, length) != 0:
            return
        histogram_record(self.words, arrival_ns - p.sent_ns)
        self.pongs[0] += 1
        p.sent_ns = 0

    cdef void ping_due(self, int64_t now_ns, Poller poller) noexcept:
        cdef pinged_t* p
        cdef uint32_t index
        cdef int turns = 0
        while self.queue.next_instant() <= now_ns and turns < PINGS_AT_MOST:
            index = self.queue.next_user()
            p = &self.pinged[index]
            kind = self.serve(index, now_ns)
            if self.members[index] is None or kind is not None:
                p.queued = False
                self.queue.pop()
                if kind is not None:
                    connection, self.members[index] = self.members[index], None
                    connection.abort(kind)
                continue
            self.queue.replace(min(p.next_ns, p.until_ns) if p.sent_ns else p.next_ns)
            turns += 1
            if turns % PINGS_IN_A_TURN == 0 and poller is not None:
                poller.poll()

    cdef object serve(self, uint32_t index, int64_t now_ns):
        """Do what is due for one connection; return as what it is to end, None as nothing."""
        cdef pinged_t* p = &self.pinged[index]
        cdef Connection connection = <Connection>self.members[index]
        if self.members[index] is None:
            return None
        if p.sent_ns != 0 and p.until_ns <= now_ns:
            if p.spared:
                return "timeout_ping"
            p.spared = True
            p.until_ns = now_ns + max(now_ns - p.until_ns, <int64_t>GRACE_NS)
        if p.next_ns <= now_ns:
            p.next_ns = self.instant_after(index, now_ns)
            if p.sent_ns == 0:
                p.sent_ns = clock_now_ns()
                p.until_ns = p.sent_ns + self.timeout_ns
                p.spared = False
                if connection.send_frame(FRAME_PING, <uint8_t*>&p.sent_ns, PAYLOAD_BYTES) < 0:
                    return "tcp_reset"
                self.pings[0] += 1
        return None
