from libc.stdint cimport int64_t
from posix.time cimport CLOCK_MONOTONIC, CLOCK_REALTIME, clock_gettime, timespec


cdef inline int64_t clock_now_ns() noexcept nogil:
    """The instant now, in nanoseconds of CLOCK_MONOTONIC: one clock for all processes of a host."""
    cdef timespec ts
    clock_gettime(CLOCK_MONOTONIC, &ts)
    return <int64_t>ts.tv_sec * 1_000_000_000 + ts.tv_nsec


cdef inline int64_t clock_realtime_ns() noexcept nogil:
    """The instant now, in nanoseconds of CLOCK_REALTIME: the clock of the kernel's stamps."""
    cdef timespec ts
    clock_gettime(CLOCK_REALTIME, &ts)
    return <int64_t>ts.tv_sec * 1_000_000_000 + ts.tv_nsec
