"""A message costs no Python object: counted at Python's own allocators, over 100,000 messages."""

import asyncio
import ctypes
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from surgewire._core import frame, marker
from surgewire._core.clock import now_ns
from surgewire._core.deflate import Compressor, Terms
from surgewire._core.echo import EchoPeer, EchoService
from surgewire._core.pacer import Schedule
from surgewire._core.sizes import SizePicker
from tests.core.chat_rig import Party
from tests.core.chat_server_rig import Chat, text
from tests.core.rig import SECOND_NS, Rig
from tests.core.wire import BUFFER, Owner, Passed, Transport

MESSAGES = 100_000
RATE_PER_S = 100_000
PER_WAKE = 500
READ_BYTES = 16_384

# A pause of the process makes more fall due at once than a socket takes.
pytestmark = pytest.mark.serial


@pytest.fixture(scope="module")
def allocations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ctypes.PyDLL]:
    library = tmp_path_factory.mktemp("count") / "count_allocations.so"
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    include = f"-I{sysconfig.get_path('include')}"
    undefined = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
    source = Path(__file__).with_name("count_allocations.c")
    subprocess.run(
        [*compiler, "-shared", "-fPIC", "-O1", include, *undefined, "-o", library, source],
        check=True,
        capture_output=True,
    )
    loaded = ctypes.PyDLL(str(library))
    loaded.counted.restype = ctypes.c_longlong
    loaded.install()
    yield loaded
    loaded.uninstall()


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


def pieces(
    payloads: list[bytes], *, mask_key: bytes | None = None, packer: Compressor | None = None
) -> list[bytes]:
    """Frames of `payloads` as reads of about READ_BYTES, whole frames each."""
    if packer is None:
        frames = [frame.encode(frame.TEXT, p, mask_key=mask_key) for p in payloads]
    else:
        frames = [frame.encode(frame.TEXT, packer.compress(p)) for p in payloads]
        frames = [bytes([f[0] | 0x40]) + f[1:] for f in frames]
    per_read = READ_BYTES // len(frames[0])
    return [b"".join(frames[i : i + per_read]) for i in range(0, len(frames), per_read)]


def test_counter_counts(allocations: ctypes.PyDLL) -> None:
    before = allocations.counted()
    kept = [object() for _ in range(1000)]
    assert allocations.counted() - before >= len(kept)


@pytest.mark.parametrize(
    ("deflate", "messages", "rate_per_s"),
    [
        (None, MESSAGES, RATE_PER_S),
        # The peer, in Python, compresses and decompresses them as well.
        (Terms(), MESSAGES // 5, RATE_PER_S // 5),
        (Terms(sends_takeover=False, receives_takeover=False), MESSAGES // 5, RATE_PER_S // 5),
    ],
    ids=["plain", "compressed", "compressed alone"],
)
def test_sending_and_receiving_create_no_object_per_message(
    deflate: Terms | None,
    messages: int,
    rate_per_s: int,
    allocations: ctypes.PyDLL,
    loop: asyncio.AbstractEventLoop,
) -> None:
    schedule = Schedule.constant(1, rate_per_s, SECOND_NS)
    rig = Rig(loop, 1, schedule, window_bits=65536, deflate=deflate)
    packer = None if deflate is None else Compressor(deflate)
    try:
        start_ns = now_ns()
        rig.traffic.start(start_ns, start_ns, start_ns + 3600 * SECOND_NS)
        wakes = sent = received = spent_sending = spent_receiving = 0
        user = rig.users[0]
        while user.sequence < messages:
            while now_ns() < start_ns + (wakes + 1) * PER_WAKE * SECOND_NS // rate_per_s:
                pass
            before = allocations.counted()
            rig.wake()
            spent_sending += allocations.counted() - before
            wakes += 1
            payloads = rig.payloads(0)
            sent += len(payloads)
            for piece in pieces(payloads, packer=packer) if payloads else []:
                view = user.get_buffer(-1)
                view[: len(piece)] = piece
                length = len(piece)
                before = allocations.counted()
                user.buffer_updated(length)
                spent_receiving += allocations.counted() - before
                received += 1
        booked = rig.booked()
    finally:
        rig.close()
    assert sent == booked["sent"] == booked["delivered"] >= messages
    # A wake-up and a read have a price of their own, whatever number of messages they bring.
    assert spent_sending <= 20 * wakes
    assert spent_receiving <= 5 * received
    assert wakes + received < messages / 20


def test_echoing_creates_no_object_per_message(
    allocations: ctypes.PyDLL, loop: asyncio.AbstractEventLoop
) -> None:
    transport, service = Transport(), EchoService(loop)
    peer = EchoPeer(BUFFER, Owner(), Passed(), service, client=False)
    try:
        peer.connection_made(transport)
        transport.sent()
        view = peer.get_buffer(-1)
        view[:4] = b"okay"
        peer.buffer_updated(4)
        reads = pieces([b"m" * 64] * MESSAGES, mask_key=b"\x01\x02\x03\x04")
        echoed = spent = 0
        for piece in reads:
            view[: len(piece)] = piece
            length = len(piece)
            before = allocations.counted()
            peer.buffer_updated(length)
            spent += allocations.counted() - before
            echoed += len(transport.sent())
    finally:
        service.close()
        transport.shut()
    assert service.messages == MESSAGES
    assert echoed == MESSAGES * (2 + 64)
    assert spent <= 5 * len(reads)


@pytest.mark.parametrize("faults", [None, {"drop_ppm": 10_000, "damage_ppm": 10_000}])
def test_relaying_creates_no_object_per_delivery(
    faults: dict[str, int] | None,
    allocations: ctypes.PyDLL,
    loop: asyncio.AbstractEventLoop,
    tmp_path: Path,
) -> None:
    members, messages, per_read = 20, MESSAGES // 20, 50
    options = {"faults": faults, "truth": f"{tmp_path}/truth"} if faults else {}
    chat = Chat(loop, **options)
    try:
        people = [chat.member() for _ in range(members)]
        sender = people[0].peer
        spent = heard = 0
        for first in range(0, messages, per_read):
            sequences = range(first + 1, first + per_read + 1)
            markers = [marker.encode(1, 2, 0, sequence, 9, 9) for sequence in sequences]
            piece = b"".join(map(text, markers))
            view = sender.get_buffer(-1)
            view[: len(piece)] = piece
            length = len(piece)
            before = allocations.counted()
            sender.buffer_updated(length)
            spent += allocations.counted() - before
            for person in people:
                while sent := person.transport.sent():
                    heard += len(sent)
        assert chat.service.deliveries * 54 == heard
    finally:
        chat.close()
    assert chat.service.messages == messages
    assert chat.service.deliveries > 0.97 * MESSAGES
    assert spent <= 5 * messages / per_read


def test_pings_create_no_object_each(
    allocations: ctypes.PyDLL, loop: asyncio.AbstractEventLoop
) -> None:
    users, rounds, ping_ns = 100, 20, 2_000_000
    rig = Rig(loop, users, None, ping_ns=ping_ns, ping_timeout_ns=60 * SECOND_NS)
    spent_sending = spent_receiving = 0
    try:
        for _ in range(rounds):
            due_ns = now_ns() + ping_ns
            while now_ns() < due_ns:
                pass
            before = allocations.counted()
            rig.wake()
            spent_sending += allocations.counted() - before
            for user, transport in zip(rig.users, rig.transports, strict=True):
                (ping,) = frame.Decoder(role="server").feed(transport.sent())
                pongs = frame.encode(frame.PONG, ping.payload)
                pongs += 1000 * frame.encode(frame.PONG, b"not that")
                view = user.get_buffer(-1)
                view[: len(pongs)] = pongs
                length = len(pongs)
                before = allocations.counted()
                user.buffer_updated(length)
                spent_receiving += allocations.counted() - before
        assert rig.counted("pings") == rig.counted("pongs") == users * rounds
    finally:
        rig.close()
    assert spent_sending <= 20 * rounds
    assert spent_receiving <= 5 * users * rounds


@pytest.mark.parametrize("traced", [False, True])
def test_rooms_create_no_object_per_message_or_delivery(
    allocations: ctypes.PyDLL, loop: asyncio.AbstractEventLoop, tmp_path: Path, traced: bool
) -> None:
    """Slots of all kinds, sizes by chance, three rooms of two workers, eleven members each."""
    members, rooms, per_wake = 33, 3, 40
    slots = (("room",), ("user",), ("seq",), ("now_ms",), ("random", 8), ("marker",), ("padding",))
    party = Party(
        loop,
        workers=2,
        users=members,
        rooms=rooms,
        speakers=[0, 16, 32],
        rate=20_000,
        parts=slots,
        sizes=SizePicker("uniform", (64, 300), 1),
        trace=tmp_path / "trace" if traced else None,
        window_bits=8192,
        slots=8192,
    )
    wakes = reads = spent_sending = spent_receiving = 0
    try:
        start_ns = party.begin(0, last=False)
        while (booked := party.booked()).get("delivered", 0) < MESSAGES:
            while now_ns() < start_ns + (wakes + 1) * per_wake * SECOND_NS // 20_000:
                pass
            before = allocations.counted()
            party.wake()
            spent_sending += allocations.counted() - before
            wakes += 1
            said = party.said()
            for person in party.people:
                heard = [m for user, m in said if party.room_of(user) == person.user.room]
                for piece in pieces(heard) if heard else []:
                    view = person.user.get_buffer(-1)
                    view[: len(piece)] = piece
                    length = len(piece)
                    before = allocations.counted()
                    person.user.buffer_updated(length)
                    spent_receiving += allocations.counted() - before
                    reads += 1
    finally:
        party.close()
    assert booked["delivered"] == booked["expected"] == 11 * booked["sent"]
    assert party.histogram("fanout_last").count == booked["complete"] == booked["sent"]
    # A wake-up of two workers and a read have a price of their own, whatever they bring.
    # Where all is slow, a wake-up has many calls of `send`, for three senders in turn.
    assert spent_sending <= 40 * wakes + booked["sent"] // 4
    assert spent_receiving <= 5 * reads
    assert booked["sent"] / wakes > 40
    assert booked["delivered"] / reads > 10
