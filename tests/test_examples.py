"""The examples do what their page says, and the account of a server that drops is what it dropped.

Commands are taken from the pages and run in small form, as tests/test_docs.py does.
"""

import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.test_docs import (
    PORT,
    ROOT,
    SURGEWIRE,
    TIMEOUT_S,
    blocks_of,
    commands_of,
    free_port,
    serving,
    smaller,
)

EXAMPLES = ROOT / "examples" / "README.md"
DELIVERY = ROOT / "docs" / "delivery.md"
EXAMPLE_PORT = re.compile(r"\b8080\b")


def documented(page: Path, beginning: str) -> str:
    """Return the one command of a page's console blocks that begins so."""
    commands = [
        command
        for block in blocks_of(page)
        if block.tag == "console"
        for command in commands_of(block.body)
        if command.startswith(beginning)
    ]
    assert len(commands) == 1, f"{page.name}: {len(commands)} commands begin with {beginning!r}"
    return commands[0]


def run_chat(command: str, folder: Path, exit_code: int) -> dict[str, Any]:
    words = [str(SURGEWIRE), *shlex.split(command)[1:], "--json", "result.json", "--quiet"]
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == exit_code, done.stdout + done.stderr
    result: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return result


def test_the_example_server_delivers_everything(tmp_path: Path) -> None:
    port = free_port()
    script = shlex.split(documented(EXAMPLES, "python "))[1]
    with serving([sys.executable, str(ROOT / script), "--port", str(port)], port, tmp_path):
        command = EXAMPLE_PORT.sub(str(port), smaller(documented(EXAMPLES, "surgewire chat")))
        result = run_chat(command, tmp_path, 0)
    assert result["joins"]["joined"] == 20
    delivery = result["delivery"]
    assert delivery["delivered"] == delivery["expected"] == 5 * delivery["sent"] > 0
    assert delivery["complete"] == delivery["sent"]


def test_the_page_on_delivery_shows_the_command_of_the_example() -> None:
    shown = [
        command
        for block in blocks_of(DELIVERY)
        for command in commands_of(block.body)
        if ":8080/" in command
    ]
    assert shown == [documented(EXAMPLES, "surgewire chat")]


def test_the_lost_are_the_dropped(tmp_path: Path) -> None:
    port = free_port()
    served = shlex.split(documented(DELIVERY, "surgewire serve chat --drop"))[1:]
    served[served.index("--drop") + 1] = "10%"
    server = subprocess.Popen(
        [str(SURGEWIRE), *served, "--port", str(port)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        assert "listening" in server.stdout.readline()
        command = smaller(documented(DELIVERY, "surgewire chat"))
        command = command.replace("--rate 1/s", "--rate 10/s")
        result = run_chat(PORT.sub(str(port), command), tmp_path, 99)
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=TIMEOUT_S)
    lost = result["delivery"]["lost"]
    assert lost > 0

    [block] = [block for block in blocks_of(DELIVERY) if block.tag == "py"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block.body],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{lost} lost, {lost} dropped, the same: True"
