"""A peer that sends every message back: the embedded target, and the client of conformance tests.

`EchoPeer` is the same native connection that the load runs on, in either role. `EchoService` is
what the peers of one loop share: how long messages are held back, and a file that takes the truth
of what was done to each message.

The truth is one line of comma-separated values per message that carries a marker, with instants in
nanoseconds of CLOCK_MONOTONIC; `TRUTH_HEADER` names the columns. `release_ns` is when the message
was meant to leave, `sent_ns` is read right before it was handed to the kernel, so that nobody can
have received it earlier.
"""

from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.stdio cimport fclose, fflush, fopen, fprintf, fputs
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

from surgewire._core.clock cimport clock_now_ns
from surgewire._core.connection cimport CONNECTION_OPEN, Connection
from surgewire._core.deflate_frame cimport deflate_frame_bound
from surgewire._core.delays cimport Delays
from surgewire._core.holding cimport Holding
from surgewire._core.marker cimport MARKER_FOUND, MARKER_NONE, marker_find, marker_t
from surgewire._core.wakeup cimport Wakeup

TRUTH_HEADER = "run,room,worker,sequence,planned_ns,received_ns,release_ns,sent_ns"

cdef enum:
    # Replies are gathered up to here before they are written.
    GATHER = 65536


cdef class EchoPeer(Connection):
    """A connection that sends every message back.

    service: what it shares with its siblings. The remaining arguments are those of `Connection`.
    """

    def __init__(self, buffer, owner, handshake, EchoService service not None, **options):
        self.service = service

    def pause_writing(self) -> None:
        """Read no more while the peer does not take what we have."""
        if self.transport is not None:
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read on."""
        if self.transport is not None and self.phase == CONNECTION_OPEN:
            self.transport.resume_reading()

    cdef void on_message(self, uint8_t opcode, uint8_t* payload, size_t length) noexcept:
        cdef int64_t delay_ns = self.service.delays.draw(&self.service.random_state)
        cdef int64_t sent_ns
        self.service.messages += 1
        if delay_ns > 0:
            self.service.hold(
                self, opcode, payload, length, self.arrival_ns, self.arrival_ns + delay_ns
            )
        else:
            self.service.append(self, opcode, payload, length)
            if self.service.truth != NULL:
                sent_ns = clock_now_ns()
                if self.service.flush(self) == 0:
                    self.service.record(
                        payload, length, self.arrival_ns, self.arrival_ns, sent_ns
                    )

    cdef void on_read_done(self) noexcept:
        self.service.flush(self)


cdef class EchoService:
    """What the echo peers of one loop share.

    delays: those of `Delays`. Messages that wait are released each at its own instant, so random
    delays can change their order. seed: makes the random delays reproducible. truth: path of the
    file that takes the truth, or None; it is written anew. Raises ValueError for delays that make
    no sense and OSError where the file cannot be written.
    """

    def __cinit__(self, loop, delays=(), uint64_t seed=1, truth: str | None = None):
        cdef bytes header = f"{TRUTH_HEADER}\n".encode()
        self.random_state = seed
        self.delays = Delays(delays)
        self.holding = Holding()
        self.wakeup = Wakeup(loop, self._release)
        self.out_capacity = GATHER
        self.out = <uint8_t*>malloc(self.out_capacity)
        if self.out == NULL:
            raise MemoryError()
        if truth is not None:
            self.truth = fopen(truth.encode(), b"w")
            if self.truth == NULL:
                raise OSError(f"cannot write {truth}")
            fputs(header, self.truth)

    def __dealloc__(self):
        cdef echo_held_t* held
        while self.holding is not None and self.holding.length:
            held = <echo_held_t*>self.holding.take()
            Py_DECREF(<object>held.peer)
            free(held)
        if self.truth != NULL:
            fclose(self.truth)
        free(self.out)

    def flush_truth(self) -> None:
        """Write what the truth file still holds in memory."""
        if self.truth != NULL:
            fflush(self.truth)

    def close(self) -> None:
        """Flush the truth and stop releasing messages."""
        self.wakeup.close()
        self.flush_truth()

    # Replies.

    cdef void append(
        self, EchoPeer peer, uint8_t opcode, const uint8_t* payload, size_t length
    ) noexcept:
        """Gather a reply; what one read brought leaves in one call."""
        cdef size_t needed = deflate_frame_bound(length)
        cdef uint8_t* larger
        if self.out_length + needed > self.out_capacity:
            self.flush(peer)
            if needed > self.out_capacity:
                larger = <uint8_t*>realloc(self.out, needed)
                if larger == NULL:
                    peer.abort("local_memory")
                    return
                self.out = larger
                self.out_capacity = needed
        self.out_length += peer.frame_message(
            self.out + self.out_length, opcode, payload, length
        )

    cdef int flush(self, EchoPeer peer) noexcept:
        """Send what was gathered; returns 0, or -1 when nothing was, or nobody takes it."""
        cdef size_t length = self.out_length
        self.out_length = 0
        return peer.write(self.out, length) if length else -1

    # Messages that wait.

    cdef void hold(
        self, EchoPeer peer, uint8_t opcode, const uint8_t* payload, size_t length,
        int64_t received_ns, int64_t release_ns
    ) noexcept:
        cdef echo_held_t* held = <echo_held_t*>malloc(sizeof(echo_held_t) + length)
        if held == NULL or self.holding.put(release_ns, held) < 0:
            free(held)
            peer.abort("local_memory")
            return
        memcpy(<uint8_t*>(held + 1), payload, length)
        Py_INCREF(peer)
        held.peer = <void*>peer
        held.opcode = opcode
        held.length = length
        held.received_ns = received_ns
        if self.holding.next_instant() == release_ns:
            self.arm()

    cdef int arm(self) except -1:
        if self.holding.length:
            self.wakeup.arm(self.holding.next_instant())
        return 0

    def _release(self) -> None:
        """Send every message whose instant has come."""
        cdef int64_t now_ns = clock_now_ns()
        cdef int64_t release_ns, sent_ns
        cdef const uint8_t* payload
        cdef echo_held_t* held
        cdef EchoPeer peer
        while self.holding.next_instant() <= now_ns:
            release_ns = self.holding.next_instant()
            held = <echo_held_t*>self.holding.take()
            payload = <const uint8_t*>(held + 1)
            peer = <EchoPeer>held.peer
            if peer.phase == CONNECTION_OPEN:
                self.append(peer, held.opcode, payload, held.length)
                sent_ns = clock_now_ns()
                if self.flush(peer) == 0:
                    self.record(payload, held.length, held.received_ns, release_ns, sent_ns)
            Py_DECREF(peer)
            free(held)
        self.arm()

    cdef void record(
        self, const uint8_t* payload, size_t length, int64_t received_ns, int64_t release_ns,
        int64_t sent_ns
    ) noexcept nogil:
        cdef marker_t marker
        cdef size_t offset = 0
        cdef int found
        if self.truth == NULL:
            return
        found = marker_find(payload, length, &offset, &marker)
        while found != MARKER_NONE:
            if found == MARKER_FOUND:
                fprintf(
                    self.truth,
                    b"%u,%u,%u,%llu,%lld,%lld,%lld,%lld\n",
                    marker.run,
                    marker.room,
                    marker.worker,
                    <unsigned long long>marker.sequence,
                    <long long>marker.planned_ns,
                    <long long>received_ns,
                    <long long>release_ns,
                    <long long>sent_ns,
                )
            found = marker_find(payload, length, &offset, &marker)
