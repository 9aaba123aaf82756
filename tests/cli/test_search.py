"""``surgewire connect --find-rate`` from the command line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from surgewire.cli.main import main
from surgewire.cli.search import EXIT_CODES
from surgewire.results.rate_search import Ending
from tests.cli.canary import canary, recording, search, search_folder
from tests.cli.conftest import Refusal

FIND = ("connect", "ws://h/", "--find-rate")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*FIND, "--total", "5"), "--find-rate decides about --total by itself; leave it out"),
        ((*FIND, "--storm", "5"), "--find-rate follows a rate; leave out --storm or --find-rate"),
        ((*FIND, "--rate", "9/s..5/s"), "--rate: the lower rate comes first; write 5/s..9/s"),
        ((*FIND, "--p99", "1"), "--p99: '1' has no unit"),
        ((*FIND, "--step", "1ms"), "--step: 1ms is too small"),
        ((*FIND, "--ping-timeout", "1s"), "--ping-timeout needs --ping"),
        (("connect", "ws://h/", "--rate", "5/s", "--p99", "1s"), "--p99 is about --find-rate"),
        (("connect", "ws://h/", "--storm", "5", "--step", "1s"), "--step is about --find-rate"),
        (("connect", "h", "--find-rate"), "URL: "),
    ],
)
def test_nonsense_is_refused_in_one_line(
    refusal: Refusal, arguments: tuple[str, ...], said: str
) -> None:
    assert said in refusal(*arguments)


def test_nobody_there_is_said_in_one_line(refusal: Refusal, tmp_path: Path) -> None:
    said = refusal(
        *("connect", "ws://127.0.0.1:1/", "--find-rate", "--step", "100ms", "--quiet"),
        *("--runs-dir", str(tmp_path)),
        exit_code=1,
    )
    assert "no connection was established: tcp_refused, nothing listens on 127.0.0.1" in said


def test_each_ending_has_an_exit_code() -> None:
    assert set(EXIT_CODES) == set(Ending)


def test_a_search_shows_and_writes_what_it_found_and_no_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with recording() as (_, port):
        code = main(
            [
                *("connect", f"ws://127.0.0.1:{port}/?token={canary('query')}", "--find-rate"),
                *("--rate", "20/s..40/s", "--step", "300ms", "--p99", "10s", "--processes", "1"),
                *("--header", f"Authorization: Bearer {canary('header')}"),
                *("--runs-dir", str(tmp_path / "runs"), "--json", str(tmp_path / "found.json")),
            ]
        )
    captured = capsys.readouterr()
    assert code == 0, captured.err
    assert "At least 40/s" in captured.out
    assert "20/s held" in captured.err
    assert search(captured.out + captured.err) == []
    assert search_folder(tmp_path) == []
    found = json.loads((tmp_path / "found.json").read_text("utf-8"))
    assert (found["ending"], found["held_per_s"]) == ("at_least", 40)


def test_ctrl_c_ends_the_search_and_keeps_what_was_found(tmp_path: Path) -> None:
    with recording() as (_, port):
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "surgewire", "connect", f"ws://127.0.0.1:{port}/"),
                *("--find-rate", "--rate", "20/s..21/s", "--step", "30s", "--processes", "1"),
                *("--runs-dir", str(tmp_path), "--json", str(tmp_path / "found.json")),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + 20
            while not list(tmp_path.glob("*/*/journal.bin")) and time.monotonic() < deadline:
                time.sleep(0.02)
            time.sleep(0.2)
            os.kill(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
            process.communicate()
    assert process.returncode == 130, err
    assert "Stopped before the end; until then no rate held." in out
    assert json.loads((tmp_path / "found.json").read_text("utf-8"))["interrupted"]
