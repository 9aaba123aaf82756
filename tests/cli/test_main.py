import os
import re
import subprocess
import sys

import pytest

import surgewire
from surgewire.cli.main import main
from surgewire.errors import SurgewireError
from surgewire.plan.models import ChatPlan, EchoPlan
from surgewire.plan.units import format_duration, format_share

COMMANDS = (
    "", "echo", "chat", "connect", "serve", "serve echo", "serve chat", "demo", "watch", "report",
    "version",
)  # fmt: skip


def run(*arguments: str, **options: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, **options
    )  # type: ignore[call-overload]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_in_80_columns(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*command.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"Usage: surgewire {command}".rstrip())
    assert max(map(len, text.splitlines())) <= 80
    if command not in ("", "serve", "version"):
        assert f"surgewire {command}" in text.partition("Examples:")[2]


@pytest.mark.parametrize("command", ["", "serve"])
def test_without_a_command_there_is_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command.split()) == 0
    assert capsys.readouterr().out.startswith("Usage: surgewire")


@pytest.mark.parametrize(
    "plan",
    [
        EchoPlan(url="ws://h/", connections=1, rate="1/s"),
        ChatPlan(url="ws://h/", connections=1, rate="1/s"),
    ],
    ids=lambda plan: plan.kind,
)
def test_the_defaults_that_help_names_are_those_of_the_plan(
    plan: EchoPlan | ChatPlan, capsys: pytest.CaptureFixture[str]
) -> None:
    main([plan.kind, "--help"])
    text = " ".join(capsys.readouterr().out.split())
    defaults = {
        "duration": format_duration(plan.duration_ns).replace("1m", "60s"),
        "warmup": format_duration(plan.warmup_ns),
        "drain": format_duration(plan.drain_ns),
        "deadline": format_duration(plan.deadline_ns),
        "tick": format_duration(plan.tick_ns),
        "seed": str(plan.seed),
        "connect-timeout": format_duration(plan.connect_timeout_ns),
    }
    if isinstance(plan, EchoPlan):
        defaults |= {"size": str(plan.size_bytes)}
    else:
        defaults |= {
            "rooms": str(plan.rooms),
            "join-timeout": "10s",
            "send": re.escape(plan.send),
            "to": plan.to,
            "senders": format_share(plan.senders_ppm),
        }
    for option, value in defaults.items():
        assert re.search(rf"--{option} [A-Za-z|]+ [^\]]*\[default: {value}\]", text), option


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"surgewire {surgewire.__version__}"
    assert re.fullmatch(r"native core: (release|debug|sanitize) build", lines[1])
    assert re.match(r"uvloop \d", lines[2])
    assert re.match(r"Python 3\.\d+", lines[3])
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"surgewire {surgewire.__version__}\n"


@pytest.mark.parametrize(
    ("error", "exit_code", "said"),
    [
        (SurgewireError("two\nlines"), 1, "surgewire: error: two lines\n"),
        (KeyboardInterrupt(), 130, ""),
        (OSError(28, "No space left on device"), 1, "surgewire: error: [Errno 28] No space"),
    ],
)
def test_errors_become_one_line_and_an_exit_code(
    error: BaseException,
    exit_code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr("surgewire.cli.job.make_plan", fail)
    assert main(["echo", "ws://h/"]) == exit_code
    assert capsys.readouterr().err.startswith(said)


def test_a_reader_that_leaves_is_no_reason_to_complain() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "surgewire", "version"],
            stdout=write, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    finally:
        os.close(write)
    assert done.returncode == 1
    assert done.stderr == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
def test_output_that_cannot_be_written_is_said_in_one_line() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "surgewire", "version"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("surgewire: error: ")
    assert done.stderr.count("\n") == 1


def test_help_loads_nothing_heavy() -> None:
    done = run(
        "-c",
        "import sys; from surgewire.cli.main import main; main(['echo', '--help']);"
        "print(sorted({'numpy', 'uvloop', 'rich.live', 'surgewire.engine'}"
        " & set(sys.modules)), file=sys.stderr)",
    )
    assert done.stderr == "[]\n"


def test_python_sees_a_plan_without_the_command_line() -> None:
    done = run(
        "-c",
        "import sys, surgewire; surgewire.EchoPlan, surgewire.ConnectPlan, surgewire.__version__;"
        "print(sorted({'typer', 'click', 'rich'} & set(sys.modules)))",
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_public_names() -> None:
    assert set(surgewire.__all__) <= set(dir(surgewire))
    assert surgewire.EchoPlan is EchoPlan
    with pytest.raises(AttributeError, match="no attribute 'chat'"):
        surgewire.chat  # noqa: B018
