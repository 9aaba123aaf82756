"""A one-shot wake-up of an event loop at an absolute instant, to the microsecond.

libuv counts its timers in milliseconds, so a `timerfd` is watched through ``loop.add_reader``
instead. Where the platform has none, ``loop.call_at`` stands in and ``precise`` is False.

Costs one system call per arming. Nothing is ever read from the descriptor: setting a timerfd
forgets the expirations before it, which makes the descriptor unreadable (timerfd_create(2)).
"""

from libc.errno cimport ENOSYS, errno
from libc.stdint cimport int64_t
from posix.unistd cimport close as close_fd

from cython cimport final

from surgewire._core.clock cimport clock_now_ns

import os

cdef extern from *:
    """
    #include <errno.h>
    #include <stdint.h>
    #include <time.h>
    #ifdef __linux__
    #include <sys/timerfd.h>

    static int timerfd_open(void) {
        return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    }

    /* 0 disarms. */
    static int timerfd_set(int fd, int64_t instant_ns) {
        struct itimerspec spec = {{0, 0}, {0, 0}};
        spec.it_value.tv_sec = instant_ns / 1000000000;
        spec.it_value.tv_nsec = instant_ns % 1000000000;
        return timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, 0);
    }
    #else
    static int timerfd_open(void) { errno = ENOSYS; return -1; }
    static int timerfd_set(int fd, int64_t instant_ns) {
        (void)fd; (void)instant_ns; errno = ENOSYS; return -1;
    }
    #endif
    """
    int timerfd_open() nogil
    int timerfd_set(int fd, int64_t instant_ns) nogil


@final
cdef class Wakeup:
    """Call back once, without arguments, at or after the instant armed last.

    `loop` is an asyncio or uvloop event loop, `callback` what it is to call. An exception in the
    callback goes to the loop's exception handler. With ``precise=False`` the loop's own timers
    are used even where a timerfd could be had. Raises OSError when no descriptor is left.
    """

    def __cinit__(self):
        self.fd = -1

    def __init__(self, object loop not None, object callback not None, *, bint precise=True):
        if self.loop is not None:
            raise RuntimeError("a Wakeup is set up once")
        if not callable(callback):
            raise TypeError(f"callback must be callable, not {type(callback).__name__}")
        if precise:
            self.fd = timerfd_open()
            if self.fd < 0 and errno != ENOSYS:
                raise OSError(errno, os.strerror(errno))
        self.loop = loop
        self.callback = callback
        self.precise = self.fd >= 0
        if self.precise:
            loop.add_reader(self.fd, self._readable)

    def __dealloc__(self):
        if self.fd >= 0:
            close_fd(self.fd)

    cpdef int arm(self, int64_t instant_ns) except -1:
        """Call back at `instant_ns` of CLOCK_MONOTONIC instead of any earlier choice; returns 0.

        An instant in the past fires in the loop's next round. Raises ValueError when closed.
        """
        if self.closed:
            raise ValueError("this Wakeup is closed")
        # A timerfd takes 0 for "disarm"; an instant long past must fire.
        if instant_ns < 1:
            instant_ns = 1
        if instant_ns != self.armed_ns:
            self.set_timer(instant_ns)
            self.armed_ns = instant_ns
        return 0

    cpdef int disarm(self) except -1:
        """Forget the instant, if there is one; returns 0."""
        if self.armed_ns != 0:
            self.armed_ns = 0
            self.set_timer(0)
        return 0

    cdef int set_timer(self, int64_t instant_ns) except -1:
        cdef int64_t delay_ms
        if self.precise:
            if timerfd_set(self.fd, instant_ns) != 0:
                raise OSError(errno, os.strerror(errno))
            return 0
        if self.handle is not None:
            self.handle.cancel()
            self.handle = None
        if instant_ns != 0:
            # Up to the next millisecond, because uvloop rounds to the nearest one.
            delay_ms = max(0, (instant_ns - clock_now_ns() + 999_999) // 1_000_000)
            self.handle = self.loop.call_at(self.loop.time() + delay_ms / 1000, self._elapsed)
        return 0

    cdef int fire(self) except -1:
        self.armed_ns = 0
        try:
            self.callback()
        finally:
            # Left alone, the descriptor would stay readable and the loop would spin.
            if self.armed_ns == 0 and self.precise and not self.closed:
                self.set_timer(0)
        return 0

    def _readable(self):
        # A callback that ran earlier in the same round of the loop may have moved the instant.
        if self.armed_ns != 0 and clock_now_ns() >= self.armed_ns:
            self.fire()

    def _elapsed(self):
        # The loop's idea of the time can be a little ahead of the clock.
        self.handle = None
        if clock_now_ns() >= self.armed_ns:
            self.fire()
        else:
            self.set_timer(self.armed_ns)

    def close(self):
        """Stop watching and release the descriptor; closing twice is no error."""
        if self.closed or self.loop is None:
            return
        self.disarm()
        self.closed = True
        if self.fd >= 0:
            try:
                self.loop.remove_reader(self.fd)
            finally:
                close_fd(self.fd)
                self.fd = -1
        self.callback = None
