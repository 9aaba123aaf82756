"""``--target-pid``: the process under test, beside what it answers."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_runs import one_line, run
from tests.integration.target import start, url_of

SHORT = ("--connections", "4", "--rate", "10/s", "--duration", "400ms", "--quiet")


@pytest.fixture
def server() -> Iterator["subprocess.Popen[str]"]:
    process = start("--processes", "1")
    yield process
    process.terminate()
    process.communicate()


def test_the_result_tells_what_the_target_used(
    server: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    done = run(
        "echo", url_of(server), *SHORT, "--target-pid", str(server.pid),
        "--runs-dir", str(tmp_path), "--json", "-",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    process = json.loads(done.stdout)["target"]["process"]
    assert process["pid"] == server.pid


def test_a_process_that_is_no_target_is_refused_before_the_run(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for pid, said in ((gone.pid, "no process has the id"), (os.getpid(), "started this run")):
        done = run(
            "echo", "ws://127.0.0.1:9/", *SHORT, "--target-pid", str(pid),
            "--runs-dir", str(tmp_path / "runs"),
        )  # fmt: skip
        assert done.returncode == 2
        assert said in one_line(done)
    assert not (tmp_path / "runs").exists()
