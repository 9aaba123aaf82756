from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from surgewire._core.marker cimport marker_t


# A message on its way to the members of a room: its frame, written once, and its columns of the
# truth. Both lie behind the struct, in one allocation, which several deliveries share.
ctypedef struct chat_message_t:
    uint32_t references
    bint marked                 # it holds a sound marker, at `marker_offset` of the frame
    size_t marker_offset
    uint64_t key                # what the faults of its deliveries depend on
    char* columns
    size_t columns_length
    uint8_t* frame
    size_t frame_length

# Where the first sound marker of a payload begins; -1 where there is none.
cdef int64_t chat_find_marker(
    const uint8_t* payload, size_t length, marker_t* marker
) noexcept nogil
# `number`: of the message in its room. `marker_at`: what chat_find_marker gave, with its `marker`.
# One reference, the caller's; NULL without memory.
cdef chat_message_t* chat_message_new(
    uint8_t opcode, const uint8_t* payload, size_t length, uint64_t number, int64_t marker_at,
    const marker_t* marker, const char* room, size_t room_length
) noexcept nogil
cdef chat_message_t* chat_message_keep(chat_message_t* message) noexcept nogil
cdef void chat_message_release(chat_message_t* message) noexcept nogil
