from libc.stdint cimport int64_t, uint32_t

cdef enum:
    WITNESS_RING = 64


ctypedef struct witness_send_t:
    uint32_t last_byte          # number of the last byte of the send, as the kernel counts them
    int64_t sent_ns             # our stamp, CLOCK_REALTIME


# Compares our own stamps on one socket with the kernel's.
cdef class Witness:
    cdef int fd
    cdef uint32_t bytes_sent
    cdef int64_t received_ns            # kernel's stamp of the oldest unread byte; 0 when unknown
    cdef witness_send_t ring[WITNESS_RING]
    cdef uint32_t ring_next
    cdef int64_t* receive_words         # histogram: our arrival minus the kernel's receive stamp
    cdef int64_t* send_words            # histogram: the kernel's send stamp minus ours
    cdef object owners
    cdef bint muted

    # Records nothing from now on. It must still be asked before reads: stamps that the kernel has
    # yet to deliver would otherwise lie in the error queue and wake the loop for ever.
    cdef void mute(self) noexcept nogil

    # Before the loop reads: asks the kernel for its stamps without taking any data. Returns the
    # errno of a broken socket, else 0: the kernel tells it once, and the loop would read EOF.
    cdef int before_read(self) noexcept nogil
    # After the loop has read.
    cdef void after_read(self) noexcept nogil
    # Right before and right after `length` bytes were handed to the kernel.
    cdef void before_send(self, int64_t* sent_ns) noexcept nogil
    cdef void after_send(self, int64_t sent_ns, size_t length) noexcept nogil
