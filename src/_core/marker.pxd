from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

# "SWX1", then base32hex in lower case (0-9a-v), most significant digit first:
# run 6, room 6, worker 2, sequence 8, planned_ns 12, send_lag_ns 8, check 6.
cdef enum:
    MARKER_LENGTH = 52

cdef enum:
    MARKER_NONE = 0
    MARKER_FOUND = 1
    MARKER_DAMAGED = 2          # the prefix stands there, but what follows is not a sound marker

ctypedef struct marker_t:
    uint32_t run                # 30 bits
    uint32_t room               # 30 bits
    uint32_t worker             # 10 bits
    uint64_t sequence           # 40 bits; 0 marks warm-up
    int64_t planned_ns          # 60 bits
    int64_t send_lag_ns         # 40 bits, saturating; actual send minus planned instant

# Bits beyond a field's width are dropped, except that send_lag_ns is held to its range.
cdef void marker_write(uint8_t* out, const marker_t* marker) noexcept nogil
# Looks from data[*offset] on; on FOUND moves *offset behind the marker, on DAMAGED behind its
# prefix, because a sound one may follow at once. `marker` is set on FOUND only.
cdef int marker_find(
    const uint8_t* data, size_t length, size_t* offset, marker_t* marker
) noexcept nogil
