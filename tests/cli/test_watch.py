"""A running run, watched and reported on from other processes."""

import json
import os
import pty
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from surgewire.targets.spawned import spawned_echo
from tests.cli.test_runs import one_line, run, run_folder, surgewire_command

PROMPTLY_S = 20.0


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with spawned_echo() as url:
        yield url


@pytest.fixture
def running(server: str, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Give a run that would go on for a minute, once it sends."""
    process = subprocess.Popen(
        surgewire_command(
            "echo", server, "--connections", "4", "--rate", "50/s", "--duration", "60s",
            "--runs-dir", str(tmp_path),
        ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stderr is not None
    assert any("sending" in line for line in process.stderr)
    yield process
    process.kill()
    process.communicate()


def watching(*arguments: str, **options: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        surgewire_command("watch", *arguments),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def test_the_report_so_far_and_a_watch_to_the_end(
    running: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    folder = run_folder(tmp_path)
    done = run("report", str(folder))
    assert done.returncode == 0
    assert re.search(r"Verdict +RUNNING  still running, after \d", done.stdout)
    assert "journal_incomplete" not in done.stdout
    result = json.loads(run("report", str(folder), "--json", "-").stdout)
    assert result["verdict"]["status"] == "running"
    account = result["delivery"]
    booked = ("delivered", "lost", "lost_to_disconnect", "undecided")
    assert account["expected"] == sum(account[name] for name in booked) > 0

    watch = watching("--runs-dir", str(tmp_path))
    assert watch.stdout is not None
    head = watch.stdout.readline()
    assert head.startswith("surgewire echo ws://127.0.0.1:")
    assert str(folder) in head
    running.send_signal(signal.SIGINT)
    out, err = watch.communicate(timeout=PROMPTLY_S)
    assert (watch.returncode, err) == (0, "")
    assert out.splitlines()[-2].startswith("Verdict  INTERRUPTED  stopped by SIGINT after ")
    assert out.splitlines()[-1] == f"Report   surgewire report {folder}"
    # The result is there when the watching ends.
    assert (folder / "result.json").exists()


def test_leaving_disturbs_nobody(running: "subprocess.Popen[str]", tmp_path: Path) -> None:
    watch = watching(str(run_folder(tmp_path)))
    assert watch.stdout is not None
    assert watch.stdout.readline()
    watch.send_signal(signal.SIGINT)
    _, err = watch.communicate(timeout=PROMPTLY_S)
    assert (watch.returncode, err) == (130, "")
    assert running.poll() is None


def test_a_killed_run_ends_the_watching(running: "subprocess.Popen[str]", tmp_path: Path) -> None:
    watch = watching(str(run_folder(tmp_path) / "journal.bin"))
    assert watch.stdout is not None
    assert watch.stdout.readline()
    running.kill()
    out, err = watch.communicate(timeout=PROMPTLY_S)
    assert (watch.returncode, err) == (0, "")
    assert "Verdict  INTERRUPTED  no end: killed" in out


def test_a_terminal_gets_the_live_view(running: "subprocess.Popen[str]", tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    surroundings = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    watch = subprocess.Popen(
        surgewire_command("watch", str(run_folder(tmp_path))),
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE, text=True,
        env=surroundings,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    with watch:
        while b"open " not in shown:
            shown += os.read(ours, 4096)
        running.kill()
        # The end of a terminal whose last user is gone is an error on Linux.
        try:
            while chunk := os.read(ours, 4096):
                shown += chunk
        except OSError:
            pass
    os.close(ours)
    assert watch.returncode == 0
    assert b"\x1b[?25h" in shown, "the cursor comes back"
    assert b"Verdict  INTERRUPTED" in shown.rpartition(b"\x1b[?25h")[2]


def test_what_cannot_be_watched_is_told(tmp_path: Path) -> None:
    done = run("watch", "--runs-dir", str(tmp_path))
    assert done.returncode == 2
    assert "holds no run" in one_line(done)
    done = run("watch", str(tmp_path / "nothing"))
    assert done.returncode == 2
    assert "there is no such folder" in one_line(done)
    (tmp_path / "journal.bin").write_text("something else")
    done = run("watch", str(tmp_path))
    assert done.returncode == 2
    assert "is no journal" in one_line(done)


def test_a_finished_run_is_told_at_once(server: str, tmp_path: Path) -> None:
    done = run(
        "echo", server, "--connections", "2", "--rate", "10/s", "--duration", "200ms",
        "--runs-dir", str(tmp_path), "--quiet",
    )  # fmt: skip
    assert done.returncode == 0
    done = run("watch", "--runs-dir", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Verdict  " in done.stdout
