"""The chat servers of the proof as processes: the embedded one, and others behind the proxy."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.delivery.faults import Faults

ROOT = Path(__file__).parents[2]
SERVERS = ("websockets", "aiohttp", "starlette")
_END_S = 20.0


@dataclass(frozen=True)
class Target:
    """What listens; its records are complete when it has ended."""

    url: str
    truth: Path
    proxied: Path | None = None
    """The record of the proxy in front of it."""


@contextmanager
def embedded(folder: Path, *options: str) -> Iterator[Target]:
    """Serve with `surgewire serve chat`."""
    truth = folder / "truth.csv"
    command = ["-m", "surgewire", "serve", "chat", "--port", "0", "--truth", str(truth), *options]
    with process(*command) as url:
        yield Target(url, truth)


@contextmanager
def independent(name: str, folder: Path, *, others: bool = False) -> Iterator[Target]:
    """Serve with one of SERVERS."""
    truth = folder / "truth.csv"
    style = ["others"] if others else []
    with process("-m", f"tests.delivery.server_{name}", str(truth), *style) as url:
        yield Target(url, truth)


@contextmanager
def proxied(name: str, folder: Path, faults: Faults, *, others: bool = False) -> Iterator[Target]:
    """Serve with one of SERVERS behind the proxy."""
    record = folder / "proxied.csv"
    with independent(name, folder, others=others) as target:
        port = str(urlsplit(target.url).port)
        with process("-m", "tests.delivery.proxy", port, faults.to_text(), str(record)) as url:
            yield Target(url, target.truth, record)


@contextmanager
def process(*arguments: str) -> Iterator[str]:
    """Run a Python program that prints its URL; end it, and see that it ends well."""
    command = [sys.executable, *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            assert running.stdout is not None
            line = running.stdout.readline()
            while line and "listening on " not in line:
                line = running.stdout.readline()
            assert line, running.communicate()[1]
            yield line.partition("listening on ")[2].split()[0]
            running.terminate()
            _, errors = running.communicate(timeout=_END_S)
            assert (running.returncode, errors) == (0, ""), f"{command}: {errors}"
        finally:
            running.kill()
