"""The docs keep their word: links resolve, commands run, Python examples run.

The conventions for writers of docs:

- Commands stand in blocks tagged ``console``, on lines that begin with ``$ ``; other lines are
  output and are not compared. A block's commands run in order, in a temporary folder. ``sh`` and
  ``bash`` blocks are refused, so that no command escapes.
- What connects to port 8766 meets a target with TLS, whose certificate is for chat.example;
  root.pem, client.pem, client-key.pem and password.txt lie in the folder.
- ``surgewire`` commands run against an echo target of the test (``surgewire chat`` against a chat
  target), in small form: SMALLER below says what is scaled down, and the port 8765 becomes the
  target's. A run folder
  (``surgewire-runs/...``) becomes the newest one of the block. A command that is to fail carries
  the comment ``# exits with CODE``. The proxy 127.0.0.1:3128 and the Unix socket /run/chat.sock
  become the test's. ``surgewire serve`` starts in the background and must listen;
  of ``surgewire demo`` only the options are checked, and ``surgewire doctor`` measures nothing.
- ``make VERB`` must be a verb of the Makefile; commands of NOT_RUN are let through unseen.
- A block tagged ``csv`` or ``jsonl`` and the name of a file (``csv users.csv``) is that file, for
  the commands of its page.
- Blocks tagged ``python`` run as they stand, with the port replaced alone (by that of the chat
  target where they make a ChatPlan): keep them small.
"""

import contextlib
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import ways
from tests.certificates import Authority

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINKED = [*PAGES, *sorted((ROOT / "examples").glob("*.md"))]
SURGEWIRE = Path(sys.executable).parent / "surgewire"

# Of a page's proxy and Unix socket: what the test has in their place.
PROXY = "127.0.0.1:3128"
UNIX = "/run/chat.sock"
SECURE_PORT = "8766"
PASSWORD = "open sesame"
PORT = re.compile(r"\b8765\b")
RUN_FOLDER = re.compile(r"\b[\w./-]*surgewire-runs/[\w.-]+")
# Option -> what it is in a test.
SMALLER = {
    "--connections": "20",
    "--total": "20",
    "--rooms": "4",
    "--duration": "1s",
    "--ramp": "100ms",
    "--connect-rate": "200/s",
    "--warmup": "100ms",
    "--drain": "500ms",
    "--hold": "100ms",
    "--storm": "20",
    "--waves": "2x10/200ms",
    "--step": "1s",
    "--processes": "1",
}
NOT_RUN = {"apt-get", "brew", "cd", "git", "pip", "pipx", "pyenv", "sudo", "sysctl", "ulimit", "uv"}
TIMEOUT_S = 60.0

FENCE = re.compile(
    r"^(?P<ticks>```+)(?P<tag>\w*) *(?P<file>[^\n]*)\n(?P<body>.*?)^(?P=ticks)\s*$", re.M | re.S
)
LINK = re.compile(r"!?\[[^\]\n]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ +(?P<title>.+?)\s*$", re.M)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: Path
    line: int
    tag: str
    body: str
    file: str = ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text()
    return [
        Block(
            page, text.count("\n", 0, match.start()) + 1, match["tag"], match["body"], match["file"]
        )
        for match in FENCE.finditer(text)
    ]


def blocks_tagged(tag: str) -> list[Block]:
    return [block for page in PAGES for block in blocks_of(page) if block.tag == tag]


def commands_of(body: str) -> list[str]:
    """Return the commands of a console block, continued lines joined."""
    joined = body.replace("\\\n", " ")
    return [line[2:].strip() for line in joined.splitlines() if line.startswith("$ ")]


def smaller(command: str) -> str:
    """Return a surgewire command with its sizes scaled down."""
    for option, value in SMALLER.items():
        command = re.sub(rf"({option})([ =])[^\s\\]+", rf"\g<1>\g<2>{value}", command)
    return command


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that the headings of a page make."""
    text = FENCE.sub("", page.read_text())
    titles = (match["title"].lower() for match in HEADING.finditer(text))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def exit_code(command: str) -> int:
    match = re.search(r"#\s*exits with (\d+)", command)
    return int(match[1]) if match else 0


def newest_run(folder: Path) -> str:
    """Return the newest run folder, relative to ``folder``."""
    runs = sorted(folder.glob("surgewire-runs/*"), key=lambda path: path.stat().st_mtime_ns)
    assert runs, "no run before this command in its block"
    return str(runs[-1].relative_to(folder))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(command: list[str], port: int, folder: Path) -> Iterator[None]:
    """Run a server until it listens on ``port``; stops it at the end."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None, f"{command} ended with {process.returncode}"
            assert time.monotonic() < deadline, f"{command} does not listen"
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def target_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = free_port()
    command = [str(SURGEWIRE), "serve", "echo", "--port", str(port), "--processes", "1"]
    with serving(command, port, tmp_path_factory.mktemp("target")):
        yield port


@pytest.fixture(scope="module")
def chat_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = free_port()
    command = [str(SURGEWIRE), "serve", "chat", "--port", str(port)]
    with serving(command, port, tmp_path_factory.mktemp("chat")):
        yield port


@pytest.fixture(scope="module")
def proxy() -> Iterator[str]:
    with ways.proxy() as where:
        yield where


@pytest.fixture(scope="module")
def unix_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ways.unix_echo(tmp_path_factory.mktemp("unix") / "s") as path:
        yield str(path)


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Give the port of a target with TLS, and a folder with the files that the docs name."""
    folder = tmp_path_factory.mktemp("secure")
    authority = Authority(folder)
    cert, key = authority.locked_pair("client", PASSWORD)
    cert.rename(folder / "client.pem")
    key.rename(folder / "client-key.pem")
    (folder / "password.txt").write_text(f"{PASSWORD}\n")
    with ways.secure_echo(authority.certificate("chat.example")) as port:
        yield str(port), folder


def run_surgewire(command: str, folder: Path, port: int) -> None:
    """Run one surgewire command of the docs in small form and check its exit code."""
    words = shlex.split(command, comments=True)
    if words[1] == "serve":
        own_port = free_port()
        command = PORT.sub(str(own_port), command)
        words = shlex.split(command, comments=True)[1:]
        if "--port" not in words:
            words += ["--port", str(own_port)]
        with serving([str(SURGEWIRE), *words], own_port, folder):
            return
    if words[1] == "demo":
        words.append("--help")
        command = shlex.join(words)
    if words[1] == "doctor":
        command = command.replace("surgewire doctor", "surgewire doctor --no-self-test")
    if RUN_FOLDER.search(command):
        command = RUN_FOLDER.sub(newest_run(folder), command)
    command = PORT.sub(str(port), smaller(command))
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"exec 2>&1; PATH={SURGEWIRE.parent}:$PATH\n{command}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == exit_code(command), f"{command}\n{done.stdout}"


def verbs() -> set[str]:
    makefile = (ROOT / "Makefile").read_text()
    return set(re.findall(r"^([a-z-]+):.*## ", makefile, re.M))


@pytest.mark.parametrize("block", blocks_tagged("console"), ids=str)
def test_commands_run(block: Block, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    commands = commands_of(block.body)
    assert commands, "a console block without a line that begins with '$ '"
    for other in blocks_of(block.page):
        if other.tag in ("csv", "jsonl"):
            (tmp_path / other.file).write_text(other.body)
    for command in commands:
        words = shlex.split(command, comments=True)
        if words[0] == "surgewire":
            for text, fixture in ((PROXY, "proxy"), (UNIX, "unix_path")):
                if text in command:
                    command = command.replace(text, request.getfixturevalue(fixture))
            if SECURE_PORT in command:
                port, files = request.getfixturevalue("secure")
                shutil.copytree(files, tmp_path, dirs_exist_ok=True)
                command = command.replace(SECURE_PORT, port)
            target = "chat_port" if words[1] == "chat" else "target_port"
            run_surgewire(command, tmp_path, request.getfixturevalue(target))
        elif words[0] == "make":
            assert {word for word in words[1:] if "=" not in word} <= verbs(), command
        else:
            assert words[0] in NOT_RUN, f"{command}: say in tests/test_docs.py how to check it"


@pytest.mark.parametrize("block", blocks_tagged("python"), ids=str)
def test_python_example_runs(block: Block, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    port = request.getfixturevalue("chat_port" if "ChatPlan(" in block.body else "target_port")
    done = subprocess.run(
        [sys.executable, "-c", PORT.sub(str(port), block.body)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    for match in LINK.finditer(FENCE.sub("", page.read_text())):
        target = match["target"]
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page.name}: {target} is not there"
        assert file.is_relative_to(ROOT), f"{page.name}: {target} lies outside"
        if anchor:
            assert anchor in anchors_of(file), f"{page.name}: no heading makes {target}"


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_command_escapes(page: Path) -> None:
    tags = {block.tag for block in blocks_of(page)}
    assert not tags & {"sh", "bash", "shell", "zsh"}, "tag commands as console"


def test_commands_are_made_small() -> None:
    command = "surgewire echo ws://h --connections 10000 --ramp=10s --size 64"
    assert smaller(command) == "surgewire echo ws://h --connections 20 --ramp=100ms --size 64"
    assert commands_of("$ a \\\n  b\nout\n$ c\n") == ["a    b", "c"]
    assert exit_code("surgewire echo nonsense  # exits with 2") == 2
