"""The message traffic of one worker: sends what is due, books what arrives.

`Traffic` holds what all users of a worker share: the schedule, the queue of who is due, the ledger,
the histograms. `EchoUser` is a connection whose target sends every message back. A message costs no
Python object: it is written into a scratch buffer, masked there and handed to `send(2)`; an arrival
is recognised by its marker in the receive buffer.

Times: a message is planned for an instant that only the schedule decides (open model), so a target
or a worker that is slow makes latencies longer and never the load smaller. In the closed model (one
message in flight per connection) the planned instant is the moment of sending.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

from surgewire._core.clock cimport clock_now_ns
from surgewire._core.connection cimport CONNECTION_OPEN, Connection
from surgewire._core.histogram cimport HISTOGRAM_WORDS, histogram_record
from surgewire._core.ledger cimport (
    LEDGER_CUT_OFF,
    LEDGER_DAMAGED,
    LEDGER_DELIVERED,
    LEDGER_DELIVERED_COUNT,
    LEDGER_DRAINED,
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
from surgewire._core.pacer cimport DueQueue, Schedule, pacer_instant
from surgewire._core.poller cimport Poller
from surgewire._core.template cimport Template, template_values_t
from surgewire._core.wakeup cimport Wakeup

cdef enum:
    # Messages of one connection that leave in one call.
    BATCH = 32
    # Calls of `send` before the loop may read again. Arrivals are stamped when they are read, so
    # all that is sent in one go is added to the latency of what comes in meanwhile.
    SENDS_IN_A_TURN = 8
    # Calls of `send` before the loop gets its turn, whatever else is due.
    SENDS_AT_MOST = 256
    # The worker's pulse: how late its loop is, measured also when nothing is due.
    BEAT_NS = 10_000_000
    # More than this waiting in one transport, and planned messages are skipped instead.
    MIN_MAX_UNSENT = 1048576
    # Closed model: nothing is in flight yet, and what arrives is no reason to send.
    AWAITS_START = -1

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
)


cdef int64_t* _histogram(int64_t[::1] words) except NULL:
    if words.shape[0] != HISTOGRAM_WORDS:
        raise ValueError(f"a histogram has {HISTOGRAM_WORDS} words, not {words.shape[0]}")
    return &words[0]


cdef class EchoUser(Connection):
    """A user whose messages come back to it.

    traffic: what it shares with the worker's other users. user: its number over the whole run.
    The remaining arguments are those of `Connection`.
    """

    def __init__(
        self, buffer, owner, handshake, Traffic traffic not None, uint32_t user, **options
    ):
        self.traffic = traffic
        self.user = user
        self.index = len(traffic.users)
        if self.index >= traffic.ledger.windows:
            raise ValueError("more users than the ledger has windows")
        traffic.users.append(self)
        self.bytes_in = &traffic.counters[TRAFFIC_BYTES_IN]
        self.bytes_out = &traffic.counters[TRAFFIC_BYTES_OUT]

    cdef void on_message(self, uint8_t opcode, uint8_t* payload, size_t length) noexcept:
        self.traffic.counters[TRAFFIC_FRAMES_IN] += 1
        self.traffic.book(self, payload, length, self.arrival_ns)

    cdef void on_read_done(self) noexcept:
        cdef int64_t now_ns
        if self.traffic.closed_model and self.awaited_ns == 0 and self.listening:
            now_ns = clock_now_ns()
            if self.traffic.sending and now_ns < self.traffic.end_ns:
                self.traffic.send_batch(self, &now_ns, 1)


cdef class Traffic:
    """What the users of one worker share.

    loop: an asyncio loop. ledger, schedule: see their modules; `schedule` is None in the closed
    model. counters: uint64[len(COUNTERS)]. latency, service, send_lag, loop_lag: histograms,
    int64[HISTOGRAM_WORDS] each. run, worker: numbers for the markers. template: of every
    message. deadline_ns: what arrives later than that is late.
    poller: reads the users' sockets; without one, the loop does.
    """

    def __cinit__(
        self,
        loop,
        Ledger ledger not None,
        Schedule schedule,
        uint64_t[::1] counters not None,
        int64_t[::1] latency not None,
        int64_t[::1] service not None,
        int64_t[::1] send_lag not None,
        int64_t[::1] loop_lag not None,
        *,
        uint32_t run,
        uint32_t worker,
        Template template not None,
        int64_t deadline_ns,
        Poller poller = None,
    ):
        if counters.shape[0] != TRAFFIC_COUNTERS:
            raise ValueError(f"traffic has {TRAFFIC_COUNTERS} counters, not {counters.shape[0]}")
        self.latency_words = _histogram(latency)
        self.service_words = _histogram(service)
        self.send_lag_words = _histogram(send_lag)
        self.loop_lag_words = _histogram(loop_lag)
        self.memory = (counters, latency, service, send_lag, loop_lag)
        self.ledger = ledger
        self.schedule = schedule
        self.closed_model = schedule is None
        self.queue = DueQueue(max(1, ledger.windows))
        self.users = []
        self.counters = &counters[0]
        self.run = run
        self.worker = worker
        if template.frame_size == 0:
            raise ValueError("the messages of an echo run have all one size; use constant parts")
        self.template = template
        self.frame_size = template.frame_size
        self.scratch_size = self.frame_size * BATCH if self.frame_size <= 8192 else self.frame_size
        self.max_unsent = max(MIN_MAX_UNSENT, 4 * self.frame_size)
        self.deadline_ns = deadline_ns
        self.scratch = <uint8_t*>malloc(self.scratch_size)
        if self.scratch == NULL:
            raise MemoryError()
        self.next_beat_ns = clock_now_ns() + BEAT_NS
        self.loop = loop
        self.poller = poller
        self.wakeup = Wakeup(loop, self._woken)
        self.wakeup.arm(self.next_beat_ns)

    def __dealloc__(self):
        free(self.scratch)

    # The life of a run.

    def start(self, int64_t start_ns, int64_t measure_ns, int64_t end_ns) -> None:
        """Plan the messages of every open user, from `start_ns` until before `end_ns`.

        Messages planned before `measure_ns` are warm-up: they enter neither ledger nor histograms.
        """
        cdef EchoUser user
        self.start_ns, self.measure_ns, self.end_ns = start_ns, measure_ns, end_ns
        self.sending = True
        for user in self.users:
            if user.phase != CONNECTION_OPEN:
                continue
            self.ledger.open(user.index, 1)
            user.listening = True
            if self.closed_model:
                user.planned_ns = start_ns
                user.awaited_ns = AWAITS_START
            else:
                self.advance(user)
            self.queue.push(user.planned_ns, user.index)
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

    def cut_off(self, EchoUser user) -> None:
        """Book what the connection of `user` still owed: it ended before we closed it."""
        self._close_window(user, LEDGER_CUT_OFF)

    def finish(self, *, bint drained) -> None:
        """Book what is missing at every user: lost if `drained`, else in flight when we left."""
        cdef EchoUser user
        self.stop()
        for user in self.users:
            if user.witness is not None:
                # It is to bound what the tester adds to latencies, not what closing costs.
                user.witness.mute()
            self._close_window(user, LEDGER_DRAINED if drained else LEDGER_LEFT)

    def close(self) -> None:
        """Stop the pulse and let the users go."""
        self.wakeup.close()
        self.users.clear()

    @property
    def outstanding(self) -> int:
        """Expected deliveries that have neither come nor been given up."""
        cdef uint64_t* counts = self.ledger.counts
        return (
            counts[LEDGER_EXPECTED]
            - counts[LEDGER_DELIVERED_COUNT]
            - counts[LEDGER_LOST]
            - counts[LEDGER_LOST_TO_DISCONNECT]
        )

    @property
    def precise(self) -> bool:
        """Whether wake-ups are exact to less than the loop's own millisecond."""
        return self.wakeup.precise

    def _close_window(self, EchoUser user, int how) -> None:
        if user.listening:
            user.listening = False
            self.ledger.close(user.index, 0, user.sequence, how)

    # Waking up.

    def _woken(self) -> None:
        cdef int64_t now_ns = clock_now_ns()
        self.beat(now_ns)
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

    # Sending.

    cdef bint send_due(self, int64_t now_ns) noexcept:
        """Send what is due, in turns between which is read; returns whether that was all."""
        cdef EchoUser user
        cdef int calls = 0
        while self.queue.next_instant() <= now_ns:
            if calls == SENDS_IN_A_TURN and self.poller is None or calls == SENDS_AT_MOST:
                return False
            user = <EchoUser>self.users[self.queue.next_user()]
            if user.phase != CONNECTION_OPEN or user.planned_ns >= self.end_ns:
                self.queue.pop()
                continue
            if self.closed_model:
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

    cdef void send_planned(self, EchoUser user, int64_t now_ns) noexcept:
        """Send all that this user has due, several messages in one call."""
        cdef int64_t[BATCH] planned_ns
        cdef uint32_t count = 0
        cdef uint32_t most = <uint32_t>(self.scratch_size // self.frame_size)
        while user.planned_ns <= now_ns and user.planned_ns < self.end_ns:
            planned_ns[count] = user.planned_ns
            count += 1
            self.advance(user)
            if count == most:
                if not self.send_batch(user, planned_ns, count):
                    return
                count = 0
        if count:
            self.send_batch(user, planned_ns, count)

    cdef void skip_until(self, int64_t until_ns) noexcept:
        """Book the messages planned before an instant as skipped."""
        cdef EchoUser user
        cdef uint64_t measured
        while self.queue.next_instant() < until_ns:
            user = <EchoUser>self.users[self.queue.next_user()]
            if user.phase != CONNECTION_OPEN:
                self.queue.pop()
                continue
            measured = 0
            while user.planned_ns < until_ns:
                measured += user.planned_ns >= self.measure_ns
                self.advance(user)
            self.counters[TRAFFIC_PLANNED] += measured
            self.counters[TRAFFIC_SKIPPED] += measured
            self.queue.replace(user.planned_ns)

    cdef bint send_batch(
        self, EchoUser user, const int64_t* planned_ns, uint32_t count
    ) noexcept:
        """Send `count` messages of one user; returns whether the connection still works."""
        cdef int64_t sent_ns
        cdef uint32_t i, measured = 0
        cdef uint64_t sequence = user.sequence
        for i in range(count):
            measured += planned_ns[i] >= self.measure_ns
        self.counters[TRAFFIC_PLANNED] += measured
        if user.unsent_bytes() > self.max_unsent:
            self.counters[TRAFFIC_SKIPPED] += measured
            return True
        sent_ns = clock_now_ns()
        for i in range(count):
            if planned_ns[i] >= self.measure_ns:
                sequence += 1
                self.encode(
                    self.scratch + i * self.frame_size, user, sequence, planned_ns[i], sent_ns
                )
            else:
                self.encode(self.scratch + i * self.frame_size, user, 0, planned_ns[i], sent_ns)
        if user.write(self.scratch, count * self.frame_size) < 0:
            self.counters[TRAFFIC_SKIPPED] += measured
            user.abort("tcp_reset")
            return False
        user.sequence = sequence
        user.awaited_ns = planned_ns[count - 1]
        self.ledger.counts[LEDGER_WARMUP_SENT] += count - measured
        for i in range(count):
            if planned_ns[i] >= self.measure_ns:
                self.ledger.sent(0, 1)
                histogram_record(self.send_lag_words, sent_ns - planned_ns[i])
        return True

    cdef void encode(
        self, uint8_t* out, EchoUser user, uint64_t sequence, int64_t planned_ns, int64_t sent_ns
    ) noexcept nogil:
        cdef marker_t marker
        cdef template_values_t values
        marker.run = self.run
        marker.room = user.user
        marker.worker = self.worker
        marker.sequence = sequence
        marker.planned_ns = planned_ns
        marker.send_lag_ns = sent_ns - planned_ns
        values.marker = &marker
        self.template.write_frame(out, &values)

    cdef void advance(self, EchoUser user) noexcept nogil:
        """Plan the user's next message."""
        user.planned_ns = self.start_ns + pacer_instant(
            &self.schedule.c, user.user, user.turn, user.exact_ns, &user.exact_ns
        )
        user.turn += 1

    # Arrivals.

    cdef void book(
        self, EchoUser user, const uint8_t* payload, size_t length, int64_t arrival_ns
    ) noexcept:
        cdef marker_t marker
        cdef size_t offset = 0
        cdef int found = marker_find(payload, length, &offset, &marker)
        cdef int64_t last_planned_ns = 0
        cdef uint64_t last_sequence = 0
        if found == MARKER_NONE:
            self.ledger.counts[LEDGER_UNMARKED] += 1
        while found != MARKER_NONE:
            if found == MARKER_DAMAGED:
                self.ledger.counts[LEDGER_DAMAGED] += 1
            elif marker.run != self.run:
                self.ledger.counts[LEDGER_FOREIGN] += 1
            elif marker.room != user.user:
                self.ledger.counts[LEDGER_MISROUTED] += 1
            # A server may batch several messages in one frame, or put one text into two fields of
            # its envelope: a repetition right behind is the same delivery.
            elif marker.planned_ns != last_planned_ns or marker.sequence != last_sequence:
                self.deliver(user, &marker, arrival_ns)
                last_planned_ns = marker.planned_ns
                last_sequence = marker.sequence
            found = marker_find(payload, length, &offset, &marker)

    cdef void deliver(self, EchoUser user, const marker_t* marker, int64_t arrival_ns) noexcept:
        cdef int64_t latency_ns = arrival_ns - marker.planned_ns
        cdef int outcome
        if marker.planned_ns == user.awaited_ns:
            user.awaited_ns = 0
        if marker.sequence == 0:
            self.ledger.counts[LEDGER_WARMUP_DELIVERED] += 1
            return
        if not user.listening:
            return
        outcome = self.ledger.arrived(
            user.index, 0, marker.sequence, user.sequence, latency_ns > self.deadline_ns
        )
        if outcome == LEDGER_DELIVERED or outcome == LEDGER_REORDERED:
            histogram_record(self.latency_words, latency_ns)
            histogram_record(self.service_words, latency_ns - marker.send_lag_ns)
