"""The servers whose word is taken for the truth: ours, and one with nothing of ours in it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

_INDEPENDENT = Path(__file__).with_name("independent_server.py")
_END_S = 20.0


@dataclass(frozen=True)
class Target:
    """A server that listens; its truth is complete when it has ended."""

    url: str
    pids: tuple[int, ...]
    truth: Path


@contextmanager
def embedded(folder: Path, *options: str, record: bool = True) -> Iterator[Target]:
    """Serve with `surgewire serve echo`; the truth is a file of comma-separated values."""
    truth = folder / "truth.csv"
    command = [sys.executable, "-m", "surgewire", "serve", "echo", "--port", "0", *options]
    if record:
        command += ["--truth", str(truth)]
    with _serving(command, truth) as target:
        yield target


@contextmanager
def independent(folder: Path, delay: str = "none", *, ping_every_ms: float = 0) -> Iterator[Target]:
    """Serve with plain asyncio and websockets; the truth is a file of JSON."""
    truth = folder / "truth.json"
    command = [sys.executable, str(_INDEPENDENT), delay, str(truth), str(ping_every_ms)]
    with _serving(command, truth) as target:
        yield target


@contextmanager
def _serving(command: list[str], truth: Path) -> Iterator[Target]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("listening on "), f"{command}: {line!r}"
            children = psutil.Process(process.pid).children()
            pids = tuple(child.pid for child in children) or (process.pid,)
            yield Target(line.split()[-1], pids, truth)
        finally:
            process.terminate()
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
        assert process.returncode == 0, f"{command} ended with {process.returncode}"
