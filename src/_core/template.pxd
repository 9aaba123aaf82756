from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from surgewire._core.marker cimport marker_t

cdef enum:
    TEMPLATE_CONSTANT = 0
    TEMPLATE_MARKER = 1
    TEMPLATE_ROOM = 2
    TEMPLATE_USER = 3
    TEMPLATE_SEQ = 4
    TEMPLATE_NOW_MS = 5
    TEMPLATE_RANDOM = 6
    TEMPLATE_PADDING = 7
    TEMPLATE_COLUMN = 8

# What the slots of one message are filled with.
ctypedef struct template_values_t:
    const marker_t* marker      # may be NULL where the template has no marker
    uint32_t room
    uint32_t user
    uint64_t seq                # number of the user's own message, from 1
    int64_t now_ms              # since 1970; below 0 counts as 0
    size_t padding_bytes

ctypedef struct template_piece_t:
    int kind
    const uint8_t* data         # of a constant
    size_t size_bytes           # of a constant; of random characters
    uint64_t column             # of a cell in the user's row


cdef class Template:
    cdef readonly tuple parts
    cdef readonly bint binary
    cdef readonly bint has_marker
    cdef readonly bint has_padding
    cdef readonly size_t size_bytes     # of every message; 0 where they differ in size
    cdef readonly size_t frame_size     # of every message in its frame, masked; 0 likewise
    cdef template_piece_t* pieces
    cdef uint32_t piece_count
    cdef size_t fixed_bytes             # of all but digits, cells and padding
    cdef size_t most_digits
    cdef size_t most_cell_bytes
    # A table with a row for each user: all cells in one block, row by row, and where each ends.
    cdef object cells
    cdef const uint8_t* block
    cdef const uint64_t* ends
    cdef uint64_t columns
    cdef uint64_t rows

    cdef size_t _longest(self, uint64_t column) noexcept
    cdef const uint8_t* cell(self, uint64_t user, uint64_t column, size_t* size) noexcept nogil
    cdef size_t payload_size(self, const template_values_t* values) noexcept nogil
    # Writes payload_size bytes and returns their number.
    cdef size_t write_payload(
        self, uint8_t* out, const template_values_t* values
    ) noexcept nogil
    # Writes a whole masked frame, at most frame_bound bytes, and returns its length.
    cdef size_t write_frame(self, uint8_t* out, const template_values_t* values) noexcept nogil
    cdef size_t largest_frame(self, size_t padding_bytes) noexcept nogil
