cdef enum:
    POLLER_BATCH = 64


# Whatever can be told that its descriptor is readable.
cdef class Pollable:
    cdef int polled_fd                  # -1 while no poller watches it
    cdef void on_readable(self) noexcept


# Whoever gathers what a turn of reading brings.
cdef class TurnListener:
    cdef void on_turn_done(self) noexcept


cdef class Poller:
    cdef readonly int fd                # of the epoll instance
    cdef object loop
    cdef set members
    cdef list leaving                   # removed while their events may still be at hand
    cdef bint busy                      # a turn of reading is under way
    cdef TurnListener listener          # is told when a turn is over; None for nobody

    # 0, or -1 where the kernel refuses.
    cdef int add(self, Pollable member, int fd) noexcept
    # No more events come; harmless for what is not watched.
    cdef void remove(self, Pollable member) noexcept
    # Lets those that are readable now read, at most POLLER_BATCH; returns how many.
    cdef int poll(self) noexcept
