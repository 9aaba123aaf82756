"""The kernel as a witness: its own receive and send stamps beside ours, on a sample of sockets.

Linux stamps packets of a TCP socket when asked to (`SO_TIMESTAMPING`, Documentation/networking/
timestamping.rst of the kernel). The receive stamp is taken when the packet enters the stack, long
before a process wakes up; the send stamp when it leaves for the device. The distance to our own
stamps is an upper bound of what the tester adds to a latency.

A receive stamp is read by a `recvmsg` with `MSG_PEEK` before the loop's own read, so the data still
goes its ordinary way. A send stamp is asked for with the one send that it is about, and comes
through the socket's error queue. Both cost system calls, so each socket is compared at most every
SAMPLE_NS: the sample does not grow with the load. The kernel stamps with CLOCK_REALTIME.
"""

from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport int64_t, uint8_t

from surgewire._core.clock cimport clock_realtime_ns
from surgewire._core.histogram cimport HISTOGRAM_WORDS, histogram_record

cdef extern from *:
    """
    #if defined(__linux__)
    #include <errno.h>
    #include <string.h>
    #include <sys/socket.h>
    #include <netinet/in.h>
    #include <linux/errqueue.h>
    #include <linux/net_tstamp.h>
    #include <time.h>
    #include <stdint.h>

    #define SURGEWIRE_STAMPS 1

    static int surgewire_stamps_enable(int fd) {
        int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
                    SOF_TIMESTAMPING_OPT_TSONLY;
        return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags);
    }

    /* One message with a stamp: 1 when there was one, 0 without, -1 with errno. */
    static int surgewire_stamp_take(int fd, int error_queue, int64_t *stamp_ns) {
        char byte, control[512];
        struct iovec part = {&byte, 1};
        struct msghdr message;
        struct cmsghdr *c;
        memset(&message, 0, sizeof message);
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        if (recvmsg(fd, &message,
                    MSG_DONTWAIT | (error_queue ? MSG_ERRQUEUE : MSG_PEEK)) < 0)
            return -1;
        for (c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
            if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING) {
                struct scm_timestamping t;
                memcpy(&t, CMSG_DATA(c), sizeof t);
                *stamp_ns = (int64_t)t.ts[0].tv_sec * 1000000000 + t.ts[0].tv_nsec;
                return *stamp_ns != 0;
            }
        }
        return 0;
    }

    static ssize_t surgewire_stamped_send(int fd, const void *data, size_t length) {
        union {
            char space[CMSG_SPACE(sizeof(uint32_t))];
            struct cmsghdr align;
        } control;
        uint32_t flags = SOF_TIMESTAMPING_TX_SOFTWARE;
        struct iovec part = {(void *)data, length};
        struct msghdr message;
        struct cmsghdr *c;
        memset(&message, 0, sizeof message);
        memset(&control, 0, sizeof control);
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.space;
        message.msg_controllen = sizeof control.space;
        c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SO_TIMESTAMPING;
        c->cmsg_len = CMSG_LEN(sizeof flags);
        memcpy(CMSG_DATA(c), &flags, sizeof flags);
        return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    #else
    #define SURGEWIRE_STAMPS 0
    static int surgewire_stamps_enable(int fd) { (void)fd; return -1; }
    static int surgewire_stamp_take(int fd, int q, int64_t *s) {
        (void)fd; (void)q; (void)s; return -1;
    }
    static ssize_t surgewire_stamped_send(int fd, const void *d, size_t n) {
        (void)fd; (void)d; (void)n; return -1;
    }
    #endif
    """
    const int SURGEWIRE_STAMPS
    int surgewire_stamps_enable(int fd) nogil
    int surgewire_stamp_take(int fd, int error_queue, int64_t* stamp_ns) nogil
    ssize_t surgewire_stamped_send(int fd, const void* data, size_t length) nogil

cdef enum:
    SAMPLE_NS = 1_000_000_000

# Whether this platform has kernel stamps for TCP sockets.
AVAILABLE = bool(SURGEWIRE_STAMPS)


cdef class Witness:
    """Stamps of one TCP socket.

    receive_words, send_words: histograms (int64[HISTOGRAM_WORDS]) that take the differences in ns.
    Raises OSError where the kernel refuses to stamp.
    """

    def __cinit__(
        self, int fd, int64_t[::1] receive_words not None, int64_t[::1] send_words not None
    ):
        if receive_words.shape[0] != HISTOGRAM_WORDS or send_words.shape[0] != HISTOGRAM_WORDS:
            raise ValueError(f"a histogram has {HISTOGRAM_WORDS} words")
        if surgewire_stamps_enable(fd) < 0:
            raise OSError("the kernel does not stamp packets of this socket")
        self.fd = fd
        self.owners = (receive_words, send_words)
        self.receive_words = &receive_words[0]
        self.send_words = &send_words[0]

        self.asks_receive = self.asks_send = True

    cdef void mute(self) noexcept nogil:
        self.muted = True
        self.asks_receive = self.asks_send = False

    cdef int before_read(self) noexcept nogil:
        cdef int64_t stamp_ns
        cdef int found
        # The second reason should not be: a stamp that nobody awaits would wake the loop for ever.
        if self.sent_ns != 0 or self.unanswered:
            while True:
                found = surgewire_stamp_take(self.fd, 1, &stamp_ns)
                if found < 0:
                    break
                if found == 1 and self.sent_ns != 0:
                    if not self.muted:
                        histogram_record(self.send_words, stamp_ns - self.sent_ns)
                    self.sent_ns = 0
        self.unanswered = True
        self.received_ns = 0
        if not self.asks_receive:
            return 0
        found = surgewire_stamp_take(self.fd, 0, &stamp_ns)
        if found == 1:
            self.received_ns = stamp_ns
        return errno if found < 0 and errno != EAGAIN and errno != EINTR else 0

    cdef void after_read(self, int64_t arrival_ns) noexcept nogil:
        self.unanswered = False
        if self.received_ns != 0:
            histogram_record(self.receive_words, clock_realtime_ns() - self.received_ns)
            self.received_ns = 0
            self.asks_receive = False
        if arrival_ns >= self.next_ns and not self.muted:
            self.next_ns = arrival_ns + SAMPLE_NS
            self.asks_receive = True
            self.asks_send = self.sent_ns == 0

    cdef ssize_t send(self, const uint8_t* data, size_t length) noexcept nogil:
        cdef int64_t now_ns = clock_realtime_ns()
        cdef ssize_t taken = surgewire_stamped_send(self.fd, data, length)
        if taken > 0:
            self.asks_send = False
            self.sent_ns = now_ns
        return taken
