"""How awkward users behave: what is done to a connection, and when.

A user's `Manners` are told by its reins (see the native `reins`) when the transport is there, when
the upgrade is complete and when the end begins, and by the job when what the run is for begins.
Whoever breaks something first stops sending for a moment: what it has sent is with the server by
then, and is rightly expected to arrive at others.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, ClassVar

from surgewire._core.reins import Reins
from surgewire.plan.behaviour import Behaviour
from surgewire.plan.way.sockets import SocketPart

if TYPE_CHECKING:
    from surgewire._core.connection import Handshake

KEPT = "kept"
"""The connection was there when we closed it."""
VANISHED = "vanished"
"""It was ended by its user as it was to."""
DROPPED = "dropped"
"""The server had ended it, which its user did not want to see."""

_TICK_S = 0.1
_FLOOD_TICK_S = 0.01
_SETTLES_S = 0.25
_S = 1_000_000_000

# Reserved bits, a reserved opcode, a ping in fragments, a ping that is too long, and the
# continuation of nothing (RFC 6455 sections 5.2, 5.4 and 5.5), each masked with a key of zeros.
_BROKEN_FRAMES = (
    b"\xb1\x82\0\0\0\0hi",
    b"\x83\x82\0\0\0\0hi",
    b"\x09\x82\0\0\0\0hi",
    b"\x89\xfe\x00\x7e\0\0\0\0" + b"x" * 126,
    b"\x80\x82\0\0\0\0hi",
)
# A client must mask each frame (RFC 6455 section 5.1).
_UNMASKED_FRAME = b"\x81\x02hi"


class Manners:
    """One connection's behaviour; by itself it does nothing unusual.

    user: its number over the whole run. seed: with it decides what is left to chance.
    """

    abrupt: ClassVar[bool] = False
    """Whether the connection is ended without a closing handshake."""

    def __init__(
        self, behaviour: Behaviour, loop: asyncio.AbstractEventLoop, *, user: int, seed: int
    ) -> None:
        """Prepare; nothing is done yet."""
        self.name = behaviour.name
        self.outcome = KEPT
        """What has become of the connection, where it was not the server who ended it."""
        self._amount = behaviour.amount
        self._loop = loop
        self._user = user
        self._chance = Random((seed << 32) + user)  # noqa: S311
        self._timer: asyncio.TimerHandle | None = None

    @property
    def counts(self) -> dict[str, int]:
        """What else was counted, by name of the fact."""
        return {}

    def handshake(self, handshake: "Handshake") -> "Handshake":
        """Return the opening handshake to use in the place of this one."""
        return handshake

    def sockets(self, part: SocketPart) -> SocketPart:
        """Return what the socket is to be like where it should be like `part`."""
        return part

    def made(self, reins: Reins) -> None:
        """Tell that the transport is there, and what holds the connection."""
        self._reins = reins

    def opened(self) -> None:
        """Tell that the upgrade is complete."""

    def begin(self, delay_s: float) -> None:
        """Tell that what the run is for begins in so many seconds."""

    def closing(self) -> None:
        """Tell that the end has begun: the answer to a close frame is read as it comes."""
        self._stop()
        if self._reins.own_reading:
            self._reins.read_on()

    def gone(self) -> None:
        """Tell that nothing is left."""
        self._stop()

    def _later(self, delay_s: float, callback: Callable[[], None]) -> None:
        self._timer = self._loop.call_later(delay_s, callback)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class SlowReader(Manners):
    """Reads at most `amount` bytes in a second."""

    def made(self, reins: Reins) -> None:
        """Keep others from reading."""
        super().made(reins)
        reins.pace_reading()

    def opened(self) -> None:
        """Begin to read slowly."""
        self._reins.hold_reading()
        self._step = max(1, int(self._amount * _TICK_S))
        self._later(self._step / self._amount, self._read)

    def _read(self) -> None:
        self._reins.read_on(self._step)
        self._later(self._step / self._amount, self._read)


class PausingReader(Manners):
    """Reads for `amount` ns, does not read for as long, and so on."""

    def made(self, reins: Reins) -> None:
        """Keep others from reading."""
        super().made(reins)
        reins.pace_reading()

    def opened(self) -> None:
        """Pause for the first time at an instant drawn by lot: not all are to pause at once."""
        self._later(self._amount / _S * self._chance.random(), self._pause)

    def _pause(self) -> None:
        self._reins.hold_reading()
        self._later(self._amount / _S, self._read)

    def _read(self) -> None:
        self._reins.read_on()
        self._later(self._amount / _S, self._pause)


class SmallBuffer(Manners):
    """Has a receive buffer of `amount` bytes, so that the kernel announces a small window."""

    def sockets(self, part: SocketPart) -> SocketPart:
        """Ask for the buffer before connecting: a window, once announced, is not taken back."""
        return part.model_copy(update={"receive_buffer_bytes": self._amount})


class SlowUpgrade(Manners):
    """Sends its upgrade request at `amount` bytes in a second."""

    def handshake(self, handshake: "Handshake") -> "Handshake":
        """Return the handshake with a request that is held back."""
        return _HeldBack(handshake, self._hold)

    def _hold(self, request: bytes) -> None:
        self._rest = request
        self._step = max(1, int(self._amount * _TICK_S))
        self._send()

    def _send(self) -> None:
        now, self._rest = self._rest[: self._step], self._rest[self._step :]
        self._reins.send_raw(now)
        if self._rest:
            self._later(self._step / self._amount, self._send)


class _HeldBack:
    """An opening handshake whose request another sends."""

    def __init__(self, handshake: "Handshake", send: Callable[[bytes], None]) -> None:
        self._handshake = handshake
        self._send = send

    def start(self) -> bytes:
        self._send(self._handshake.start())
        return b""

    def __getattr__(self, name: str) -> object:
        return getattr(self._handshake, name)

    def feed(self, data: bytes) -> tuple[bytes, bool, bytes]:
        return self._handshake.feed(data)


class Fragmented(Manners):
    """Sends its messages in fragments of `amount` bytes."""

    def opened(self) -> None:
        """Begin with the first message."""
        self._reins.fragment(self._amount)


class PingFlood(Manners):
    """Sends `amount` pings in a second."""

    _due = _pings = _pongs = 0

    @property
    def counts(self) -> dict[str, int]:
        """The pings that were sent, and how many were answered."""
        return {"flood_pings": self._pings, "flood_pongs": self._pongs}

    def opened(self) -> None:
        """Begin to send pings."""
        self._begun_s = self._loop.time()
        self._later(_FLOOD_TICK_S, self._ping)

    def _ping(self) -> None:
        due = int((self._loop.time() - self._begun_s) * self._amount)
        self._reins.ping(min(max(due - self._due, 0), self._amount))
        self._due = due
        self._later(_FLOOD_TICK_S, self._ping)

    def gone(self) -> None:
        """Keep the counts."""
        super().gone()
        self._pings, self._pongs = self._reins.pings, self._reins.pongs


class Breaking(Manners):
    """Does something once: between one and two times `amount` ns after the beginning."""

    def begin(self, delay_s: float) -> None:
        """Draw the instant by lot: not all are to do it at once."""
        self._later(delay_s + self._amount / _S * (1 + self._chance.random()), self._retire)

    def _retire(self) -> None:
        self._reins.retire()
        self._later(_SETTLES_S, self._act)

    def _act(self) -> None:
        raise NotImplementedError


class BrokenFrames(Breaking):
    """Sends one frame against the rules; which one its number decides."""

    def _act(self) -> None:
        self._reins.send_raw(_BROKEN_FRAMES[self._user % len(_BROKEN_FRAMES)])


class BrokenMasks(Breaking):
    """Sends one message without a mask."""

    def _act(self) -> None:
        self._reins.send_raw(_UNMASKED_FRAME)


class Vanish(Breaking):
    """Drops the connection with a reset."""

    def _act(self) -> None:
        self.outcome = VANISHED
        self._reins.reset()


class Silent(Breaking):
    """Reads and sends nothing any more, and stays."""

    abrupt = True

    def _act(self) -> None:
        self._reins.hold_reading()

    def closing(self) -> None:
        """See what has become of the connection, which nobody looked at."""
        self._stop()
        if self._reins.socket is not None and not _is_established(self._reins.socket.fileno()):
            self.outcome = DROPPED


def _is_established(fd: int) -> bool:
    """Tell whether the peer of a TCP connection has neither ended nor reset it."""
    name = getattr(socket, "TCP_INFO", None)
    if name is None:
        return True
    with socket.socket(fileno=socket.dup(fd)) as sock:
        if sock.family not in (socket.AF_INET, socket.AF_INET6):
            return True
        (state,) = struct.unpack("B", sock.getsockopt(socket.IPPROTO_TCP, name, 1))
    return bool(state == _TCP_ESTABLISHED)


_TCP_ESTABLISHED = 1

_MANNERS: dict[str, type[Manners]] = {
    "slow-reader": SlowReader,
    "pausing-reader": PausingReader,
    "small-buffer": SmallBuffer,
    "slow-upgrade": SlowUpgrade,
    "fragmented": Fragmented,
    "broken-frames": BrokenFrames,
    "broken-masks": BrokenMasks,
    "ping-flood": PingFlood,
    "vanish": Vanish,
    "silent": Silent,
}


def manners_of(
    behaviour: Behaviour, loop: asyncio.AbstractEventLoop, *, user: int, seed: int
) -> Manners:
    """Return the manners of a new connection of `user`."""
    return _MANNERS[behaviour.name](behaviour, loop, user=user, seed=seed)
