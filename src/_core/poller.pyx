"""Readable descriptors without a Python call for each: an epoll instance inside the event loop's.

An event loop reads by calling into Python for every socket and every time, which costs as much as
the system call itself. A `Poller` is watched by the loop as one descriptor; when it becomes
readable, all sockets that wait there are read in one turn, from C. Whoever sends much in one go can
let it read in between.

Only reading data is taken from the loop. What is out of the ordinary (end of stream, errors, TLS)
its owner hands back.
"""

from libc.errno cimport errno
from posix.unistd cimport close as close_fd

from cython cimport final

import os

cdef extern from *:
    """
    #include <errno.h>
    #include <stdint.h>
    #include <string.h>
    #include <unistd.h>
    #if defined(__linux__)
    #include <sys/epoll.h>
    #define SURGEWIRE_EPOLL 1

    static int surgewire_epoll_open(void) { return epoll_create1(EPOLL_CLOEXEC); }

    static int surgewire_epoll_add(int epoll, int fd, void *member) {
        struct epoll_event event;
        memset(&event, 0, sizeof event);
        event.events = EPOLLIN;
        event.data.ptr = member;
        return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }

    static int surgewire_epoll_remove(int epoll, int fd) {
        return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
    }

    static int surgewire_epoll_take(int epoll, void **members, int most) {
        struct epoll_event events[64];
        int i, n = epoll_wait(epoll, events, most < 64 ? most : 64, 0);
        for (i = 0; i < n; i++)
            members[i] = events[i].data.ptr;
        return n;
    }
    #else
    #define SURGEWIRE_EPOLL 0
    static int surgewire_epoll_open(void) { errno = ENOSYS; return -1; }
    static int surgewire_epoll_add(int e, int f, void *m) { (void)e; (void)f; (void)m; return -1; }
    static int surgewire_epoll_remove(int e, int f) { (void)e; (void)f; return -1; }
    static int surgewire_epoll_take(int e, void **m, int n) { (void)e; (void)m; (void)n; return 0; }
    #endif
    """
    const int SURGEWIRE_EPOLL
    int surgewire_epoll_open() nogil
    int surgewire_epoll_add(int epoll, int fd, void* member) nogil
    int surgewire_epoll_remove(int epoll, int fd) nogil
    int surgewire_epoll_take(int epoll, void** members, int most) nogil

# Whether this platform has epoll; without it, connections are read by the loop.
AVAILABLE = bool(SURGEWIRE_EPOLL)


cdef class Pollable:
    """What a poller can watch; a base class for native modules."""

    def __cinit__(self, *args, **options):
        self.polled_fd = -1

    cdef void on_readable(self) noexcept:
        pass


cdef class TurnListener:
    """Who wants to know when a turn of reading is over; a base class for native modules."""

    cdef void on_turn_done(self) noexcept:
        pass


@final
cdef class Poller:
    """One epoll instance, watched by `loop`. Raises OSError where there is none to be had."""

    def __cinit__(self, loop not None):
        self.fd = surgewire_epoll_open()
        if self.fd < 0:
            raise OSError(errno, os.strerror(errno))
        self.loop = loop
        self.members = set()
        self.leaving = []
        loop.add_reader(self.fd, self._readable)

    def __dealloc__(self):
        if self.fd >= 0:
            close_fd(self.fd)

    def __len__(self) -> int:
        """How many are watched."""
        return len(self.members)

    def close(self) -> None:
        """Watch nothing any more; closing twice is no error."""
        if self.fd < 0:
            return
        self.loop.remove_reader(self.fd)
        for member in list(self.members):
            self.remove(member)
        close_fd(self.fd)
        self.fd = -1
        self.listener = None

    def _readable(self) -> None:
        self.poll()

    cdef int add(self, Pollable member, int fd) noexcept:
        if self.fd < 0 or member.polled_fd >= 0:
            return -1
        if surgewire_epoll_add(self.fd, fd, <void*>member) < 0:
            return -1
        member.polled_fd = fd
        self.members.add(member)
        return 0

    cdef void remove(self, Pollable member) noexcept:
        if member.polled_fd < 0:
            return
        surgewire_epoll_remove(self.fd, member.polled_fd)
        member.polled_fd = -1
        if self.busy:
            self.leaving.append(member)
        self.members.discard(member)

    cdef int poll(self) noexcept:
        cdef void* readable[POLLER_BATCH]
        cdef Pollable member
        cdef int i, count
        if self.busy or self.fd < 0:
            return 0
        count = surgewire_epoll_take(self.fd, readable, POLLER_BATCH)
        self.busy = True
        for i in range(count):
            member = <Pollable>readable[i]
            if member.polled_fd >= 0:
                member.on_readable()
        self.busy = False
        if self.leaving:
            self.leaving.clear()
        if self.listener is not None:
            self.listener.on_turn_done()
        return count
