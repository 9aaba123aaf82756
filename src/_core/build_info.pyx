"""How this native core was built."""

cdef extern from *:
    const char* SURGEWIRE_PROFILE

PROFILE = SURGEWIRE_PROFILE.decode("ascii")
