"""The deliveries of the chat target, one by one: what befalls each, and the record of it.

All that happens by chance to a delivery is drawn from (seed, receiver, message), so that it is the
same in each run in which the same users get the same messages, in whatever order.
"""

from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

from surgewire._core.chat_faults cimport (
    FAULT_DAMAGE,
    FAULT_DROP,
    FAULT_DUPLICATE,
    FAULT_REORDER,
    ChatFaults,
)
from surgewire._core.chat_message cimport (
    chat_find_marker,
    chat_message_keep,
    chat_message_new,
    chat_message_release,
)
from surgewire._core.chat_truth cimport (
    CHAT_DAMAGED,
    CHAT_DROPPED,
    CHAT_DUPLICATED,
    CHAT_RECEIVED,
    CHAT_REORDERED,
    CHAT_SENT,
    CHAT_UNSENT,
    ChatTruth,
)
from surgewire._core.clock cimport clock_now_ns
from surgewire._core.connection cimport CONNECTION_OPEN
from surgewire._core.delays cimport Delays
from surgewire._core.holding cimport Holding
from surgewire._core.marker cimport marker_t
from surgewire._core.wakeup cimport Wakeup

cdef enum:
    # What is to come after the next delivery does not wait longer for one.
    BACK_NS = 50000000


cdef class ChatDelivery:
    """Decides, holds back, damages, hands over and records the deliveries of one loop.

    relieved: called without arguments after deliveries have left at instants of their own.
    truth: None records nothing.
    """

    def __cinit__(
        self, loop, Delays delays not None, ChatFaults faults not None, ChatTruth truth, relieved
    ):
        self.delays = delays
        self.faults = faults
        self.truth = truth
        self.relieved = relieved
        self.holding = Holding()
        self.wakeup = Wakeup(loop, self._release)

    def __dealloc__(self):
        cdef chat_held_t* held
        while self.holding is not None and self.holding.length:
            held = <chat_held_t*>self.holding.take()
            chat_message_release(held.message)
            Py_DECREF(<object>held.member)
            free(held)
        free(self.scratch)

    cdef bint idle(self) noexcept:
        return self.truth is None and not self.faults.active and self.delays.count == 0

    cdef int relay(
        self, ChatRoom room, ChatMember sender, uint8_t opcode, const uint8_t* payload,
        size_t length, int64_t received_ns
    ) noexcept:
        cdef marker_t marker
        cdef int64_t marker_at = chat_find_marker(payload, length, &marker)
        cdef uint32_t place
        cdef chat_message_t* message
        room.messages += 1
        message = chat_message_new(
            opcode, payload, length, room.messages, marker_at, &marker,
            room.column, len(room.column),
        )
        if message == NULL:
            return -1
        self.record(sender, message, CHAT_RECEIVED, received_ns)
        for place in range(room.count):
            self.begin(<ChatMember>room.members[place], message, received_ns)
        chat_message_release(message)
        return 0

    cdef void begin(self, ChatMember member, chat_message_t* message, int64_t received_ns) noexcept:
        cdef uint64_t state = self.faults.state_of(member.identity, message.key)
        # The truth can tell of messages with a marker alone; nothing is done that it cannot tell.
        cdef int fate = self.faults.decide(&state) if message.marked else 0
        cdef int64_t delay_ns = self.delays.draw(&state)
        if fate == FAULT_DROP:
            self.record(member, message, CHAT_DROPPED, clock_now_ns())
        elif delay_ns > 0:
            if self.hold(member, message, fate, False, received_ns + delay_ns) < 0:
                self.deliver(member, message, fate)
        else:
            self.deliver(member, message, fate)

    cdef void deliver(self, ChatMember member, chat_message_t* message, int fate) noexcept:
        cdef int64_t now_ns
        if fate & FAULT_REORDER and member.back == NULL and member.phase == CONNECTION_OPEN:
            now_ns = clock_now_ns()
            if self.hold(member, message, fate, True, now_ns + BACK_NS) == 0:
                self.record(member, message, CHAT_REORDERED, now_ns)
                member.back = chat_message_keep(message)
                member.back_fate = fate
                return
        self.hand_over(member, message, fate)
        self.release_back(member)

    cdef void release_back(self, ChatMember member) noexcept:
        cdef chat_message_t* message = member.back
        if message != NULL:
            member.back = NULL
            self.hand_over(member, message, member.back_fate)
            chat_message_release(message)

    cdef void hand_over(self, ChatMember member, chat_message_t* message, int fate) noexcept:
        """Write, once or twice; the instant recorded is the one right before the call."""
        cdef const uint8_t* frame = message.frame
        cdef int event = CHAT_SENT
        cdef int64_t now_ns
        if fate & FAULT_DAMAGE:
            frame = self.damaged(member, message)
            event = CHAT_DAMAGED
        now_ns = clock_now_ns()
        if frame == NULL or member.put(frame, message.frame_length) < 0:
            self.record(member, message, CHAT_UNSENT, now_ns)
            return
        self.handed_over += 1
        self.record(member, message, event, now_ns)
        if fate & FAULT_DUPLICATE:
            now_ns = clock_now_ns()
            if member.put(frame, message.frame_length) == 0:
                self.handed_over += 1
                self.record(member, message, CHAT_DUPLICATED, now_ns)

    cdef const uint8_t* damaged(self, ChatMember member, chat_message_t* message) noexcept:
        cdef uint8_t* larger
        if message.frame_length > self.scratch_capacity:
            larger = <uint8_t*>realloc(self.scratch, message.frame_length)
            if larger == NULL:
                return NULL
            self.scratch = larger
            self.scratch_capacity = message.frame_length
        memcpy(self.scratch, message.frame, message.frame_length)
        self.faults.damage(
            self.faults.state_of(member.identity, message.key),
            self.scratch + message.marker_offset,
        )
        return self.scratch

    # What waits.

    cdef int hold(
        self, ChatMember member, chat_message_t* message, int fate, bint back, int64_t release_ns
    ) noexcept:
        cdef chat_held_t* held = <chat_held_t*>malloc(sizeof(chat_held_t))
        if held == NULL or self.holding.put(release_ns, held) < 0:
            free(held)
            return -1
        Py_INCREF(member)
        held.member = <void*>member
        held.message = chat_message_keep(message)
        held.fate = fate
        held.back = back
        if self.holding.next_instant() == release_ns:
            self.arm()
        return 0

    cdef int arm(self) except -1:
        if self.holding.length and not self.wakeup.closed:
            self.wakeup.arm(self.holding.next_instant())
        return 0

    def _release(self) -> None:
        """Deliver all whose instant has come."""
        cdef int64_t now_ns = clock_now_ns()
        while self.holding.next_instant() <= now_ns:
            self.release_first()
        self.arm()
        self.relieved()

    cdef void release_first(self) noexcept:
        cdef chat_held_t* held = <chat_held_t*>self.holding.take()
        cdef ChatMember member = <ChatMember>held.member
        if not held.back:
            self.deliver(member, held.message, held.fate)
        elif member.back == held.message:
            self.release_back(member)
        chat_message_release(held.message)
        free(held)
        Py_DECREF(member)

    def close(self) -> None:
        """Book what still waits as unsent, and end the truth. Raises OSError as that does."""
        cdef chat_held_t* held
        cdef ChatMember member
        self.wakeup.close()
        while self.holding.length:
            held = <chat_held_t*>self.holding.take()
            member = <ChatMember>held.member
            if not held.back or member.back == held.message:
                self.record(member, held.message, CHAT_UNSENT, clock_now_ns())
            if held.back and member.back == held.message:
                member.back = NULL
                chat_message_release(held.message)
            chat_message_release(held.message)
            free(held)
            Py_DECREF(member)
        if self.truth is not None:
            self.truth.close()

    # The truth.

    cdef void record(
        self, ChatMember member, chat_message_t* message, int event, int64_t instant_ns
    ) noexcept:
        if self.truth is not None and message.marked:
            self.truth.put(
                instant_ns, event, member.columns, len(member.columns),
                message.columns, message.columns_length,
            )

    cdef void record_life(
        self, ChatMember member, int event, ChatRoom room, int64_t instant_ns
    ) noexcept:
        cdef bytes rest
        if self.truth is not None:
            rest = b",%b,,,,,\n" % (b"" if room is None else room.column)
            self.truth.put(
                instant_ns, event, member.columns, len(member.columns), rest, len(rest)
            )
