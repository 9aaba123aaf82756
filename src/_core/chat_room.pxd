from libc.stdint cimport uint8_t, uint32_t, uint64_t

from surgewire._core.chat_message cimport chat_message_t
from surgewire._core.connection cimport Connection


# A connection as rooms and deliveries see it.
cdef class ChatMember(Connection):
    cdef ChatRoom room                  # None: member of no room
    cdef uint32_t place                 # among the room's members
    cdef readonly uint64_t number       # of the connection, from 1; 0 before it is admitted
    cdef uint64_t identity              # what the faults of its deliveries depend on
    cdef bytes columns                  # of the truth: connection and user
    cdef chat_message_t* back           # waits for the next delivery, to come after it
    cdef int back_fate
    cdef size_t max_backlog_bytes
    cdef list overdue                   # where it puts itself when more than that waits for it
    cdef bint slow                      # has done so

    # 0: handed over to the kernel or the transport. -1: not, and it will take nothing any more.
    cdef int put(self, const uint8_t* data, size_t length) noexcept


cdef class ChatRoom:
    cdef readonly str name
    cdef bytes column                   # of the truth: the name
    cdef void** members                 # owned references
    cdef readonly uint32_t count
    cdef uint32_t capacity
    cdef uint64_t messages              # relayed so far
    cdef uint8_t* out                   # frames gathered for all members
    cdef size_t out_length
    cdef size_t out_capacity
    cdef uint32_t out_messages

    cdef ChatMember member(self, uint32_t place)
    # 0, or -1 without memory.
    cdef int add(self, ChatMember member) noexcept
    cdef void remove(self, ChatMember member) noexcept
    cdef int gather(self, uint8_t opcode, const uint8_t* payload, size_t length) noexcept nogil
    # Sends what was gathered; returns how many messages were handed over, all members together.
    cdef uint64_t flush(self) noexcept
