"""``surgewire doctor`` as a user runs it, under limits that were lowered for it."""

import json
import os
import resource
import signal
import subprocess
import sys
import time

import pytest

from surgewire.cli.main import main


def doctor(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "surgewire", "doctor", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **options,
    )


def few_files():
    resource.setrlimit(resource.RLIMIT_NOFILE, (500, 500))


def test_a_limit_that_was_lowered_is_found_with_the_command_that_helps():
    done = doctor(
        "--connections", "2000", "--processes", "2", "--no-self-test", preexec_fn=few_files
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "surgewire doctor  2,000 connections, 1/s each, for 1m, 64 bytes, 2 processes, to a server "
        "elsewhere"
    )
    assert "FAIL  open files     hard limit 500" in lines
    [command] = [line for line in lines if "prlimit" in line]
    needed = int(command.rpartition(":")[2])
    assert needed in range(1_065, 1_090)
    assert lines[-1] == "NOT READY  change first: open files"


def test_with_the_limit_that_it_asks_for_it_is_ready():
    first = doctor(
        "--connections",
        "2000",
        "--processes",
        "2",
        "--no-self-test",
        "--json",
        "-",
        preexec_fn=few_files,
    )
    [ill] = [
        finding for finding in json.loads(first.stdout)["findings"] if finding["status"] == "fail"
    ]
    needed = int(ill["command"].rpartition(":")[2])
    second = doctor(
        "--connections", "2000", "--processes", "2", "--no-self-test", "--quiet",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (needed, needed)),
    )  # fmt: skip
    assert second.returncode == 0, second.stderr
    assert second.stdout == second.stderr == ""


def check_figures(figures):
    assert figures["closed_loop_per_s"] > 100
    if figures["highest_per_s"] is not None:
        assert figures["cpu_percent"] > 0
        assert figures["cpu_us_per_message"] > 0.1
        assert figures["highest_per_s"] < figures["closed_loop_per_s"]
    if sys.platform.startswith("linux"):
        assert figures["overhead_samples"] >= 600
    if figures["overhead_p99_ms"] is not None:
        assert 0 < figures["overhead_p50_ms"] <= figures["overhead_p99_ms"]


def test_the_whole_of_it(tmp_path):
    file, temporary = tmp_path / "doctor.json", tmp_path / "temporary"
    temporary.mkdir()
    done = doctor(
        "ws://127.0.0.1:8765/", "--connections", "20", "--size", "100", "--json", str(file),
        env={**os.environ, "TMPDIR": str(temporary)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == "measuring echo on loopback, about 7 seconds\n"
    assert ", to 127.0.0.1\n" in done.stdout
    told = json.loads(file.read_text())
    assert told["ready"] is True
    assert told["demand"]["local"] is True
    assert told["self_test"]["size_bytes"] == 100
    check_figures(told["self_test"])
    assert list(temporary.iterdir()) == []
    assert {finding["name"] for finding in told["findings"]} >= {"message_rate", "own_overhead"}


def test_ctrl_c_ends_the_self_test_and_leaves_nothing(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "surgewire", "doctor", "--connections", "20"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:  # fmt: skip
        deadline = time.monotonic() + 30
        # The first run of the self-test goes on.
        while not list(tmp_path.glob("surgewire-*/*/journal.bin")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert out == ""
    assert err == "measuring echo on loopback, about 7 seconds\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--connections", "0"], "--connections"),
        (["--rate", "1"], "--rate"),
        (["--size", "1"], "--size"),
        (["--rooms", "100", "--connections", "10"], "--rooms"),
        (["--duration", "soon"], "--duration"),
        (["http://h/"], "ws://"),
        (["ws://h/", "--tls"], "--tls and ws:// disagree; write the URL as wss://"),
        (["--json", "/no/such/folder/x"], "--json"),
        (["--source", "nobody!"], "--source: 'nobody!' is no source address"),
        (["--source", "192.0.2.7"], "--source 192.0.2.7 is no address of this machine"),
        (["ws://127.0.0.1/", "--source", "::1"], "of the same version"),
    ],
)
def test_bad_input_is_one_line(arguments, says, capsys):
    assert main(["doctor", "--no-self-test", *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("surgewire: error: ")
    assert told.err.count("\n") == 1
    assert says in told.err


@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.0/8 is Linux's")
@pytest.mark.parametrize(
    ("arguments", "pairs"),
    [
        (["--source", "127.0.0.2-127.0.0.5"], "4 pairs"),
        (["--source", "127.0.0.2"], "1 pair"),
        (["ws://127.0.0.1/", "--source", "127.0.0.2,127.0.0.9"], "2 pairs"),
    ],
)
def test_each_source_address_has_ports_of_its_own(arguments, pairs, capsys):
    main(["doctor", "--no-self-test", "--connections", "10", *arguments])
    assert f", {pairs} of addresses)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tls"], "64 bytes, 2 processes, wss, to a server elsewhere"),
        (
            ["--rooms", "5", "--size", "100..200"],
            "10 connections in 5 rooms, 1/s each, for 1m, 2 p",
        ),
        (["wss://example.com/?token=secret"], "wss, to example.com\n"),
    ],
)
def test_the_plan_is_said_in_words(arguments, words, capsys):
    flags = ["--no-self-test", "--connections", "10", "--processes", "2"]
    main(["doctor", *flags, *arguments])
    told = capsys.readouterr().out
    assert words in told
    assert "secret" not in told
