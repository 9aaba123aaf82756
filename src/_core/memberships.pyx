"""What the users of one worker hear of their rooms, and how it is booked.

A stream is what one worker sends into one room. A member has one ledger window for each worker that
sends: it hears that stream from the number after the last one published when it joined, until the
last one published when it ended. How many deliveries that makes is in the account of the rooms; the
ledger's `expected` holds only what is taken off it again.
"""

from cython cimport final
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from surgewire._core.clock cimport clock_now_ns
from surgewire._core.histogram cimport histogram_record
from surgewire._core.ledger cimport (
    LEDGER_BEFORE_JOIN_COUNT,
    LEDGER_COMPLETE,
    LEDGER_COUNTERS,
    LEDGER_DAMAGED,
    LEDGER_DELIVERED,
    LEDGER_DELIVERED_COUNT,
    LEDGER_EXPECTED,
    LEDGER_FOREIGN,
    LEDGER_LOST,
    LEDGER_LOST_TO_DISCONNECT,
    LEDGER_MISROUTED,
    LEDGER_REORDERED,
    LEDGER_UNMARKED,
    LEDGER_WARMUP_DELIVERED,
    Ledger,
)
from surgewire._core.marker cimport MARKER_DAMAGED, MARKER_NONE, marker_find, marker_t
from surgewire._core.rooms cimport ROOMS_FIRST, ROOMS_LAST, ROOMS_MEDIAN, Rooms
from surgewire._core.trace cimport Trace

# In the order of the ledger's outcomes and of the ways to end.
cdef const char** OUTCOMES = [
    "delivered", "reordered", "duplicated", "misrouted", "too_old", "before_join"
]
cdef const char** ENDS = ["drained", "cut_off", "left"]


@final
cdef class Memberships:
    """The books of worker `worker`.

    ledger: with a row for each room, and as many windows for each user as there are workers. rooms:
    of this worker. trace: where to write down what is booked, or None. to_others: senders do not
    hear themselves. deadline_ns: what arrives later than that is late. Raises ValueError where
    these do not fit together. Whoever makes it sets `words`.
    """

    def __cinit__(
        self,
        Ledger ledger not None,
        Rooms rooms not None,
        Trace trace,
        *,
        uint32_t run,
        uint32_t worker,
        bint to_others,
        int64_t deadline_ns,
    ):
        if rooms.own != worker:
            raise ValueError(f"these are not the rooms of worker {worker}")
        if ledger.rows != rooms.rows or ledger.windows % rooms.workers:
            raise ValueError(
                f"a ledger of {ledger.rows} rows and {ledger.windows} windows does not fit "
                f"{rooms.rows} rooms and {rooms.workers} workers"
            )
        self.ledger, self.rooms, self.trace = ledger, rooms, trace
        self.run, self.worker, self.workers = run, worker, rooms.workers
        self.to_others, self.deadline_ns = to_others, deadline_ns
        self.numbers = <uint64_t*>calloc(self.workers, sizeof(uint64_t))
        if self.numbers == NULL:
            raise MemoryError()

    def __dealloc__(self):
        free(self.numbers)

    cdef uint64_t* row(self, uint32_t number) noexcept nogil:
        return self.ledger.counts + <size_t>number * LEDGER_COUNTERS

    # Coming and going.

    cdef void join(self, member_t* member, int64_t instant_ns) noexcept nogil:
        cdef uint32_t worker
        self.rooms.join(member.row, self.numbers)
        for worker in range(self.workers):
            self.ledger.open(member.index * self.workers + worker, self.numbers[worker])
        member.standing = MEMBER_LISTENING
        self.trace_numbers(member, "joined", instant_ns, "")

    cdef void end(self, member_t* member, int how) noexcept nogil:
        cdef int64_t now_ns = clock_now_ns()
        cdef uint32_t worker, window
        cdef uint64_t first, last
        if member.standing == MEMBER_LISTENING:
            self.rooms.leave(member.row, self.numbers)
            for worker in range(self.workers):
                window = member.index * self.workers + worker
                first, last = self.ledger.at(window).first, self.numbers[worker]
                if last + 1 < first:
                    # It joined while numbers were out that were then taken back, and are not in
                    # use again: the rooms' sum counts them as heard less than nothing.
                    self.row(member.row)[LEDGER_EXPECTED] += first - 1 - last
                self.ledger.close(window, member.row, last, how)
            self.trace_numbers(member, "ended", now_ns, ENDS[how])
        member.standing = MEMBER_ENDED

    cdef void trace_numbers(
        self, const member_t* member, const char* event, int64_t instant_ns, const char* detail
    ) noexcept nogil:
        """Write down the numbers at hand, which were read between `instant_ns` and now."""
        cdef int64_t read_ns
        cdef uint32_t worker
        if self.trace is None:
            return
        read_ns = clock_now_ns()
        for worker in range(self.workers):
            self.trace.line(
                instant_ns, event, member.user, member.room, worker, self.numbers[worker], read_ns,
                detail,
            )

    cdef uint64_t owed(self) noexcept nogil:
        cdef uint64_t total = 0
        cdef uint64_t* counts
        cdef uint64_t booked
        cdef uint32_t room
        for room in range(self.rooms.rooms):
            counts = self.row(room)
            # Before what is expected, which others add to meanwhile.
            booked = (
                counts[LEDGER_DELIVERED_COUNT]
                + counts[LEDGER_LOST]
                + counts[LEDGER_LOST_TO_DISCONNECT]
            )
            self.rooms.expected_of(room, self.numbers, 1)
            total += self.numbers[self.worker] + counts[LEDGER_EXPECTED] - booked
        return total

    # Messages.

    cdef void sent(
        self, const member_t* member, uint64_t sequence, int64_t planned_ns, int64_t sent_ns
    ) noexcept nogil:
        self.ledger.sent(member.room, 0)        # what is expected is in the rooms' account
        if self.to_others:
            self.ledger.exclude(
                member.index * self.workers + self.worker, member.row, sequence
            )
        if self.trace is not None:
            self.trace.line(
                sent_ns, "sent", member.user, member.room, self.worker, sequence, planned_ns, ""
            )

    cdef void arrived(
        self, const member_t* member, const uint8_t* payload, size_t length, int64_t arrival_ns
    ) noexcept nogil:
        cdef marker_t marker
        cdef marker_t last
        cdef size_t offset = 0
        cdef int found = marker_find(payload, length, &offset, &marker)
        last.planned_ns, last.sequence, last.worker = 0, 0, 0
        if found == MARKER_NONE and member.standing == MEMBER_LISTENING:
            self.misfit(member, LEDGER_UNMARKED, "unmarked", arrival_ns)
        while found != MARKER_NONE:
            if found == MARKER_DAMAGED:
                self.misfit(member, LEDGER_DAMAGED, "damaged", arrival_ns)
            elif marker.run != self.run:
                self.misfit(member, LEDGER_FOREIGN, "foreign", arrival_ns)
            elif marker.room != member.room or marker.worker >= self.workers:
                self.misplaced(member, LEDGER_MISROUTED, "misrouted", &marker, arrival_ns)
            # A server may batch several messages in one frame, or put one text into two fields of
            # its envelope: a repetition right behind is the same delivery.
            elif (
                marker.planned_ns != last.planned_ns
                or marker.sequence != last.sequence
                or marker.worker != last.worker
            ):
                self.deliver(member, &marker, arrival_ns)
                last = marker
            found = marker_find(payload, length, &offset, &marker)

    cdef void deliver(
        self, const member_t* member, const marker_t* marker, int64_t arrival_ns
    ) noexcept nogil:
        cdef int64_t latency_ns = arrival_ns - marker.planned_ns
        cdef bint late = latency_ns > self.deadline_ns
        cdef int outcome
        if marker.sequence == 0:
            self.misplaced(member, LEDGER_WARMUP_DELIVERED, "warmup", marker, arrival_ns)
            return
        if member.standing != MEMBER_LISTENING:
            self.misplaced(member, LEDGER_BEFORE_JOIN_COUNT, "before_join", marker, arrival_ns)
            return
        if self.to_others and marker.worker == self.worker and self.rooms.is_sender(
            marker.worker, member.room, marker.sequence, member.user
        ):
            self.misplaced(member, LEDGER_MISROUTED, "misrouted", marker, arrival_ns)
            return
        outcome = self.ledger.arrived(
            member.index * self.workers + marker.worker, member.row, marker.sequence,
            self.rooms.last_sent(marker.worker, member.room), late,
        )
        if self.trace is not None:
            self.trace.line(
                arrival_ns, OUTCOMES[outcome], member.user, member.room, marker.worker,
                marker.sequence, marker.planned_ns, "late" if late else "",
            )
        if member.row != member.room:
            return
        if outcome == LEDGER_DELIVERED or outcome == LEDGER_REORDERED:
            histogram_record(self.words.latency, latency_ns)
            histogram_record(self.words.service, latency_ns - marker.send_lag_ns)
            self.spread(member, marker, latency_ns)

    cdef void spread(
        self, const member_t* member, const marker_t* marker, int64_t latency_ns
    ) noexcept nogil:
        cdef int64_t greatest_ns = 0
        cdef int part = self.rooms.spread(
            marker.worker, member.room, marker.sequence, latency_ns, &greatest_ns
        )
        if part & ROOMS_FIRST:
            histogram_record(self.words.first, latency_ns)
        if part & ROOMS_MEDIAN:
            histogram_record(self.words.median, latency_ns)
        if part & ROOMS_LAST:
            histogram_record(self.words.last, greatest_ns)
            self.row(member.room)[LEDGER_COMPLETE] += 1

    cdef void misfit(
        self, const member_t* member, int counter, const char* event, int64_t arrival_ns
    ) noexcept nogil:
        """Book what tells of no message of this run."""
        if member.standing == MEMBER_ENDED:
            event = "after_end"
        else:
            self.row(member.row)[counter] += 1
        if self.trace is not None:
            self.trace.note(arrival_ns, event, member.user, member.room)

    cdef void misplaced(
        self, const member_t* member, int counter, const char* event, const marker_t* marker,
        int64_t arrival_ns,
    ) noexcept nogil:
        """Book a message of this run that is no delivery."""
        if member.standing == MEMBER_ENDED:
            event = "after_end"
        else:
            self.row(member.row)[counter] += 1
        if self.trace is not None:
            self.trace.line(
                arrival_ns, event, member.user, member.room, marker.worker, marker.sequence,
                marker.planned_ns, "",
            )
