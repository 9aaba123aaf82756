"""The traffic of an echo run: each user's messages come back to it, and to nobody else.

A user is a stream and its own only receiver. An arrival is recognised by its marker in the receive
buffer. In the closed model each connection keeps one message in flight, and the planned instant is
the moment of sending.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from surgewire._core.clock cimport clock_now_ns
from surgewire._core.histogram cimport histogram_record
from surgewire._core.ledger cimport (
    LEDGER_COUNTERS,
    LEDGER_DAMAGED,
    LEDGER_DELIVERED,
    LEDGER_FOREIGN,
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
from surgewire._core.pacer cimport Schedule
from surgewire._core.poller cimport Poller
from surgewire._core.template cimport Template, template_values_t
from surgewire._core.traffic cimport (
    TRAFFIC_FRAMES_IN,
    TRAFFIC_PAYLOAD_BYTES_IN,
    TRAFFIC_PAYLOAD_BYTES_OUT,
    TRAFFIC_PLANNED,
    TRAFFIC_SKIPPED,
    USER_ABSENT,
    USER_PRESENT,
    Traffic,
    User,
    traffic_write_frame,
)

cdef enum:
    # Closed model: nothing is in flight yet, and what arrives is no reason to send.
    AWAITS_START = -1


cdef class EchoUser(User):
    """A user whose messages come back to it.

    traffic: what it shares with the worker's other users. user: its number over the whole run.
    index: its place among the worker's, the next one unless given; it takes the place of a
    connection that was made for it before and came to nothing. The remaining arguments are those
    of `Connection`.
    """

    def __init__(
        self,
        buffer,
        owner,
        handshake,
        EchoTraffic traffic not None,
        uint32_t user,
        *,
        index = None,
        **options,
    ):
        cdef uint32_t taken = len(traffic.users)
        cdef uint32_t place = taken if index is None else index
        if place >= traffic.ledger.windows:
            raise ValueError("more users than the ledger has windows")
        if place > taken or (place < taken and traffic.users[place].is_open):
            raise ValueError(f"place {place} cannot be taken now")
        self.belong(traffic, place, user, user)
        if place == taken:
            traffic.users.append(self)
        else:
            traffic.users[place] = self

    cdef void on_message(self, uint8_t opcode, uint8_t* payload, size_t length) noexcept:
        cdef uint64_t* counters = self.traffic.counters
        counters[TRAFFIC_FRAMES_IN] += 1
        counters[TRAFFIC_PAYLOAD_BYTES_IN] += length
        (<EchoTraffic>self.traffic).book(self, payload, length, self.arrival_ns)

    cdef void on_read_done(self) noexcept:
        cdef int64_t now_ns
        if (
            self.traffic.closed_model
            and self.awaited_ns == 0
            and self.listening == USER_PRESENT
        ):
            now_ns = clock_now_ns()
            if self.traffic.sending and now_ns < self.traffic.end_ns:
                self.traffic.send_batch(self, &now_ns, 1)


cdef class EchoTraffic(Traffic):
    """What the users of one worker share in an echo run, and in a run that only connects.

    loop: an asyncio loop. ledger, schedule: see their modules; `schedule` is None in the closed
    model. counters: uint64[len(COUNTERS)]. histograms: int64[HISTOGRAM_WORDS] by names of metrics,
    of which message_latency, service_time, send_lag and loop_lag are needed. run, worker: numbers
    for the markers. template: of every message, all of one size. deadline_ns: what arrives later
    than that is late. poller: reads the users' sockets; without one, the loop does. ping_ns,
    ping_timeout_ns: see `pinger`; 0 for no pings, else a histogram for ping_time is needed, too.

    Raises ValueError where memory or template do not fit.
    """

    def __cinit__(
        self,
        loop,
        Ledger ledger not None,
        Schedule schedule,
        counters,
        histograms,
        *,
        run,
        worker,
        Template template not None,
        deadline_ns,
        Poller poller = None,
        int64_t ping_ns = 0,
        int64_t ping_timeout_ns = 0,
    ):
        if template.frame_size == 0:
            raise ValueError("the messages of an echo run have all one size; use constant parts")
        self.template = template
        self.make_room(template.frame_size, ledger.windows)
        self.make_pinger(ping_ns, ping_timeout_ns)

    cdef void begin(self, User user) noexcept:
        self.ledger.open(user.index, 1)
        user.listening = USER_PRESENT
        if self.closed_model:
            user.planned_ns = self.start_ns
            (<EchoUser>user).awaited_ns = AWAITS_START
            user.queued = True
            self.queue.push(user.planned_ns, user.index)
        else:
            self.enter(user, self.start_ns)

    cdef void end(self, User user, int how) noexcept:
        if user.listening:
            user.listening = USER_ABSENT
            self.ledger.close(user.index, user.apart, user.sequence, how)

    # Sending.

    cdef bint send_batch(self, User user, const int64_t* planned_ns, uint32_t count) noexcept:
        cdef EchoUser echo_user = <EchoUser>user
        cdef int64_t sent_ns
        cdef uint32_t i, measured = 0
        cdef uint64_t sequence = user.sequence
        cdef size_t size = 0
        for i in range(count):
            measured += planned_ns[i] >= self.measure_ns
        # What an awkward user plans and skips says nothing of the load that was asked for.
        if not user.apart:
            self.counters[TRAFFIC_PLANNED] += measured
        if user.unsent_bytes() > self.max_unsent:
            if not user.apart:
                self.counters[TRAFFIC_SKIPPED] += measured
            return True
        sent_ns = clock_now_ns()
        self.batch_payload_bytes = 0
        for i in range(count):
            if planned_ns[i] >= self.measure_ns:
                sequence += 1
                size += self.encode(
                    self.scratch + size, echo_user, sequence, planned_ns[i], sent_ns
                )
            else:
                size += self.encode(self.scratch + size, echo_user, 0, planned_ns[i], sent_ns)
        if user.write(self.scratch, size) < 0:
            if not user.apart:
                self.counters[TRAFFIC_SKIPPED] += measured
            user.abort("tcp_reset")
            return False
        self.counters[TRAFFIC_PAYLOAD_BYTES_OUT] += self.batch_payload_bytes
        user.sequence = sequence
        echo_user.awaited_ns = planned_ns[count - 1]
        self.row(echo_user)[LEDGER_WARMUP_SENT] += count - measured
        for i in range(count):
            if planned_ns[i] >= self.measure_ns:
                self.ledger.sent(user.apart, 1)
                if not user.apart:
                    histogram_record(self.send_lag_words, sent_ns - planned_ns[i])
        return True

    cdef size_t encode(
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
        return traffic_write_frame(self, out, user, self.template, &values)

    # Arrivals.

    cdef uint64_t* row(self, EchoUser user) noexcept nogil:
        return self.ledger.counts + <size_t>user.apart * LEDGER_COUNTERS

    cdef void book(
        self, EchoUser user, const uint8_t* payload, size_t length, int64_t arrival_ns
    ) noexcept:
        cdef marker_t marker
        cdef size_t offset = 0
        cdef int found = marker_find(payload, length, &offset, &marker)
        cdef uint64_t* counts = self.row(user)
        cdef int64_t last_planned_ns = 0
        cdef uint64_t last_sequence = 0
        if found == MARKER_NONE:
            counts[LEDGER_UNMARKED] += 1
        while found != MARKER_NONE:
            if found == MARKER_DAMAGED:
                counts[LEDGER_DAMAGED] += 1
            elif marker.run != self.run:
                counts[LEDGER_FOREIGN] += 1
            elif marker.room != user.user:
                counts[LEDGER_MISROUTED] += 1
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
            self.row(user)[LEDGER_WARMUP_DELIVERED] += 1
            return
        if not user.listening:
            return
        outcome = self.ledger.arrived(
            user.index, user.apart, marker.sequence, user.sequence, latency_ns > self.deadline_ns
        )
        if (outcome == LEDGER_DELIVERED or outcome == LEDGER_REORDERED) and not user.apart:
            histogram_record(self.latency_words, latency_ns)
            histogram_record(self.service_words, latency_ns - marker.send_lag_ns)
