"""Sizes of messages, drawn by chance and reproducible by their seed."""

from libc.stdint cimport uint64_t

from cython cimport final

from surgewire._core.splitmix cimport splitmix_next

MAX_PARTS = SIZES_MAX_PARTS
MAX_BYTES = 1 << 30
MAX_WEIGHT = 1 << 40


def _in_range(str what, value, low, high):
    if not low <= value <= high:
        raise ValueError(f"{what} is {value}; it must lie in {low} to {high}")
    return value


@final
cdef class SizePicker:
    """Draws one size after the other, in bytes.

    kind and parts: "fixed" with (size,), "uniform" with (least, most), each size in between as
    likely as the others, or "choice" with up to MAX_PARTS pairs (size, weight). The same `seed`
    (taken modulo 2**64) gives the same sizes. Raises ValueError for parts that make no sense.
    """

    def __cinit__(self, str kind not None, parts, seed):
        self.state = seed & 0xFFFFFFFFFFFFFFFF
        if kind == "fixed":
            self.kind = SIZES_FIXED
            (size,) = parts
            self.least_bytes = self.most_bytes = _in_range("the size", size, 0, MAX_BYTES)
        elif kind == "uniform":
            self.kind = SIZES_UNIFORM
            least, most = parts
            self.least_bytes = _in_range("the least size", least, 0, MAX_BYTES)
            self.most_bytes = _in_range("the largest size", most, least, MAX_BYTES)
            self.span = self.most_bytes - self.least_bytes + 1
        elif kind == "choice":
            self.kind = SIZES_CHOICE
            self._take_choices(tuple(parts))
        else:
            raise ValueError(f"{kind!r} is no kind of sizes; use fixed, uniform or choice")

    def _take_choices(self, tuple parts) -> None:
        _in_range("the number of sizes", len(parts), 1, SIZES_MAX_PARTS)
        for size, weight in parts:
            self.span += _in_range("a weight", weight, 1, MAX_WEIGHT)
            self.choices[self.choice_count].size_bytes = _in_range("a size", size, 0, MAX_BYTES)
            self.choices[self.choice_count].until = self.span
            self.choice_count += 1
            self.most_bytes = max(self.most_bytes, <size_t>size)

    cdef size_t next_size(self) noexcept nogil:
        cdef size_choice_t* choice
        cdef uint64_t drawn
        if self.kind == SIZES_FIXED:
            return self.most_bytes
        # A remainder favours small numbers by span / 2**64: nothing that a run could show.
        drawn = splitmix_next(&self.state) % self.span
        if self.kind == SIZES_UNIFORM:
            return self.least_bytes + drawn
        choice = &self.choices[0]
        while drawn >= choice.until:
            choice += 1
        return choice.size_bytes

    def next(self) -> int:
        """Return the next size in bytes."""
        return self.next_size()
