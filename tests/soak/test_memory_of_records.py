"""What the supervisor keeps of a run does not grow with its length."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.soak.effort import HOURS, TIMEOUT_S
from tests.soak.memory import Slope, slope

ROOT = Path(__file__).parents[2]
ALLOWED_BYTES_PER_S = 2**20 / (8 * 3600)
"""A run of eight hours may take 1 MiB more than one of a minute."""
# Of an object kept for each record, the least there can be.
LEAK_BYTES = 100

pytestmark = pytest.mark.timeout(TIMEOUT_S)


def take_in(leak_bytes: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [
            sys.executable, "-m", "tests.soak.records",
            "--hours", str(HOURS), "--leak-bytes", str(leak_bytes),
        ],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def slope_of(records: "subprocess.Popen[str]") -> Slope:
    out, _ = records.communicate()
    assert records.returncode == 0
    found = slope(json.loads(out))
    print(f"{HOURS:g} h of records: {found} bytes per second of the run")
    return found


def test_memory_is_flat_over_the_records_of_hours_and_a_leak_is_found() -> None:
    with take_in(0) as flat, take_in(LEAK_BYTES) as leaking:
        assert slope_of(flat).at_least < ALLOWED_BYTES_PER_S
        assert slope_of(leaking).at_least > ALLOWED_BYTES_PER_S
