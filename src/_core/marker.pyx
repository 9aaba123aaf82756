"""The token inside a message by which its deliveries are recognised.

52 ASCII characters: the prefix ``SWX1``, then digits of base32hex (RFC 4648 section 7) in lower
case, most significant first: run 6, room 6, worker 2, sequence 8, planned_ns 12, send_lag_ns 8,
check 6. Letters and digits alone pass through JSON, URLs and HTML unchanged. The letters of the
prefix are no digits, so that a prefix never occurs inside what follows it.

The fields make seven numbers of 30 bits (six digits each); the check is their weighted sum modulo
the prime 2**30 - 35. With these weights no change of one or two characters, and so no exchange of
two, keeps the check; any other damage passes once in 2**30.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp

from typing import NamedTuple

cdef enum:
    PREFIX_LENGTH = 4
    WORDS = 6                       # of eight digits, behind the prefix
    LIMBS = 8                       # of six digits: seven for the fields, then the check
    LIMB_MAX = 0x3FFFFFFF
    CHECK_PRIME = 0x3FFFFFDD
    # The first 30 bits behind the point of the square roots of 2, 3, 5, 7, 11, 13, 17 and 19.
    WEIGHT_0 = 444758425
    WEIGHT_1 = 786033569
    WEIGHT_2 = 253476060
    WEIGHT_3 = 693370190
    WEIGHT_4 = 339973279
    WEIGHT_5 = 650205731
    WEIGHT_6 = 132183658
    CHECK_OFFSET = 385364806        # or a marker of nothing but zeros would be sound

cdef const uint8_t* PREFIX = b"SWX1"
cdef int64_t SEND_LAG_MAX = (<int64_t>1 << 40) - 1


cdef inline uint64_t load_word(const uint8_t* data) noexcept nogil:
    """Eight bytes, the first one most significant."""
    return (
        <uint64_t>data[0] << 56 | <uint64_t>data[1] << 48 | <uint64_t>data[2] << 40
        | <uint64_t>data[3] << 32 | <uint64_t>data[4] << 24 | <uint64_t>data[5] << 16
        | <uint64_t>data[6] << 8 | <uint64_t>data[7]
    )


cdef inline void store_word(uint8_t* out, uint64_t word) noexcept nogil:
    out[0] = <uint8_t>(word >> 56)
    out[1] = <uint8_t>(word >> 48)
    out[2] = <uint8_t>(word >> 40)
    out[3] = <uint8_t>(word >> 32)
    out[4] = <uint8_t>(word >> 24)
    out[5] = <uint8_t>(word >> 16)
    out[6] = <uint8_t>(word >> 8)
    out[7] = <uint8_t>word


cdef inline uint64_t to_digits(uint64_t value) noexcept nogil:
    """40 bits to the eight characters that stand for them, all at once."""
    cdef uint64_t letters
    value = (value & 0xFFFFF00000ULL) << 12 | (value & 0xFFFFFULL)
    value = (value & 0x000FFC00000FFC00ULL) << 6 | (value & 0x000003FF000003FFULL)
    value = (value & 0x03E003E003E003E0ULL) << 3 | (value & 0x001F001F001F001FULL)
    # One bit in each byte that is ten or more: those are letters, 39 characters further on.
    letters = ((value + 0x7676767676767676ULL) & 0x8080808080808080ULL) >> 7
    return value + 0x3030303030303030ULL + letters * 39


cdef inline bint from_digits(uint64_t text, uint64_t* value) noexcept nogil:
    """Eight characters to 40 bits; 0 when one of them is no digit."""
    cdef uint64_t wrong = text
    cdef uint64_t letters
    text &= 0x7F7F7F7F7F7F7F7FULL                              # so that no sum carries over
    letters = text + 0x1F1F1F1F1F1F1F1FULL                      # top bit: 'a' or more
    wrong |= ~(text + 0x5050505050505050ULL)                    # below '0'
    wrong |= text + 0x0909090909090909ULL                       # above 'v'
    wrong |= (text + 0x4646464646464646ULL) & ~letters          # above '9' and below 'a'
    if wrong & 0x8080808080808080ULL:
        return 0
    letters = (letters & 0x8080808080808080ULL) >> 7
    text -= 0x3030303030303030ULL + letters * 39
    text = (text & 0x1F001F001F001F00ULL) >> 3 | (text & 0x001F001F001F001FULL)
    text = (text & 0x03FF000003FF0000ULL) >> 6 | (text & 0x000003FF000003FFULL)
    value[0] = (text & 0x000FFFFF00000000ULL) >> 12 | (text & 0xFFFFFULL)
    return 1


cdef inline uint64_t check_of(const uint64_t* limbs) noexcept nogil:
    """Seven products below 2**60: the sum stays below 2**63."""
    return (
        CHECK_OFFSET
        + limbs[0] * WEIGHT_0 + limbs[1] * WEIGHT_1 + limbs[2] * WEIGHT_2 + limbs[3] * WEIGHT_3
        + limbs[4] * WEIGHT_4 + limbs[5] * WEIGHT_5 + limbs[6] * WEIGHT_6
    ) % <uint64_t>CHECK_PRIME


cdef void marker_write(uint8_t* out, const marker_t* marker) noexcept nogil:
    cdef uint64_t limbs[LIMBS]
    cdef uint64_t planned = <uint64_t>marker.planned_ns
    cdef uint64_t lag = <uint64_t>min(max(marker.send_lag_ns, 0), SEND_LAG_MAX)
    cdef int half
    limbs[0] = marker.run & LIMB_MAX
    limbs[1] = marker.room & LIMB_MAX
    limbs[2] = <uint64_t>(marker.worker & 0x3FF) << 20 | (marker.sequence >> 20 & 0xFFFFF)
    limbs[3] = (marker.sequence & 0xFFFFF) << 10 | (planned >> 50 & 0x3FF)
    limbs[4] = planned >> 20 & LIMB_MAX
    limbs[5] = (planned & 0xFFFFF) << 10 | lag >> 30
    limbs[6] = lag & LIMB_MAX
    limbs[7] = check_of(limbs)
    out[0], out[1], out[2], out[3] = PREFIX[0], PREFIX[1], PREFIX[2], PREFIX[3]
    out += PREFIX_LENGTH
    for half in range(0, LIMBS, 4):
        store_word(out, to_digits(limbs[half] << 10 | limbs[half + 1] >> 20))
        store_word(out + 8, to_digits((limbs[half + 1] & 0xFFFFF) << 20 | limbs[half + 2] >> 10))
        store_word(out + 16, to_digits((limbs[half + 2] & 0x3FF) << 30 | limbs[half + 3]))
        out += 24


cdef bint marker_read(const uint8_t* digits, marker_t* marker) noexcept nogil:
    """Take apart the 48 characters behind a prefix; 0 when they are not sound."""
    cdef uint64_t words[WORDS]
    cdef uint64_t limbs[LIMBS]
    cdef int i
    for i in range(WORDS):
        if not from_digits(load_word(digits + 8 * i), &words[i]):
            return 0
    for i in range(2):
        limbs[4 * i] = words[3 * i] >> 10
        limbs[4 * i + 1] = (words[3 * i] & 0x3FF) << 20 | words[3 * i + 1] >> 20
        limbs[4 * i + 2] = (words[3 * i + 1] & 0xFFFFF) << 10 | words[3 * i + 2] >> 30
        limbs[4 * i + 3] = words[3 * i + 2] & LIMB_MAX
    if check_of(limbs) != limbs[7]:
        return 0
    marker.run = <uint32_t>limbs[0]
    marker.room = <uint32_t>limbs[1]
    marker.worker = <uint32_t>(limbs[2] >> 20)
    marker.sequence = (limbs[2] & 0xFFFFF) << 20 | limbs[3] >> 10
    marker.planned_ns = <int64_t>((limbs[3] & 0x3FF) << 50 | limbs[4] << 20 | limbs[5] >> 10)
    marker.send_lag_ns = <int64_t>((limbs[5] & 0x3FF) << 30 | limbs[6])
    return 1


cdef const uint8_t* prefix_find(const uint8_t* data, size_t length) noexcept nogil:
    """Where the prefix stands in `data`, or NULL.

    `memchr` for its first letter, which ordinary text holds few of; `memmem` prepares a table of
    256 bytes for every search, which takes longer than all the rest of reading a marker.
    """
    cdef const uint8_t* last = data + length - PREFIX_LENGTH
    while data <= last:
        data = <const uint8_t*>memchr(data, PREFIX[0], <size_t>(last - data) + 1)
        if data == NULL:
            return NULL
        if memcmp(data, PREFIX, PREFIX_LENGTH) == 0:
            return data
        data += 1
    return NULL


cdef int marker_find(
    const uint8_t* data, size_t length, size_t* offset, marker_t* marker
) noexcept nogil:
    cdef const uint8_t* start
    if length < PREFIX_LENGTH or offset[0] > length - PREFIX_LENGTH:
        return MARKER_NONE
    start = prefix_find(data + offset[0], length - offset[0])
    if start == NULL:
        return MARKER_NONE
    offset[0] = <size_t>(start - data) + PREFIX_LENGTH
    if length - offset[0] < MARKER_LENGTH - PREFIX_LENGTH:
        return MARKER_DAMAGED
    if not marker_read(start + PREFIX_LENGTH, marker):
        return MARKER_DAMAGED
    offset[0] += MARKER_LENGTH - PREFIX_LENGTH
    return MARKER_FOUND


LENGTH = MARKER_LENGTH


class Marker(NamedTuple):
    """What a marker says; instants and times in nanoseconds, sequence 0 for warm-up."""

    run: int
    room: int
    worker: int
    sequence: int
    planned_ns: int
    send_lag_ns: int


_WIDTHS = Marker(run=30, room=30, worker=10, sequence=40, planned_ns=60, send_lag_ns=40)


def encode(run, room, worker, sequence, planned_ns, send_lag_ns):
    """Return the LENGTH bytes of a marker.

    Raises ValueError when a field is negative or too wide; a `send_lag_ns` over 2**40 - 1 (18
    minutes) becomes that.
    """
    cdef uint8_t out[MARKER_LENGTH]
    cdef marker_t marker
    fields = Marker(run, room, worker, sequence, planned_ns, min(send_lag_ns, SEND_LAG_MAX))
    for name, value, width in zip(Marker._fields, fields, _WIDTHS):
        if not 0 <= value < 1 << width:
            raise ValueError(f"{name} is {value}; it must lie in 0 to 2**{width} - 1")
    marker.run = run
    marker.room = room
    marker.worker = worker
    marker.sequence = sequence
    marker.planned_ns = planned_ns
    marker.send_lag_ns = fields.send_lag_ns
    marker_write(out, &marker)
    return out[:MARKER_LENGTH]


def find_all(const uint8_t[::1] data not None):
    """Return (offset, Marker) for each prefix in a contiguous buffer of bytes, in order.

    None stands in place of the Marker where the prefix is not followed by a sound one.
    """
    cdef marker_t marker
    cdef size_t offset = 0
    cdef size_t length = <size_t>data.shape[0]
    cdef int outcome
    found = []
    while length:
        outcome = marker_find(&data[0], length, &offset, &marker)
        if outcome == MARKER_NONE:
            break
        if outcome == MARKER_DAMAGED:
            found.append((offset - PREFIX_LENGTH, None))
            continue
        found.append((offset - MARKER_LENGTH, Marker(
            marker.run, marker.room, marker.worker, marker.sequence,
            marker.planned_ns, marker.send_lag_ns,
        )))
    return found
