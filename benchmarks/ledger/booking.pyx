"""What it takes to book a delivery, without sockets: a message is found, checked and counted.

A message of a room is booked at all members, as if each had just read it. The steps are those of a
chat run: find the marker, tell whose it is, book it in the ledger, record latency and service time,
follow how far the message has spread.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from surgewire._core.clock cimport clock_now_ns
from surgewire._core.histogram cimport histogram_record
from surgewire._core.ledger cimport (
    LEDGER_COUNTERS,
    LEDGER_DAMAGED,
    LEDGER_DELIVERED,
    LEDGER_FOREIGN,
    LEDGER_MISROUTED,
    LEDGER_REORDERED,
    Ledger,
)
from surgewire._core.marker cimport (
    MARKER_DAMAGED,
    MARKER_FOUND,
    MARKER_LENGTH,
    MARKER_NONE,
    marker_find,
    marker_t,
    marker_write,
)
from surgewire._core.rooms cimport ROOMS_FIRST, ROOMS_GONE, ROOMS_LAST, ROOMS_MEDIAN, Rooms

cdef enum:
    BUFFER_BYTES = 4096
    CACHE_LINE_BYTES = 64
    # From one member to the next: what a server needs to send and we need to read.
    STEP_NS = 4000


cdef class Booking:
    """The books of one worker, and what its users read.

    ledger: open windows, number `member * workers + worker`. rooms: as each worker sees them; the
    first one books. histograms: int64[5][HISTOGRAM_WORDS]: latency, service time, fan-out first,
    median, last. members: uint32[rooms][n], in the order in which a message comes to them.
    """

    cdef Ledger ledger
    cdef Rooms rooms
    cdef list views
    cdef int64_t[:, ::1] histograms
    cdef uint32_t[:, ::1] members
    cdef uint32_t run
    cdef int64_t deadline_ns
    cdef uint64_t workers
    cdef readonly uint64_t seen             # bytes of the memory walked: so that it is walked

    def __init__(
        self, Ledger ledger not None, list rooms not None, int64_t[:, ::1] histograms not None,
        uint32_t[:, ::1] members not None, *, uint32_t run, int64_t deadline_ns,
    ):
        self.ledger, self.views, self.rooms = ledger, rooms, rooms[0]
        self.histograms, self.members = histograms, members
        self.run, self.deadline_ns = run, deadline_ns
        self.workers = self.rooms.workers

    def deliver(
        self, const uint8_t[::1] text not None, uint32_t marker_at,
        const uint32_t[::1] order not None, const int64_t[::1] lags_ns not None,
        uint8_t[::1] walked, int64_t[::1] took_ns not None,
    ):
        """Send a message into each room of `order`, and book it at all members.

        text: the message, with room for a marker at `marker_at`. lags_ns: how long each message
        takes to the first member; the others get it one after the other. walked: memory that is
        touched before each message, so that the caches hold nothing of ours; None for none.
        took_ns: becomes how long the booking of each message took, all its deliveries together.
        """
        cdef uint8_t[BUFFER_BYTES] buffer
        cdef size_t length = <size_t>text.shape[0]
        cdef Py_ssize_t i, place
        cdef uint32_t room, member
        cdef int64_t started_ns, arrival_ns
        cdef marker_t marker
        cdef Rooms sender
        assert marker_at + MARKER_LENGTH <= length <= BUFFER_BYTES
        for i in range(order.shape[0]):
            room = order[i]
            marker.run, marker.room = self.run, room
            marker.worker = <uint32_t>(<uint64_t>i % self.workers)
            sender = self.views[marker.worker]
            marker.sequence = sender.publish(
                room, self.members[room, 0], <uint32_t>self.members.shape[1]
            )
            marker.planned_ns, marker.send_lag_ns = clock_now_ns(), 20_000
            if walked is not None:
                for place in range(0, walked.shape[0], CACHE_LINE_BYTES):
                    self.seen += walked[place]
                    walked[place] += 1
            memcpy(buffer, &text[0], length)        # a read leaves it in the cache
            marker_write(buffer + marker_at, &marker)
            arrival_ns = marker.planned_ns + lags_ns[i]
            started_ns = clock_now_ns()
            for place in range(self.members.shape[1]):
                member = self.members[room, place]
                self.book(member, room, buffer, length, arrival_ns)
                arrival_ns += STEP_NS
            took_ns[i] = clock_now_ns() - started_ns

    cdef void book(
        self, uint32_t member, uint32_t room, const uint8_t* payload, size_t length,
        int64_t arrival_ns,
    ) noexcept nogil:
        cdef uint64_t* counts = self.ledger.counts + <size_t>room * LEDGER_COUNTERS
        cdef marker_t marker
        cdef size_t offset = 0
        cdef int found
        self.ledger.prefetch(<uint32_t>(member * self.workers), <uint32_t>self.workers)
        found = marker_find(payload, length, &offset, &marker)
        while found != MARKER_NONE:
            if found == MARKER_DAMAGED:
                counts[LEDGER_DAMAGED] += 1
            elif marker.run != self.run:
                counts[LEDGER_FOREIGN] += 1
            elif marker.room != room or marker.worker >= self.workers:
                counts[LEDGER_MISROUTED] += 1
            else:
                self.book_one(member, room, &marker, arrival_ns)
            found = marker_find(payload, length, &offset, &marker)

    cdef void book_one(
        self, uint32_t member, uint32_t room, const marker_t* marker, int64_t arrival_ns
    ) noexcept nogil:
        cdef int64_t latency_ns = arrival_ns - marker.planned_ns
        cdef int64_t spread_ns = 0
        cdef int part
        cdef int outcome = self.ledger.arrived(
            <uint32_t>(member * self.workers) + marker.worker, room, marker.sequence,
            self.rooms.last_sent(marker.worker, room), latency_ns > self.deadline_ns,
        )
        if outcome != LEDGER_DELIVERED and outcome != LEDGER_REORDERED:
            return
        histogram_record(&self.histograms[0, 0], latency_ns)
        histogram_record(&self.histograms[1, 0], latency_ns - marker.send_lag_ns)
        part = self.rooms.spread(marker.worker, room, marker.sequence, latency_ns, &spread_ns)
        if part == 0 or part == ROOMS_GONE:
            return
        if part & ROOMS_FIRST:
            histogram_record(&self.histograms[2, 0], spread_ns)
        if part & ROOMS_MEDIAN:
            histogram_record(&self.histograms[3, 0], spread_ns)
        if part & ROOMS_LAST:
            histogram_record(&self.histograms[4, 0], spread_ns)


def find_markers(const uint8_t[::1] text not None, uint32_t rounds):
    """Return the nanoseconds that finding the only marker of `text` takes, to its end."""
    cdef marker_t marker
    cdef size_t offset
    cdef size_t length = <size_t>text.shape[0]
    cdef uint32_t _round, found = 0
    cdef int64_t started_ns = clock_now_ns()
    for _round in range(rounds):
        offset = 0
        while marker_find(&text[0], length, &offset, &marker) == MARKER_FOUND:
            found += 1
    assert found == rounds
    return (clock_now_ns() - started_ns) / rounds
