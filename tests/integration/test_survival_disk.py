"""A full disk below the journal: the run goes on, and says from when on records are missing."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.full_disk import DISK_BYTES, SECONDS
from tests.integration.survival import check_account

ROOT = Path(__file__).parents[2]
PLANNED = 40 * 50 * SECONDS


def in_a_namespace(*command: str) -> "subprocess.CompletedProcess[str]":
    """Run a shell command in a mount namespace; as a user of that namespace unless we are root."""
    flags = ["-m"] if os.geteuid() == 0 else ["-U", "-r", "-m"]
    return subprocess.run(
        ["unshare", *flags, "sh", "-ec", *command],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip


MOUNT = f'mount -t tmpfs -o size={DISK_BYTES} tmpfs "$0"'


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Give a folder on which a small disk can be mounted."""
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare (util-linux)")
    tried = in_a_namespace(MOUNT, str(tmp_path))
    if tried.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {tried.stderr.strip()}")
    return tmp_path


def carry_out(url: str, disk: Path, ending: str) -> dict[str, Any]:
    command = f'{MOUNT}; "$1" -m tests.integration.full_disk "$2" "$0" "$3" "$4"'
    log = disk.parent / f"{disk.name}.log"
    done = in_a_namespace(command, str(disk), sys.executable, url, str(log), ending)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert list(disk.iterdir()) == []
    assert told["was_full"], told["text"]
    assert "Traceback" not in told["text"]
    return told


def doubt(result: dict[str, Any], code: str = "journal_incomplete") -> dict[str, Any] | None:
    return next((found for found in result["doubts"] if found["code"] == code), None)


def test_the_run_goes_on_without_a_journal(target: str, disk: Path) -> None:
    told = carry_out(target, disk, "stay-full")
    result = told["result"]
    check_account(result)
    assert told["code"] == 0
    assert result["verdict"]["status"] == "doubtful"
    # The whole run was carried out and counted; what became of the journal is told.
    assert result["delivery"]["sent"] == result["delivery"]["delivered"] == PLANNED
    incomplete = doubt(result)
    assert incomplete is not None
    assert 0 <= incomplete["figure"] < SECONDS
    since = f"from {incomplete['figure']:.1f} s on: "
    expected = f"the journal could not be written {since}no space left on device"
    assert incomplete["message"] == expected
    # Nothing torn, and no half of a result.
    assert told["files"] == ["journal.bin", "plan.json"]
    later = told["later"]
    check_account(later)
    assert later["verdict"]["status"] == "interrupted"
    missing = doubt(later)
    assert missing is not None
    assert "no end: killed, or out of disk, after " in missing["message"]
    assert missing["figure"] <= incomplete["figure"]
    assert 0 < later["delivery"]["delivered"] < PLANNED


def test_nothing_is_missing_when_there_is_room_again(target: str, disk: Path) -> None:
    told = carry_out(target, disk, "room-again")
    assert told["code"] == 0
    assert doubt(told["result"]) is None
    assert told["later"] == told["result"]
    assert told["files"] == ["journal.bin", "plan.json", "result.json"]
    kinds = [event["kind"] for event in told["result"]["events"]]
    assert [kind for kind in kinds if kind.startswith("journal")] == [
        "journal_failed",
        "journal_restored",
    ]
