"""The traffic of a chat run: users in rooms, whose messages go to all members of their room.

Here is who joins, who speaks and what is sent; what members hear is booked in `memberships`.

A number is published before its message goes to the kernel, because a receiver in another process
may have the message a moment later. Where the kernel refuses all of it (the connection was broken
already), the numbers are taken back and given to the next messages: nobody can have received them.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from surgewire._core.clock cimport clock_now_ns, clock_realtime_ns
from surgewire._core.connection cimport CONNECTION_OPEN
from surgewire._core.deflate_frame cimport deflate_frame_bound
from surgewire._core.frame cimport FRAME_BINARY, FRAME_TEXT
from surgewire._core.histogram cimport histogram_record
from surgewire._core.ledger cimport (
    LEDGER_COMPLETE,
    LEDGER_CUT_OFF,
    LEDGER_LEFT,
    LEDGER_WARMUP_SENT,
    Ledger,
)
from surgewire._core.marker cimport marker_t
from surgewire._core.memberships cimport (
    MEMBER_LISTENING,
    MEMBER_OUTSIDE,
    Memberships,
)
from surgewire._core.pacer cimport Schedule
from surgewire._core.poller cimport Poller
from surgewire._core.rooms cimport Rooms
from surgewire._core.sizes cimport SizePicker
from surgewire._core.template cimport Template, template_values_t
from surgewire._core.trace cimport Trace
from surgewire._core.traffic cimport (
    TRAFFIC_FRAMES_IN,
    TRAFFIC_JOINED,
    TRAFFIC_LEFT,
    TRAFFIC_PAYLOAD_BYTES_IN,
    TRAFFIC_PAYLOAD_BYTES_OUT,
    TRAFFIC_PLANNED,
    TRAFFIC_REJOINED,
    TRAFFIC_SKIPPED,
    USER_ABSENT,
    USER_PRESENT,
    Traffic,
    User,
    traffic_write_frame,
)

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <string.h>
    """
    void* memmem(const void* data, size_t length, const void* needle, size_t size) nogil


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
        self.member.index, self.member.user, self.member.room = index, user, room
        self.member.row = room
        self.member.standing = MEMBER_OUTSIDE

    @property
    def room(self) -> int:
        """The room where it belongs."""
        return self.member.room

    @property
    def is_joined(self) -> bool:
        """Whether it hears its room."""
        return self.listening != USER_ABSENT

    def ask(self, bytes payload not None, bint binary = False) -> None:
        """Send the message that asks to join; the traffic's join matcher looks for the answer."""
        cdef size_t length = len(payload)
        cdef bytearray frame = bytearray(deflate_frame_bound(length))
        cdef uint8_t[::1] view = frame
        cdef size_t size = self.frame_message(
            &view[0],
            FRAME_BINARY if binary else FRAME_TEXT,
            <const uint8_t*>PyBytes_AS_STRING(payload),
            length,
        )
        self.asked = (<ChatTraffic>self.traffic).join_matcher is not None
        if self.write(&view[0], size) < 0:
            self.abort("tcp_reset")
        else:
            self.traffic.counters[TRAFFIC_PAYLOAD_BYTES_OUT] += length

    cdef int take_over(self, ChatUser before) except -1:
        """Go on where an earlier connection of the same user has stopped."""
        if before.listening != USER_ABSENT:
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
        cdef uint64_t* counters = traffic.counters
        counters[TRAFFIC_FRAMES_IN] += 1
        counters[TRAFFIC_PAYLOAD_BYTES_IN] += length
        if self.asked and traffic.confirms(self, payload, length):
            self.asked = False
            self.confirmed_ns = self.arrival_ns
            if not self.apart:
                histogram_record(traffic.join_words, self.arrival_ns - self.open_ns)
            self.owner.joined(self)
        else:
            traffic.books.arrived(&self.member, payload, length, self.arrival_ns)

    cdef void on_readable(self) noexcept:
        # They are in the cache when the kernel has copied what came.
        cdef ChatTraffic traffic = <ChatTraffic>self.traffic
        traffic.ledger.prefetch(self.index * traffic.books.workers, traffic.books.workers)
        User.on_readable(self)


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
        if not template.has_marker:
            raise ValueError("messages without a marker cannot be recognised")
        self.books = Memberships(
            ledger, rooms, trace,
            run=run, worker=worker, to_others=to_others, deadline_ns=deadline_ns,
        )
        self.books.words.latency, self.books.words.service = self.latency_words, self.service_words
        self.books.words.first = self.words_of("fanout_first")
        self.books.words.median = self.words_of("fanout_median")
        self.books.words.last = self.words_of("fanout_last")
        self.join_words = self.words_of("join_time")
        self.rejoin_words = self.words_of("rejoin_time")
        self.rooms, self.template, self.sizes = rooms, template, sizes
        self.wants_time = ("now_ms",) in template.parts
        self.to_others = to_others
        self.join_matcher = join_matcher
        self.users = [None] * capacity
        self.make_room(template.largest_frame(0 if sizes is None else sizes.most_bytes), capacity)
        self.make_pinger(ping_ns, ping_timeout_ns)

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
        """Let the user hear its room from now on, and speak in its turn."""
        cdef int64_t now_ns = clock_now_ns()
        cdef int64_t instant_ns = user.confirmed_ns if user.confirmed_ns else now_ns
        if user.member.standing != MEMBER_OUTSIDE or user.phase != CONNECTION_OPEN:
            return
        self.add(user)
        self.books.join(&user.member, instant_ns)
        user.asked = False
        user.listening = USER_PRESENT
        self.counters[TRAFFIC_REJOINED if user.was_joined else TRAFFIC_JOINED] += 1
        user.was_joined = True
        if user.cut_off_ns:
            if not user.apart:
                histogram_record(self.rejoin_words, instant_ns - user.cut_off_ns)
            user.cut_off_ns = 0
        if self.sending and user.number >= 0:
            self.enter(user, now_ns)
            self._arm()

    def leave(self, ChatUser user not None) -> None:
        """Book that the user leaves of its own will; its connection is to be closed next."""
        self.counters[TRAFFIC_LEFT] += 1
        self.end(user, LEDGER_LEFT)

    cdef void begin(self, User user) noexcept:
        if user.listening == USER_PRESENT and user.number >= 0:
            self.enter(user, self.start_ns)

    cdef void end(self, User user, int how) noexcept:
        cdef ChatUser member = <ChatUser>user
        if member.member.standing == MEMBER_LISTENING and how == LEDGER_CUT_OFF:
            member.cut_off_ns = clock_now_ns()
        self.books.end(&member.member, how)
        member.listening = USER_ABSENT
        member.asked = False

    cdef bint confirms(self, ChatUser user, const uint8_t* payload, size_t length) except -1:
        cdef bytes needle
        if isinstance(self.join_matcher, bytes):
            needle = self.join_matcher
            return memmem(payload, length, PyBytes_AS_STRING(needle), len(needle)) != NULL
        return bool(self.join_matcher(PyBytes_FromStringAndSize(<const char*>payload, length)))

    cdef uint64_t owed(self) except? 0:
        return self.books.owed()

    # Sending.

    cdef bint send_batch(self, User user, const int64_t* planned_ns, uint32_t count) noexcept:
        cdef ChatUser sender = <ChatUser>user
        cdef int64_t sent_ns
        cdef uint32_t i, receivers, measured = 0
        cdef uint64_t sequence = 0
        cdef uint64_t* counts
        cdef size_t size = 0
        for i in range(count):
            measured += planned_ns[i] >= self.measure_ns
        if not user.apart:
            self.counters[TRAFFIC_PLANNED] += measured
        if user.unsent_bytes() > self.max_unsent:
            if not user.apart:
                self.counters[TRAFFIC_SKIPPED] += measured
            return True
        sent_ns = clock_now_ns()
        self.batch_payload_bytes = 0
        receivers = self.rooms.listeners(sender.member.room) - (self.to_others and not user.apart)
        for i in range(count):
            sequence = 0
            if planned_ns[i] >= self.measure_ns:
                sequence = self.rooms.publish(sender.member.room, user.user, receivers)
            size += self.encode(
                self.scratch + size, sender, sequence, user.sequence + i + 1, planned_ns[i], sent_ns
            )
        if user.write(self.scratch, size) < 0:
            self.rooms.retract(sender.member.room, measured)
            if not user.apart:
                self.counters[TRAFFIC_SKIPPED] += measured
            user.abort("tcp_reset")
            return False
        self.counters[TRAFFIC_PAYLOAD_BYTES_OUT] += self.batch_payload_bytes
        if user.apart:
            # It sends as far as it can; what it could not send was not planned.
            self.counters[TRAFFIC_PLANNED] += measured
        user.sequence += count
        counts = self.books.row(sender.member.room)
        counts[LEDGER_WARMUP_SENT] += count - measured
        if receivers == 0:
            counts[LEDGER_COMPLETE] += measured
        sequence -= measured
        for i in range(count):
            if planned_ns[i] >= self.measure_ns:
                sequence += 1
                self.books.sent(&sender.member, sequence, planned_ns[i], sent_ns)
                histogram_record(self.send_lag_words, sent_ns - planned_ns[i])
        return True

    cdef size_t encode(
        self, uint8_t* out, ChatUser user, uint64_t sequence, uint64_t seq, int64_t planned_ns,
        int64_t sent_ns,
    ) noexcept nogil:
        cdef marker_t marker
        cdef template_values_t values
        cdef size_t wanted, least
        marker.run = self.run
        marker.room = user.member.room
        marker.worker = self.worker
        marker.sequence = sequence
        marker.planned_ns = planned_ns
        marker.send_lag_ns = sent_ns - planned_ns
        values.marker = &marker
        values.room = user.member.room
        values.user = user.user
        values.seq = seq
        values.now_ms = clock_realtime_ns() // 1_000_000 if self.wants_time else 0
        values.padding_bytes = 0
        if self.sizes is not None:
            wanted = self.sizes.next_size()
            least = self.template.payload_size(&values)
            values.padding_bytes = wanted - least if wanted > least else 0
        return traffic_write_frame(self, out, user, self.template, &values)
