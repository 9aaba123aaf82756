"""HdrHistogram's V2 compressed encoding, the form in which files exchange histograms.

Base64 of an outer header and a deflated payload: a header that tells the layout, then the counters
as ZigZag LEB128, runs of zeros as their negated length. The format is that of HdrHistogram's
reference implementation (http://hdrhistogram.org, "V2 compressed").
"""

import base64
import binascii
import struct
import zlib

import numpy as np

from libc.stdint cimport INT64_MAX, int64_t, uint8_t, uint64_t

from surgewire._core.histogram cimport HISTOGRAM_COUNTS, HISTOGRAM_UNIT_MAGNITUDE

LOWEST_DISCERNIBLE_NS = 1_000
HIGHEST_TRACKABLE_NS = 3_600_000_000_000
SIGNIFICANT_DIGITS = 3

cdef unsigned int COMPRESSED_COOKIE = 0x1C849304
cdef unsigned int PAYLOAD_COOKIE = 0x1C849303
# The last hexadecimal digit but one is the word size, no part of a cookie's identity; V2 has 1.
cdef unsigned int V2_WORD_SIZE = 0x10
cdef unsigned int COOKIE_MASK = 0xFFFFFF0F
OUTER_HEADER = struct.Struct(">II")
PAYLOAD_HEADER = struct.Struct(">IIIIQQd")

cdef enum:
    VARINT_BYTES = 9


def encode_counts(const int64_t[::1] counts not None):
    """Return HISTOGRAM_COUNTS counters in the V2 compressed encoding, as base64 text.

    Raises ValueError for another number of counters.
    """
    if counts.shape[0] != HISTOGRAM_COUNTS:
        raise ValueError(f"{counts.shape[0]} counters where the layout has {HISTOGRAM_COUNTS}")
    body = pack_counts(&counts[0])
    header = PAYLOAD_HEADER.pack(
        PAYLOAD_COOKIE | V2_WORD_SIZE, len(body), 0, SIGNIFICANT_DIGITS,
        LOWEST_DISCERNIBLE_NS, HIGHEST_TRACKABLE_NS, 1.0,
    )
    packed = zlib.compress(header + body)
    outer = OUTER_HEADER.pack(COMPRESSED_COOKIE | V2_WORD_SIZE, len(packed))
    return base64.b64encode(outer + packed).decode("ascii")


def decode_counts(text):
    """Return HISTOGRAM_COUNTS counters as a new int64 array, from base64 `text` (str or bytes).

    Raises ValueError when `text` is damaged or holds a histogram of another layout.
    """
    counts = np.zeros(HISTOGRAM_COUNTS, dtype=np.int64)
    unpack_counts(open_payload(text), counts)
    return counts


cdef int put_varint(uint8_t* out, int64_t value) noexcept nogil:
    """Write `value` as ZigZag LEB128 of at most nine bytes; the ninth has eight bits of value."""
    cdef uint64_t rest = (<uint64_t>value << 1) ^ <uint64_t>(value >> 63)
    cdef int used = 0
    while rest >= 0x80 and used < VARINT_BYTES - 1:
        out[used] = <uint8_t>(rest & 0x7F) | 0x80
        rest >>= 7
        used += 1
    out[used] = <uint8_t>rest
    return used + 1


cdef int get_varint(const uint8_t* data, Py_ssize_t length, int64_t* value) noexcept nogil:
    """Read what `put_varint` writes; return the bytes taken, 0 when the data ends too early."""
    cdef uint64_t rest = 0
    cdef int used = 0
    while used < length:
        if used == VARINT_BYTES - 1:
            rest |= <uint64_t>data[used] << 56
            break
        rest |= <uint64_t>(data[used] & 0x7F) << (7 * used)
        if data[used] < 0x80:
            break
        used += 1
    if used == length:
        return 0
    value[0] = <int64_t>(rest >> 1) ^ -<int64_t>(rest & 1)
    return used + 1


cdef bytes pack_counts(const int64_t* counts):
    """Return the counters up to the last one that is not zero."""
    cdef int64_t limit = HISTOGRAM_COUNTS
    while limit and counts[limit - 1] == 0:
        limit -= 1
    out = bytearray(limit * VARINT_BYTES)
    cdef uint8_t* start = out
    cdef uint8_t* at = start
    cdef int64_t index = 0
    cdef int64_t zeros
    while index < limit:
        zeros = 0
        while index + zeros < limit and counts[index + zeros] == 0:
            zeros += 1
        if zeros:
            at += put_varint(at, -zeros if zeros > 1 else 0)
            index += zeros
        else:
            at += put_varint(at, counts[index])
            index += 1
    return bytes(out[:at - start])


cdef bytes open_payload(text):
    """Return the encoded counters inside base64 `text`; raise ValueError where it is damaged."""
    try:
        packed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"damaged histogram: no base64 ({error})") from None
    if len(packed) < OUTER_HEADER.size:
        raise ValueError(f"damaged histogram: {len(packed)} bytes are too few for its header")
    cookie, length = OUTER_HEADER.unpack_from(packed)
    if cookie & COOKIE_MASK != COMPRESSED_COOKIE:
        raise ValueError(f"damaged histogram: cookie {cookie:#010x} is not that of compressed V2")
    if length != len(packed) - OUTER_HEADER.size:
        raise ValueError(
            f"damaged histogram: {len(packed) - OUTER_HEADER.size} bytes"
            f" where {length} are announced"
        )
    payload = inflate(packed[OUTER_HEADER.size:])
    check_layout(payload)
    return payload[PAYLOAD_HEADER.size:]


cdef bytes inflate(bytes packed):
    """Return `packed` decompressed, up to the size that the layout allows."""
    inflater = zlib.decompressobj()
    limit = PAYLOAD_HEADER.size + HISTOGRAM_COUNTS * VARINT_BYTES
    try:
        payload = inflater.decompress(packed, limit + 1)
    except zlib.error as error:
        raise ValueError(f"damaged histogram: cannot be decompressed ({error})") from None
    if len(payload) > limit:
        raise ValueError(f"damaged histogram: decompresses to more than {limit} bytes")
    if not inflater.eof or inflater.unused_data:
        raise ValueError("damaged histogram: its compressed part is cut off or too long")
    return payload


cdef int check_layout(bytes payload) except -1:
    """Raise ValueError unless the counters of `payload` mean the same values as ours."""
    if len(payload) < PAYLOAD_HEADER.size:
        raise ValueError(f"damaged histogram: {len(payload)} bytes of payload are too few")
    header = PAYLOAD_HEADER.unpack_from(payload)
    cookie, length, offset, digits, lowest, highest, ratio = header
    if cookie & COOKIE_MASK != PAYLOAD_COOKIE:
        raise ValueError(f"damaged histogram: payload cookie {cookie:#010x} is not that of V2")
    if length != len(payload) - PAYLOAD_HEADER.size:
        raise ValueError(
            f"damaged histogram: {len(payload) - PAYLOAD_HEADER.size} bytes of counters"
            f" where {length} are announced"
        )
    # The highest value only says how many counters there are; each counter is checked as it comes.
    same_unit = lowest >> HISTOGRAM_UNIT_MAGNITUDE == 1
    if digits != SIGNIFICANT_DIGITS or not same_unit or offset != 0 or ratio != 1.0:
        raise ValueError(
            f"histogram of another layout: lowest {lowest}, highest {highest}, {digits} digits,"
            f" offset {offset}, ratio {ratio}; readable are lowest {LOWEST_DISCERNIBLE_NS},"
            f" highest {HIGHEST_TRACKABLE_NS}, {SIGNIFICANT_DIGITS} digits, offset 0, ratio 1.0"
        )
    return 0


cdef int unpack_counts(bytes data, int64_t[::1] counts) except -1:
    cdef const uint8_t* at = data
    cdef Py_ssize_t left = len(data)
    cdef int64_t index = 0
    cdef int64_t total = 0
    cdef int64_t value = 0
    cdef int64_t run
    cdef int used
    while left:
        used = get_varint(at, left, &value)
        if used == 0:
            raise ValueError("damaged histogram: its last counter is cut off")
        at += used
        left -= used
        # Anything below one is a run of zeros; the first comparison keeps -value from overflowing.
        run = HISTOGRAM_COUNTS + 1 if value < -HISTOGRAM_COUNTS else max(-value, 1)
        if index + run > HISTOGRAM_COUNTS:
            raise ValueError(f"histogram of another layout: more than {HISTOGRAM_COUNTS} counters")
        if value > 0:
            if total > INT64_MAX - value:
                raise ValueError("damaged histogram: its counters add up to more than 2**63 - 1")
            total += value
            counts[index] = value
        index += run
    return 0
