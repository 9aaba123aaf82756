"""No secret reaches what is written or shown, by any command: a canary stands in each place."""

import base64
import contextlib
import os
import pty
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from surgewire.cli.main import main
from tests import ways
from tests.cli.canary import canary, recording, search, search_folder
from tests.cli.conftest import Refusal

URL_PLACES = ("path", "query", "opaque", "bare")


def url(port: int, *, userinfo: bool = False) -> str:
    c = canary
    user = f"user:{c('userinfo')}@" if userinfo else ""
    return (
        f"ws://{user}127.0.0.1:{port}/pin={c('path')}/"
        f"?token={c('query')}&opaque={c('opaque')}&{c('bare')}"
    )


def shared_options(folder: Path) -> dict[str, list[str]]:
    """Return the options that plant secrets, by place; all commands that connect take them."""
    users = folder / "users.csv"
    users.write_text(f"name,ticket\nanna,{canary('row')}\nbert,{canary('row')}\n")
    c = canary
    return {
        "plain_header": ["--header", f"X-Colour: {c('plain_header')}"],
        "cookie": ["--cookie", f"session={c('cookie')}; lang=en"],
        "subprotocol": ["--subprotocol", c("subprotocol"), "--subprotocol", "chat.v1"],
        "added": ["--query", f"q={c('added')}"],
        "row": ["--users", str(users), "--header", "X-Ticket: {{ticket}}"],
    }


CHAT_OPTIONS = {
    # A header of this name and a user in the URL are one too many.
    "header": ["--header", f"Authorization: Bearer {canary('header')}"],
    "join": ["--join", f'{{"room":"{{{{room}}}}","ticket":"{canary("join")}"}}'],
    "send": [
        "--send",
        f'{{"key":"{canary("send")}","pin":"{canary("pin")}","t":"{{{{marker}}}}"}}',
    ],
}
SIZES = {
    "echo": ["--connections", "2", "--rate", "20/s", "--duration", "600ms", "--drain", "500ms"],
    "chat": ["--connections", "2", "--rooms", "2", "--rate", "20/s", "--duration", "600ms"],
    "connect": ["--total", "2", "--rate", "10/s", "--hold", "500ms"],
    "find": ["--find-rate", "--rate", "5/s..10/s", "--step", "500ms"],
}


def command_line(
    command: str, port: int, inputs: Path, outputs: Path
) -> tuple[list[str], set[str]]:
    """Return a command line that is full of secrets, and the places in which they are."""
    planted = shared_options(inputs) | (CHAT_OPTIONS if command == "chat" else {})
    options = [word for words in planted.values() for word in words]
    if command == "chat":
        options += ["--trace", str(outputs / "trace")]
    places = {*URL_PLACES, *planted}
    if command != "chat":
        places.add("userinfo")
    return [
        "connect" if command == "find" else command, url(port, userinfo=command != "chat"),
        *SIZES[command], "--processes", "1", "--secret", "pin", *options,
        "--runs-dir", str(outputs / "runs"), "--json", str(outputs / f"{command}.json"),
    ], places  # fmt: skip


def run_on_a_terminal(arguments: list[str]) -> str:
    """Run a command with a terminal for its output; return what it showed and how it is called."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        process = subprocess.Popen(
            [sys.executable, "-m", "surgewire", *arguments],
            stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "300"},
        )  # fmt: skip
        os.close(theirs)
        shown, names = b"", []
        try:
            while piece := screen.read(65536):
                shown += piece
                # Once it says anything, its arguments have been read.
                names += _names(process.pid)
        except OSError:
            # EIO: the last process that had the terminal has ended.
            pass
        assert process.wait(30) == 0, shown.decode(errors="replace")
    assert any("--runs-dir" in name for name in names)
    return shown.decode(errors="replace") + "\n".join(names)


def _names(pid: int) -> list[str]:
    """Return how a process and its children are called, those that have just ended left out."""
    names = []
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                names.append(" ".join(process.cmdline()))
    return names


@pytest.fixture(scope="module")
def proxy() -> Iterator[str]:
    """Give the URL of a proxy that lets nobody through without its password."""
    with ways.proxy(f"user:{canary('proxy')}") as place:
        yield f"http://user:{canary('proxy')}@{place}"


@pytest.mark.parametrize("command", SIZES)
def test_no_artefact_has_a_secret(
    command: str, proxy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs, outputs = tmp_path / "inputs", tmp_path / "outputs"
    inputs.mkdir()
    outputs.mkdir()
    with recording() as (server, port):
        arguments, places = command_line(command, port, inputs, outputs)
        shown = run_on_a_terminal([*arguments, "--proxy", proxy])
    missing = {place for place in places if not server.got(place)}
    assert not missing, f"planted and not sent: {missing}"
    assert search(shown) == []
    folders = [path.parent for path in sorted((outputs / "runs").rglob("journal.bin"))]
    assert len(folders) == 1 or command == "find"
    assert main(["report", str(folders[0]), "--json", str(outputs / "again.json")]) == 0
    assert main(["report", str(folders[0]), "--hdr", str(outputs / "log.hdr")]) == 0
    assert main(["watch", str(folders[0])]) == 0
    captured = capsys.readouterr()
    assert search(captured.out + captured.err) == []
    written = {path.name for path in outputs.rglob("*") if path.is_file()}
    assert {"plan.json", "journal.bin", "result.json", "again.json", f"{command}.json"} <= written
    assert search_folder(outputs) == []


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    credentials = base64.b64encode(f"user:{canary('userinfo')}".encode()).decode()
    assert search(f"x {canary('query')} y {credentials}") != []
    for shift in range(3):
        assert len(search(base64.b64encode(b"." * shift + canary("x").encode()).decode())) == 1
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_text(f"a{canary('file')}")
    assert len(search_folder(tmp_path)) == 1


ONE = ["--connections", "1", "--rate", "1/s"]
USAGE = [
    ["echo", f"wss://user:{canary('user')}@h:99999/", "--connections", "1"],
    ["echo", f"http://h/?token={canary('query')}"],
    ["echo", f"ws://h/?token={canary('query')}#x"],
    ["echo", f"h/?token={canary('query')}"],
    ["echo", f"ws://h/{{{{what}}}}?a={canary('query')}", *ONE],
    ["echo", f"ws://h/?a={canary('query')}", "--connections", "x"],
    ["echo", f"ws://h /?a={canary('query')}"],
    ["echo", f"ws://h/?{'a' * 8000}={canary('query')}"],
    ["echo", f"ws://[h/?a={canary('query')}"],
    [f"ws://user:{canary('user')}@h/?a={canary('query')}"],
    ["echo", "ws://h/", "--header", "Authorization: Bearer", canary("word")],
    ["echo", "ws://h/", "--header", canary("word"), *ONE],
    ["echo", "ws://h/", f"--header=X:{canary('word')}\n", *ONE],
    ["echo", "ws://h/", f"--cookie={canary('word')}", *ONE],
    ["echo", "ws://h/", "--subprotocol", f"a b {canary('s')}", *ONE],
    ["echo", f"ws://a:{canary('p')}@h/", "--header", f"Authorization: {canary('w')}", *ONE],
    ["echo", "ws://h/", "--secret", f"pin={canary('pin')}", *ONE],
    ["chat", "ws://h/", "--connections", "1", "--rate", "1/s", "--send", f"key={canary('k')}"],
    ["chat", "ws://h/", "--connections", "1", "--rate", "1/s", "--joined", f"/key={canary('k')}(/"],
]


@pytest.mark.parametrize("arguments", USAGE, ids=range(len(USAGE)))
def test_no_refusal_repeats_a_secret(arguments: list[str], refusal: Refusal) -> None:
    assert search(refusal(*arguments)) == []


def test_a_run_that_fails_tells_no_secret(refusal: Refusal, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    said = refusal(
        *["echo", url(port), "--connections", "2", "--rate", "1/s", "--duration", "1s"],
        *["--secret", "pin", "--runs-dir", str(tmp_path), "--quiet"],
        exit_code=1,
    )
    assert "tcp_refused" in said
    assert search(said) == []
    assert search_folder(tmp_path) == []


def test_the_doctor_tells_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    address = url(9, userinfo=True).replace("127.0.0.1", "192.0.2.1")
    options = ["--connections", "10", "--duration", "1s", "--no-self-test"]
    for form in ([], ["--json", "-"]):
        assert main(["doctor", address, *options, *form]) in (0, 1)
        captured = capsys.readouterr()
        assert len(captured.out) > 100
        assert search(captured.out + captured.err) == []
