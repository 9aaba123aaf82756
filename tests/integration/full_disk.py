"""A run whose journal lies on a disk that is full; in a mount namespace of its own.

Started with `unshare`: what is mounted here nobody else sees, and it is gone with the process.
Prints as JSON what the run, and the reports of it, had to say.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from surgewire.engine.run import load_run
from surgewire.errors import SurgewireError
from tests.integration.survival import surgewire

DISK_BYTES = 1024 * 1024
PAGE_BYTES = 4096
# Free pages that the run begins with: for the plan, and for the first seconds of the journal.
ROOM_PAGES = 3
FULL_WITHIN_S = 20.0
SECONDS = 7


def fill(disk: Path) -> Path:
    """Leave but little room on the disk; return what fills it."""
    filler = disk / "filler"
    stat = os.statvfs(disk)
    with filler.open("wb") as file:
        file.write(b"x" * (stat.f_bfree - ROOM_PAGES) * PAGE_BYTES)
    return filler


def wait_until_full(run: "subprocess.Popen[str]", log: Path) -> bool:
    """Wait until the run says that its journal cannot be written; False when it has ended."""
    deadline = time.monotonic() + FULL_WITHIN_S
    while time.monotonic() < deadline and run.poll() is None:
        if "the journal cannot be written" in log.read_text():
            return True
        time.sleep(0.05)
    return False


def main(url: str, disk: Path, log: Path, *, room_again: bool) -> None:
    filler = fill(disk)
    with log.open("w") as stderr:
        run = subprocess.Popen(
            surgewire(
                "echo", url, "--connections", "40", "--rate", "50/s", "--duration", f"{SECONDS}s",
                "--ramp", "100ms", "--processes", "2", "--runs-dir", str(disk / "runs"),
                "--json", "-",
            ),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )  # fmt: skip
    was_full = wait_until_full(run, log)
    if room_again:
        filler.unlink()
    out, _ = run.communicate()
    [folder] = (disk / "runs").iterdir()
    try:
        later = load_run(folder).to_dict()
    except SurgewireError as error:
        later = {"error": str(error)}
    told = {
        "was_full": was_full,
        "code": run.returncode,
        "result": json.loads(out),
        "text": log.read_text(),
        "later": later,
        "files": sorted(path.name for path in folder.iterdir()),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), room_again=sys.argv[4] == "room-again")
