from libc.stdint cimport uint8_t, uint32_t, uint64_t

# What befalls a delivery, as bits.
cdef enum:
    FAULT_DROP = 1
    FAULT_DAMAGE = 2
    FAULT_DUPLICATE = 4
    FAULT_REORDER = 8


cdef class ChatFaults:
    cdef uint64_t seed
    cdef uint32_t drop_ppm
    cdef uint32_t duplicate_ppm
    cdef uint32_t reorder_ppm
    cdef uint32_t damage_ppm
    cdef readonly bint active

    # The splitmix state from which all that befalls one delivery is drawn.
    cdef uint64_t state_of(self, uint64_t receiver, uint64_t message) noexcept nogil
    cdef int decide(self, uint64_t* state) noexcept nogil
    # Changes two of the characters behind the prefix of the marker that begins at `marker`.
    cdef void damage(self, uint64_t state, uint8_t* marker) noexcept nogil
