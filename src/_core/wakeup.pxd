from libc.stdint cimport int64_t

# An absolute one-shot timer on CLOCK_MONOTONIC that a loop can watch as a readable descriptor.
cdef class Wakeup:
    cdef readonly int fd                    # -1 where the platform has no timerfd, and when closed
    cdef readonly bint precise              # False: the loop's own timers, coarser than ours
    cdef readonly bint closed
    cdef readonly int64_t armed_ns          # 0 when disarmed
    cdef object callback
    cdef object loop
    cdef object handle                      # call_at handle of the fallback

    # Arming again replaces the earlier instant and makes the descriptor unreadable until then.
    cpdef int arm(self, int64_t instant_ns) except -1
    cpdef int disarm(self) except -1
    cdef int fire(self) except -1           # calls back when due
    cdef int set_timer(self, int64_t instant_ns) except -1
