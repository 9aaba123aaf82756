from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from surgewire._core.memberships cimport Memberships, member_t
from surgewire._core.rooms cimport Rooms
from surgewire._core.sizes cimport SizePicker
from surgewire._core.template cimport Template
from surgewire._core.traffic cimport Traffic, User


cdef class ChatUser(User):
    cdef member_t member
    cdef bint asked             # its join awaits the confirmation
    cdef bint was_joined        # it, or a connection before it for the same user
    cdef int64_t confirmed_ns   # when the confirmation came; 0 where none did
    cdef int64_t cut_off_ns     # since when it is away; 0 where it is not, or left

    cdef int take_over(self, ChatUser before) except -1


cdef class ChatTraffic(Traffic):
    cdef Memberships books
    cdef Rooms rooms
    cdef Template template
    cdef SizePicker sizes       # None where the template alone decides
    cdef object join_matcher    # None, a needle as bytes, or a callable
    cdef bint to_others         # nobody hears his own messages
    cdef bint wants_time        # the template shows it
    cdef int64_t* join_words
    cdef int64_t* rejoin_words

    cdef bint confirms(self, ChatUser user, const uint8_t* payload, size_t length) except -1
    cdef size_t encode(
        self, uint8_t* out, ChatUser user, uint64_t sequence, uint64_t seq, int64_t planned_ns,
        int64_t sent_ns,
    ) noexcept nogil
