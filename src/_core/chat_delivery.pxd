from libc.stdint cimport int64_t, uint8_t, uint64_t

from surgewire._core.chat_faults cimport ChatFaults
from surgewire._core.chat_message cimport chat_message_t
from surgewire._core.chat_room cimport ChatMember, ChatRoom
from surgewire._core.chat_truth cimport ChatTruth
from surgewire._core.delays cimport Delays
from surgewire._core.holding cimport Holding
from surgewire._core.wakeup cimport Wakeup


# A delivery that waits for its instant.
ctypedef struct chat_held_t:
    void* member                # owned reference
    chat_message_t* message     # owned reference
    int fate
    bint back                   # waits for the next delivery, and until this instant at most


cdef class ChatDelivery:
    cdef Delays delays
    cdef ChatFaults faults
    cdef ChatTruth truth        # None: nothing is recorded
    cdef Holding holding
    cdef Wakeup wakeup
    cdef object relieved        # called when deliveries have left at their instants
    cdef uint8_t* scratch       # for frames that are damaged
    cdef size_t scratch_capacity
    cdef readonly uint64_t handed_over

    # Nothing is to be decided or recorded for single deliveries.
    cdef bint idle(self) noexcept
    # To all members; `sender` wrote the message, read at `received_ns`. -1 without memory.
    cdef int relay(
        self, ChatRoom room, ChatMember sender, uint8_t opcode, const uint8_t* payload,
        size_t length, int64_t received_ns
    ) noexcept
    cdef void begin(self, ChatMember member, chat_message_t* message, int64_t received_ns) noexcept
    cdef void deliver(self, ChatMember member, chat_message_t* message, int fate) noexcept
    cdef void hand_over(self, ChatMember member, chat_message_t* message, int fate) noexcept
    # What waits for the member's next delivery leaves now; where it has ended, it is `unsent`.
    cdef void release_back(self, ChatMember member) noexcept
    cdef const uint8_t* damaged(self, ChatMember member, chat_message_t* message) noexcept
    cdef int hold(
        self, ChatMember member, chat_message_t* message, int fate, bint back, int64_t release_ns
    ) noexcept
    cdef void release_first(self) noexcept
    cdef int arm(self) except -1
    cdef void record(
        self, ChatMember member, chat_message_t* message, int event, int64_t instant_ns
    ) noexcept
    # An event in a connection's own life; in a room, unless that is None.
    cdef void record_life(
        self, ChatMember member, int event, ChatRoom room, int64_t instant_ns
    ) noexcept
