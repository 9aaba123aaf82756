"""A message as constant bytes and slots, compiled once and filled often without a Python object.

Digits are decimal. Random characters are of a-z0-9, each as likely as the others, from the same
unpredictable source as masking keys; like the filler they cannot be taken for a marker, which
begins with capital letters. Cells are what a table has in the user's row.
"""

from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from cython cimport final

from surgewire._core.frame cimport (
    FRAME_BINARY,
    FRAME_MAX_HEADER,
    FRAME_TEXT,
    frame_header_size,
    frame_write_header,
)
from surgewire._core.marker cimport MARKER_LENGTH, marker_t, marker_write
from surgewire._core.mask cimport mask_apply, mask_next_key

FILLER = b" surgewire load"

cdef enum:
    FILLER_BYTES = 15
    MAX_RANDOM = 4096
    ALPHABET = 36
    # 36**5 goes 71 times into 2**32; a key beyond that would favour the first characters.
    CHARACTERS_OF_A_KEY = 5
    KEY_LIMIT = 4293098496

cdef const char* FILLER_DATA = " surgewire load"
cdef const char* ALPHABET_DATA = "abcdefghijklmnopqrstuvwxyz0123456789"

cdef dict _KINDS = {
    "marker": TEMPLATE_MARKER,
    "room": TEMPLATE_ROOM,
    "user": TEMPLATE_USER,
    "seq": TEMPLATE_SEQ,
    "now_ms": TEMPLATE_NOW_MS,
    "random": TEMPLATE_RANDOM,
    "padding": TEMPLATE_PADDING,
    "column": TEMPLATE_COLUMN,
}
# Digits of the largest value: 2**32 - 1, 2**64 - 1, 2**63 - 1.
cdef dict _MOST_DIGITS = {
    TEMPLATE_ROOM: 10, TEMPLATE_USER: 10, TEMPLATE_SEQ: 20, TEMPLATE_NOW_MS: 19,
}


cdef inline size_t digits_of(uint64_t value) noexcept nogil:
    cdef size_t count = 1
    while value >= 10:
        value //= 10
        count += 1
    return count


cdef inline size_t write_digits(uint8_t* out, uint64_t value) noexcept nogil:
    cdef size_t count = digits_of(value)
    cdef size_t i
    for i in range(count):
        out[count - 1 - i] = <uint8_t>(48 + value % 10)
        value //= 10
    return count


cdef inline uint64_t number_of(int kind, const template_values_t* values) noexcept nogil:
    """What stands in a slot of digits."""
    if kind == TEMPLATE_ROOM:
        return values.room
    if kind == TEMPLATE_USER:
        return values.user
    if kind == TEMPLATE_SEQ:
        return values.seq
    return <uint64_t>values.now_ms if values.now_ms > 0 else 0


cdef void write_random(uint8_t* out, size_t length) noexcept nogil:
    cdef uint32_t key = 0
    cdef uint32_t left = 0
    cdef size_t i
    for i in range(length):
        if left == 0:
            key = mask_next_key()
            while key >= <uint32_t>KEY_LIMIT:
                key = mask_next_key()
            left = CHARACTERS_OF_A_KEY
        out[i] = <uint8_t>ALPHABET_DATA[key % ALPHABET]
        key //= ALPHABET
        left -= 1


cdef void write_filler(uint8_t* out, size_t length) noexcept nogil:
    cdef size_t done = min(length, <size_t>FILLER_BYTES)
    cdef size_t more
    memcpy(out, FILLER_DATA, done)
    # What is written is whole fillers, so that it can be copied behind itself.
    while done < length:
        more = min(done, length - done)
        memcpy(out + done, out, more)
        done += more


@final
cdef class Template:
    """A message made of `parts`, a text message unless `binary`.

    A part is constant bytes or one of the slots ("marker",), ("room",), ("user",), ("seq",),
    ("now_ms",), ("random", n) with n characters, ("column", k) with what stands in column k of the
    user's row, and once at most ("padding",). cells: the table that columns are of: a block of
    bytes, where each of its cells ends (uint64, row by row), and how many columns a row has; user
    i has row i, and row i modulo their number behind the last. Raises ValueError for anything else.
    """

    def __cinit__(self, parts, *, bint binary=False, cells=None):
        self.parts = tuple(parts)
        self.binary = binary
        if cells is not None:
            self._take_cells(*cells)
        self.pieces = <template_piece_t*>calloc(len(self.parts) + 1, sizeof(template_piece_t))
        if self.pieces == NULL:
            raise MemoryError()
        for part in self.parts:
            self._compile(part)
            self.piece_count += 1
        if self.most_digits == 0 and self.most_cell_bytes == 0 and not self.has_padding:
            self.size_bytes = self.fixed_bytes
            self.frame_size = frame_header_size(self.size_bytes, True) + self.size_bytes

    def __dealloc__(self):
        free(self.pieces)

    def _take_cells(self, bytes block, const uint64_t[::1] ends not None, uint64_t columns) -> None:
        cdef Py_ssize_t i
        cdef uint64_t before = 0
        if columns == 0 or ends.shape[0] == 0 or ends.shape[0] % columns:
            raise ValueError("a table has whole rows, and one at least")
        for i in range(ends.shape[0]):
            if ends[i] < before or ends[i] > <uint64_t>len(block):
                raise ValueError("cells lie one behind the other within their block")
            before = ends[i]
        # The pointers are good as long as both objects are held.
        self.cells = (block, ends)
        self.block = <const uint8_t*>PyBytes_AS_STRING(block)
        self.ends = &ends[0]
        self.columns = columns
        self.rows = ends.shape[0] // columns

    def _compile(self, part) -> None:
        cdef template_piece_t* piece = &self.pieces[self.piece_count]
        if isinstance(part, bytes):
            piece.kind = TEMPLATE_CONSTANT
            piece.data = <const uint8_t*>PyBytes_AS_STRING(part)
            piece.size_bytes = len(part)
        elif isinstance(part, tuple) and part and part[0] in _KINDS:
            piece.kind = _KINDS[part[0]]
            counted = piece.kind == TEMPLATE_RANDOM or piece.kind == TEMPLATE_COLUMN
            if len(part) != (2 if counted else 1):
                raise ValueError(f"{part!r} is no part of a template")
        else:
            raise ValueError(f"{part!r} is no part of a template")
        if piece.kind == TEMPLATE_MARKER:
            self.has_marker = True
            piece.size_bytes = MARKER_LENGTH
        elif piece.kind == TEMPLATE_RANDOM:
            if not 1 <= part[1] <= MAX_RANDOM:
                raise ValueError(f"random characters are 1 to {MAX_RANDOM}, not {part[1]}")
            piece.size_bytes = part[1]
        elif piece.kind == TEMPLATE_COLUMN:
            if not 0 <= part[1] < self.columns:
                raise ValueError(f"there is no column {part[1]}")
            piece.column = part[1]
            self.most_cell_bytes += self._longest(piece.column)
        elif piece.kind == TEMPLATE_PADDING:
            if self.has_padding:
                raise ValueError("a template has one place for padding, not two")
            self.has_padding = True
        self.fixed_bytes += piece.size_bytes
        self.most_digits += _MOST_DIGITS.get(piece.kind, 0)

    cdef size_t _longest(self, uint64_t column) noexcept:
        cdef size_t longest = 0
        cdef size_t size = 0
        cdef uint64_t row
        for row in range(self.rows):
            self.cell(row, column, &size)
            longest = max(longest, size)
        return longest

    cdef const uint8_t* cell(self, uint64_t user, uint64_t column, size_t* size) noexcept nogil:
        """Return where the cell of a user begins, and its size."""
        cdef uint64_t place = user % self.rows * self.columns + column
        cdef uint64_t start = self.ends[place - 1] if place else 0
        size[0] = self.ends[place] - start
        return self.block + start

    cdef size_t payload_size(self, const template_values_t* values) noexcept nogil:
        cdef size_t size = self.fixed_bytes
        cdef size_t cell_bytes = 0
        cdef uint32_t i
        cdef int kind
        if self.has_padding:
            size += values.padding_bytes
        if self.most_digits or self.most_cell_bytes:
            for i in range(self.piece_count):
                kind = self.pieces[i].kind
                if kind == TEMPLATE_COLUMN:
                    self.cell(values.user, self.pieces[i].column, &cell_bytes)
                    size += cell_bytes
                elif TEMPLATE_ROOM <= kind <= TEMPLATE_NOW_MS:
                    size += digits_of(number_of(kind, values))
        return size

    cdef size_t write_payload(
        self, uint8_t* out, const template_values_t* values
    ) noexcept nogil:
        cdef template_piece_t* piece
        cdef const uint8_t* cell
        cdef uint8_t* at = out
        cdef size_t cell_bytes = 0
        cdef uint32_t i
        for i in range(self.piece_count):
            piece = &self.pieces[i]
            if piece.kind == TEMPLATE_CONSTANT:
                memcpy(at, piece.data, piece.size_bytes)
                at += piece.size_bytes
            elif piece.kind == TEMPLATE_MARKER:
                marker_write(at, values.marker)
                at += MARKER_LENGTH
            elif piece.kind == TEMPLATE_RANDOM:
                write_random(at, piece.size_bytes)
                at += piece.size_bytes
            elif piece.kind == TEMPLATE_COLUMN:
                cell = self.cell(values.user, piece.column, &cell_bytes)
                memcpy(at, cell, cell_bytes)
                at += cell_bytes
            elif piece.kind == TEMPLATE_PADDING:
                write_filler(at, values.padding_bytes)
                at += values.padding_bytes
            else:
                at += write_digits(at, number_of(piece.kind, values))
        return at - out

    cdef size_t write_frame(self, uint8_t* out, const template_values_t* values) noexcept nogil:
        cdef uint32_t key = mask_next_key()
        cdef size_t size = self.payload_size(values)
        cdef size_t header = frame_write_header(
            out, FRAME_BINARY if self.binary else FRAME_TEXT, True, size, True, key
        )
        self.write_payload(out + header, values)
        mask_apply(out + header, size, key, 0)
        return header + size

    cdef size_t largest_frame(self, size_t padding_bytes) noexcept nogil:
        cdef size_t size = FRAME_MAX_HEADER + self.fixed_bytes + self.most_digits
        size += self.most_cell_bytes
        return size + padding_bytes if self.has_padding else size

    def frame_bound(self, padding_bytes=0) -> int:
        """Return how many bytes `write_frame` writes at most, whatever the values of the slots."""
        return self.largest_frame(padding_bytes)

    def payload(
        self, marker=None, *, room=0, user=0, seq=0, now_ms=0, padding_bytes=0
    ) -> bytes:
        """Return a message: `marker` is the six fields of one (see `marker.encode`).

        The other values fill the slots of their names. Raises ValueError where the template has a
        marker and none is given.
        """
        return self._fill(marker, room, user, seq, now_ms, padding_bytes, False)

    def frame(
        self, marker=None, *, room=0, user=0, seq=0, now_ms=0, padding_bytes=0
    ) -> bytes:
        """Return a message, see `payload`, in a masked frame with a key of its own."""
        return self._fill(marker, room, user, seq, now_ms, padding_bytes, True)

    def _fill(self, fields, room, user, seq, now_ms, padding_bytes, bint framed) -> bytes:
        cdef marker_t marker
        cdef template_values_t values
        memset(&marker, 0, sizeof(marker))
        if fields is not None:
            marker.run, marker.room, marker.worker = fields[0], fields[1], fields[2]
            marker.sequence, marker.planned_ns, marker.send_lag_ns = fields[3], fields[4], fields[5]
        elif self.has_marker:
            raise ValueError("the template has a marker, and none is given")
        values.marker = &marker
        values.room, values.user, values.seq, values.now_ms = room, user, seq, now_ms
        values.padding_bytes = padding_bytes
        cdef bytearray out = bytearray(self.largest_frame(values.padding_bytes))
        cdef uint8_t[::1] view = out
        cdef size_t length
        if framed:
            length = self.write_frame(&view[0], &values)
        else:
            length = self.write_payload(&view[0], &values)
        return bytes(out[:length])
