"""A run, its target and its caller as processes, to be harmed; and what must be left of it.

Nothing here is told by the run itself but its report: processes are found by a mark in their
environment, ports by binding them, deliveries by the target's own record.
"""

import csv
import json
import os
import random
import signal
import socket
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from surgewire.engine.run import load_run
from surgewire.errors import SurgewireError
from tests.integration.conftest import GONE_WITHIN_S, eventually, open_files
from tests.integration.target import url_of

MARK = "SURGEWIRE_TEST_SCENE"
USERS = 20
ROOMS = 3
RATE_PER_S = 50
# Messages that a process may have sent and not counted when it was killed between the two: those
# of one turn of sending.
UNCOUNTED = 64
# What the target takes for an answer is far below, on a machine that is very busy as well.
SLOW_NS = 500_000_000


def surgewire(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "surgewire", *arguments]


@dataclass
class Scene:
    """One run against one target; all their processes carry one mark."""

    folder: Path
    port: int
    kind: str = "echo"
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    run: "subprocess.Popen[str] | None" = None
    target: "subprocess.Popen[str] | None" = None
    targets: int = 0
    text: str = ""
    """The report as text, once it was made."""

    @property
    def runs_dir(self) -> Path:
        return self.folder / "runs"

    @property
    def address(self) -> str:
        return f"ws://127.0.0.1:{self.port}/"

    @property
    def url(self) -> str:
        return self.address + ("?room={{room}}&user={{user}}" if self.kind == "chat" else "")

    def start_target(self, *options: str) -> None:
        """Start the target, on the same port each time; it writes down what it did."""
        self.targets += 1
        truth = self.folder / f"truth-{self.targets}.csv"
        one = ("--processes", "1") if self.kind == "echo" else ()
        self.target = self._start(
            "serve", self.kind, "--port", str(self.port), "--truth", str(truth), *one, *options
        )
        assert url_of(self.target).rstrip("/") == self.address.rstrip("/")

    def start_run(self, **options: str) -> None:
        given = {
            "connections": str(USERS), "rate": f"{RATE_PER_S}/s", "duration": "1s", "ramp": "300ms",
            "processes": "2", "drain": "1s", "connect-timeout": "5s", "ping": "200ms",
        }  # fmt: skip
        if self.kind == "chat":
            given |= {"rooms": str(ROOMS), "reconnect": "50ms..400ms", "churn": "100%/m"}
        given |= options
        self.run = self._start(
            self.kind, self.url, *(f"--{name}={value}" for name, value in given.items()),
            "--runs-dir", str(self.runs_dir), "--json", "-",
        )  # fmt: skip

    def _start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            surgewire(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, MARK: self.mark},
            start_new_session=True,
        )

    def so_far(self) -> Any:
        """Return the result of what is in the journal; None before there is a record."""
        try:
            [folder] = self.runs_dir.iterdir()
            return load_run(folder)
        except (SurgewireError, FileNotFoundError, ValueError):
            return None

    def wait_for_the_first_record(self) -> None:
        assert eventually(lambda: self.so_far() is not None)

    def wait_for_sending(self) -> None:
        assert eventually(lambda: (so_far := self.so_far()) and so_far.delivery.delivered > 0)

    def workers(self) -> list[psutil.Process]:
        assert self.run is not None
        try:
            return psutil.Process(self.run.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def shared_by_name(self) -> list[str]:
        """Return what the run's processes share under a name that would outlive them."""
        assert self.run is not None
        found = []
        for pid in (self.run.pid, *(worker.pid for worker in self.workers())):
            try:
                lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
            except OSError:
                continue
            found += [line for line in lines if "/dev/shm/" in line or "/SYSV" in line]
        return found

    def end_run(self) -> tuple[int, str, str]:
        """Wait until the run has ended by itself; return exit code, output, errors."""
        assert self.run is not None
        out, err = self.run.communicate(timeout=30)
        assert "Traceback" not in err, err
        return self.run.returncode, out, err

    def stop_target(self) -> None:
        if self.target is not None:
            if self.target.poll() is None:
                self.target.send_signal(signal.SIGTERM)
            self.target.communicate(timeout=20)

    def kill_target(self) -> None:
        assert self.target is not None
        os.killpg(self.target.pid, signal.SIGKILL)
        self.target.communicate(timeout=20)

    def truth(self) -> Counter[str]:
        """Count what the targets read, wrote, and were slow to write; call when they have ended."""
        found: Counter[str] = Counter()
        for path in self.folder.glob("truth-*.csv"):
            with path.open() as file:
                for row in csv.DictReader(file):
                    if self.kind == "chat":
                        found[row["event"]] += 1
                        continue
                    found["received"] += 1
                    found["sent"] += row["sent_ns"] not in ("", "0")
                    took_ns = int(row["sent_ns"] or 0) - int(row["received_ns"])
                    found["slow"] += took_ns > SLOW_NS
        return found

    def report(self) -> dict[str, Any]:
        """Make the report with the command, and check what must hold for whatever was counted."""
        [folder] = self.runs_dir.iterdir()
        path = self.folder / "report.json"
        done = subprocess.run(
            surgewire("report", str(folder), "--json", str(path)),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "Verdict" in done.stdout
        self.text = done.stdout
        result: dict[str, Any] = json.loads(path.read_text())
        check_account(result)
        return result

    def left_behind(self) -> list[str]:
        """Name what is still there of a scene that is over."""
        found: list[str] = []
        if not eventually(lambda: not self._processes(), GONE_WITHIN_S):
            found += [f"process {process}" for process in self._processes()]
        with socket.socket() as probe:
            # What lingers of connections that ended does not keep a server from starting.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError as error:
                found.append(f"port {self.port}: {error}")
        return found

    def _processes(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == self.mark:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def clear_away(self) -> None:
        for process in (self.run, self.target):
            if process is not None and process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        for process in (self.run, self.target):
            if process is not None and process.stdout is not None and not process.stdout.closed:
                process.communicate(timeout=20)


def check_account(result: dict[str, Any]) -> None:
    """Assert what holds for every report, however the run ended."""
    account, connections = result["delivery"], result["connections"]
    booked = ("delivered", "lost", "lost_to_disconnect", "undecided")
    assert account["expected"] == sum(account[name] for name in booked)
    assert all(count >= 0 for count in account.values() if isinstance(count, int))
    assert connections["attempted"] >= connections["established"] + connections["failed"]
    assert connections["established"] >= sum(connections["closed"].values())
    if result["rooms"] is not None and result["rooms"]["count"]:
        assert result["rooms"]["identity_holds"]
    if result["verdict"]["status"] not in ("running", "interrupted"):
        assert account["undecided"] == 0
        assert connections["attempted"] == connections["established"] + connections["failed"]


@contextmanager
def scene(folder: Path, kind: str = "echo") -> Iterator[Scene]:
    """Give a scene in a new `folder`; at the end nothing of it may be left."""
    folder.mkdir()
    files = open_files()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = Scene(folder, port, kind)
    try:
        yield made
        assert made.shared_by_name() == []
        made.stop_target()
        assert made.left_behind() == []
    finally:
        made.clear_away()
    assert open_files() <= files


def moments(seed: int) -> random.Random:
    """Give random numbers that anybody can have again: the seed is printed."""
    print(f"seed {seed}: to repeat, SURVIVE_SEED={seed}")
    return random.Random(seed)
