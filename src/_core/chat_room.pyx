"""Rooms of the chat target: who is in them, and what waits to be sent to all of them."""

from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from surgewire._core.chat_message cimport chat_message_release
from surgewire._core.chat_truth import field
from surgewire._core.connection cimport CONNECTION_OPEN, Connection
from surgewire._core.frame cimport FRAME_MAX_HEADER, frame_write_header

cdef enum:
    FIRST_CAPACITY = 8
    # A buffer that a burst has made larger than this is given back.
    KEPT_BYTES = 65536


cdef class ChatMember(Connection):
    """A connection that can be in a room. Its service tells it `max_backlog_bytes`, `overdue`."""

    def __dealloc__(self):
        if self.back != NULL:
            chat_message_release(self.back)

    cdef int put(self, const uint8_t* data, size_t length) noexcept:
        if self.phase != CONNECTION_OPEN or self.slow:
            return -1
        if self.backlogged and self.unsent_bytes() > self.max_backlog_bytes:
            # Nobody is taken out of a room while it is being sent to.
            self.slow = True
            self.overdue.append(self)
            return -1
        return self.write(data, length)


cdef class ChatRoom:
    """A room of the chat target. name: as the clients wrote it."""

    def __cinit__(self, str name not None):
        self.name = name
        self.column = field(name)

    def __dealloc__(self):
        cdef uint32_t place
        for place in range(self.count):
            Py_DECREF(<object>self.members[place])
        free(self.members)
        free(self.out)

    cdef ChatMember member(self, uint32_t place):
        return <ChatMember>self.members[place]

    cdef int add(self, ChatMember member) noexcept:
        cdef uint32_t capacity
        cdef void** larger
        if self.count == self.capacity:
            capacity = self.capacity * 2 if self.capacity else FIRST_CAPACITY
            larger = <void**>realloc(self.members, capacity * sizeof(void*))
            if larger == NULL:
                return -1
            self.members = larger
            self.capacity = capacity
        Py_INCREF(member)
        self.members[self.count] = <void*>member
        member.place = self.count
        member.room = self
        self.count += 1
        return 0

    cdef void remove(self, ChatMember member) noexcept:
        """The last one takes its place."""
        self.count -= 1
        self.members[member.place] = self.members[self.count]
        self.member(member.place).place = member.place
        member.room = None
        Py_DECREF(member)

    cdef int gather(self, uint8_t opcode, const uint8_t* payload, size_t length) noexcept nogil:
        cdef size_t needed = self.out_length + FRAME_MAX_HEADER + length
        cdef uint8_t* larger
        if needed > self.out_capacity:
            larger = <uint8_t*>realloc(self.out, needed)
            if larger == NULL:
                return -1
            self.out = larger
            self.out_capacity = needed
        self.out_length += frame_write_header(
            self.out + self.out_length, opcode, True, length, False, 0
        )
        memcpy(self.out + self.out_length, payload, length)
        self.out_length += length
        self.out_messages += 1
        return 0

    cdef uint64_t flush(self) noexcept:
        cdef uint64_t takers = 0
        cdef uint32_t place
        if self.out_length == 0:
            return 0
        for place in range(self.count):
            if (<ChatMember>self.members[place]).put(self.out, self.out_length) == 0:
                takers += 1
        takers *= self.out_messages
        self.out_length = 0
        self.out_messages = 0
        if self.out_capacity > KEPT_BYTES:
            free(self.out)
            self.out = NULL
            self.out_capacity = 0
        return takers
