import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.runs import Runner
from tests.integration.target import serving

ROOT = Path(__file__).parents[2]
GONE_WITHIN_S = 10.0


class Farm:
    """A process full of misbehaving servers (see misbehaving.py)."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.misbehaving"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def open(
        self,
        name: str,
        *,
        certificate: Path | None = None,
        client_ca: Path | None = None,
        tls_max: str | None = None,
    ) -> int:
        """Start the server with this behaviour; return its port.

        client_ca: who must have issued the clients' certificates. tls_max: such as TLSv1_2.
        """
        files = {"certificate": certificate, "client_ca": client_ca}
        paths = {key: str(path) for key, path in files.items() if path is not None}
        return int(self._ask(open=name, tls_max=tls_max, **paths)["port"])

    def truth(self, port: int) -> Counter[str]:
        return Counter(self._ask(truth=port))

    def accepted_ns(self, port: int) -> list[int]:
        """Return when each connection was accepted, in ns of CLOCK_MONOTONIC."""
        return list(self._ask(accepted=port))

    def admit(self, port: int) -> None:
        """Let the server `late` accept, in a while."""
        self._ask(admit=port)

    def close(self, port: int) -> Counter[str]:
        """Stop a server and return what it did."""
        return Counter(self._ask(close=port))

    def stop(self) -> None:
        self._process.communicate()

    def _ask(self, **command: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(command), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


@pytest.fixture(scope="module")
def farm() -> Iterator[Farm]:
    farm = Farm()
    yield farm
    farm.stop()


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    """Give the URL of the embedded echo target."""
    with serving() as url:
        yield url


@pytest.fixture
def target_on_ipv6() -> Iterator[str]:
    with serving("--host", "::1") as url:
        yield url


@pytest.fixture
def runner(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Runner]:
    """Give what carries plans out, and see that nothing is left behind."""
    files, processes = open_files(), children()
    yield Runner(tmp_path)
    assert open_files() <= files
    assert children() <= processes
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def open_files() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def eventually(condition: Callable[[], bool], within_s: float = GONE_WITHIN_S) -> bool:
    """Wait until something is so; tell whether it came to be."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
