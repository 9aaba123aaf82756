from libc.stdint cimport uint8_t

from surgewire._core.marker cimport marker_t


cdef class Template:
    cdef readonly bytes before
    cdef readonly bytes after
    cdef const uint8_t* before_data
    cdef const uint8_t* after_data
    cdef size_t before_size
    cdef size_t after_size
    cdef readonly size_t size_bytes         # of a message
    cdef size_t frame_size                  # of a message in its frame, masked

    # Writes a whole masked frame, frame_size bytes.
    cdef void write_frame(self, uint8_t* out, const marker_t* marker) noexcept nogil
