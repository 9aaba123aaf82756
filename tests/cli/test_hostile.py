"""What a server says is data: it reaches neither the terminal nor a file, and fills no memory."""

import json
from pathlib import Path

import pytest

from surgewire.cli.main import main
from surgewire.engine.kinds import CAPACITY
from tests.cli.canary import search_folder
from tests.cli.hostile import ANSWERS, EVIL, hostile


def told(captured: tuple[str, str]) -> str:
    """Return what was shown, having seen that it is text and nothing else."""
    text = "".join(captured)
    assert all(letter.isprintable() or letter == "\n" for letter in text), repr(text)
    assert EVIL not in text
    return text


@pytest.mark.parametrize("name", sorted(set(ANSWERS) - {"statuses"}))
def test_texts_of_servers(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with hostile(name) as port:
        main([
            "connect", f"ws://127.0.0.1:{port}/", "--total", "2", "--rate", "100/s",
            "--hold", "50ms", "--processes", "1", "--connect-timeout", "1s",
            "--upgrade-timeout", "500ms", "--follow", "--subprotocol", "chat.v1",
            "--runs-dir", str(tmp_path / "runs"), "--json", str(tmp_path / "result.json"),
        ])  # fmt: skip
    shown = told(capsys.readouterr())
    assert "Verdict" in shown
    (folder,) = (tmp_path / "runs").iterdir()
    assert main(["report", str(folder)]) == 0
    assert main(["watch", str(folder)]) == 0
    told(capsys.readouterr())
    assert search_folder(tmp_path, EVIL) == []
    result = json.loads((tmp_path / "result.json").read_text())
    kinds = {*result["connections"]["errors"], *result["connections"]["closed"], *result["facts"]}
    assert all(len(kind) <= 48 for kind in kinds)


def test_kinds_are_capped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with hostile("statuses") as port:
        main([
            "connect", f"ws://127.0.0.1:{port}/", "--total", "150", "--rate", "500/s",
            "--processes", "1", "--runs-dir", str(tmp_path), "--json", str(tmp_path / "r.json"),
            "--quiet",
        ])  # fmt: skip
    told(capsys.readouterr())
    errors = json.loads((tmp_path / "r.json").read_text())["connections"]["errors"]
    assert sum(errors.values()) == 150
    assert len(errors) == CAPACITY + 1
    assert errors["other"] == 150 - CAPACITY
