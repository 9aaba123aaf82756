from libc.stdint cimport int64_t

from surgewire._core.traffic cimport Traffic, User


cdef class ConnectUser(User):
    cdef readonly int64_t greeted_ns    # when the message that was awaited came; 0 until then
    cdef bint awaits_greeting
    cdef int64_t left_ns                # when it left that one; 0 where it did not


cdef class ConnectTraffic(Traffic):
    cdef int64_t* greeting_words
    cdef int64_t* rejoin_words
