"""The embedded chat target, with clients of another library as members of its rooms."""

import asyncio
import contextlib
import csv
import itertools
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from websockets.asyncio.client import ClientConnection as Client
from websockets.asyncio.client import connect as connect_async
from websockets.sync.client import ClientConnection, connect

from surgewire._core import frame, marker
from surgewire.targets.chat import room_and_user
from tests.integration.target import serving, start, url_of

WRITTEN = ("sent", "duplicated", "damaged")
FAULTS = {"drop": "5%", "duplicate": "6%", "reorder": "7%", "damage": "8%"}
END = "no marker, so that nothing befalls it"

Truth = list[dict[str, str]]


def read(path: Path) -> Truth:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def member(url: str, room: str, user: str = "") -> ClientConnection:
    return connect(f"{url}?room={quote(room)}&user={quote(user)}", compression=None, max_size=None)


def test_messages_reach_all_members_unchanged() -> None:
    name, payload = "Räume & Co,\n", os.urandom(3_000_000)
    with (
        serving(kind="chat") as url,
        member(url, name) as a,
        member(url, name) as b,
        member(url, "other") as c,
        connect(url) as d,
    ):
        d.send('{"type":"join","room":"other"}')
        assert d.recv(timeout=10) == '{"type":"joined","room":"other"}'
        a.send("hello")
        a.send(["in ", "three ", "pieces"])
        a.send(payload)
        for each in (a, b):
            assert each.recv(timeout=10) == "hello"
            assert each.recv(timeout=10) == "in three pieces"
            assert each.recv(timeout=10) == payload
        a.close()
        b.send('{"type":"join","room":"other"}')
        assert b.recv(timeout=10) == '{"type":"joined","room":"other"}'
        c.send("welcome")
        assert [each.recv(timeout=10) for each in (b, c, d)] == ["welcome"] * 3


def said(room: int, user: int, sequence: int) -> str:
    """What a user says: user and worker are one here."""
    return f'{{"text":"{marker.encode(9, room, user, sequence, 1000, 0).decode()}"}}'


async def talk(client: Client, room: int, user: int, members: int, messages: int) -> list[str]:
    """Say what a user has to say; return what it heard, up to the last member's last word."""
    for sequence in range(1, messages + 1):
        await client.send(said(room, user, sequence))
    # What is held back comes after the first END; after the second nothing is.
    await client.send(END)
    await client.send(END)
    heard, ends = list[str](), 0
    while ends < 2 * members:
        message = str(await client.recv())
        if message == END:
            ends += 1
        else:
            heard.append(message)
    return heard


async def converse(url: str, users: int, rooms: int, messages: int) -> list[list[str]]:
    """Let users talk in their rooms, all at once; return what each heard."""
    async with asyncio.timeout(60), contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                connect_async(f"{url}?room={user % rooms}&user={user}", compression=None)
            )
            for user in range(users)
        ]
        return await asyncio.gather(
            *(
                talk(client, user % rooms, user, len(range(user % rooms, users, rooms)), messages)
                for user, client in enumerate(clients)
            )
        )


Converse = Callable[..., tuple[list[list[str]], Truth]]


@pytest.fixture
def conversation(tmp_path: Path) -> Converse:
    """Give what serves with options, lets users talk, and returns what each heard and the truth."""

    def run(*options: str, users: int, rooms: int, messages: int) -> tuple[list[list[str]], Truth]:
        path = tmp_path / "truth.csv"
        with serving("--truth", str(path), *options, kind="chat") as url:
            heard = asyncio.run(converse(url, users, rooms, messages))
        return heard, read(path)

    return run


def agree(heard: list[list[str]], truth: Truth) -> None:
    """Let what each user heard be what the lines of the truth say, one by one."""
    for user, messages in enumerate(heard):
        lines = [row for row in truth if row["user"] == str(user) and row["event"] in WRITTEN]
        assert len(lines) == len(messages)
        for line, message in zip(lines, messages, strict=True):
            sound = said(*(int(line[name]) for name in ("marker_room", "worker", "sequence")))
            wrong = sum(a != b for a, b in zip(sound, message, strict=True))
            assert wrong == (2 if line["event"] == "damaged" else 0)


def count(truth: Truth) -> Counter[str]:
    return Counter(row["event"] for row in truth)


@pytest.mark.parametrize("seed", ["1", "77"])
@pytest.mark.parametrize(
    "options",
    [
        [],
        *([f"--{name}", share] for name, share in FAULTS.items()),
        [*itertools.chain(*((f"--{name}", share) for name, share in FAULTS.items()))],
        ["--delay", "3ms", "--drop", "5%", "--reorder", "5%"],
    ],
    ids=lambda options: " ".join(options[::2]) or "no faults",
)
def test_clients_hear_what_the_truth_says(
    options: list[str], seed: str, conversation: Converse
) -> None:
    heard, truth = conversation(*options, "--seed", seed, users=9, rooms=3, messages=40)
    agree(heard, truth)
    counted = count(truth)
    assert counted["received"] == 360
    assert counted["sent"] + counted["dropped"] + counted["damaged"] == 1080
    assert counted["unsent"] == 0
    assert counted["opened"] == counted["joined"] == counted["left"] == 9
    named = {"drop": "dropped", "duplicate": "duplicated", "reorder": "reordered"}
    for name in FAULTS:
        event = named.get(name, "damaged")
        assert (counted[event] > 0) == (f"--{name}" in options), event


def test_the_seed_decides_what_befalls_which_delivery(conversation: Converse) -> None:
    options = ["--drop", "10%", "--damage", "10%", "--duplicate", "10%"]
    found = []
    for seed in ("5", "5", "6"):
        _, truth = conversation(*options, "--seed", seed, users=6, rooms=2, messages=30)
        names = ("event", "user", "worker", "sequence")
        found.append({tuple(row[name] for name in names) for row in truth if row["sequence"]})
    assert found[0] == found[1] != found[2]


def test_a_room_of_two_hundred(conversation: Converse) -> None:
    heard, truth = conversation(users=200, rooms=1, messages=1)
    agree(heard, truth)
    assert {len(messages) for messages in heard} == {200}
    assert count(truth)["sent"] == 40_000


def raw_member(url: str, room: str, user: str, receive_bytes: int = 0) -> socket.socket:
    """Join over a bare socket, where nobody reads in the background."""
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    sock = socket.socket()
    sock.settimeout(20)
    if receive_bytes:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.connect((address.hostname, address.port))
    sock.sendall(
        f"GET /?room={room}&user={user} HTTP/1.1\r\nHost: {address.netloc}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += sock.recv(1)
    assert head.startswith(b"HTTP/1.1 101 ")
    return sock


def test_a_member_that_does_not_read_is_cut_and_holds_nobody_up(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    sound = marker.encode(9, 0, 0, 1, 1, 0)
    with (
        serving("--max-backlog", "100k", "--truth", str(path), kind="chat") as url,
        member(url, "r", "quick") as quick,
        raw_member(url, "r", "lazy", 4096) as lazy,
    ):
        for _ in range(1000):
            quick.send(sound + bytes(9_948))
            assert len(quick.recv(timeout=10)) == 10_000
        decoder, events = frame.Decoder(role="client"), list[frame.Event]()
        while not events or events[-1].kind != "close":
            data = lazy.recv(1 << 20)
            assert data
            events += decoder.feed(data)
    assert events[-1].close_code == 1013
    truth = read(path)
    mine = Counter(row["event"] for row in truth if row["user"] == "lazy")
    assert mine["cut_slow"] == mine["unsent"] == 1
    assert mine["left"] == 0
    assert len(events) - 1 == mine["sent"] < 1000
    assert Counter(row["event"] for row in truth if row["user"] == "quick")["sent"] == 1000


def end_of(sock: socket.socket) -> str:
    """Return how the server ended a connection, in the words of the truth."""
    try:
        data = sock.recv(100)
    except ConnectionResetError:
        return "cut_reset"
    if not data:
        return "cut_eof"
    return "cut_close" if data == b"\x88\x02\x03\xe9" else repr(data)


def test_cuts_are_seen_by_clients(tmp_path: Path) -> None:
    ends = []
    for seed in ("1857", "1857"):
        path = tmp_path / f"truth{len(ends)}.csv"
        options = ("--cut", "100%/s", "--seed", seed, "--truth", str(path))
        with serving(*options, kind="chat") as url, contextlib.ExitStack() as stack:
            socks = [stack.enter_context(raw_member(url, "r", str(n))) for n in range(8)]
            seen = {str(n): end_of(sock) for n, sock in enumerate(socks)}
        truth = read(path)
        assert seen == {row["user"]: row["event"] for row in truth if "cut_" in row["event"]}
        assert set(seen.values()) == {"cut_close", "cut_eof", "cut_reset"}
        assert count(truth)["left"] == 0
        ends.append(seen)
    assert ends[0] == ends[1]


def test_members_that_vanish_have_left(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    with serving("--truth", str(path), kind="chat") as url, member(url, "r", "stays") as stays:
        for how in ("eof", "reset"):
            sock = raw_member(url, "r", how)
            if how == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.close()
        # Whatever the server does with these, it does after it has noticed the ends.
        for number in range(3):
            stays.send(str(number))
            assert stays.recv(timeout=10) == str(number)
    rows = [(row["event"], row["user"], row["room"]) for row in read(path)]
    assert {("left", "eof", "r"), ("left", "reset", "r")} <= set(rows)


def test_a_server_that_stalls() -> None:
    waits = []
    with serving("--stall", "150ms/400ms", kind="chat") as url, member(url, "r") as client:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            start_s = time.monotonic()
            client.send("?")
            client.recv(timeout=10)
            waits.append(time.monotonic() - start_s)
    assert max(waits) > 0.12


def test_a_killed_server_leaves_what_it_could_write(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    server = start("--truth", str(path), kind="chat")
    url_of(server)
    server.send_signal(signal.SIGKILL)
    server.communicate()
    assert len(path.read_text().splitlines()) == 1


def test_truth_that_cannot_be_written(tmp_path: Path) -> None:
    server = start("--truth", str(tmp_path), kind="chat")
    out, err = server.communicate(timeout=20)
    assert server.returncode == 2
    assert "--truth" in err
    assert (err.count("\n"), out) == (1, "")


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("/", (None, "")),
        ("/?room=", ("", "")),
        ("/ws?room=a%20b&user=%C3%A4", ("a b", "ä")),
        ("/ws?user=1&room=5&room=6", ("5", "1")),
        ("/ws?room=%ff", ("\ufffd", "")),
        ("//[?room=1", (None, "")),
    ],
)
def test_room_and_user_of_a_request(resource: str, expected: tuple[str | None, str]) -> None:
    assert room_and_user(resource) == expected
