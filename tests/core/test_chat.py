import asyncio
import time
from collections.abc import Callable, Iterator

import pytest

from surgewire._core import chat as chat_core
from surgewire._core import frame
from surgewire._core.chat import ChatService
from surgewire._core.poller import AVAILABLE, Poller
from tests.core.chat_server_rig import KEY, Chat, mark, text
from tests.core.wire import feed

MakeChat = Callable[..., Chat]


@pytest.fixture
def make_chat() -> Iterator[MakeChat]:
    loop = asyncio.new_event_loop()
    made = []

    def make(*, poll: bool = False, **options: object) -> Chat:
        made.append(Chat(loop, poller=Poller(loop) if poll else None, **options))
        return made[-1]

    yield make
    for chat in made:
        chat.close()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def test_all_members_hear_a_message_the_sender_too(make_chat: MakeChat) -> None:
    chat = make_chat()
    a, b, other = chat.member(), chat.member(), chat.member("s")
    a.says(b"hello", b"")
    b.says(b'{"type":"message"}')
    for member in (a, b):
        assert member.hears() == [b"hello", b"", b'{"type":"message"}']
    assert other.hears() == []
    assert (chat.service.messages, chat.service.deliveries) == (3, 6)
    assert chat.service.room_count == 2


@pytest.mark.parametrize("truth", [False, True])
def test_messages_are_relayed_unchanged(truth: bool, make_chat: MakeChat, tmp_path: object) -> None:
    chat = make_chat(truth=f"{tmp_path}/truth") if truth else make_chat()
    a, b = chat.member(), chat.member()
    binary = bytes(range(256)) * 500
    feed(a.peer, frame.encode(frame.TEXT, b"a", fin=False, mask_key=KEY))
    feed(a.peer, frame.encode(frame.PING, b"p", mask_key=KEY))
    feed(a.peer, frame.encode(frame.CONTINUATION, b"b", mask_key=KEY))
    whole = frame.encode(frame.BINARY, binary, mask_key=KEY)
    for start in range(0, len(whole), 60_000):
        feed(a.peer, whole[start : start + 60_000])
    assert next((e.kind, e.payload) for e in a.events()) == ("pong", b"p")
    assert [(e.opcode, e.payload) for e in b.events()] == [
        (frame.TEXT, b"ab"),
        (frame.BINARY, binary),
    ]


def test_messages_of_one_read_leave_in_one_call(make_chat: MakeChat) -> None:
    chat = make_chat()
    a, b = chat.member(), chat.member()
    a.says(b"one", b"two", b"three")
    assert b.transport.sent() == b"\x81\x03one\x81\x03two\x81\x05three"


@pytest.mark.skipif(not AVAILABLE, reason="this system has no epoll")
def test_messages_of_one_turn_of_reading_leave_in_one_call(make_chat: MakeChat) -> None:
    chat = make_chat(poll=True)
    members = [chat.member(room) for room in "rsrsr"]

    def say(*speakers: int, deliveries: int) -> list[bytes]:
        """Let members say their number; give what each hears in one packet."""
        for number in speakers:
            members[number].transport.peer.send(text(b"%d" % number))
        deadline = time.monotonic() + 10
        while chat.service.deliveries < deliveries:
            assert time.monotonic() < deadline
            chat.run(0)
        return [member.transport.sent() for member in members]

    # A lone message waits for nobody.
    alone = b"\x81\x010"
    assert say(0, deliveries=3) == [alone, b"", alone, b"", alone]
    r, s = b"\x81\x012\x81\x014", b"\x81\x011\x81\x013"
    assert say(1, 2, 3, 4, deliveries=3 + 2 * 3 + 2 * 2) == [r, s, r, s, r]
    assert chat.service.messages == 5


def test_a_request_to_join_is_answered(make_chat: MakeChat) -> None:
    chat = make_chat()
    a, b = chat.member("7"), chat.member(None)
    b.says(b"is anybody there?")
    assert chat.service.strays == 1
    b.says(b'{"type": "join", "room": 7}', b"hello")
    assert b.hears() == [b'{"type":"joined","room":"7"}', b"hello"]
    assert a.hears() == [b"hello"]


def test_joining_again_moves(make_chat: MakeChat) -> None:
    chat = make_chat()
    a, b = chat.member("one"), chat.member("two")
    join = '{"type":"join","room":"%s"}'
    # What it said before it went is said in the room where it was, and heard there.
    a.says(b"bye", (join % "two").encode(), b"hi")
    assert a.hears() == [b"bye", b'{"type":"joined","room":"two"}', b"hi"]
    assert b.hears() == [b"hi"]
    assert chat.service.room_count == 1
    a.says((join % "two").encode())
    assert a.hears() == [b'{"type":"joined","room":"two"}']
    b.says("häh".encode(), (join % "h\\u00e4h").encode())
    assert a.hears() == ["häh".encode()]
    assert b.hears() == ["häh".encode(), b'{"type":"joined","room":"h\\u00e4h"}']
    assert chat.service.room_count == 2


@pytest.mark.parametrize(
    "payload",
    [
        b'{"type":"message","text":"join"}',
        b'{"type":"join"}',
        b'{"type":"join","room":null}',
        b'{"type":"join","room":true}',
        b'{"type":"join","room":["r"]}',
        b'{"type":"join","room":"x"',
        b'{"join":' * 500,
        b'{"type":"join","room":"' + b"x" * 5000 + b'"}',
        b'{"type":"join","room":"x","text":"' + mark(1) + b'"}',
        b' {"type":"join","room":"x"}',
        b'["join"]',
    ],
)
def test_what_is_no_request_to_join_is_a_message(payload: bytes, make_chat: MakeChat) -> None:
    chat = make_chat()
    a = chat.member()
    a.says(payload)
    assert a.hears() == [payload]


def test_a_binary_request_to_join_is_a_message(make_chat: MakeChat) -> None:
    chat = make_chat()
    a = chat.member()
    join = b'{"type":"join","room":"x"}'
    feed(a.peer, frame.encode(frame.BINARY, join, mask_key=KEY))
    assert a.hears() == [join]


def test_those_who_leave_are_gone_and_their_rooms_too(make_chat: MakeChat) -> None:
    chat = make_chat()
    members = [chat.member() for _ in range(20)]
    for member in members[::3]:
        member.goes()
    rest = [member for member in members if member.peer.is_open]
    assert len(rest) == 13
    close = b"\x03\xe8"
    feed(rest[0].peer, frame.encode(frame.CLOSE, close, mask_key=KEY))
    rest[1].says(b"who is here?")
    for member in rest[1:]:
        assert member.hears() == [b"who is here?"]
    assert [event.kind for event in rest[0].events()] == ["close"]
    assert ("closed", "close_1000") in rest[0].told
    assert "close" in rest[0].transport.calls
    for member in rest:
        member.goes()
    assert chat.service.room_count == 0
    assert chat.service.deliveries == 12


def test_what_came_with_a_close_frame_is_relayed_before(make_chat: MakeChat) -> None:
    chat = make_chat()
    a, b = chat.member(), chat.member()
    last_words = frame.encode(frame.TEXT, b"last words", mask_key=KEY)
    feed(a.peer, last_words + frame.encode(frame.CLOSE, b"\x03\xe8", mask_key=KEY))
    assert b.hears() == [b"last words"]
    assert [event.kind for event in a.events()] == ["message", "close"]


def test_a_member_that_breaks_the_rules_is_out(make_chat: MakeChat) -> None:
    chat = make_chat()
    a, b = chat.member(), chat.member()
    feed(a.peer, b"\x81\x00")
    assert [event.close_code for event in a.events()] == [1002]
    b.says(b"alone")
    assert b.hears() == [b"alone"]
    assert a.events() == []


@pytest.mark.parametrize("truth", [False, True])
def test_a_member_that_does_not_read_is_cut(
    truth: bool, make_chat: MakeChat, tmp_path: object
) -> None:
    options = {"truth": f"{tmp_path}/truth"} if truth else {}
    chat = make_chat(max_backlog_bytes=100_000, **options)
    a, b = chat.member(), chat.member()
    heard = 0
    # The kernel takes some hundred kilobytes; from then on the test's transport holds what comes.
    for _ in range(1000):
        a.says(b"x" * 10_000)
        heard += len(a.hears())
        b.transport.waiting = len(b.transport.written)
        if not b.peer.is_open:
            break
    assert heard > 10
    assert ("closed", None) in b.told
    assert 100_000 < len(b.transport.written) <= 130_000
    events = b.events()
    assert [event.kind for event in events] == ["message"] * (heard - 1) + ["close"]
    assert events[-1].close_code == 1013
    a.says(b"we are alone")
    assert a.hears() == [b"we are alone"]
    assert b.events() == []


def test_a_member_that_does_not_close_is_ended(
    make_chat: MakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_core, "CLOSING_S", 0.001)
    chat = make_chat()
    a = chat.member()
    a.peer.close(1001)
    assert a.transport.calls == []
    for _ in range(1000):
        if a.transport.calls:
            break
        chat.run(0.001)
    assert a.transport.calls == ["abort"]


def test_a_broken_member_holds_nobody_up(make_chat: MakeChat) -> None:
    chat = make_chat()
    a, b, c = chat.member(), chat.member(), chat.member()
    b.transport.peer.close()
    a.says(b"one")
    a.says(b"two")
    assert c.hears() == a.hears() == [b"one", b"two"]


def test_a_closed_service_relays_nothing(make_chat: MakeChat) -> None:
    chat = make_chat()
    a = chat.member()
    chat.service.close()
    chat.service.close()
    a.says(b"hello?")
    assert a.hears() == []


@pytest.mark.parametrize(
    "options",
    [{"cut_ppm": 1_000_001}, {"cut_ppm": -1}, {"cut_per_ns": 0}, {"seed": 1, "cut_ppm": 2e9}],
)
def test_cuts_that_make_no_sense(options: dict[str, int], make_chat: MakeChat) -> None:
    with pytest.raises(ValueError, match="no cuts"):
        make_chat(**options)


def test_truth_that_cannot_be_written(tmp_path: object) -> None:
    loop = asyncio.new_event_loop()
    with pytest.raises(OSError, match="directory"):
        ChatService(loop, truth=str(tmp_path))
    loop.close()
