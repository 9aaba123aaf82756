from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

# What an arrival was among those of its message: bits, because one may be several.
cdef enum:
    ROOMS_FIRST = 1             # the first to be booked
    ROOMS_MEDIAN = 2            # number ceil(receivers / 2)
    ROOMS_LAST = 4              # number `receivers`: the message has reached all
    ROOMS_GONE = 8              # alone: too many messages ago, its slot serves another

ctypedef struct rooms_presence_t:
    uint64_t version            # copy[version & 1] is whole
    uint64_t listeners[2]       # joined now, of one worker in one room
    uint64_t base[2]            # expected = base + listeners * sum of the room's counters

ctypedef struct rooms_slot_t:   # 32 bytes: two share a cache line, and none lies across two
    uint64_t count              # number & 0xFFFFFFFF, then 32 bits: arrivals
    uint64_t greatest           # 22 bits of the number's turn of the slots, then 42: latency, ns
    uint32_t sender
    uint32_t receivers
    uint64_t unused

cdef class Rooms:
    """What all workers know of the rooms, seen by one of them."""
    cdef readonly uint32_t workers
    cdef readonly uint32_t rooms
    cdef readonly uint32_t rows             # of presences: `rooms`, or twice as many
    cdef readonly uint32_t slots            # of each stream, a power of two
    cdef uint32_t own                       # our worker; NOBODY for who only looks on
    cdef uint32_t slot_bits
    cdef object memory
    cdef uint64_t* versions                 # scratch of `expected_of`, one for each worker
    cdef uint8_t* streams
    cdef uint8_t* presences
    cdef uint8_t* fanouts
    cdef size_t streams_stride              # bytes from one worker to the next
    cdef size_t presences_stride
    cdef size_t fanouts_stride

    # Number of the last message published; what was written before is visible.
    cdef uint64_t last_sent(self, uint32_t worker, uint32_t room) noexcept nogil
    # The next number of our own stream into `room`, which from now on is expected by all who are
    # joined: before the message is written to its socket. Its slot is made ready first.
    cdef uint64_t publish(self, uint32_t room, uint32_t sender, uint32_t receivers) noexcept nogil
    # The last `count` numbers of our stream did not go out after all: they will be given again.
    cdef void retract(self, uint32_t room, uint32_t count) noexcept nogil
    # How many are joined now, of all workers; those kept apart do not count.
    cdef uint32_t listeners(self, uint32_t room) noexcept nogil
    # One of our users hears the room from first[w] on, of each worker w. Row `room`, or for one
    # that is kept apart `rooms + room`.
    cdef void join(self, uint32_t row, uint64_t* first) noexcept nogil
    # One of our users hears it no more; last[w] is the last that it was to hear.
    cdef void leave(self, uint32_t row, uint64_t* last) noexcept nogil
    # Books the arrival of a message at one of its receivers; returns ROOMS_ bits, 0 for none.
    # *spread_ns: the latency for FIRST and MEDIAN, the greatest of all for LAST.
    cdef int spread(
        self, uint32_t worker, uint32_t room, uint64_t sequence, int64_t latency_ns,
        int64_t* spread_ns,
    ) noexcept nogil
    # Whether the message is that user's own; 0 also where its slot serves another.
    cdef bint is_sender(
        self, uint32_t worker, uint32_t room, uint64_t sequence, uint32_t user
    ) noexcept nogil

    cdef uint64_t* stream(self, uint32_t worker, uint32_t room) noexcept nogil
    cdef rooms_presence_t* presence(self, uint32_t worker, uint32_t row) noexcept nogil
    cdef rooms_slot_t* slot(
        self, uint32_t worker, uint32_t room, uint64_t sequence
    ) noexcept nogil
    cdef uint64_t counters(self, uint32_t row, uint64_t* each) noexcept nogil
    cdef void expected_of(self, uint32_t row, uint64_t* out, size_t stride) noexcept nogil
    cdef uint32_t _worker(self, worker) except? 4294967295
    cdef uint32_t _room(self, room) except? 4294967295
    cdef uint32_t _row(self, row) except? 4294967295
    cdef int _own(self) except -1
