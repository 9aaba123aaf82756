"""Whole runs from the command line, in processes of their own, against real servers."""

import http.server
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import surgewire
from surgewire.targets.spawned import spawned_echo

NOBODY = "ws://127.0.0.1:9/"
SHORT = ("--connections", "4", "--rate", "10/s", "--duration", "400ms")

Done = subprocess.CompletedProcess[str]


def surgewire_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "surgewire", *arguments]


def run(*arguments: str, **options: Any) -> Done:
    return subprocess.run(
        surgewire_command(*arguments),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **options,
    )


def one_line(done: Done) -> str:
    assert done.stderr.startswith("surgewire: error: "), done.stderr
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with spawned_echo() as url:
        yield url


@pytest.fixture(scope="module")
def finished(server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a short echo run, with what it printed in ``out`` and ``err``."""
    folder = tmp_path_factory.mktemp("finished")
    done = run("echo", server, *SHORT, "--runs-dir", str(folder), "--json", str(folder / "json"))
    assert done.returncode == 0, done.stderr
    (folder / "out").write_text(done.stdout)
    (folder / "err").write_text(done.stderr)
    return folder


def run_folder(runs_dir: Path) -> Path:
    return next(path for path in runs_dir.iterdir() if path.is_dir())


def test_an_echo_run_accounts_for_every_message(finished: Path) -> None:
    result = json.loads((finished / "json").read_text())
    delivery = result["delivery"]
    assert delivery["sent"] == delivery["expected"] == delivery["delivered"] == 16
    assert result["connections"]["established"] == 4
    assert result["verdict"]["status"] in ("pass", "doubtful")
    report = (finished / "out").read_text()
    assert "established 4" in report
    assert str(run_folder(finished)) in report
    assert re.search(r"sending .*open 4 of 4", (finished / "err").read_text())


def test_a_report_can_be_had_again(finished: Path) -> None:
    folder = str(run_folder(finished))
    again = run("report", folder, "--json", "-")
    assert again.returncode == 0
    assert json.loads(again.stdout) == json.loads((finished / "json").read_text())
    text = run("report", folder)
    assert text.stdout == (finished / "out").read_text()
    log = run("report", folder, "--hdr", "-")
    assert "#[Histogram log format version 1.3]" in log.stdout
    assert "Tag=message_latency," in log.stdout
    both = run("report", folder, "--json", "-", "--hdr", "-")
    assert both.returncode == 2
    assert "--json - and --hdr -" in one_line(both)


def test_json_has_standard_output_to_itself(server: str, tmp_path: Path) -> None:
    done = run("echo", server, *SHORT, "--runs-dir", str(tmp_path), "--json", "-")
    assert json.loads(done.stdout)["delivery"]["delivered"] == 16
    assert "Verdict" in done.stderr


def test_quiet_prints_nothing(server: str, tmp_path: Path) -> None:
    done = run("echo", server, *SHORT, "--runs-dir", str(tmp_path), "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_pingpong_says_what_its_percentiles_hide(server: str, tmp_path: Path) -> None:
    done = run(
        "echo", server, "--connections", "2", "--pingpong", "--duration", "300ms",
        "--runs-dir", str(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "hide" in done.stdout


def test_a_connect_run(server: str, tmp_path: Path) -> None:
    done = run(
        "connect", server, "--rate", "50..100/s", "--total", "20", "--runs-dir", str(tmp_path),
        "--json", "-",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["connections"]["established"] == 20
    assert result["metrics"]["upgrade_time"]["count"] == 20


def test_a_small_demonstration(tmp_path: Path) -> None:
    done = run(
        "demo", "--connections", "20", "--duration", "1s", "--runs-dir", str(tmp_path)
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "20 users connect" in done.stdout
    assert "Verdict" in done.stdout
    url = re.search(r"ws://127\.0\.0\.1:\d+/", done.stdout)
    assert url is not None
    assert one_line(run("echo", url[0], *SHORT, "--quiet", "--runs-dir", str(tmp_path)))


def test_a_demonstration_fits_the_limit_of_open_files(tmp_path: Path) -> None:
    done = run(
        "demo", "--connections", "5000", "--duration", "1s", "--runs-dir", str(tmp_path),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (340, 340)),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "so there will be 40" in done.stdout
    assert "`ulimit -n 5500`" in done.stdout


@pytest.mark.parametrize(("signals", "slow"), [(1, False), (2, True)])
def test_interrupted_runs_report(server: str, tmp_path: Path, signals: int, slow: bool) -> None:
    command = surgewire_command(
        "echo", server, "--connections", "4", "--rate", "10/s", "--duration", "60s",
        "--drain", "30s" if slow else "1s", "--runs-dir", str(tmp_path), "--json", "-",
    )  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stderr:
            if " sending " in line:
                break
        for _ in range(signals):
            process.send_signal(signal.SIGINT)
        result = json.loads(process.stdout.read())
        process.stderr.read()
    assert process.returncode == 130
    assert result["verdict"]["status"] == "interrupted"
    assert result["delivery"]["delivered"] > 0


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web_server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"ws://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("kind", ["echo", "connect"])
def test_nothing_listens(kind: str, tmp_path: Path) -> None:
    options = SHORT if kind == "echo" else ("--rate", "20/s", "--total", "4")
    done = run(kind, NOBODY, *options, "--quiet", "--runs-dir", str(tmp_path))
    assert done.returncode == 1
    assert one_line(done) == (
        f"surgewire: error: {NOBODY}: no connection was established: tcp_refused, nothing listens "
        "on 127.0.0.1 port 9; start the server or check the port\n"
    )


def test_a_server_that_is_no_websocket_server(web_server: str, tmp_path: Path) -> None:
    done = run("echo", web_server, *SHORT, "--quiet", "--runs-dir", str(tmp_path))
    assert done.returncode == 1
    assert "http_503, the server answers the upgrade with HTTP status 503; check" in one_line(done)


def test_a_host_that_does_not_resolve(tmp_path: Path) -> None:
    done = run("echo", "ws://no.such.host.invalid/", *SHORT, "--quiet", "--runs-dir", str(tmp_path))
    assert done.returncode == 1
    assert "dns, the host name does not resolve; check no.such.host.invalid" in one_line(done)


def test_more_connections_than_descriptors(tmp_path: Path) -> None:
    done = run(
        "echo", NOBODY, "--connections", "5000", "--processes", "1", "--rate", "1/s",
        "--runs-dir", str(tmp_path),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)),
    )  # fmt: skip
    assert done.returncode == 1
    assert "prlimit --pid $$ --nofile=" in one_line(done)
    assert list(tmp_path.iterdir()) == []


def test_runs_that_can_be_kept_nowhere(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("echo", NOBODY, *SHORT, "--runs-dir", str(tmp_path / "file" / "runs"))
    assert done.returncode == 2
    assert "--runs-dir" in one_line(done)


@pytest.mark.parametrize(
    ("journal", "said"),
    [
        (None, "holds no journal.bin"),
        (b"", "is no journal"),
        (b"%PDF-1.4 and more", "is no journal"),
        (b"SWJRNL\xff\x00", "newer"),
        (b"SWJRNL\x01\x00", "holds no whole record"),
    ],
)
def test_folders_that_hold_no_run(journal: bytes | None, said: str, tmp_path: Path) -> None:
    if journal is not None:
        (tmp_path / "journal.bin").write_bytes(journal)
    done = run("report", str(tmp_path))
    assert done.returncode == 2
    assert said in one_line(done)


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    done = run("report", str(tmp_path / "none"))
    assert done.returncode == 2
    assert "there is no such folder" in one_line(done)


def test_a_torn_journal_is_read_up_to_the_tear(finished: Path, tmp_path: Path) -> None:
    whole = (run_folder(finished) / "journal.bin").read_bytes()
    (tmp_path / "journal.bin").write_bytes(whole[:-7])
    done = run("report", str(tmp_path), "--json", "-")
    assert done.returncode == 0
    result = json.loads(done.stdout)
    assert "journal_incomplete" in [doubt["code"] for doubt in result["doubts"]]


def test_a_reader_that_leaves_does_not_cost_the_file(server: str, tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        done = subprocess.run(
            surgewire_command(
                "echo", server, *SHORT, "--runs-dir", str(tmp_path), "--json", str(tmp_path / "j")
            ),
            stdout=closed, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert json.loads((tmp_path / "j").read_text())["delivery"]["delivered"] == 16


def test_the_same_from_python(server: str, tmp_path: Path) -> None:
    code = (
        "import sys, surgewire\n"
        "plan = surgewire.EchoPlan(url=sys.argv[1], connections=4, rate='10/s', duration='400ms')\n"
        "result = surgewire.run(plan, runs_dir=sys.argv[2])\n"
        "assert isinstance(result, surgewire.Result)\n"
        "print(result.delivery.rate, sorted({'typer', 'rich'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, server, str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("1.0 []\n", "")
    assert surgewire.__doc__ is not None
    assert "surgewire.run(plan)" in surgewire.__doc__
