"""Incremental UTF-8 validation: RFC 3629, as RFC 6455 section 8.1 asks for text.

A text is refused at the first byte that no valid text could have at that place: surrogates,
overlong forms and code points above U+10FFFF are seen at the second byte of their sequence.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

# A state is what the next byte must be. Each but ACCEPT and REJECT takes one range of bytes and
# leads to one other state, so that three small tables say all (The Unicode Standard, table 3-7).
cdef enum:
    ONE_MORE = 2        # 80..BF, then the sequence is complete
    TWO_MORE = 3
    THREE_MORE = 4
    AFTER_E0 = 5        # A0..BF: below that the form would be overlong
    AFTER_ED = 6        # 80..9F: above that lie the surrogates
    AFTER_F0 = 7        # 90..BF: below that the form would be overlong
    AFTER_F4 = 8        # 80..8F: above that lies what is beyond U+10FFFF

cdef extern from *:
    """
    #include <stdint.h>

    /*                                    -     -     1     2     3    E0    ED    F0    F4 */
    static const uint8_t utf8_low[9]  = {0xFF, 0xFF, 0x80, 0x80, 0x80, 0xA0, 0x80, 0x90, 0x80};
    static const uint8_t utf8_high[9] = {0x00, 0x00, 0xBF, 0xBF, 0xBF, 0xBF, 0x9F, 0xBF, 0x8F};
    static const uint8_t utf8_then[9] = {1, 1, 0, 2, 3, 2, 2, 3, 3};
    """
    const uint8_t* utf8_low
    const uint8_t* utf8_high
    const uint8_t* utf8_then

cdef uint64_t NOT_ASCII = 0x8080808080808080

ACCEPT = UTF8_ACCEPT
REJECT = UTF8_REJECT


cdef inline uint32_t state_after_lead(uint8_t byte) noexcept nogil:
    """What must follow the first byte of a sequence."""
    if byte < 0x80:
        return UTF8_ACCEPT
    if byte < 0xC2:
        return UTF8_REJECT
    if byte < 0xE0:
        return ONE_MORE
    if byte < 0xF0:
        if byte == 0xE0:
            return AFTER_E0
        return AFTER_ED if byte == 0xED else TWO_MORE
    if byte == 0xF0:
        return AFTER_F0
    if byte < 0xF4:
        return THREE_MORE
    return AFTER_F4 if byte == 0xF4 else UTF8_REJECT


cdef inline size_t ascii_prefix(const uint8_t* data, size_t length) noexcept nogil:
    """How many leading bytes are surely ASCII: whole words of 32 and of 8 bytes."""
    cdef uint64_t words[4]
    cdef size_t at = 0
    while length - at >= 32:
        memcpy(words, data + at, 32)
        if (words[0] | words[1] | words[2] | words[3]) & NOT_ASCII:
            break
        at += 32
    while length - at >= 8:
        memcpy(words, data + at, 8)
        if words[0] & NOT_ASCII:
            break
        at += 8
    return at


cdef uint32_t utf8_check(uint32_t state, const uint8_t* data, size_t length) noexcept nogil:
    cdef size_t at = 0
    cdef uint8_t byte
    if state == UTF8_REJECT:
        return UTF8_REJECT
    while at < length:
        byte = data[at]
        if state == UTF8_ACCEPT:
            if byte < 0x80 and length - at >= 8:
                at += ascii_prefix(data + at, length - at)
                if at == length:
                    break
                byte = data[at]
            state = state_after_lead(byte)
        elif utf8_low[state] <= byte <= utf8_high[state]:
            state = utf8_then[state]
        else:
            return UTF8_REJECT
        if state == UTF8_REJECT:
            return UTF8_REJECT
        at += 1
    return state


def check(data: bytes, state: int = UTF8_ACCEPT) -> int:
    """Validate the next bytes of a text and return the state after them.

    Start with `ACCEPT` and hand each result to the next call. `ACCEPT`: the text may end here;
    `REJECT`: it is invalid and stays so; anything else: a sequence is not complete yet.

    Raises ValueError when `state` is none that this function returned.
    """
    if not 0 <= state <= AFTER_F4:
        raise ValueError(f"{state} is no state of the validator; start with ACCEPT (0)")
    return utf8_check(state, data, len(data))
