"""A message as constant bytes around the place of its marker, compiled once and written often."""

from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

from cython cimport final

from surgewire._core.frame cimport FRAME_TEXT, frame_header_size, frame_write_header
from surgewire._core.marker cimport MARKER_LENGTH, marker_t, marker_write
from surgewire._core.mask cimport mask_apply, mask_next_key


@final
cdef class Template:
    """A text message: `before`, then the marker, then `after`."""

    def __cinit__(self, bytes before not None, bytes after not None):
        self.before = before
        self.after = after
        self.before_data = <const uint8_t*>PyBytes_AS_STRING(before)
        self.after_data = <const uint8_t*>PyBytes_AS_STRING(after)
        self.before_size = len(before)
        self.after_size = len(after)
        self.size_bytes = self.before_size + MARKER_LENGTH + self.after_size
        self.frame_size = frame_header_size(self.size_bytes, True) + self.size_bytes

    cdef void write_frame(self, uint8_t* out, const marker_t* marker) noexcept nogil:
        cdef uint32_t key = mask_next_key()
        cdef uint8_t* payload = out + frame_write_header(
            out, FRAME_TEXT, True, self.size_bytes, True, key
        )
        memcpy(payload, self.before_data, self.before_size)
        marker_write(payload + self.before_size, marker)
        memcpy(payload + self.before_size + MARKER_LENGTH, self.after_data, self.after_size)
        mask_apply(payload, self.size_bytes, key, 0)

    def frame(self, run, room, worker, sequence, planned_ns, send_lag_ns) -> bytes:
        """Return the masked frame of a message with these marker fields (see `marker.encode`)."""
        cdef marker_t marker
        cdef bytearray out = bytearray(self.frame_size)
        cdef uint8_t[::1] view = out
        marker.run, marker.room, marker.worker = run, room, worker
        marker.sequence, marker.planned_ns = sequence, planned_ns
        marker.send_lag_ns = send_lag_ns
        self.write_frame(&view[0], &marker)
        return bytes(out)
