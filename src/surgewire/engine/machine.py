"""The facts about this machine that a run keeps."""

import platform
import sys
from importlib import metadata
from typing import Any

from surgewire.doctor.machine import usable_cpus


def describe_machine() -> dict[str, Any]:
    """Return the facts about this machine that a run's first record keeps."""
    linux = sys.platform.startswith("linux")
    return {
        "system": platform.system(),
        "release": platform.release(),
        "cpus": usable_cpus(),
        "python": platform.python_version(),
        "uvloop": metadata.version("uvloop"),
        "timer": "timerfd" if linux else "call_at",
        "kernel_stamps": linux,
    }
