"""Every way to ask for nonsense that needs no run to be found out."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Refusal = Callable[..., str]

URL = "ws://127.0.0.1:9/"
ECHO = ("echo", URL, "--connections", "10", "--rate", "1/s")
CONNECT = ("connect", URL, "--total", "10", "--rate", "10/s")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        # the address
        (("echo", "http://h/", *ECHO[2:]), "URL: 'http://h/' is not a WebSocket address; write ws://h/"),
        (("echo", "localhost:8765", *ECHO[2:]), "has no scheme; write ws://localhost:8765"),
        (("echo", "ws://h:99999/", *ECHO[2:]), "a port is a number from 1 to 65535"),
        (("echo", "ws:///x", *ECHO[2:]), "has no host; write"),
        (("echo", "ws://u:p@h:0/", *ECHO[2:]), "URL: 'ws://***@h:0/' has a bad port"),
        (("echo", *ECHO[2:]), "missing argument 'URL'; see surgewire echo --help"),
        (("connect", "https://h/", *CONNECT[2:]), "write wss://h/"),
        # counts
        (("echo", URL, "--rate", "1/s"), "--connections: is missing; write for example"),
        ((*ECHO, "--connections", "0"), "--connections: 0 is too small; write a value from 1"),
        ((*ECHO, "--connections", "-5"), "--connections: '-5' is negative; write a whole number"),
        ((*ECHO, "--connections", "nan"), "--connections: 'nan' is not a whole number"),
        ((*ECHO, "--connections", "1e30"), "--connections: '1e30' is not a whole number"),
        ((*ECHO, "--connections", "9" * 30), "too large; write a value from 1 to 1,000,000"),
        ((*ECHO, "--processes", "0"), "--processes: 0 is too small"),
        ((*ECHO, "--processes", "5000"), "--processes: 5,000 is too large"),
        ((*ECHO, "--seed", "x"), "--seed: 'x' is not a whole number"),
        ((*CONNECT, "--total", "0"), "--total: 0 is too small"),
        (("connect", URL, "--rate", "10/s"), "--total: is missing; write for example --total"),
        # rates
        (("echo", URL, "--connections", "10"), "--rate is missing; write for example --rate 1/s"),
        ((*ECHO, "--rate", "0/s"), "--rate: '0/s' is no rate: it must be above zero"),
        ((*ECHO, "--rate", "-1/s"), "--rate: '-1/s' is negative; write for example"),
        ((*ECHO, "--rate", "nan/s"), "--rate: 'nan/s' is not a rate; write for example"),
        ((*ECHO, "--rate", "5"), "--rate: '5' does not say per what; write 5/s"),
        ((*ECHO, "--rate", "1/fortnight"), "--rate: '1/fortnight' is not a rate"),
        ((*ECHO, "--rate", "900000/s"), "--rate: 900000/s is too high; write 100000/s or less"),
        ((*ECHO, "--connect-rate", "5"), "--connect-rate: '5' does not say per what"),
        (("connect", URL, "--total", "5"), "--rate is missing; write for example --rate 500/s"),
        ((*CONNECT, "--rate", "5/s..fast"), "--rate: 'fast' is not a rate"),
        # durations
        ((*ECHO, "--duration", "60"), "--duration: '60' has no unit; write 60s"),
        ((*ECHO, "--duration", "0s"), "--duration: 0s is too small; write a value from 10ms"),
        ((*ECHO, "--duration", "-1s"), "--duration: '-1s' is negative"),
        ((*ECHO, "--duration", "31d"), "--duration: 31d is too large; write a value from"),
        ((*ECHO, "--duration", "1e30s"), "--duration: '1e30s' is not a duration"),
        ((*ECHO, "--warmup", "5"), "--warmup: '5' has no unit"),
        ((*ECHO, "--drain", "1 minute"), "--drain: '1 minute' is not a duration"),
        ((*ECHO, "--deadline", "0s"), "--deadline: 0s is too small"),
        ((*ECHO, "--tick", "0s"), "--tick: 0s is too small; write a value from 10us to 1s"),
        ((*ECHO, "--tick", "2s"), "--tick: 2s is too large"),
        ((*ECHO, "--ramp", "soon"), "--ramp: 'soon' is not a duration"),
        ((*ECHO, "--connect-timeout", "0s"), "--connect-timeout: 0s is too small"),
        ((*CONNECT, "--hold", "x"), "--hold: 'x' is not a duration; write for example"),
        # pings
        ((*ECHO, "--ping", "20"), "--ping: '20' has no unit; write 20s"),
        ((*ECHO, "--ping", "1ms"), "--ping: 1ms is too small; write a value from 10ms to 1h"),
        ((*CONNECT, "--ping-timeout", "5s"), "--ping-timeout needs --ping; write for example"),
        ((*ECHO, "--ping", "5s", "--ping-timeout", "10s"), "--ping-timeout 10s is longer than"),
        ((*CONNECT, "--target-pid", "server"), "--target-pid: 'server' is not a whole number"),
        ((*ECHO, "--target-pid", "0"), "--target-pid: 0 is too small"),
        # sizes
        ((*ECHO, "--size", "10"), "--size: 10 is too small; write a value from 52"),
        ((*ECHO, "--size", "1t"), "--size: '1t' is not a size; write for example 64"),
        ((*ECHO, "--size", "512m"), "--size 512m is larger than the largest message taken, 16m"),
        # contradictions
        ((*ECHO, "--ramp", "1s", "--connect-rate", "5/s"), "--ramp and --connect-rate exclude"),
        ((*ECHO, "--pingpong"), "leave out --rate or --pingpong"),
        ((*ECHO[:4], "--pingpong", "--poisson"), "leave out --poisson or --pingpong"),
        ((*ECHO, "--rate", "1/h", "--duration", "1s"), "sends nothing within --duration 1s"),
        # options and commands that do not exist
        ((*ECHO, "--speed", "5"), "no such option: --speed"),
        ((*ECHO, "--rate"), "option '--rate' requires an argument"),
        ((*ECHO, "more"), "unexpected extra argument"),
        (("call",), "no such command 'call'"),
        (("serve", "call"), "no such command 'call'"),
        # the embedded target
        (("serve", "echo", "--port", "70000"), "--port: 70,000 is too large; write a value from 0"),
        (("serve", "echo", "--host", ""), "--host: '' is no address; write 127.0.0.1"),
        (("serve", "echo", "--processes", "0"), "--processes: 0 is too small"),
        (("serve", "echo", "--delay", "5"), "--delay: '5' has no unit"),
        (("serve", "echo", "--delay-distribution", "uniform:1ms"),
         "--delay-distribution: 'uniform:1ms' is not a delay distribution; write for example"),
        (("serve", "echo", "--delay-distribution", "mix:1ms"), "has no weight; write for example"),
        (("serve", "echo", "--delay", "1ms", "--delay-distribution", "fixed:1ms"), "exclude"),
        (("serve", "echo", "--stall", "10s/1s"), "--stall: '10s/1s' is not a stall"),
        (("serve", "echo", "--stall", "5"), "--stall: '5' is not a stall; write for example"),
        # the demonstration
        (("demo", "--connections", "none"), "--connections: 'none' is not a whole number"),
        (("demo", "--duration", "30"), "--duration: '30' has no unit"),
        (("report",), "missing argument 'RUN'; see surgewire report --help"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_one_line(
    refusal: Refusal, arguments: tuple[str, ...], said: str
) -> None:
    assert said in refusal(*arguments)


@pytest.mark.parametrize("option", ["--json", "--truth", "--hdr"])
def test_places_that_cannot_be_written_are_refused_before_the_work(
    refusal: Refusal, tmp_path: Path, option: str
) -> None:
    command = {"--json": ECHO, "--truth": ("serve", "echo"), "--hdr": ("report", str(tmp_path))}
    (tmp_path / "file").touch()
    for place, said in (
        (tmp_path / "missing" / "x", "no such file or directory"),
        (tmp_path / "file" / "x", "not a directory"),
        (tmp_path, "is a folder"),
        (Path("/proc/x"), "cannot be written"),
    ):
        message = refusal(*command[option], option, str(place))
        assert message.startswith(f"{option}: {place}")
        assert said in message
    assert sorted(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_process_of_its_own_ends_the_same_way() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "surgewire", *ECHO, "--duration", "60"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "surgewire: error: --duration: '60' has no unit; write 60s for seconds or 60ms\n"
    )
