"""Which deliveries of the chat target go wrong, and how: by chance, and the same for each seed."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from surgewire._core.marker cimport MARKER_LENGTH
from surgewire._core.splitmix cimport splitmix_mix, splitmix_next, splitmix_unit

cdef enum:
    PPM = 1000000
    PREFIX_LENGTH = 4
    DIGITS = 32

# Damage has a sequence of its own, so that the choice of characters moves nothing else.
cdef uint64_t DAMAGE = 0x9D5C0FB2A6E41377ULL


cdef inline bint happens(uint32_t ppm, uint64_t* state) noexcept nogil:
    """Always draws, so that one fault's share changes nothing in what the others befall."""
    return splitmix_unit(splitmix_next(state)) * PPM <= ppm


cdef inline uint32_t value_of(uint8_t digit) noexcept nogil:
    """The value of a digit of base32hex in lower case."""
    return digit - 48 if digit < 97 else digit - 87


cdef inline uint8_t digit_of(uint32_t value) noexcept nogil:
    return <uint8_t>(value + 48 if value < 10 else value + 87)


cdef class ChatFaults:
    """Shares of the deliveries, in parts per million.

    A delivery that is dropped suffers nothing else; one that is damaged is neither duplicated nor
    reordered. Raises ValueError for a share that is none.
    """

    def __cinit__(
        self, uint64_t seed=1, *, drop_ppm=0, duplicate_ppm=0, reorder_ppm=0, damage_ppm=0
    ):
        for ppm in (drop_ppm, duplicate_ppm, reorder_ppm, damage_ppm):
            if not 0 <= ppm <= PPM:
                raise ValueError(f"a share in parts per million is 0 to {PPM}, not {ppm}")
            self.active |= ppm > 0
        self.seed = seed
        self.drop_ppm = drop_ppm
        self.duplicate_ppm = duplicate_ppm
        self.reorder_ppm = reorder_ppm
        self.damage_ppm = damage_ppm

    cdef uint64_t state_of(self, uint64_t receiver, uint64_t message) noexcept nogil:
        return splitmix_mix(message ^ splitmix_mix(receiver ^ splitmix_mix(self.seed + 1)))

    cdef int decide(self, uint64_t* state) noexcept nogil:
        cdef bint drop = happens(self.drop_ppm, state)
        cdef bint damage = happens(self.damage_ppm, state)
        cdef bint duplicate = happens(self.duplicate_ppm, state)
        cdef bint reorder = happens(self.reorder_ppm, state)
        if drop:
            return FAULT_DROP
        if damage:
            return FAULT_DAMAGE
        return (FAULT_DUPLICATE if duplicate else 0) | (FAULT_REORDER if reorder else 0)

    cdef void damage(self, uint64_t state, uint8_t* marker) noexcept nogil:
        cdef uint32_t span = MARKER_LENGTH - PREFIX_LENGTH
        cdef uint64_t bits = splitmix_mix(state ^ DAMAGE)
        cdef uint32_t first = <uint32_t>(bits & 0xFFFF) % span
        cdef uint32_t second = (first + 1 + <uint32_t>(bits >> 16 & 0xFFFF) % (span - 1)) % span
        cdef uint8_t* digits = marker + PREFIX_LENGTH
        # By 1 to 31 further on: another digit in any case.
        digits[first] = digit_of(
            (value_of(digits[first]) + 1 + <uint32_t>(bits >> 32 & 0xFFFF) % (DIGITS - 1)) % DIGITS
        )
        digits[second] = digit_of(
            (value_of(digits[second]) + 1 + <uint32_t>(bits >> 48) % (DIGITS - 1)) % DIGITS
        )

    def fates(self, uint64_t receiver, uint64_t message):
        """Return the names of what befalls one delivery, as a set."""
        cdef uint64_t state = self.state_of(receiver, message)
        cdef int fate = self.decide(&state)
        names = ("drop", "damage", "duplicate", "reorder")
        return {name for bit, name in enumerate(names) if fate >> bit & 1}

    def damaged(self, uint64_t receiver, uint64_t message, bytes marker not None):
        """Return a marker as a receiver would get it damaged; ValueError for a wrong length."""
        cdef uint8_t[MARKER_LENGTH] out
        if len(marker) != MARKER_LENGTH:
            raise ValueError(f"a marker has {MARKER_LENGTH} bytes, not {len(marker)}")
        for i in range(MARKER_LENGTH):
            out[i] = marker[i]
        self.damage(self.state_of(receiver, message), out)
        return out[:MARKER_LENGTH]
