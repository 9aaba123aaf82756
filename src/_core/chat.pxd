from libc.stdint cimport int64_t, uint8_t, uint64_t

from surgewire._core.chat_delivery cimport ChatDelivery
from surgewire._core.chat_room cimport ChatMember, ChatRoom
from surgewire._core.poller cimport Poller, TurnListener


cdef class ChatPeer(ChatMember):
    cdef ChatService service
    cdef readonly object upgrade        # its handshake, until it is admitted
    cdef bint cut                       # we ended it on purpose: it did not leave
    cdef object timer                   # of its cut; once it is closing, of the end of patience

    cdef void keep_time(self, object timer) noexcept


cdef class ChatService(TurnListener):
    cdef object loop
    cdef Poller poller
    cdef ChatDelivery delivery
    cdef dict rooms
    cdef list gathered                  # rooms with frames to send
    cdef list overdue                   # members to be cut, because too much waits for them
    cdef size_t max_backlog_bytes
    cdef double cuts_per_s              # of one connection
    cdef uint64_t seed
    cdef uint64_t admitted
    cdef bint one_by_one                # each delivery is decided on or recorded
    cdef bint closed
    cdef readonly uint64_t messages     # relayed
    cdef readonly uint64_t strays       # messages of connections in no room; nobody gets them
    cdef uint64_t gathered_deliveries

    cdef void take_message(
        self, ChatPeer sender, uint8_t opcode, const uint8_t* payload, size_t length
    ) noexcept
    cdef bint take_join(self, ChatPeer peer, const uint8_t* payload, size_t length)
    cdef int enter(self, ChatPeer peer, str name) except -1
    cdef int leave(self, ChatPeer peer) except -1
    cdef void ended(self, ChatPeer peer) noexcept
    cdef int gather(
        self, ChatRoom room, uint8_t opcode, const uint8_t* payload, size_t length
    ) noexcept
    cdef void flush(self) noexcept
    cdef void flush_room(self, ChatRoom room) noexcept
    cdef void cut_the_overdue(self) noexcept
    cdef int plan_cut(self, ChatPeer peer) except -1
    cdef int end(self, ChatPeer peer, int event) except -1
