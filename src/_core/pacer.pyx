"""When each message is planned, and which user is due next.

A schedule is a pure function of (user, message number): no clock, no state, so that an instant
depends neither on what was sent before nor on how late it was, and a run can be repeated. Instants
are nanoseconds after the start of the schedule.
"""

from cython cimport final
from libc.math cimport log, sqrt
from libc.stdint cimport INT64_MAX, int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

from surgewire._core.splitmix cimport splitmix_mix, splitmix_unit

import math

cdef extern from *:
    """
    #include <stdint.h>

    /* floor((j * users + user) * per_ns / (users * count)) in exact arithmetic; INT64_MAX when
       that or more. Needs users and count below 2**32, per_ns below 2**63. */
    static int64_t even_instant(
        uint64_t j, uint64_t users, uint64_t user, uint64_t per_ns, uint64_t count)
    {
        unsigned __int128 number = (unsigned __int128)j * users + user;
        uint64_t divisor = users * count;
        unsigned __int128 product;
        if (__builtin_mul_overflow(number, (unsigned __int128)per_ns, &product))
            return INT64_MAX;       /* 2**128 over less than 2**64 */
        if ((uint64_t)(product >> 64) == 0)
            product = (uint64_t)product / divisor;      /* several times faster */
        else
            product /= divisor;
        return product < (unsigned __int128)INT64_MAX ? (int64_t)product : INT64_MAX;
    }
    """
    int64_t even_instant(
        uint64_t j, uint64_t users, uint64_t user, uint64_t per_ns, uint64_t count
    ) noexcept nogil

cdef enum:
    ROOT = 0


cdef inline double uniform(uint64_t seed, uint64_t user, uint64_t j) noexcept nogil:
    """A number in (0, 1] for each (seed, user, j), 53 bits fine."""
    cdef uint64_t golden = 0x9E3779B97F4A7C15ULL
    # Two rounds keep the users' sequences from being shifted copies of each other.
    cdef uint64_t key = splitmix_mix(splitmix_mix(seed) + golden * (user + 1))
    cdef uint64_t bits = splitmix_mix(key ^ splitmix_mix(golden * (j + 1)))
    return splitmix_unit(bits)


cdef inline int64_t to_ns(double ns) noexcept nogil:
    """Round to an integer; what is no instant (infinite, not a number) is INT64_MAX."""
    if not ns < 9.2e18:
        return INT64_MAX
    return <int64_t>(ns + 0.5)


cdef int64_t poisson_instant(
    const pacer_schedule_t* schedule, uint64_t user, uint64_t j, int64_t previous_ns
) noexcept nogil:
    cdef double mean_ns = <double>schedule.per_ns / <double>schedule.count
    cdef int64_t gap_ns = to_ns(-log(uniform(schedule.seed, user, j)) * mean_ns)
    if gap_ns > INT64_MAX - previous_ns:
        return INT64_MAX
    return previous_ns + gap_ns


cdef int64_t ramp_instant(
    const pacer_schedule_t* schedule, uint64_t user, uint64_t j
) noexcept nogil:
    """Where the integral of the rate reaches the number of the message.

    During the climb the integral is s*t + c*t*t/2 with c = (e - s) / ramp. Its inverse is written
    so that nothing cancels and a flat ramp needs no case of its own.
    """
    cdef double number = <double>j * <double>schedule.users + <double>user
    cdef double start = schedule.start_per_s
    cdef double end = schedule.end_per_s
    cdef double climbed = (start + end) / 2 * schedule.ramp_s
    cdef double climb_per_s, reached_squared
    if number == 0 and start + end > 0:
        return 0
    if number < climbed:
        climb_per_s = (end - start) / schedule.ramp_s
        # The square of the rate reached; rounding may take it below 0 where a ramp ends at 0.
        reached_squared = max(0.0, start * start + 2 * climb_per_s * number)
        return to_ns(2e9 * number / (start + sqrt(reached_squared)))
    if end <= 0:
        return INT64_MAX
    return to_ns(1e9 * (schedule.ramp_s + (number - climbed) / end))


cdef int64_t pacer_instant(
    const pacer_schedule_t* schedule, uint64_t user, uint64_t j, int64_t previous_ns,
    int64_t* exact_ns
) noexcept nogil:
    cdef int64_t instant_ns
    if schedule.kind == PACER_CONSTANT:
        instant_ns = even_instant(j, schedule.users, user, schedule.per_ns, schedule.count)
    elif schedule.kind == PACER_POISSON:
        instant_ns = poisson_instant(schedule, user, j, previous_ns)
    else:
        instant_ns = ramp_instant(schedule, user, j)
    exact_ns[0] = instant_ns
    if schedule.tick_ns > 0 and instant_ns != INT64_MAX:
        instant_ns -= instant_ns % schedule.tick_ns
    return instant_ns


def _in_range(str name, value, low, high):
    if not low <= value < high:
        raise ValueError(f"{name} is {value}; it must lie in {low} to {high - 1}")
    return value


def _rate(str name, double value):
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} is {value}; it must be a finite number, 0 or more")
    return value


@final
cdef class Schedule:
    """Planned instants for `users` users; made by `constant`, `poisson` or `ramp`.

    Each raises ValueError for values out of range. `tick_ns` rounds instants down to a grid.
    """

    def __init__(self):
        raise TypeError("use Schedule.constant, Schedule.poisson or Schedule.ramp")

    @staticmethod
    def constant(users, rate_count, per_ns, tick_ns=0):
        """`rate_count` messages of each user in `per_ns` nanoseconds, evenly spread over all.

        Message j of user i is planned for floor((j * users + i) * per_ns / (users * rate_count)),
        exact however long the run: nothing adds up, so nothing drifts.
        """
        return _schedule(PACER_CONSTANT, users, rate_count, per_ns, tick_ns)

    @staticmethod
    def poisson(users, rate_count, per_ns, seed, tick_ns=0):
        """The same mean rate, each user with exponential gaps of its own (a Poisson process).

        A gap is a function of (seed, user, message number). `seed` is taken modulo 2**64.
        """
        cdef Schedule schedule = _schedule(PACER_POISSON, users, rate_count, per_ns, tick_ns)
        schedule.c.seed = seed & 0xFFFFFFFFFFFFFFFF
        return schedule

    @staticmethod
    def ramp(users, start_per_s, end_per_s, ramp_s, tick_ns=0):
        """A rate of all users together, linear from start to end in `ramp_s`, constant from then.

        Message j of user i is number j * users + i, planned for when the integral of the rate
        reaches that number; where it never does, the instant is 2**63 - 1. Double precision: good
        to the nanosecond for runs of weeks.
        """
        cdef Schedule schedule = _schedule(PACER_RAMP, users, 1, 1, tick_ns)
        schedule.c.start_per_s = _rate("start_per_s", start_per_s)
        schedule.c.end_per_s = _rate("end_per_s", end_per_s)
        schedule.c.ramp_s = _rate("ramp_s", ramp_s)
        if start_per_s == 0 and end_per_s == 0:
            raise ValueError("start_per_s and end_per_s are both 0; one of them must be more")
        return schedule

    def instant(self, user, j, previous_ns=0):
        """Return (planned, exact) of message `j` of `user`: with and without the grid.

        `previous_ns` is the exact instant of message j - 1, 0 for the first; only poisson uses it.
        2**63 - 1 stands for "never, or later than can be said".
        """
        cdef int64_t exact_ns
        cdef int64_t planned_ns = pacer_instant(
            &self.c, _in_range("user", user, 0, self.c.users), _in_range("j", j, 0, 1 << 64),
            _in_range("previous_ns", previous_ns, 0, 1 << 63), &exact_ns,
        )
        return planned_ns, exact_ns


cdef Schedule _schedule(int kind, users, rate_count, per_ns, tick_ns):
    cdef Schedule schedule = Schedule.__new__(Schedule)
    schedule.c.kind = kind
    schedule.c.users = _in_range("users", users, 1, 1 << 32)
    schedule.c.count = _in_range("rate_count", rate_count, 1, 1 << 32)
    schedule.c.per_ns = _in_range("per_ns", per_ns, 1, 1 << 63)
    schedule.c.tick_ns = _in_range("tick_ns", tick_ns, 0, 1 << 63)
    return schedule


@final
cdef class DueQueue:
    """Users by the instant at which they are due; equal instants go by user number.

    12 bytes for each of `capacity` places. Raises MemoryError when they are not to be had.
    """

    def __cinit__(self, capacity):
        self.capacity = _in_range("capacity", capacity, 1, 1 << 31)
        self.instants = <int64_t*>malloc(self.capacity * sizeof(int64_t))
        self.users = <uint32_t*>malloc(self.capacity * sizeof(uint32_t))
        if self.instants == NULL or self.users == NULL:
            raise MemoryError(f"no memory for a queue of {capacity} users")

    def __dealloc__(self):
        free(self.instants)
        free(self.users)

    def __len__(self):
        return self.length

    cdef int push(self, int64_t instant_ns, uint32_t user) noexcept nogil:
        if self.length == self.capacity:
            return -1
        self.length += 1
        rise(self.instants, self.users, self.length - 1, instant_ns, user)
        return 0

    cdef int64_t next_instant(self) noexcept nogil:
        return self.instants[ROOT] if self.length else INT64_MAX

    cdef uint32_t next_user(self) noexcept nogil:
        return self.users[ROOT]

    cdef void pop(self) noexcept nogil:
        self.length -= 1
        settle(
            self.instants, self.users, self.length,
            self.instants[self.length], self.users[self.length],
        )

    cdef void replace(self, int64_t instant_ns) noexcept nogil:
        settle(self.instants, self.users, self.length, instant_ns, self.users[ROOT])

    def put(self, instant_ns, user):
        """Add a user; IndexError when the queue is full."""
        if self.push(instant_ns, _in_range("user", user, 0, 1 << 32)) != 0:
            raise IndexError(f"the queue is full: {self.capacity} users")

    def peek(self):
        """Return (instant_ns, user) of who is due first; IndexError when there is nobody."""
        if self.length == 0:
            raise IndexError("the queue is empty")
        return self.next_instant(), self.next_user()

    def take(self):
        """Remove and return what `peek` shows."""
        first = self.peek()
        self.pop()
        return first

    def put_back(self, instant_ns):
        """Return what `peek` shows, and give that user a new instant."""
        first = self.peek()
        self.replace(instant_ns)
        return first


cdef inline bint before(
    int64_t instant_ns, uint32_t user, int64_t other_ns, uint32_t other
) noexcept nogil:
    return instant_ns < other_ns or (instant_ns == other_ns and user < other)


cdef void rise(
    int64_t* instants, uint32_t* users, uint32_t hole, int64_t instant_ns, uint32_t user
) noexcept nogil:
    """Fill the hole with an entry, or move it up to where the entry belongs."""
    cdef uint32_t parent
    while hole > ROOT:
        parent = (hole - 1) >> 1
        if not before(instant_ns, user, instants[parent], users[parent]):
            break
        instants[hole] = instants[parent]
        users[hole] = users[parent]
        hole = parent
    instants[hole] = instant_ns
    users[hole] = user


cdef void settle(
    int64_t* instants, uint32_t* users, uint32_t length, int64_t instant_ns, uint32_t user
) noexcept nogil:
    """Fill the hole at the root of a heap of `length` with an entry.

    The hole goes down to a leaf first and the entry rises from there: what has just been sent is
    due again last of all, so that it belongs near the leaves, and one comparison a level does.
    """
    cdef uint32_t hole = ROOT
    cdef uint32_t child = 1
    while child < length:
        if child + 1 < length and before(
            instants[child + 1], users[child + 1], instants[child], users[child]
        ):
            child += 1
        instants[hole] = instants[child]
        users[hole] = users[child]
        hole = child
        child = 2 * hole + 1
    rise(instants, users, hole, instant_ns, user)
