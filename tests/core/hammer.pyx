"""One worker of several that hammer the slots of their rooms at full speed."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from surgewire._core.rooms cimport ROOMS_FIRST, ROOMS_GONE, ROOMS_LAST, ROOMS_MEDIAN, Rooms

cdef enum:
    MOST_WORKERS = 64
    # How often it looks whether the others have kept up before it goes on without them.
    PATIENCE = 3000


def hammer(
    Rooms rooms not None, uint32_t me, uint64_t messages, uint64_t[:, ::1] progress not None,
    uint8_t[:, :, ::1] parts not None, uint64_t[::1] wrong not None,
):
    """Publish `messages` into room 0, never far ahead of the others, and book all that come.

    progress[w][v]: how far worker w has come with the stream of worker v. parts: uint8[4][workers]
    [messages + 1], arrivals, first, median, last. wrong[0]: times that belong to no such message.
    """
    cdef uint64_t[MOST_WORKERS] cursor
    cdef uint64_t number, last, slowest, looks = 0, sent = 0
    cdef uint32_t w
    cdef bint done = False
    for w in range(rooms.workers):
        cursor[w] = 0
    with nogil:
        while not done:
            slowest = sent
            for w in range(rooms.workers):
                slowest = min(slowest, progress[w, me])
            looks += 1
            if sent < messages and (slowest + rooms.slots >= sent or looks > PATIENCE):
                looks = 0
                sent = rooms.publish(0, me, rooms.workers)
            done = True
            for w in range(rooms.workers):
                last = rooms.last_sent(w, 0)
                for number in range(cursor[w] + 1, last + 1):
                    progress[me, w] = number - 1
                    book(rooms, w, me, number, parts, &wrong[0])
                cursor[w] = progress[me, w] = last
                done = done and last == messages


cdef void book(
    Rooms rooms, uint32_t worker, uint32_t me, uint64_t number, uint8_t[:, :, ::1] parts,
    uint64_t* wrong,
) noexcept nogil:
    cdef int64_t spread_ns
    cdef int64_t mine_ns = <int64_t>(number * MOST_WORKERS + me)
    cdef int part = rooms.spread(worker, 0, number, mine_ns, &spread_ns)
    if part == ROOMS_GONE:
        return
    parts[0, worker, number] += 1
    parts[1, worker, number] += part & ROOMS_FIRST != 0
    parts[2, worker, number] += part & ROOMS_MEDIAN != 0
    parts[3, worker, number] += part & ROOMS_LAST != 0
    if part & ROOMS_LAST:
        wrong[0] += spread_ns != <int64_t>(number * MOST_WORKERS + rooms.workers - 1)
    elif part:
        wrong[0] += spread_ns != mine_ns
