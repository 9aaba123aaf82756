"""Where and with what the figures were measured."""

from __future__ import annotations

import datetime
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil

from harness.generators import REPOSITORY, Generator
from harness.jobs import Timing


def processor() -> str:
    """Name the processor as the kernel does."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def describe(
    generators: Sequence[Generator], timing: Timing, rounds: int, pinning_note: str
) -> list[str]:
    """Say in a few lines when, where and with what was measured."""
    memory_gib = psutil.virtual_memory().total / (1 << 30)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    lines = [
        f"Measured {today} at revision {revision()}.",
        f"{processor()}, {psutil.cpu_count()} cores, {memory_gib:.0f} GiB; "
        f"Linux {platform.release()}; Python {platform.python_version()}.",
        f"{rounds} interleaved rounds, a window of {timing.window_s:g} s in each run. "
        + pinning_note,
    ]
    versions = [f"{each.name} ({each.version()})" for each in generators]
    return [*lines, "Generators: " + "; ".join(versions) + "."]


def revision() -> str:
    """Give the short name of the commit, with a plus sign where files have been changed since."""
    argv = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty=+"]
    said = subprocess.run(argv, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"
