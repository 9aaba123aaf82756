from libc.stdint cimport int64_t, uint32_t, uint64_t

cdef enum:
    PACER_CONSTANT = 0
    PACER_POISSON = 1
    PACER_RAMP = 2

# Planned instants as pure functions, in ns after the start. `users` share one aggregate schedule
# with even phase: message j of user i is number j * users + i of a stream whose rate is
# users * count / per_ns.
ctypedef struct pacer_schedule_t:
    int kind
    uint64_t users
    uint64_t count              # rate of one user: count messages in per_ns
    uint64_t per_ns
    uint64_t seed               # poisson
    double end_per_s            # ramp: aggregate rate at its end
    double start_per_s          # ramp: aggregate rate at its start
    double ramp_s               # ramp: how long the climb takes; then constant
    int64_t tick_ns             # instants are rounded down to this grid; 0 for none

# Instant of message j of user i. previous_ns: exact (unrounded) instant of message j - 1, which
# only poisson uses (0 for the first); *exact_ns receives the unrounded instant. Saturates at
# INT64_MAX.
cdef int64_t pacer_instant(
    const pacer_schedule_t* schedule, uint64_t user, uint64_t j, int64_t previous_ns,
    int64_t* exact_ns
) noexcept nogil

cdef class Schedule:
    cdef pacer_schedule_t c

# Which of n users is due next: a binary heap over (instant, user).
cdef class DueQueue:
    cdef readonly uint32_t capacity
    cdef readonly uint32_t length
    cdef int64_t* instants
    cdef uint32_t* users

    cdef int push(self, int64_t instant_ns, uint32_t user) noexcept nogil   # 0, or -1 when full
    cdef int64_t next_instant(self) noexcept nogil                          # INT64_MAX when empty
    cdef uint32_t next_user(self) noexcept nogil                            # only when not empty
    cdef void pop(self) noexcept nogil                                      # only when not empty
    # The user at the top gets a new instant: one sift instead of pop and push. Only when not empty.
    cdef void replace(self, int64_t instant_ns) noexcept nogil
