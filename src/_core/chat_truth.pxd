from libc.stdint cimport int64_t
from libc.stdio cimport FILE

# In the order of EVENTS of the module.
cdef enum:
    CHAT_OPENED = 0
    CHAT_JOINED = 1
    CHAT_LEFT = 2
    CHAT_RECEIVED = 3
    CHAT_SENT = 4
    CHAT_DUPLICATED = 5
    CHAT_DROPPED = 6
    CHAT_DAMAGED = 7
    CHAT_REORDERED = 8
    CHAT_UNSENT = 9
    CHAT_CUT_CLOSE = 10
    CHAT_CUT_EOF = 11
    CHAT_CUT_RESET = 12
    CHAT_CUT_SLOW = 13
    CHAT_EVENTS = 14


cdef class ChatTruth:
    cdef FILE* file
    cdef str path
    cdef bint failed
    cdef const char* names[CHAT_EVENTS]
    cdef size_t lengths[CHAT_EVENTS]

    # `who`: the columns connection and user with a comma before each; `what`: the rest of the line.
    cdef void put(
        self, int64_t instant_ns, int event, const char* who, size_t who_length,
        const char* what, size_t what_length
    ) noexcept nogil
