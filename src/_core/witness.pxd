from libc.stdint cimport int64_t, uint8_t


# Compares our own stamps on one socket with the kernel's, a few times a second.
cdef class Witness:
    cdef int fd
    cdef bint muted
    cdef bint asks_receive              # the next read is to be compared
    cdef bint asks_send                 # the next send is to be compared
    cdef bint unanswered                # the loop asked for a buffer and then read nothing
    # The kernel's stamp of what is unread, 0 when unknown. Of segments that it has joined while
    # they waited, it keeps the newest one's stamp.
    cdef int64_t received_ns
    cdef int64_t sent_ns                # our stamp of the send whose stamp is awaited; 0 when none
    cdef int64_t next_ns                # when to compare again
    cdef int64_t* receive_words         # histogram: our arrival minus the kernel's receive stamp
    cdef int64_t* send_words            # histogram: the kernel's send stamp minus ours
    cdef object owners

    # Records nothing from now on. It must still be asked before reads: a stamp that the kernel has
    # yet to deliver would otherwise lie in the error queue and wake the loop for ever.
    cdef void mute(self) noexcept nogil
    # Before the loop reads: asks the kernel for its stamps without taking any data. Returns the
    # errno with which the socket is broken, 0 while it is sound: whoever asks first takes it away.
    cdef int before_read(self) noexcept nogil
    # After the loop has read, at `arrival_ns` of CLOCK_MONOTONIC.
    cdef void after_read(self, int64_t arrival_ns) noexcept nogil
    # send(2) with a stamp asked for; what it returns. Only while asks_send is set.
    cdef ssize_t send(self, const uint8_t* data, size_t length) noexcept nogil
