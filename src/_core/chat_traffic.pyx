"""The traffic of a chat run: users in rooms, whose messages go to all members of their room.

A stream is what one worker sends into one room. A member has one ledger window for each worker that
sends, and hears a stream from the number after the last one published when it joined, until the
last one published when it ends (see `rooms`).

A number is published before its message goes to the kernel, because a receiver in another process
may have the message a moment later. Where the kernel refuses all of it (the connection was broken
already), the numbers are taken back and given to the next messages: nobody can have received them.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from surgewire._core.clock cimport clock_now_ns, clock_realtime_ns
from surgewire._core.connection cimport CONNECTION_OPEN
from surgewire._core.frame cimport (
    FRAME_BINARY,
    FRAME_MAX_HEADER,
    FRAME_TEXT,
    frame_write_header,
)
from surgewire._core.histogram cimport histogram_record
from surgewire._core.ledger cimport (
    LEDGER_BEFORE_JOIN_COUNT,
    LEDGER_COMPLETE,
    LEDGER_COUNTERS,
    LEDGER_CUT_OFF,
    LEDGER_DAMAGED,
    LEDGER_DELIVERED,
    LEDGER_DELIVERED_COUNT,
    LEDGER_EXPECTED,
    LEDGER_FOREIGN,
    LEDGER_LEFT,
    LEDGER_LOST,
    LEDGER_LOST_TO_DISCONNECT,
    LEDGER_MISROUTED,
    LEDGER_REORDERED,
    LEDGER_UNMARKED,
    LEDGER_WARMUP_DELIVERED,
    LEDGER_WARMUP_SENT,
    Ledger,
)
from surgewire._core.marker cimport (
    MARKER_DAMAGED,
    MARKER_NONE,
    marker_find,
    marker_t,
)
from surgewire._core.mask cimport mask_apply, mask_next_key
from surgewire._core.pacer cimport Schedule
from surgewire._core.poller cimport Poller
from surgewire._core.rooms cimport ROOMS_FIRST, ROOMS_LAST, ROOMS_MEDIAN, Rooms
from surgewire._core.sizes cimport SizePicker
from surgewire._core.template cimport Template, template_values_t
from surgewire._core.trace cimport Trace
from surgewire._core.traffic cimport (
    TRAFFIC_FRAMES_IN,
    TRAFFIC_JOINED,
    TRAFFIC_LEFT,
    TRAFFIC_PLANNED,
    TRAFFIC_REJOINED,
    TRAFFIC_SKIPPED,
    Traffic,
    User,
)

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <string.h>
    """
    void* memmem(const void* data, size_t length, const void* needle, size_t size) nogil

# In the order of the ledger's outcomes and of the ways to end.
cdef const char** OUTCOMES = [
    "delivered", "reordered", "duplicated", "misrouted", "too_old", "before_join"
]
cdef const char** ENDS = ["drained", "cut_off", "left"]


cdef class ChatUser(User):
    """A member of a room, to be.

    traffic: what it shares with the worker's other users. index: within the worker. user: its
    number over the whole run. room: where it belongs. number: its place in the order of the
    schedule; -1 for one that never speaks. The remaining arguments are those of `Connection`.
    Raises ValueError where a number is out of range.
    """

    def __init__(
        self,
        buffer,
        owner,
        handshake,
        ChatTraffic traffic not None,
        *,
        uint32_t index,
        uint32_t user,
        uint32_t room,
        int64_t number,
        **options,
    ):
        if index >= <uint32_t>len(traffic.users):
            raise ValueError(f"index is {index}; there are {len(traffic.users)} users")
        if room >= traffic.rooms.rooms:
            raise ValueError(f"room is {room}; there are {traffic.rooms.rooms} rooms")
        self.belong(traffic, index, user, number)
        self.room = room

    @property
    def is_joined(self) -> bool:
        """Whether it hears its room."""
        return self.listening

    def ask(self, bytes payload not None, bint binary = False) -> None:
        """Send the message that asks to join; the traffic's join matcher looks for the answer."""
        cdef size_t length = len(payload)
        cdef bytearray frame = bytearray(FRAME_MAX_HEADER + length)
        cdef uint8_t[::1] view = frame
        cdef uint32_t key = mask_next_key()
        cdef size_t header = frame_write_header(
            &view[0], FRAME_BINARY if binary else FRAME_TEXT, True, length, True, key
        )
        memcpy(&view[header], PyBytes_AS_STRING(payload), length)
        mask_apply(&view[header], length, key, 0)
        self.asked = (<ChatTraffic>self.traffic).join_matcher is not None
        if self.write(&view[0], header + length) < 0:
            self.abort("tcp_reset")

    cdef int take_over(self, ChatUser before) except -1:
        """Go on where an earlier connection of the same user has stopped."""
        if before.listening:
            raise ValueError(f"user {before.user} still listens on its connection before")
        self.sequence = before.sequence
        self.turn = before.turn
        self.planned_ns = before.planned_ns
        self.exact_ns = before.exact_ns
        self.queued = before.queued
        self.was_joined = before.was_joined
        self.cut_off_ns = before.cut_off_ns
        return 0

    cdef void on_message(self, uint8_t opcode, uint8_t* payload, size_t length) noexcept:
        cdef ChatTraffic traffic = <ChatTraffic>self.traffic
        traffic.counters[TRAFFIC_FRAMES_IN] += 1
        if self.asked and traffic.confirms(self, payload, length):
            self.asked = False
            self.confirmed_ns = self.arrival_ns
            histogram_record(traffic.join_words, self.arrival_ns - self.open_ns)
            self.owner.joined(self)
        else:
            traffic.book(self, payload, length, self.arrival_ns)


cdef class ChatTraffic(Traffic):
    """What the users of one worker share in a chat run.

    loop: an asyncio loop. ledger: with a row for each room, and windows for each of the worker's
    users, as many as there are workers. schedule: when whom of all senders is due. counters:
    uint64[len(COUNTERS)]. histograms: int64[HISTOGRAM_WORDS] by names of metrics: message_latency,
    service_time, send_lag, loop_lag, join_time, rejoin_time, fanout_first, fanout_median,
    fanout_last. run, worker: numbers for the markers. rooms: of this worker. template: of every
    message. sizes: how large each is, at least; None where the template alone decides. to_others:
    senders do not hear themselves. deadline_ns: what arrives later than that is late. poller: reads
    the users' sockets; without one, the loop does. ping_ns, ping_timeout_ns: see `pinger`; 0 for
    no pings, else a histogram for ping_time is needed, too. join_matcher: what tells the frame that
    confirms a join: text in it, or a function of its payload; None where nothing is to confirm it.
    trace: where to write down what is booked.

    Raises ValueError where these do not fit together.
    """

    def __cinit__(
        self,
        loop,
        Ledger ledger not None,
        Schedule schedule not None,
        counters,
        histograms,
        *,
        run,
        worker,
        Rooms rooms not None,
        Template template not None,
        SizePicker sizes,
        bint to_others,
        deadline_ns,
        Poller poller = None,
        int64_t ping_ns = 0,
        int64_t ping_timeout_ns = 0,
        join_matcher = None,
        Trace trace = None,
    ):
        cdef uint32_t capacity = ledger.windows // rooms.workers
        if rooms.own != self.worker:
            raise ValueError(f"these are not the rooms of worker {worker}")
        if ledger.rows != rooms.rooms or ledger.windows % rooms.workers:
            raise ValueError(
                f"a ledger of {ledger.rows} rows and {ledger.windows} windows does not fit "
                f"{rooms.rooms} rooms and {rooms.workers} workers"
            )
        if not template.has_marker:
            raise ValueError("messages without a marker cannot be recognised")
        self.rooms, self.workers = rooms, rooms.workers
        self.template, self.sizes = template, sizes
        self.wants_time = ("now_ms",) in template.parts
        self.to_others = to_others
        self.join_matcher = join_matcher
        self.trace = trace
        self.join_words = self.words_of("join_time")
        self.rejoin_words = self.words_of("rejoin_time")
        self.first_words = self.words_of("fanout_first")
        self.median_words = self.words_of("fanout_median")
        self.last_words = self.words_of("fanout_last")
        self.numbers = <uint64_t*>calloc(self.workers, sizeof(uint64_t))
        if self.numbers == NULL:
            raise MemoryError()
        self.users = [None] * capacity
        self.make_room(template.largest_frame(0 if sizes is None else sizes.most_bytes), capacity)
        self.make_pinger(ping_ns, ping_timeout_ns)

    def __dealloc__(self):
        free(self.numbers)

    # Coming and going.

    def add(self, ChatUser user not None) -> None:
        """Let a connection stand for its user from now on, in the place of an earlier one.

        Raises ValueError while that one still listens.
        """
        before = self.users[user.index]
        if before is not None and before is not user:
            user.take_over(before)
        self.users[user.index] = user

    def joined(self, ChatUser user not None) -> None:
        """Let the user, which has been added, hear its room from now on, and speak in its turn."""
        cdef int64_t now_ns = clock_now_ns()
        cdef int64_t instant_ns = user.confirmed_ns if user.confirmed_ns else now_ns
        cdef uint32_t worker
        if user.listening or user.ended or user.phase != CONNECTION_OPEN:
            return
        self.rooms.join(user.room, self.numbers)
        for worker in range(self.workers):
            self.ledger.open(user.index * self.workers + worker, self.numbers[worker])
        user.asked = False
        user.listening = True
        self.counters[TRAFFIC_REJOINED if user.was_joined else TRAFFIC_JOINED] += 1
        user.was_joined = True
        if user.cut_off_ns:
            histogram_record(self.rejoin_words, instant_ns - user.cut_off_ns)
            user.cut_off_ns = 0
        self._trace_numbers(user, b"joined", instant_ns, b"")
        if self.sending and user.number >= 0:
            self.enter(user, now_ns)
            self._arm()

    def leave(self, ChatUser user not None) -> None:
        """Book that the user leaves of its own will; its connection is to be closed next."""
        self.counters[TRAFFIC_LEFT] += 1
        self.end(user, LEDGER_LEFT)

    cdef void begin(self, User user) noexcept:
        if user.listening and user.number >= 0:
            self.enter(user, self.start_ns)

    cdef void end(self, User user, int how) noexcept:
        cdef ChatUser member = <ChatUser>user
        cdef int64_t now_ns = clock_now_ns()
        cdef uint32_t worker, window
        cdef uint64_t first, last
        member.asked = False
        if member.listening:
            member.listening = False
            self.rooms.leave(member.room, self.numbers)
            for worker in range(self.workers):
                window = member.index * self.workers + worker
                first, last = self.ledger.at(window).first, self.numbers[worker]
                if last + 1 < first:
                    # It joined while numbers were out that were then taken back, and are not in
                    # use again: the rooms' sum counts them as heard less than nothing.
                    self.row(member.room)[LEDGER_EXPECTED] += first - 1 - last
                self.ledger.close(window, member.room, last, how)
            if how == LEDGER_CUT_OFF:
                member.cut_off_ns = now_ns
            self._trace_numbers(member, b"ended", now_ns, ENDS[how])
        member.ended = True

    def _trace_numbers(self, ChatUser user, bytes event, int64_t instant_ns, bytes detail) -> None:
        """Write down the numbers at hand. Between both instants they were read."""
        cdef int64_t read_ns = clock_now_ns()
        cdef uint32_t worker
        if self.trace is None:
            return
        for worker in range(self.workers):
            self.trace.line(
                instant_ns, event, user.user, user.room, worker, self.numbers[worker], read_ns,
                detail,
            )

    cdef bint confirms(self, ChatUser user, const uint8_t* payload, size_t length) except -1:
        cdef bytes needle
        if isinstance(self.join_matcher, bytes):
            needle = self.join_matcher
            return memmem(payload, length, PyBytes_AS_STRING(needle), len(needle)) != NULL
        return bool(self.join_matcher(PyBytes_FromStringAndSize(<const char*>payload, length)))

    cdef uint64_t* row(self, uint32_t room) noexcept nogil:
        return self.ledger.counts + <size_t>room * LEDGER_COUNTERS

    cdef uint64_t owed(self) except? 0:
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

    # Sending.

    cdef bint send_batch(self, User user, const int64_t* planned_ns, uint32_t count) noexcept:
        cdef ChatUser sender = <ChatUser>user
        cdef int64_t sent_ns
        cdef uint32_t i, receivers, measured = 0
        cdef uint64_t sequence = 0
        cdef size_t size = 0
        for i in range(count):
            measured += planned_ns[i] >= self.measure_ns
        self.counters[TRAFFIC_PLANNED] += measured
        if user.unsent_bytes() > self.max_unsent:
            self.counters[TRAFFIC_SKIPPED] += measured
            return True
        sent_ns = clock_now_ns()
        receivers = self.rooms.listeners(sender.room) - self.to_others
        for i in range(count):
            sequence = 0
            if planned_ns[i] >= self.measure_ns:
                sequence = self.rooms.publish(sender.room, user.user, receivers)
            size += self.encode(
                self.scratch + size, sender, sequence, user.sequence + i + 1, planned_ns[i], sent_ns
            )
        if user.write(self.scratch, size) < 0:
            self.rooms.retract(sender.room, measured)
            self.counters[TRAFFIC_SKIPPED] += measured
            user.abort("tcp_reset")
            return False
        user.sequence += count
        self.row(sender.room)[LEDGER_WARMUP_SENT] += count - measured
        if receivers == 0:
            self.row(sender.room)[LEDGER_COMPLETE] += measured
        sequence -= measured
        for i in range(count):
            if planned_ns[i] >= self.measure_ns:
                sequence += 1
                self.book_sent(sender, sequence, planned_ns[i], sent_ns)
        return True

    cdef size_t encode(
        self, uint8_t* out, ChatUser user, uint64_t sequence, uint64_t seq, int64_t planned_ns,
        int64_t sent_ns,
    ) noexcept nogil:
        cdef marker_t marker
        cdef template_values_t values
        cdef size_t wanted, least
        marker.run = self.run
        marker.room = user.room
        marker.worker = self.worker
        marker.sequence = sequence
        marker.planned_ns = planned_ns
        marker.send_lag_ns = sent_ns - planned_ns
        values.marker = &marker
        values.room = user.room
        values.user = user.user
        values.seq = seq
        values.now_ms = clock_realtime_ns() // 1_000_000 if self.wants_time else 0
        values.padding_bytes = 0
        if self.sizes is not None:
            wanted = self.sizes.next_size()
            least = self.template.payload_size(&values)
            values.padding_bytes = wanted - least if wanted > least else 0
        return self.template.write_frame(out, &values)

    cdef void book_sent(
        self, ChatUser user, uint64_t sequence, int64_t planned_ns, int64_t sent_ns
    ) noexcept nogil:
        self.ledger.sent(user.room, 0)          # what is expected is in the rooms' account
        if self.to_others:
            self.ledger.exclude(
                user.index * self.workers + self.worker, user.room, sequence
            )
        histogram_record(self.send_lag_words, sent_ns - planned_ns)
        if self.trace is not None:
            self.trace.line(
                sent_ns, "sent", user.user, user.room, self.worker, sequence, planned_ns, ""
            )

    # Arrivals.

    cdef void book(
        self, ChatUser user, const uint8_t* payload, size_t length, int64_t arrival_ns
    ) noexcept:
        cdef marker_t marker
        cdef marker_t last
        cdef size_t offset = 0
        cdef int found = marker_find(payload, length, &offset, &marker)
        last.planned_ns, last.sequence, last.worker = 0, 0, 0
        if found == MARKER_NONE and user.listening:
            self.misfit(user, LEDGER_UNMARKED, "unmarked", arrival_ns)
        while found != MARKER_NONE:
            if found == MARKER_DAMAGED:
                self.misfit(user, LEDGER_DAMAGED, "damaged", arrival_ns)
            elif marker.run != self.run:
                self.misfit(user, LEDGER_FOREIGN, "foreign", arrival_ns)
            elif marker.room != user.room or marker.worker >= self.workers:
                self.misplaced(user, LEDGER_MISROUTED, "misrouted", &marker, arrival_ns)
            # A server may batch several messages in one frame, or put one text into two fields of
            # its envelope: a repetition right behind is the same delivery.
            elif (
                marker.planned_ns != last.planned_ns
                or marker.sequence != last.sequence
                or marker.worker != last.worker
            ):
                self.deliver(user, &marker, arrival_ns)
                last = marker
            found = marker_find(payload, length, &offset, &marker)

    cdef void deliver(
        self, ChatUser user, const marker_t* marker, int64_t arrival_ns
    ) noexcept nogil:
        cdef int64_t latency_ns = arrival_ns - marker.planned_ns
        cdef bint late = latency_ns > self.deadline_ns
        cdef int outcome
        if marker.sequence == 0:
            self.misplaced(user, LEDGER_WARMUP_DELIVERED, "warmup", marker, arrival_ns)
            return
        if not user.listening:
            self.misplaced(user, LEDGER_BEFORE_JOIN_COUNT, "before_join", marker, arrival_ns)
            return
        if self.to_others and marker.worker == self.worker and self.rooms.is_sender(
            marker.worker, user.room, marker.sequence, user.user
        ):
            self.misplaced(user, LEDGER_MISROUTED, "misrouted", marker, arrival_ns)
            return
        outcome = self.ledger.arrived(
            user.index * self.workers + marker.worker, user.room, marker.sequence,
            self.rooms.last_sent(marker.worker, user.room), late,
        )
        if self.trace is not None:
            self.trace.line(
                arrival_ns, OUTCOMES[outcome], user.user, user.room, marker.worker,
                marker.sequence, marker.planned_ns, "late" if late else "",
            )
        if outcome == LEDGER_DELIVERED or outcome == LEDGER_REORDERED:
            histogram_record(self.latency_words, latency_ns)
            histogram_record(self.service_words, latency_ns - marker.send_lag_ns)
            self.book_spread(user, marker, latency_ns)

    cdef void book_spread(
        self, ChatUser user, const marker_t* marker, int64_t latency_ns
    ) noexcept nogil:
        cdef int64_t spread_ns = 0
        cdef int part = self.rooms.spread(
            marker.worker, user.room, marker.sequence, latency_ns, &spread_ns
        )
        if part & ROOMS_FIRST:
            histogram_record(self.first_words, latency_ns)
        if part & ROOMS_MEDIAN:
            histogram_record(self.median_words, latency_ns)
        if part & ROOMS_LAST:
            histogram_record(self.last_words, spread_ns)
            self.row(user.room)[LEDGER_COMPLETE] += 1

    cdef void misfit(
        self, ChatUser user, int counter, const char* event, int64_t arrival_ns
    ) noexcept nogil:
        """Book what tells of no message of this run."""
        if user.ended:
            event = "after_end"
        else:
            self.row(user.room)[counter] += 1
        if self.trace is not None:
            self.trace.note(arrival_ns, event, user.user, user.room)

    cdef void misplaced(
        self, ChatUser user, int counter, const char* event, const marker_t* marker,
        int64_t arrival_ns,
    ) noexcept nogil:
        """Book a message of this run that is no delivery."""
        if user.ended:
            event = "after_end"
        else:
            self.row(user.room)[counter] += 1
        if self.trace is not None:
            self.trace.line(
                arrival_ns, event, user.user, user.room, marker.worker, marker.sequence,
                marker.planned_ns, "",
            )
