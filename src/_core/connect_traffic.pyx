"""The traffic of a run that only connects: users that are there, hear a greeting, leave, come back.

Nothing is sent but pings. What comes in is counted; the first message after the upgrade is timed
where the run asks for it, by the stamp of the read that brought it.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t

from surgewire._core.clock cimport clock_now_ns
from surgewire._core.connection cimport CONNECTION_OPEN
from surgewire._core.histogram cimport histogram_record
from surgewire._core.ledger cimport Ledger
from surgewire._core.pacer cimport Schedule
from surgewire._core.traffic cimport (
    TRAFFIC_FRAMES_IN,
    TRAFFIC_JOINED,
    TRAFFIC_LEFT,
    TRAFFIC_REJOINED,
    Traffic,
    User,
)

cdef enum:
    # Nothing is sent but control frames, which bring their own memory.
    NO_FRAME = 1


cdef class ConnectUser(User):
    """A user that connects and is there.

    traffic: what it shares with the worker's other users. index: within the worker. user: its
    number over the whole run. awaits_greeting: whether the owner is told (`joined`) of the first
    message. The remaining arguments are those of `Connection`. Raises ValueError where the index
    is out of range.
    """

    def __init__(
        self,
        buffer,
        owner,
        handshake,
        ConnectTraffic traffic not None,
        *,
        uint32_t index,
        uint32_t user,
        bint awaits_greeting = False,
        **options,
    ):
        if index >= <uint32_t>len(traffic.users):
            raise ValueError(f"index is {index}; there are {len(traffic.users)} users")
        self.belong(traffic, index, user, -1)
        self.awaits_greeting = awaits_greeting

    cdef void on_message(self, uint8_t opcode, uint8_t* payload, size_t length) noexcept:
        cdef ConnectTraffic traffic = <ConnectTraffic>self.traffic
        traffic.counters[TRAFFIC_FRAMES_IN] += 1
        if self.awaits_greeting and self.greeted_ns == 0:
            self.greeted_ns = self.arrival_ns
            if not self.apart:
                histogram_record(traffic.greeting_words, self.arrival_ns - self.open_ns)
            self.owner.joined(self)


cdef class ConnectTraffic(Traffic):
    """What the users of one worker share in a run that only connects.

    loop: an asyncio loop. ledger, schedule, deadline_ns: as for all traffic; nothing is booked, and
    None and 0 stand for what is not planned. counters: uint64[len(COUNTERS)]. histograms:
    int64[HISTOGRAM_WORDS] by names of metrics, of which those of all traffic, first_message_time
    and rejoin_time are needed. run, worker: the numbers of the run and of the worker. users: how
    many the worker has. ping_ns, ping_timeout_ns: see `pinger`; 0 for no pings.

    Raises ValueError where memory does not fit.
    """

    def __cinit__(
        self,
        loop,
        Ledger ledger not None,
        Schedule schedule,
        counters,
        histograms,
        *,
        run,
        worker,
        deadline_ns,
        uint32_t users,
        int64_t ping_ns = 0,
        int64_t ping_timeout_ns = 0,
    ):
        self.greeting_words = self.words_of("first_message_time")
        self.rejoin_words = self.words_of("rejoin_time")
        self.users = [None] * users
        self.make_room(NO_FRAME, users)
        self.make_pinger(ping_ns, ping_timeout_ns)

    def arrived(self, ConnectUser user not None, int64_t at_ns) -> None:
        """Book that a user is there as of an instant: it is open, and has its greeting if awaited.

        A user that left before by `leave` has come back, and its time away is recorded.
        """
        cdef ConnectUser before
        if user.phase != CONNECTION_OPEN:
            return
        before = <ConnectUser>self.users[user.index]
        self.users[user.index] = user
        self.counters[TRAFFIC_JOINED if before is None else TRAFFIC_REJOINED] += 1
        if before is not None and before.left_ns and not user.apart:
            histogram_record(self.rejoin_words, at_ns - before.left_ns)

    def leave(self, ConnectUser user not None) -> None:
        """Book that a user leaves of its own will; its connection is to be closed next."""
        user.left_ns = clock_now_ns()
        self.counters[TRAFFIC_LEFT] += 1
