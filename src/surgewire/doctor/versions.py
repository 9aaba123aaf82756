"""What Surgewire runs on, and whether that has all it builds on."""

import platform
import ssl
import sys
from importlib import metadata

from surgewire._core.build_info import PROFILE
from surgewire.doctor.finding import Finding, Status, ok
from surgewire.release import release

_FAST_PROFILE = "release"
_LIBRARIES = ("uvloop", "websockets")


def check_versions() -> Finding:
    """Name the versions; warn where a system or a build is not made for measuring."""
    parts = [f"surgewire {release()}", f"Python {platform.python_version()}"]
    parts += [f"{name} {metadata.version(name)}" for name in _LIBRARIES]
    parts += [
        " ".join(ssl.OPENSSL_VERSION.split()[:2]),
        f"{platform.system()} {platform.release()}",
    ]
    found = ", ".join(parts)
    if PROFILE != _FAST_PROFILE:
        return Finding(
            "versions",
            Status.WARN,
            f"{found}; the core was built with the profile {PROFILE}",
            f"a core of the profile {_FAST_PROFILE}",
            "pip install --force-reinstall --no-deps .",
            "",
            "messages cost several times what they should",
        )
    if not sys.platform.startswith("linux"):
        return Finding(
            "versions",
            Status.WARN,
            found,
            "Linux",
            None,
            "run on Linux for full precision",
            "timers are only about a millisecond precise, and the kernel gives no stamps",
        )
    return ok("versions", found)
