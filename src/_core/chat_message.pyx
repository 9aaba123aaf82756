"""A message of the chat target, shared by all of its deliveries."""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.stdio cimport snprintf
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from surgewire._core.frame cimport FRAME_MAX_HEADER, frame_write_header
from surgewire._core.marker cimport (
    MARKER_FOUND,
    MARKER_LENGTH,
    MARKER_NONE,
    marker_find,
    marker_t,
)
from surgewire._core.splitmix cimport splitmix_mix

cdef enum:
    # A comma before the room, then five numbers of at most 20 digits with their commas.
    MOST_COLUMNS = 128


cdef int64_t chat_find_marker(
    const uint8_t* payload, size_t length, marker_t* marker
) noexcept nogil:
    cdef size_t offset = 0
    cdef int found = marker_find(payload, length, &offset, marker)
    while found != MARKER_NONE and found != MARKER_FOUND:
        found = marker_find(payload, length, &offset, marker)
    return <int64_t>(offset - MARKER_LENGTH) if found == MARKER_FOUND else -1


cdef uint64_t key_of(bint marked, const marker_t* marker, uint64_t number) noexcept nogil:
    """What tells this message from others, and is the same when the run is repeated.

    Run and instants differ from run to run; messages of the warm-up have no number of their own.
    """
    if not marked or marker.sequence == 0:
        return splitmix_mix(number)
    return splitmix_mix(
        marker.sequence ^ splitmix_mix(<uint64_t>marker.room << 32 | (marker.worker + 1))
    )


cdef chat_message_t* chat_message_new(
    uint8_t opcode, const uint8_t* payload, size_t length, uint64_t number, int64_t marker_at,
    const marker_t* marker, const char* room, size_t room_length
) noexcept nogil:
    cdef size_t most = sizeof(chat_message_t) + room_length + MOST_COLUMNS
    cdef chat_message_t* message
    cdef size_t header
    message = <chat_message_t*>malloc(most + FRAME_MAX_HEADER + length)
    if message == NULL:
        return NULL
    message.references = 1
    message.marked = marker_at >= 0
    message.key = key_of(message.marked, marker, number)
    message.columns = <char*>(message + 1)
    message.columns_length = 0
    if message.marked:
        message.columns[0] = 44  # a comma
        memcpy(message.columns + 1, room, room_length)
        message.columns_length = 1 + room_length + <size_t>snprintf(
            message.columns + 1 + room_length,
            MOST_COLUMNS - 1,
            b",%u,%u,%u,%llu,%lld\n",
            marker.run,
            marker.room,
            marker.worker,
            <unsigned long long>marker.sequence,
            <long long>marker.planned_ns,
        )
    message.frame = <uint8_t*>message.columns + message.columns_length
    header = frame_write_header(message.frame, opcode, True, length, False, 0)
    memcpy(message.frame + header, payload, length)
    message.frame_length = header + length
    message.marker_offset = header + <size_t>marker_at if message.marked else 0
    return message


cdef chat_message_t* chat_message_keep(chat_message_t* message) noexcept nogil:
    message.references += 1
    return message


cdef void chat_message_release(chat_message_t* message) noexcept nogil:
    message.references -= 1
    if message.references == 0:
        free(message)
