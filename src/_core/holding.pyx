"""What waits for its instant: messages that an embedded target holds back."""

from libc.stdint cimport INT64_MAX, int64_t
from libc.stdlib cimport free, realloc

cdef enum:
    FIRST_CAPACITY = 1024


cdef inline bint before(const holding_entry_t* one, const holding_entry_t* other) noexcept nogil:
    if one.instant_ns != other.instant_ns:
        return one.instant_ns < other.instant_ns
    return one.number < other.number


cdef class Holding:
    """Items in the order of their instants; those of one instant in the order they came.

    24 bytes for each place. It never frees an item.
    """

    def __dealloc__(self):
        free(self.heap)

    def __len__(self) -> int:
        """How many wait."""
        return self.length

    cdef int put(self, int64_t instant_ns, void* item) noexcept nogil:
        cdef size_t capacity, hole, parent
        cdef holding_entry_t entry
        cdef holding_entry_t* larger
        if self.length == self.capacity:
            capacity = self.capacity * 2 if self.capacity else FIRST_CAPACITY
            larger = <holding_entry_t*>realloc(self.heap, capacity * sizeof(holding_entry_t))
            if larger == NULL:
                return -1
            self.heap = larger
            self.capacity = capacity
        entry.instant_ns = instant_ns
        entry.number = self.puts
        entry.item = item
        self.puts += 1
        hole = self.length
        self.length += 1
        while hole > 0:
            parent = (hole - 1) >> 1
            if not before(&entry, &self.heap[parent]):
                break
            self.heap[hole] = self.heap[parent]
            hole = parent
        self.heap[hole] = entry
        return 0

    cdef int64_t next_instant(self) noexcept nogil:
        return self.heap[0].instant_ns if self.length else INT64_MAX

    cdef void* take(self) noexcept nogil:
        cdef size_t hole = 0
        cdef size_t child = 1
        cdef holding_entry_t last
        cdef void* item
        if self.length == 0:
            return NULL
        item = self.heap[0].item
        self.length -= 1
        last = self.heap[self.length]
        while child < self.length:
            if child + 1 < self.length and before(&self.heap[child + 1], &self.heap[child]):
                child += 1
            if not before(&self.heap[child], &last):
                break
            self.heap[hole] = self.heap[child]
            hole = child
            child = 2 * hole + 1
        self.heap[hole] = last
        return item

    def put_number(self, int64_t instant_ns, size_t number) -> None:
        """Let a number wait; MemoryError when there is no place for it."""
        if self.put(instant_ns, <void*>number) < 0:
            raise MemoryError("no memory for what waits")

    def take_number(self):
        """Remove and return the first as (instant_ns, number); IndexError when nothing waits."""
        if self.length == 0:
            raise IndexError("nothing waits")
        instant_ns = self.next_instant()
        return instant_ns, <size_t>self.take()
