"""What all traffic of a worker has in common: waking up, who is due, planning, skipping, the end.

A `Traffic` holds what the users of one worker share: the schedule, the queue of who is due, the
ledger, the histograms. What a message is, who hears it and how its arrival is booked is in the
subclasses (`echo_traffic`, `chat_traffic`). A message costs no Python object: it is written into a
scratch buffer, masked there and handed to `send(2)`.

Times: a message is planned for an instant that only the schedule decides (open model), so a target
or a worker that is slow makes latencies longer and never the load smaller.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

from surgewire._core.clock cimport clock_now_ns
from surgewire._core.connection cimport CONNECTION_OPEN, Connection
from surgewire._core.deflate_frame cimport deflate_frame_bound
from surgewire._core.histogram cimport HISTOGRAM_WORDS, histogram_record
from surgewire._core.ledger cimport (
    LEDGER_CUT_OFF,
    LEDGER_DELIVERED_COUNT,
    LEDGER_DRAINED,
    LEDGER_EXPECTED,
    LEDGER_LEFT,
    LEDGER_LOST,
    LEDGER_LOST_TO_DISCONNECT,
    Ledger,
)
from surgewire._core.pacer cimport DueQueue, Schedule, pacer_instant
from surgewire._core.pinger cimport Pinger
from surgewire._core.poller cimport Poller
from surgewire._core.wakeup cimport Wakeup

cdef enum:
    # What the messages of one call may take together, unless one alone takes more.
    MAX_SCRATCH = 262144
    # Calls of `send` before the loop may read again. Arrivals are stamped when they are read, so
    # all that is sent in one go is added to the latency of what comes in meanwhile.
    SENDS_IN_A_TURN = 8
    # Calls of `send` before the loop gets its turn, whatever else is due.
    SENDS_AT_MOST = 256
    # The worker's pulse: how late its loop is, measured also when nothing is due.
    BEAT_NS = 10_000_000
    # More than this waiting in one transport, and planned messages are skipped instead.
    MIN_MAX_UNSENT = 1048576

COUNTERS = (
    "attempted",
    "established",
    "failed",
    "open",
    "closed",
    "bytes_in",
    "bytes_out",
    "frames_in",
    "planned",
    "skipped",
    "retried",
    "retries_failed",
    "joined",
    "join_failed",
    "rejoined",
    "cut_off",
    "left",
    "pings",
    "pongs",
    "payload_bytes_in",
    "payload_bytes_out",
    "awkward_failed",
    "awkward_retries_failed",
)


cdef class User(Connection):
    """A connection that takes part in the traffic of its worker; see the subclasses."""

    cdef void belong(
        self, Traffic traffic, uint32_t index, uint32_t user, int64_t number
    ) noexcept:
        self.traffic = traffic
        self.index = index
        self.user = user
        self.number = number
        self.bytes_in = &traffic.counters[TRAFFIC_BYTES_IN]
        self.bytes_out = &traffic.counters[TRAFFIC_BYTES_OUT]

    def retire(self) -> None:
        """Send no message of the schedule any more; what others send is still to arrive."""
        if self.listening == USER_PRESENT:
            self.listening = USER_SILENT

    cdef void on_open(self) noexcept:
        # An awkward user may leave pings unanswered for reasons of its own.
        if self.traffic.pinger is not None and not self.apart:
            self.traffic.pinger.add(self.index, self)

    cdef void on_pong(self, const uint8_t* payload, size_t length) noexcept:
        if self.traffic.pinger is not None:
            self.traffic.pinger.pong(self.index, payload, length, self.arrival_ns)

    cdef void begin_close(self, object kind) noexcept:
        if self.traffic.pinger is not None:
            self.traffic.pinger.remove(self.index, self)
        Connection.begin_close(self, kind)


cdef class Traffic:
    """What the users of one worker share; see the subclasses for what it is made of."""

    def __cinit__(
        self,
        loop,
        Ledger ledger not None,
        Schedule schedule,
        counters not None,
        histograms not None,
        *,
        uint32_t run,
        uint32_t worker,
        int64_t deadline_ns,
        Poller poller = None,
        **_kind,
    ):
        self.take_memory(counters, histograms)
        self.ledger = ledger
        self.schedule = schedule
        self.closed_model = schedule is None
        self.users = []
        self.run = run
        self.worker = worker
        self.deadline_ns = deadline_ns
        self.next_beat_ns = clock_now_ns() + BEAT_NS
        self.loop = loop
        self.poller = poller
        self.wakeup = Wakeup(loop, self._woken)
        self.wakeup.arm(self.next_beat_ns)

    def __dealloc__(self):
        free(self.scratch)
        free(self.plain)

    cdef int take_memory(self, counters, histograms) except -1:
        cdef uint64_t[::1] view = counters
        if view.shape[0] != TRAFFIC_COUNTERS:
            raise ValueError(f"traffic has {TRAFFIC_COUNTERS} counters, not {view.shape[0]}")
        self.memory = (counters, dict(histograms))
        self.counters = &view[0]
        self.latency_words = self.words_of("message_latency")
        self.service_words = self.words_of("service_time")
        self.send_lag_words = self.words_of("send_lag")
        self.loop_lag_words = self.words_of("loop_lag")
        return 0

    cdef int64_t* words_of(self, str name) except NULL:
        """Return where the histogram of a metric lies."""
        if name not in self.memory[1]:
            raise ValueError(f"there is no histogram for {name}")
        cdef int64_t[::1] words = self.memory[1][name]
        if words.shape[0] != HISTOGRAM_WORDS:
            raise ValueError(f"a histogram has {HISTOGRAM_WORDS} words, not {words.shape[0]}")
        return &words[0]

    cdef int make_pinger(self, int64_t ping_ns, int64_t timeout_ns) except -1:
        """Ping every user once in `ping_ns`; 0: never. Needs room to be made first."""
        if ping_ns == 0:
            return 0
        counters = self.memory[0][TRAFFIC_PINGS:TRAFFIC_PONGS + 1]
        words = self.memory[1].get("ping_time")
        if words is None:
            raise ValueError("there is no histogram for ping_time")
        self.pinger = Pinger(self.queue.capacity, ping_ns, timeout_ns, words, counters)
        return 0

    cdef int make_room(self, size_t frame_bytes, uint32_t capacity) except -1:
        """Get ready for frames of at most this size, and for this many users."""
        cdef size_t most = min(<size_t>TRAFFIC_BATCH, <size_t>MAX_SCRATCH // frame_bytes)
        self.most_in_a_call = <uint32_t>max(<size_t>1, most)
        self.max_unsent = max(<size_t>MIN_MAX_UNSENT, 4 * frame_bytes)
        # What is not compressed never touches the memory that only compressed messages need.
        self.scratch = <uint8_t*>malloc(self.most_in_a_call * deflate_frame_bound(frame_bytes))
        self.plain = <uint8_t*>malloc(frame_bytes)
        if self.scratch == NULL or self.plain == NULL:
            raise MemoryError()
        self.queue = DueQueue(max(1, capacity))
        return 0

    # The life of a run.

    def start(self, int64_t start_ns, int64_t measure_ns, int64_t end_ns) -> None:
        """Plan the messages of every open user, from `start_ns` until before `end_ns`.

        Messages planned before `measure_ns` are warm-up: they enter neither ledger nor histograms.
        """
        cdef User user
        self.start_ns, self.measure_ns, self.end_ns = start_ns, measure_ns, end_ns
        self.sending = True
        for user in self.users:
            if user is not None and user.phase == CONNECTION_OPEN:
                self.begin(user)
        self._arm()

    @property
    def behind(self) -> bool:
        """Whether messages that were planned by now have not been sent yet."""
        return self.sending and self.queue.next_instant() < min(clock_now_ns(), self.end_ns)

    def stop(self) -> None:
        """Send nothing more; what was planned by now and has not been sent is skipped."""
        if self.sending:
            self.sending = False
            if not self.closed_model:
                self.skip_until(min(clock_now_ns(), self.end_ns))

    def cut_off(self, User user not None) -> None:
        """Book what the connection of `user` still owed: it ended before we closed it."""
        self.counters[TRAFFIC_CUT_OFF] += not user.apart
        self.end(user, LEDGER_CUT_OFF)

    def left(self, User user not None) -> None:
        """Book that the connection of `user` ends because we end it, before the others do."""
        self.end(user, LEDGER_LEFT)

    def finish(self, *, bint drained) -> None:
        """Book what is missing at every user: lost if `drained`, else in flight when we left."""
        cdef User user
        self.stop()
        for user in self.users:
            if user is None:
                continue
            if user.witness is not None:
                # It is to bound what the tester adds to latencies, not what closing costs.
                user.witness.mute()
            self.end(user, LEDGER_DRAINED if drained else LEDGER_LEFT)

    def close(self) -> None:
        """Stop the pulse and let the users go."""
        self.wakeup.close()
        self.users.clear()

    @property
    def outstanding(self) -> int:
        """Expected deliveries that have neither come nor been given up."""
        return self.owed()

    @property
    def precise(self) -> bool:
        """Whether wake-ups are exact to less than the loop's own millisecond."""
        return self.wakeup.precise

    # What a kind of traffic does.

    cdef uint64_t owed(self) except? 0:
        cdef uint64_t* counts = self.ledger.counts
        return (
            counts[LEDGER_EXPECTED]
            - counts[LEDGER_DELIVERED_COUNT]
            - counts[LEDGER_LOST]
            - counts[LEDGER_LOST_TO_DISCONNECT]
        )

    cdef void begin(self, User user) noexcept:
        pass

    cdef bint send_batch(self, User user, const int64_t* planned_ns, uint32_t count) noexcept:
        return False

    cdef void end(self, User user, int how) noexcept:
        pass

    # Waking up.

    def _woken(self) -> None:
        cdef int64_t now_ns = clock_now_ns()
        self.beat(now_ns)
        if self.pinger is not None:
            self.pinger.ping_due(now_ns, self.poller)
        if self.sending and not self.send_due(now_ns):
            # A timer that is due already would come before the sockets that became readable
            # meanwhile; what is called soon comes behind them.
            self.loop.call_soon(self._go_on)
        else:
            self._arm()

    def _go_on(self) -> None:
        if self.sending:
            self._woken()
        elif not self.wakeup.closed:
            self._arm()

    def _arm(self) -> None:
        cdef int64_t next_ns = self.next_beat_ns
        if self.sending and self.queue.next_instant() < next_ns:
            next_ns = self.queue.next_instant()
        self.wakeup.arm(next_ns)

    cdef void beat(self, int64_t now_ns) noexcept nogil:
        # Every missed beat counts, so a stall of a second is a hundred samples and not one.
        while self.next_beat_ns <= now_ns:
            histogram_record(self.loop_lag_words, now_ns - self.next_beat_ns)
            self.next_beat_ns += BEAT_NS

    # Planning.

    cdef void enter(self, User user, int64_t from_ns) noexcept:
        """Let the user take its turns, with the first message planned for `from_ns` or later."""
        while user.turn == 0 or user.planned_ns < from_ns:
            self.advance(user)
        if not user.queued:
            user.queued = True
            self.queue.push(user.planned_ns, user.index)

    cdef void advance(self, User user) noexcept nogil:
        """Plan the user's next message."""
        user.planned_ns = self.start_ns + pacer_instant(
            &self.schedule.c, <uint64_t>user.number, user.turn, user.exact_ns, &user.exact_ns
        )
        user.turn += 1

    cdef void skip_until(self, int64_t until_ns) noexcept:
        """Book the messages planned before an instant as skipped."""
        cdef User user
        cdef uint64_t measured
        while self.queue.next_instant() < until_ns:
            user = <User>self.users[self.queue.next_user()]
            if user.phase != CONNECTION_OPEN or user.listening != USER_PRESENT:
                user.queued = False
                self.queue.pop()
                continue
            measured = 0
            while user.planned_ns < until_ns:
                measured += user.planned_ns >= self.measure_ns and not user.apart
                self.advance(user)
            self.counters[TRAFFIC_PLANNED] += measured
            self.counters[TRAFFIC_SKIPPED] += measured
            self.queue.replace(user.planned_ns)

    # Sending.

    cdef bint send_due(self, int64_t now_ns) noexcept:
        """Send what is due, in turns between which is read; returns whether that was all."""
        cdef User user
        cdef int calls = 0
        while self.queue.next_instant() <= now_ns:
            if calls == SENDS_IN_A_TURN and self.poller is None or calls == SENDS_AT_MOST:
                return False
            user = <User>self.users[self.queue.next_user()]
            if (
                user.phase != CONNECTION_OPEN
                or user.listening != USER_PRESENT
                or user.planned_ns >= self.end_ns
            ):
                user.queued = False
                self.queue.pop()
                continue
            if self.closed_model:
                user.queued = False
                self.queue.pop()
                self.send_batch(user, &now_ns, 1)
            else:
                self.send_planned(user, now_ns)
                self.queue.replace(user.planned_ns)
            calls += 1
            if calls % SENDS_IN_A_TURN == 0 and self.poller is not None:
                self.poller.poll()
        if self.poller is not None:
            self.poller.poll()
        return True

    cdef void send_planned(self, User user, int64_t now_ns) noexcept:
        """Send all that this user has due, several messages in one call."""
        cdef int64_t[TRAFFIC_BATCH] planned_ns
        cdef uint32_t count = 0
        while user.planned_ns <= now_ns and user.planned_ns < self.end_ns:
            planned_ns[count] = user.planned_ns
            count += 1
            self.advance(user)
            if count == self.most_in_a_call:
                if not self.send_batch(user, planned_ns, count):
                    return
                count = 0
        if count:
            self.send_batch(user, planned_ns, count)
