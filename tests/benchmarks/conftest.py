"""The bare C programs, compiled once for each test process, and the harness on the path."""

import contextlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path[:0] = [str(BENCHMARKS), str(BENCHMARKS / "peers")]

if not sys.platform.startswith("linux"):
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def benchmarks() -> Path:
    """Folder of the benchmarks."""
    return BENCHMARKS


@pytest.fixture(scope="session")
def limit_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the client and the server, built with sanitizers and all warnings as errors."""
    if shutil.which("make") is None or shutil.which("cc") is None:
        pytest.skip("needs make and a C compiler")
    out = tmp_path_factory.mktemp("limit") / "programs"
    argv = ["make", "-s", "-C", str(BENCHMARKS / "limit"), f"OUT={out}", "sanitize"]
    subprocess.run(argv, check=True, capture_output=True, text=True)
    return out.with_name("programs-sanitize")


@pytest.fixture
def start_server(limit_programs: Path) -> Iterator[Callable[..., tuple[subprocess.Popen, int]]]:
    """Starts a bare server on a free port; it must end well on SIGTERM at the end of the test."""
    with contextlib.ExitStack() as stack:

        def start(*options: str) -> tuple[subprocess.Popen, int]:
            argv = [str(limit_programs / "server"), *options]
            process = stack.enter_context(
                subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            )
            stack.callback(process.kill)
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("listening on port "), line
            return process, int(line.split()[-1])

        yield start


@pytest.fixture
def stop_server() -> Callable[[subprocess.Popen], str]:
    """Ends a server; returns its last line. Sanitizers must have found nothing."""

    def stop(process: subprocess.Popen) -> str:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, err) == (0, "")
        return out.splitlines()[-1]

    return stop
