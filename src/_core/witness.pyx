"""The kernel as a witness: its own receive and send stamps beside ours, on a sample of sockets.

Linux stamps packets of a TCP socket when asked to (`SO_TIMESTAMPING`, Documentation/networking/
timestamping.rst of the kernel). The receive stamp is taken when the packet enters the stack, long
before a process wakes up; the send stamp when it leaves for the device. The distance to our own
stamps is an upper bound of what the tester adds to a latency.

Receive stamps are read by a `recvmsg` with `MSG_PEEK` before the loop's own read, so the data still
goes its ordinary way. Send stamps come through the socket's error queue; with `OPT_ID` each carries
the number of the last byte of its send. The kernel stamps with CLOCK_REALTIME.
"""

from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport int64_t, uint32_t

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

    #define SURGEWIRE_STAMPS 1

    static int surgewire_stamps_enable(int fd) {
        int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_TX_SOFTWARE |
                    SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID |
                    SOF_TIMESTAMPING_OPT_TSONLY;
        return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags);
    }

    /* One message of the stamps; 1 when there was a stamp. *id is set for send stamps. */
    static int surgewire_stamps_take(int fd, int error_queue, int64_t *stamp_ns, uint32_t *id) {
        char byte, control[512];
        struct iovec part = {&byte, 1};
        struct msghdr message;
        struct cmsghdr *c;
        int found = 0;
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
                found = *stamp_ns != 0;
            } else if ((c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR) ||
                       (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_RECVERR)) {
                struct sock_extended_err e;
                memcpy(&e, CMSG_DATA(c), sizeof e);
                if (e.ee_origin == SO_EE_ORIGIN_TIMESTAMPING)
                    *id = e.ee_data;
            }
        }
        return found;
    }
    #else
    #define SURGEWIRE_STAMPS 0
    static int surgewire_stamps_enable(int fd) { (void)fd; return -1; }
    static int surgewire_stamps_take(int fd, int q, int64_t *s, uint32_t *id) {
        (void)fd; (void)q; (void)s; (void)id; return -1;
    }
    #endif
    """
    const int SURGEWIRE_STAMPS
    int surgewire_stamps_enable(int fd) nogil
    int surgewire_stamps_take(int fd, int error_queue, int64_t* stamp_ns, uint32_t* id) nogil

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

    cdef void mute(self) noexcept nogil:
        cdef uint32_t i
        self.muted = True
        for i in range(WITNESS_RING):
            self.ring[i].sent_ns = 0

    cdef int before_read(self) noexcept nogil:
        cdef int64_t stamp_ns
        cdef uint32_t last_byte, i
        cdef int found
        while True:
            found = surgewire_stamps_take(self.fd, 1, &stamp_ns, &last_byte)
            if found < 0:
                break
            if found:
                for i in range(WITNESS_RING):
                    if self.ring[i].sent_ns and self.ring[i].last_byte == last_byte:
                        histogram_record(self.send_words, stamp_ns - self.ring[i].sent_ns)
                        self.ring[i].sent_ns = 0
                        break
        self.received_ns = 0
        if self.muted:
            return 0
        found = surgewire_stamps_take(self.fd, 0, &stamp_ns, &last_byte)
        if found == 1:
            self.received_ns = stamp_ns
        return errno if found < 0 and errno != EAGAIN and errno != EINTR else 0

    cdef void after_read(self) noexcept nogil:
        if self.received_ns:
            histogram_record(self.receive_words, clock_realtime_ns() - self.received_ns)
            self.received_ns = 0

    cdef void before_send(self, int64_t* sent_ns) noexcept nogil:
        sent_ns[0] = clock_realtime_ns()

    cdef void after_send(self, int64_t sent_ns, size_t length) noexcept nogil:
        cdef witness_send_t* entry = &self.ring[self.ring_next % WITNESS_RING]
        if self.muted:
            return
        self.bytes_sent += <uint32_t>length
        entry.last_byte = self.bytes_sent - 1
        entry.sent_ns = sent_ns
        self.ring_next += 1
