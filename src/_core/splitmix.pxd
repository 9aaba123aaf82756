# SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): small,
# and good enough to decide what is to happen by chance. A state is any 64 bits.

from libc.stdint cimport uint64_t


cdef inline uint64_t splitmix_mix(uint64_t x) noexcept nogil:
    """The finalizer: a permutation of 64 bits in which each bit of x moves all others."""
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ULL
    x = (x ^ x >> 27) * 0x94D049BB133111EBULL
    return x ^ x >> 31


cdef inline uint64_t splitmix_next(uint64_t* state) noexcept nogil:
    """The next 64 random bits of a sequence."""
    state[0] += 0x9E3779B97F4A7C15ULL
    return splitmix_mix(state[0])


cdef inline double splitmix_unit(uint64_t bits) noexcept nogil:
    """Random bits to a number in (0, 1], 53 bits fine."""
    return <double>((bits >> 11) + 1) * (1.0 / <double>(<uint64_t>1 << 53))
