"""Chat runs and the chat target from the command line, in processes of their own."""

import contextlib
import csv
import json
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

SHORT = ("--connections", "12", "--rooms", "3", "--rate", "10/s", "--duration", "500ms")
ROOM_IN_URL = "?room={{room}}&user={{user}}"
JOIN = ("--join", '{"type":"join","room":"{{room}}"}', "--joined", '"type":"joined"')
PER_ROOM = 4
SENT = 12 * 5


@contextlib.contextmanager
def chat_target(*options: str) -> Iterator[str]:
    """Run ``surgewire serve chat`` on a free port; give its URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "surgewire", "serve", "chat", "--port", "0", *options],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            listening = re.fullmatch(r"listening on (ws://\S+)\n", line)
            assert listening, line
            yield listening[1]
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with chat_target() as url:
        yield url


def run_chat(folder: Path, url: str, *options: str, fails: str = "") -> dict[str, Any]:
    """Do a short chat run; return its result. `fails`: what it says if nothing comes of it."""
    places = ("--runs-dir", str(folder / "runs"), "--json", str(folder / "json"))
    done = subprocess.run(
        [sys.executable, "-m", "surgewire", "chat", url, *SHORT, *options, *places],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode in ((1,) if fails else (0, 99)), done.stderr
    assert fails in done.stderr
    result: dict[str, Any] = json.loads((folder / "json").read_text())
    assert result["rooms"]["identity_holds"]
    return result


def events_of(path: Path) -> Counter[str]:
    """Count the events of a trace or of a target's truth."""
    with path.open() as file:
        return Counter(line["event"] for line in csv.DictReader(file))


@pytest.mark.parametrize(
    ("options", "heard_by"),
    [
        ((), PER_ROOM),
        (("--to", "others", "--processes", "3"), PER_ROOM),
        (("--send", '{"n":{{seq}},"t":"{{marker}}"}', "--size", "100..300", "--binary"), PER_ROOM),
    ],
)
def test_every_member_hears_every_message(
    server: str, tmp_path: Path, options: tuple[str, ...], heard_by: int
) -> None:
    result = run_chat(tmp_path, server + ROOM_IN_URL, *options)
    delivery = result["delivery"]
    assert delivery["sent"] == SENT
    if "others" in options:
        # This server sends to the sender too, which is not to be heard then.
        assert delivery["expected"] == delivery["delivered"] == SENT * (heard_by - 1)
        assert delivery["misrouted"] == SENT
    else:
        assert delivery["expected"] == delivery["delivered"] == SENT * heard_by
    assert delivery["damaged"] == delivery["duplicated"] == delivery["unmarked"] == 0


def test_rooms_are_joined_by_a_message(server: str, tmp_path: Path) -> None:
    result = run_chat(tmp_path, server, *JOIN, "--senders", "25%", "--trace", str(tmp_path / "t"))
    assert result["joins"]["joined"] == 12
    assert result["delivery"]["sent"] == 3 * 5
    assert result["delivery"]["delivered"] == 3 * 5 * PER_ROOM
    events = sum((events_of(part) for part in tmp_path.glob("t.*")), Counter[str]())
    assert events["sent"] == 15
    assert events["delivered"] == 60


def test_a_join_that_nobody_confirms_is_an_error_of_its_own(server: str, tmp_path: Path) -> None:
    options = ("--join", "hello", "--joined", "welcome", "--join-timeout", "200ms")
    result = run_chat(tmp_path, server, *options, fails="12 joins were not confirmed; check --join")
    assert result["joins"]["failed"] == 12
    assert result["connections"]["closed"] == {"timeout_join": 12}
    assert result["delivery"]["sent"] == 0


def test_the_target_does_wrong_and_says_so(tmp_path: Path) -> None:
    truth = tmp_path / "truth"
    with chat_target("--drop", "10%", "--seed", "5", "--truth", str(truth)) as url:
        result = run_chat(tmp_path, url + ROOM_IN_URL)
    events = events_of(truth)
    delivery = result["delivery"]
    assert events["received"] == delivery["sent"] == SENT
    assert events["dropped"] == delivery["lost"] > 0
    assert events["sent"] == delivery["delivered"] == SENT * PER_ROOM - events["dropped"]
    assert result["verdict"]["status"] == "fail"


def test_the_target_serves_anybody(server: str) -> None:
    with connect(f"{server}?room=lobby") as first, connect(server) as second:
        second.send('{"type":"join","room":"lobby"}')
        assert json.loads(second.recv(5)) == {"type": "joined", "room": "lobby"}
        first.send("hello")
        assert first.recv(5) == second.recv(5) == "hello"
        second.send(b"\x00\x01")
        assert first.recv(5) == second.recv(5) == b"\x00\x01"
