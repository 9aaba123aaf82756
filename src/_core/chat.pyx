"""A chat server: rooms, and messages that are relayed unchanged to all members of a room.

`ChatPeer` is the same native connection that the load runs on, in the server's role. `ChatService`
is what the peers of one loop share. Where nothing is to be decided or recorded for single
deliveries, a message is framed once and handed to each member with one call; messages for one room
that come in one turn of reading leave together. Else every delivery goes its own way, through
`ChatDelivery`.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.math cimport log
from libc.stdint cimport uint8_t, uint64_t

from surgewire._core.chat_delivery cimport ChatDelivery
from surgewire._core.chat_faults cimport ChatFaults
from surgewire._core.chat_message cimport chat_find_marker
from surgewire._core.chat_room cimport ChatMember, ChatRoom
from surgewire._core.chat_truth cimport (
    CHAT_CUT_CLOSE,
    CHAT_CUT_EOF,
    CHAT_CUT_RESET,
    CHAT_CUT_SLOW,
    CHAT_JOINED,
    CHAT_LEFT,
    CHAT_OPENED,
    ChatTruth,
)
from surgewire._core.clock cimport clock_now_ns
from surgewire._core.connection cimport CONNECTION_OPEN, Connection
from surgewire._core.delays cimport Delays
from surgewire._core.frame cimport FRAME_MAX_HEADER, FRAME_TEXT, frame_write_header
from surgewire._core.marker cimport marker_t
from surgewire._core.poller cimport Poller
from surgewire._core.splitmix cimport splitmix_mix, splitmix_next, splitmix_unit

from hashlib import blake2b
import json
import socket
import struct

from surgewire._core.chat_truth import field

DEFAULT_BACKLOG_BYTES = 16 << 20

cdef enum:
    # A room's frames are sent before they take more than this.
    GATHER = 65536
    # A longer message is no request to join.
    MAX_JOIN_BYTES = 4096
    GOING_AWAY = 1001
    TRY_AGAIN_LATER = 1013
    PPM = 1000000

cdef double NS_PER_S = 1e9
# How long a peer may take to close its side.
CLOSING_S = 10
# A cut that is further off does not come: no timer lasts for ever.
MAX_CUT_S = 30 * 86_400
cdef uint64_t CUTS = 0x2545F4914F6CDD1DULL


cdef class ChatPeer(ChatMember):
    """A connection to the chat server.

    service: what it shares with its siblings, which the owner tells of it with
    `service.admit(peer, …)` when it is open. The remaining arguments are those of `Connection`;
    the role is the server's.
    """

    def __init__(self, buffer, owner, handshake, ChatService service not None, **options):
        self.service = service
        self.upgrade = handshake
        self.columns = b",,"
        self.max_backlog_bytes = service.max_backlog_bytes
        self.overdue = service.overdue

    def connection_lost(self, exc) -> None:
        """Book the end and let everything go."""
        Connection.connection_lost(self, exc)
        self.keep_time(None)
        self.upgrade = None

    cdef void keep_time(self, object timer) noexcept:
        if self.timer is not None:
            self.timer.cancel()
        self.timer = timer

    cdef void begin_close(self, object kind) noexcept:
        cdef bint was_open = self.phase == CONNECTION_OPEN
        ChatMember.begin_close(self, kind)
        if was_open:
            self.keep_time(self.service.loop.call_later(CLOSING_S, self.abort))
            self.service.ended(self)

    cdef void on_message(self, uint8_t opcode, uint8_t* payload, size_t length) noexcept:
        self.service.take_message(self, opcode, payload, length)

    cdef void on_read_done(self) noexcept:
        if self.service.poller is None or not self.service.poller.busy:
            self.service.flush()


cdef class ChatService(TurnListener):
    """What the chat peers of one loop share.

    poller: reads for the peers; None leaves all reading to the loop. delays: those of `Delays`, for
    each delivery. faults: keyword arguments of `ChatFaults`, shares in parts per million. cut_ppm:
    how many in a million connections are cut within `cut_per_ns`. seed: makes all that happens by
    chance reproducible. truth: path of the file that takes the truth, or None; it is written anew.
    max_backlog_bytes: a member that has more than this waiting for it is cut when the next message
    comes.

    Raises ValueError for values that make no sense and OSError where the truth cannot be written.
    """

    def __cinit__(
        self, loop, Poller poller=None, *, delays=(), faults=None, cut_ppm=0,
        cut_per_ns=60_000_000_000, uint64_t seed=1, truth: str | None = None,
        max_backlog_bytes=DEFAULT_BACKLOG_BYTES,
    ):
        if not 0 <= cut_ppm <= PPM or cut_per_ns <= 0 or max_backlog_bytes < 0:
            raise ValueError(
                f"no cuts: {cut_ppm} ppm in {cut_per_ns} ns, over {max_backlog_bytes} bytes"
            )
        self.loop = loop
        self.seed = seed
        self.cuts_per_s = cut_ppm / <double>PPM / (cut_per_ns / NS_PER_S)
        self.max_backlog_bytes = max_backlog_bytes
        self.rooms, self.gathered, self.overdue = {}, [], []
        self.delivery = ChatDelivery(
            loop, Delays(delays), ChatFaults(seed, **(faults or {})),
            None if truth is None else ChatTruth(truth), self._relieved,
        )
        self.one_by_one = not self.delivery.idle()
        self.poller = poller
        if poller is not None:
            poller.listener = self

    @property
    def deliveries(self) -> int:
        """How many deliveries were handed over."""
        return self.gathered_deliveries + self.delivery.handed_over

    @property
    def waiting(self) -> int:
        """How many deliveries wait for an instant or for the next one."""
        return self.delivery.holding.length

    @property
    def room_count(self) -> int:
        """How many rooms have members."""
        return len(self.rooms)

    def admit(self, ChatPeer peer not None, room: str | None = None, user: str = "") -> None:
        """Take in a connection that is open now. room: where it is a member; None: in none yet."""
        self.admitted += 1
        peer.number = self.admitted
        peer.upgrade = None
        peer.columns = b",%d,%b" % (peer.number, field(user))
        peer.identity = _identity(user) if user else splitmix_mix(peer.number)
        # When its request came: the answer has left already, and the client may know before us.
        self.delivery.record_life(peer, CHAT_OPENED, None, peer.arrival_ns)
        if room is not None:
            self.enter(peer, room)
        self.plan_cut(peer)

    def close(self) -> None:
        """Send nothing more; book what still waits as unsent, and end the truth.

        Raises OSError where the truth could not be written.
        """
        if self.closed:
            return
        self.flush()
        self.closed = True
        self.delivery.close()

    # Messages.

    cdef void take_message(
        self, ChatPeer sender, uint8_t opcode, const uint8_t* payload, size_t length
    ) noexcept:
        if self.closed:
            return
        if (
            opcode == FRAME_TEXT and 0 < length <= MAX_JOIN_BYTES and payload[0] == 123  # a brace
            and self.take_join(sender, payload, length)
        ):
            return
        if sender.room is None:
            self.strays += 1
            return
        self.messages += 1
        if self.one_by_one:
            if self.delivery.relay(
                sender.room, sender, opcode, payload, length, sender.arrival_ns
            ) < 0:
                sender.abort("local_memory")
            self.cut_the_overdue()
        elif self.gather(sender.room, opcode, payload, length) < 0:
            sender.abort("local_memory")

    cdef bint take_join(self, ChatPeer peer, const uint8_t* payload, size_t length):
        """Whether a message is a request to join; it has been answered then."""
        cdef uint8_t header[FRAME_MAX_HEADER]
        cdef size_t header_length
        cdef marker_t marker
        cdef bytes frame
        if chat_find_marker(payload, length, &marker) >= 0:
            return False
        name = _room_asked(PyBytes_FromStringAndSize(<const char*>payload, length))
        if name is None:
            return False
        self.enter(peer, name)
        # Without spaces: a client looks for '"type":"joined"'.
        answer = json.dumps({"type": "joined", "room": name}, separators=(",", ":")).encode()
        header_length = frame_write_header(header, FRAME_TEXT, True, len(answer), False, 0)
        frame = PyBytes_FromStringAndSize(<const char*>header, header_length) + answer
        peer.write(<const uint8_t*>PyBytes_AS_STRING(frame), len(frame))
        return True

    cdef int gather(
        self, ChatRoom room, uint8_t opcode, const uint8_t* payload, size_t length
    ) noexcept:
        if room.out_length == 0:
            self.gathered.append(room)
        if room.gather(opcode, payload, length) < 0:
            return -1
        if room.out_length >= GATHER:
            self.flush_room(room)
        return 0

    cdef void flush_room(self, ChatRoom room) noexcept:
        self.gathered_deliveries += room.flush()

    cdef void flush(self) noexcept:
        cdef ChatRoom room
        if self.gathered:
            for room in self.gathered:
                self.flush_room(room)
            self.gathered.clear()
        self.cut_the_overdue()

    cdef void on_turn_done(self) noexcept:
        self.flush()

    def _relieved(self) -> None:
        self.cut_the_overdue()

    # Members.

    cdef int enter(self, ChatPeer peer, str name) except -1:
        cdef ChatRoom room = self.rooms.get(name)
        if room is not None and peer.room is room:
            return 0
        self.leave(peer)
        if room is None:
            room = self.rooms[name] = ChatRoom(name)
        # It gets what comes from now on, not what has been gathered.
        self.flush_room(room)
        if room.add(peer) < 0:
            raise MemoryError("no memory for the members of a room")
        self.delivery.record_life(peer, CHAT_JOINED, room, peer.arrival_ns)
        return 0

    cdef int leave(self, ChatPeer peer) except -1:
        cdef ChatRoom room = peer.room
        if room is None:
            return 0
        self.flush_room(room)
        room.remove(peer)
        if not peer.cut:
            self.delivery.record_life(peer, CHAT_LEFT, room, clock_now_ns())
        if room.count == 0:
            del self.rooms[room.name]
        return 0

    cdef void ended(self, ChatPeer peer) noexcept:
        """A connection that was open is open no more."""
        cdef bint member = peer.room is not None
        self.leave(peer)
        if peer.number and not member and not peer.cut:
            self.delivery.record_life(peer, CHAT_LEFT, None, clock_now_ns())
        self.delivery.release_back(peer)

    # Connections that we end.

    cdef int plan_cut(self, ChatPeer peer) except -1:
        """Draw when it is cut, and how: exponentially, since the hazard is the same at any age."""
        cdef uint64_t state = splitmix_mix(peer.number ^ splitmix_mix(self.seed ^ CUTS))
        cdef double seconds
        if self.cuts_per_s == 0:
            return 0
        seconds = -log(splitmix_unit(splitmix_next(&state))) / self.cuts_per_s
        if seconds <= MAX_CUT_S:
            how = (CHAT_CUT_CLOSE, CHAT_CUT_EOF, CHAT_CUT_RESET)[splitmix_next(&state) % 3]
            peer.keep_time(self.loop.call_later(seconds, self._cut, peer, how))
        return 0

    def _cut(self, ChatPeer peer, int event) -> None:
        if peer.phase == CONNECTION_OPEN:
            self.end(peer, event)

    cdef void cut_the_overdue(self) noexcept:
        cdef ChatPeer peer
        while self.overdue:
            peer = self.overdue.pop()
            if peer.phase == CONNECTION_OPEN:
                self.end(peer, CHAT_CUT_SLOW)

    cdef int end(self, ChatPeer peer, int event) except -1:
        """End a connection that is open, in one of four ways."""
        if peer.room is not None:
            self.flush_room(peer.room)
        peer.cut = True
        self.delivery.record_life(peer, event, peer.room, clock_now_ns())
        if event == CHAT_CUT_CLOSE:
            peer.close(GOING_AWAY)
        elif event == CHAT_CUT_SLOW:
            peer.close(TRY_AGAIN_LATER)
        elif event == CHAT_CUT_EOF:
            # What it still sends is read and dropped: a socket that is closed with unread data
            # would end with a reset.
            peer.begin_close(None)
            peer.transport.write_eof()
        else:
            peer.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            peer.abort()
        return 0


cdef uint64_t _identity(str user):
    """A number for a name: the same in every process, unlike `hash`."""
    digest = blake2b(user.encode("utf-8", "backslashreplace"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def _room_asked(bytes message not None):
    """Return the room that a message asks to join, None where it is no such request."""
    if b"join" not in message:
        return None
    try:
        asked = json.loads(message)
    except (ValueError, RecursionError):
        return None
    if not isinstance(asked, dict) or asked.get("type") != "join":
        return None
    room = asked.get("room")
    if isinstance(room, int) and not isinstance(room, bool):
        return str(room)
    return room if isinstance(room, str) else None
