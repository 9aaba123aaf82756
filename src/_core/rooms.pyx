"""What all workers know of the rooms: streams, who listens, and how far a message has spread.

It lies in memory that all processes share, and takes no lock, so that a process that is killed at
any instant leaves it whole:

- **Streams.** How many messages each worker has sent into each room. Only that worker writes it. A
  number is published before the message goes out, so that no receiver ever meets one that it does
  not know; where the message then cannot go out, the number is taken back.
- **Presence.** How many users of each worker are joined to each room, and a base, so that at any
  instant `base + listeners * sum of the room's counters` (modulo 2**64) is what they were to hear
  so far: a join takes the sum of the counters off, a leave adds it. So sending costs nothing per
  receiver. Both figures change together: the writer fills the copy that is not in use and
  publishes it with the version; a reader looks at the version again.
- **Fan-out slots.** For the last messages of each stream: the sender, how many were to hear it,
  how many have, and the greatest latency. Receivers of all workers count in it by atomic
  operations. A slot serves one message after another; the words that change carry part of the
  number, so that who comes late for the one before never counts in the next.

Who has joined while a number is published by another process hears it or not as the counter says
that it read; only `receivers` of that message, which the sender read a moment before, may differ
by them.
"""

from cython cimport final
from libc.stdint cimport UINT32_MAX, int64_t, uint8_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free

cdef extern from *:
    """
    static inline uint64_t surgewire_load(const uint64_t *word) {
        return __atomic_load_n(word, __ATOMIC_ACQUIRE);
    }
    static inline uint64_t surgewire_peek(const uint64_t *word) {
        return __atomic_load_n(word, __ATOMIC_RELAXED);
    }
    static inline uint32_t surgewire_peek32(const uint32_t *word) {
        return __atomic_load_n(word, __ATOMIC_RELAXED);
    }
    static inline void surgewire_store(uint64_t *word, uint64_t value) {
        __atomic_store_n(word, value, __ATOMIC_RELEASE);
    }
    static inline void surgewire_poke(uint64_t *word, uint64_t value) {
        __atomic_store_n(word, value, __ATOMIC_RELAXED);
    }
    static inline void surgewire_poke32(uint32_t *word, uint32_t value) {
        __atomic_store_n(word, value, __ATOMIC_RELAXED);
    }
    static inline int surgewire_swap(uint64_t *word, uint64_t *seen, uint64_t value) {
        return __atomic_compare_exchange_n(word, seen, value, 0,
                                           __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    }
    static inline void surgewire_after_reads(void) { __atomic_thread_fence(__ATOMIC_ACQUIRE); }
    static inline void surgewire_before_writes(void) { __atomic_thread_fence(__ATOMIC_RELEASE); }
    """
    uint64_t load "surgewire_load"(const uint64_t* word) noexcept nogil
    uint64_t peek "surgewire_peek"(const uint64_t* word) noexcept nogil
    uint32_t peek32 "surgewire_peek32"(const uint32_t* word) noexcept nogil
    void store "surgewire_store"(uint64_t* word, uint64_t value) noexcept nogil
    void poke "surgewire_poke"(uint64_t* word, uint64_t value) noexcept nogil
    void poke32 "surgewire_poke32"(uint32_t* word, uint32_t value) noexcept nogil
    # On failure *seen becomes what the word holds.
    bint swap "surgewire_swap"(uint64_t* word, uint64_t* seen, uint64_t value) noexcept nogil
    void after_reads "surgewire_after_reads"() noexcept nogil
    void before_writes "surgewire_before_writes"() noexcept nogil

FIRST = ROOMS_FIRST
MEDIAN = ROOMS_MEDIAN
LAST = ROOMS_LAST
GONE = ROOMS_GONE

cdef enum:
    CACHE_LINE_BYTES = 64
    LATENCY_BITS = 42               # 73 minutes, as far as a histogram reaches
    # Of a room in which users come and go without a pause, the sum is taken as it is in the end.
    MOST_TRIES = 1000
    # Widths of a marker's fields.
    MOST_WORKERS = 1024
    MOST_ROOMS = 1073741824

cdef uint32_t NOBODY = UINT32_MAX
cdef uint64_t LATENCY_MAX = (<uint64_t>1 << LATENCY_BITS) - 1


def memory_bytes(workers, rooms, slots, apart=False):
    """Return how much memory `Rooms` needs, in bytes; pages that nobody touches cost nothing.

    slots: of each stream, a power of two: for so many messages of it the spread is followed.
    apart: whether each room has a second row of users, whose account is kept apart.
    Raises ValueError when a figure is out of range.
    """
    return sum(_strides(workers, rooms, slots, apart)) * workers


def _strides(workers, rooms, slots, apart):
    """Return the bytes that each worker has of streams, presences and fan-out slots."""
    if not 1 <= workers <= MOST_WORKERS:
        raise ValueError(f"workers is {workers}; it must lie in 1 to {MOST_WORKERS}")
    if not 1 <= rooms <= MOST_ROOMS:
        raise ValueError(f"rooms is {rooms}; it must lie in 1 to {MOST_ROOMS}")
    if not 1 <= slots <= 1 << 20 or slots & (slots - 1):
        raise ValueError(f"slots is {slots}; use a power of two, 1 to 2**20")
    each = (
        sizeof(uint64_t),
        sizeof(rooms_presence_t) * (2 if apart else 1),
        sizeof(rooms_slot_t) * slots,
    )
    # What one worker writes shares no cache line with what another one does.
    return [-(-rooms * size // CACHE_LINE_BYTES) * CACHE_LINE_BYTES for size in each]


cdef uint64_t presence_read(
    const rooms_presence_t* presence, uint64_t* listeners, uint64_t* base
) noexcept nogil:
    """Read both figures as they were together at one instant; return their version."""
    cdef uint64_t version
    while True:
        version = load(&presence.version)
        listeners[0] = peek(&presence.listeners[version & 1])
        base[0] = peek(&presence.base[version & 1])
        after_reads()
        if peek(&presence.version) == version:
            return version


cdef void presence_change(
    rooms_presence_t* presence, int64_t more, uint64_t base
) noexcept nogil:
    """Add to both figures at once. Only one process at a time may do so."""
    cdef uint64_t version = peek(&presence.version)
    cdef uint64_t now = version & 1
    cdef uint64_t then = now ^ 1
    before_writes()             # who still reads that copy shall see that its version has passed
    poke(&presence.listeners[then], peek(&presence.listeners[now]) + <uint64_t>more)
    poke(&presence.base[then], peek(&presence.base[now]) + base)
    store(&presence.version, version + 1)


cdef bint raise_greatest(
    uint64_t* greatest, uint64_t turn, uint64_t latency, uint64_t* most
) noexcept nogil:
    """Raise the slot's greatest latency to `latency`; 0 when it is another message's."""
    cdef uint64_t seen = load(greatest)
    while seen >> LATENCY_BITS == turn:
        most[0] = seen & LATENCY_MAX
        if latency <= most[0]:
            return 1
        if swap(greatest, &seen, turn << LATENCY_BITS | latency):
            most[0] = latency
            return 1
    return 0


@final
cdef class Rooms:
    """The rooms as worker number `worker` sees them.

    memory: a writable buffer of bytes that all processes share, `memory_bytes()` long or more,
    all zero in the beginning, at an address that 64 divides. workers, rooms, slots, apart: as given
    to `memory_bytes`, the same in all processes. Users that join row `rooms + room` hear the room
    as others do; what they were to hear is an account of its own, and their arrivals are no part
    of a message's spread. worker: the one whose streams and presence this
    object writes; without it only reading and `bury` are allowed. Raises ValueError when a figure
    or the memory does not fit.
    """

    def __cinit__(self, memory, *, workers, rooms, slots, worker=None, apart=False):
        cdef uint8_t[::1] view = memory
        needed = memory_bytes(workers, rooms, slots, apart)
        if view.shape[0] < needed:
            raise ValueError(f"memory has {view.shape[0]} bytes; it must have {needed}")
        if <uintptr_t>&view[0] % CACHE_LINE_BYTES:
            raise ValueError(f"memory must begin at an address that {CACHE_LINE_BYTES} divides")
        self.workers, self.rooms, self.slots = workers, rooms, slots
        self.rows = rooms * 2 if apart else rooms
        self.slot_bits = slots.bit_length() - 1
        self.own = NOBODY if worker is None else self._worker(worker)
        self.memory = memoryview(memory)
        self.streams_stride, self.presences_stride, self.fanouts_stride = _strides(
            workers, rooms, slots, apart
        )
        self.streams = &view[0]
        self.presences = self.streams + self.workers * self.streams_stride
        self.fanouts = self.presences + self.workers * self.presences_stride
        self.versions = <uint64_t*>calloc(self.workers, sizeof(uint64_t))
        if self.versions == NULL:
            raise MemoryError()

    def __dealloc__(self):
        free(self.versions)

    cdef uint64_t* stream(self, uint32_t worker, uint32_t room) noexcept nogil:
        return <uint64_t*>(self.streams + worker * self.streams_stride) + room

    cdef rooms_presence_t* presence(self, uint32_t worker, uint32_t row) noexcept nogil:
        return <rooms_presence_t*>(self.presences + worker * self.presences_stride) + row

    cdef rooms_slot_t* slot(
        self, uint32_t worker, uint32_t room, uint64_t sequence
    ) noexcept nogil:
        cdef size_t number = ((<size_t>room) << self.slot_bits) + (sequence & self.slots - 1)
        return <rooms_slot_t*>(self.fanouts + worker * self.fanouts_stride) + number

    # Streams.

    cdef uint64_t last_sent(self, uint32_t worker, uint32_t room) noexcept nogil:
        return load(self.stream(worker, room))

    cdef uint64_t publish(self, uint32_t room, uint32_t sender, uint32_t receivers) noexcept nogil:
        cdef uint64_t* stream = self.stream(self.own, room)
        cdef uint64_t sequence = peek(stream) + 1
        cdef rooms_slot_t* slot = self.slot(self.own, room, sequence)
        cdef uint64_t turn = (sequence >> self.slot_bits) << LATENCY_BITS
        poke(&slot.count, sequence << 32)
        before_writes()         # from here on nobody counts for the message before
        poke(&slot.greatest, turn)
        poke32(&slot.sender, sender)
        poke32(&slot.receivers, receivers)
        store(stream, sequence)
        return sequence

    cdef void retract(self, uint32_t room, uint32_t count) noexcept nogil:
        cdef uint64_t* stream = self.stream(self.own, room)
        store(stream, peek(stream) - count)

    cdef uint64_t counters(self, uint32_t row, uint64_t* each) noexcept nogil:
        """Read each stream's counter once (into `each`, unless NULL); return their sum."""
        cdef uint32_t room = row if row < self.rooms else row - self.rooms
        cdef uint64_t counter, total = 0
        cdef uint32_t worker
        for worker in range(self.workers):
            counter = load(self.stream(worker, room))
            total += counter
            if each != NULL:
                each[worker] = counter
        return total

    # Presence.

    cdef uint32_t listeners(self, uint32_t room) noexcept nogil:
        cdef uint64_t here, base, total = 0
        cdef uint32_t worker
        for worker in range(self.workers):
            presence_read(self.presence(worker, room), &here, &base)
            total += here
        return <uint32_t>total

    cdef void join(self, uint32_t row, uint64_t* first) noexcept nogil:
        cdef uint64_t total = self.counters(row, first)
        cdef uint32_t worker
        for worker in range(self.workers):
            first[worker] += 1
        presence_change(self.presence(self.own, row), 1, 0 - total)

    cdef void leave(self, uint32_t row, uint64_t* last) noexcept nogil:
        presence_change(self.presence(self.own, row), -1, self.counters(row, last))

    cdef void expected_of(self, uint32_t row, uint64_t* out, size_t stride) noexcept nogil:
        """What the users of each worker were to hear: all presences and the sum at one instant."""
        cdef uint64_t listeners, base, total
        cdef uint32_t worker
        cdef bint changed
        cdef int _try
        for _try in range(MOST_TRIES):
            total = self.counters(row, NULL)
            for worker in range(self.workers):
                self.versions[worker] = presence_read(
                    self.presence(worker, row), &listeners, &base
                )
                out[worker * stride] = base + listeners * total
            changed = self.counters(row, NULL) != total
            for worker in range(self.workers):
                changed |= load(&self.presence(worker, row).version) != self.versions[worker]
            if not changed:
                return

    # Fan-out.

    cdef int spread(
        self, uint32_t worker, uint32_t room, uint64_t sequence, int64_t latency_ns,
        int64_t* spread_ns,
    ) noexcept nogil:
        cdef uint64_t latency = min(<uint64_t>max(latency_ns, 0), LATENCY_MAX)
        cdef uint64_t turn = (sequence >> self.slot_bits) & ((<uint64_t>1 << 22) - 1)
        cdef uint64_t count, arrivals, receivers
        cdef uint64_t most = 0
        cdef rooms_slot_t* slot
        cdef int part = 0
        # Numbers from 1 on that the slots still hold; the difference wraps where none was sent.
        if sequence == 0 or self.last_sent(worker, room) - sequence >= self.slots:
            return ROOMS_GONE
        slot = self.slot(worker, room, sequence)
        count = load(&slot.count)
        while True:
            if count >> 32 != (sequence & UINT32_MAX):
                return ROOMS_GONE
            # Before it is counted: so who is last finds here the latency of all others.
            if not raise_greatest(&slot.greatest, turn, latency, &most):
                return ROOMS_GONE
            receivers = peek32(&slot.receivers)
            after_reads()
            if swap(&slot.count, &count, count + 1):
                break
        arrivals = (count & UINT32_MAX) + 1
        spread_ns[0] = <int64_t>latency
        if arrivals == receivers:
            spread_ns[0] = <int64_t>most
            part = ROOMS_LAST
        if arrivals == (receivers + 1) // 2:
            part |= ROOMS_MEDIAN
        if arrivals == 1 and receivers:
            part |= ROOMS_FIRST
        return part

    cdef bint is_sender(
        self, uint32_t worker, uint32_t room, uint64_t sequence, uint32_t user
    ) noexcept nogil:
        cdef rooms_slot_t* slot = self.slot(worker, room, sequence)
        cdef uint32_t sender
        if sequence == 0 or self.last_sent(worker, room) - sequence >= self.slots:
            return 0
        sender = peek32(&slot.sender)
        after_reads()
        return sender == user and peek(&slot.count) >> 32 == (sequence & UINT32_MAX)

    # Skins.

    def publish_number(self, room, uint32_t sender, uint32_t receivers):
        """Return the next number of our stream into `room`, which users expect from now on."""
        self._own()
        self._room(room)
        return self.publish(room, sender, receivers)

    def retract_numbers(self, room, uint32_t count):
        """Take the last `count` numbers of our stream back, which did not go out after all.

        They are given again. Who joined meanwhile does not expect them. Raises ValueError when
        there are not so many.
        """
        self._own()
        self._room(room)
        if count > self.last_sent(self.own, room):
            raise ValueError(f"count is {count}, of {self.last_sent(self.own, room)} numbers")
        self.retract(room, count)

    def last_number(self, worker, room):
        """Return the last number that `worker` published into `room`, 0 for none."""
        return self.last_sent(self._worker(worker), self._room(room))

    def join_room(self, row):
        """One of our users joins; return the first number that it expects of each worker."""
        cdef uint64_t[MOST_WORKERS] first
        self._own()
        self.join(self._row(row), first)
        return [first[worker] for worker in range(self.workers)]

    def leave_room(self, row):
        """One of our users leaves; return the last number that it expected of each worker.

        Raises ValueError when none of our users is in that row.
        """
        cdef uint64_t[MOST_WORKERS] last
        cdef uint64_t listeners, base
        self._own()
        presence_read(self.presence(self.own, self._row(row)), &listeners, &base)
        if listeners == 0:
            raise ValueError(f"no user of worker {self.own} is in room {row}")
        self.leave(row, last)
        return [last[worker] for worker in range(self.workers)]

    def listeners_of(self, room):
        """Return how many users of all workers are joined to `room` now, those apart left out."""
        return self.listeners(self._room(room))

    def listeners_by_worker(self, worker):
        """Return how many users of `worker` are joined now, over all rooms."""
        cdef uint32_t number = self._worker(worker)
        cdef uint64_t here, base, total = 0
        cdef uint32_t row
        for row in range(self.rows):
            presence_read(self.presence(number, row), &here, &base)
            total += here
        return total

    def book_spread(self, worker, room, uint64_t sequence, int64_t latency_ns):
        """Book one arrival of a message.

        Returns (part, spread_ns): FIRST, MEDIAN and LAST as bits or GONE, and the time in
        nanoseconds that goes with them: the latency, for LAST the greatest of the message. It is
        None where there is no part, or the message is gone.
        """
        cdef int64_t spread_ns = 0
        cdef int part = self.spread(
            self._worker(worker), self._room(room), sequence, latency_ns, &spread_ns
        )
        return part, spread_ns if part and part != ROOMS_GONE else None

    def was_sent_by(self, worker, room, uint64_t sequence, uint32_t user):
        """Whether a message is that user's own; False also for one whose slot serves another."""
        return bool(self.is_sender(self._worker(worker), self._room(room), sequence, user))

    def expected(self, uint64_t[:, ::1] out not None):
        """Fill out[worker][row] with what its users were to hear so far, modulo 2**64.

        To be added to the ledgers' `expected`, which holds what is taken off it.
        """
        cdef uint32_t row
        if out.shape[0] != self.workers or out.shape[1] != self.rows:
            raise ValueError(
                f"out has {out.shape[0]} x {out.shape[1]} places; "
                f"it must have {self.workers} x {self.rows}"
            )
        with nogil:
            for row in range(self.rows):
                self.expected_of(row, &out[0, row], self.rows)

    def bury(self, worker):
        """End the presence of a worker whose process has ended: what it was to hear is final."""
        cdef uint32_t number = self._worker(worker)
        cdef uint64_t listeners, base
        cdef uint32_t row
        for row in range(self.rows):
            presence_read(self.presence(number, row), &listeners, &base)
            if listeners:
                presence_change(
                    self.presence(number, row), -<int64_t>listeners,
                    listeners * self.counters(row, NULL),
                )

    cdef uint32_t _worker(self, worker) except? 4294967295:
        if not 0 <= worker < self.workers:
            raise ValueError(f"worker is {worker}; it must lie in 0 to {self.workers - 1}")
        return worker

    cdef uint32_t _room(self, room) except? 4294967295:
        if not 0 <= room < self.rooms:
            raise ValueError(f"room is {room}; it must lie in 0 to {self.rooms - 1}")
        return room

    cdef uint32_t _row(self, row) except? 4294967295:
        if not 0 <= row < self.rows:
            raise ValueError(f"room is {row}; it must lie in 0 to {self.rows - 1}")
        return row

    cdef int _own(self) except -1:
        if self.own == NOBODY:
            raise ValueError("these rooms are only looked at; give the worker that writes")
        return 0
