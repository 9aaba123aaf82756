"""Masking of client frames: RFC 6455 section 5.3.

Keys must be unpredictable. They come from the kernel's generator, a few kilobytes at a time, one
system call for a thousand messages. Each thread has a buffer of its own, so that taking a key needs
no lock, and a forked child drops the one it inherited, so that no two processes share a sequence.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #include <errno.h>
    #include <fcntl.h>
    #include <pthread.h>
    #include <stdint.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <unistd.h>
    #if defined(__linux__)
    #include <sys/random.h>
    #endif

    #define MASK_POOL_BYTES 4096

    static _Thread_local uint8_t mask_pool[MASK_POOL_BYTES];
    static _Thread_local size_t mask_pool_left = 0;

    #if defined(__linux__)
    /* For sandboxes that refuse the system call. */
    static int mask_read_urandom(uint8_t* out, size_t length) {
        int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
        if (fd < 0) return -1;
        while (length > 0) {
            ssize_t got = read(fd, out, length);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) break;
            out += got;
            length -= (size_t)got;
        }
        close(fd);
        return length == 0 ? 0 : -1;
    }

    static int mask_random(uint8_t* out, size_t length) {
        while (length > 0) {
            ssize_t got = getrandom(out, length, 0);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return mask_read_urandom(out, length);
            out += got;
            length -= (size_t)got;
        }
        return 0;
    }
    #else
    static int mask_random(uint8_t* out, size_t length) {
        arc4random_buf(out, length);
        return 0;
    }
    #endif

    /* A predictable key would break the protocol's promise silently; so no key, no process. */
    static void mask_refill(void) {
        if (mask_random(mask_pool, MASK_POOL_BYTES) != 0) {
            fputs("surgewire: the system gives no random bytes for masking keys "
                  "(getrandom and /dev/urandom failed); stopping\\n", stderr);
            abort();
        }
        mask_pool_left = MASK_POOL_BYTES;
    }

    static void mask_drop_pool(void) { mask_pool_left = 0; }

    /* Unlike os.register_at_fork this sees forks made by C code too. */
    static int mask_watch_forks(void) { return pthread_atfork(NULL, NULL, mask_drop_pool); }
    """
    const size_t MASK_POOL_BYTES
    uint8_t* mask_pool
    size_t mask_pool_left
    void mask_refill() noexcept nogil
    int mask_watch_forks() noexcept nogil

POOL_BYTES = MASK_POOL_BYTES


cdef void mask_apply(uint8_t* data, size_t length, uint32_t key, size_t phase) noexcept nogil:
    cdef uint8_t key_bytes[4]
    cdef uint8_t pattern[8]
    cdef uint64_t wide, word
    cdef size_t at = 0
    cdef size_t i
    memcpy(key_bytes, &key, 4)
    for i in range(8):
        pattern[i] = key_bytes[(phase + i) & 3]
    memcpy(&wide, pattern, 8)
    while length - at >= 8:
        memcpy(&word, data + at, 8)
        word ^= wide
        memcpy(data + at, &word, 8)
        at += 8
    # A multiple of 8 bytes is done, so the pattern starts anew.
    for i in range(length - at):
        data[at + i] ^= pattern[i]


cdef uint32_t mask_next_key() noexcept nogil:
    global mask_pool_left
    cdef uint32_t key
    if mask_pool_left < 4:
        mask_refill()
    mask_pool_left -= 4
    memcpy(&key, mask_pool + mask_pool_left, 4)
    return key


def apply(data: bytes, key: bytes, phase: int = 0) -> bytes:
    """Return `data` masked (or unmasked) with the 4 bytes of `key`, starting at byte `phase` of it.

    Raises ValueError when the key is not 4 bytes long or the phase is negative.
    """
    if len(key) != 4:
        raise ValueError(f"a masking key has 4 bytes, not {len(key)}")
    if phase < 0:
        raise ValueError(f"the phase {phase} is negative; it counts bytes from the key's first")
    cdef uint32_t word
    memcpy(&word, <const uint8_t*>key, 4)
    cdef bytearray out = bytearray(data)
    mask_apply(<uint8_t*>out, len(out), word, phase & 3)
    return bytes(out)


def next_key() -> bytes:
    """Return the 4 bytes of a fresh, unpredictable masking key."""
    cdef uint32_t key = mask_next_key()
    return (<uint8_t*>&key)[:4]


if mask_watch_forks() != 0:
    raise MemoryError("no memory to register the handler that renews masking keys after a fork")
