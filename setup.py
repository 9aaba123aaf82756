"""Extension modules of the native core and their build profiles.

``SURGEWIRE_BUILD`` selects the profile: ``release`` (default), ``debug`` (bounds checks, no
optimisation) or ``sanitize`` (AddressSanitizer and UndefinedBehaviorSanitizer). Each profile keeps
its generated C and its objects in ``build/<profile>``, because a change of profile alone does not
make a module out of date.
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

# By name, not by pattern: a pattern that matches nothing would build a wheel without the core.
MODULES = (
    "build_info",
    "clock",
    "histogram",
    "utf8",
    "mask",
    "frame",
    "marker",
    "ledger",
    "pacer",
    "wakeup",
    "gauge",
    "witness",
    "connection",
    "traffic",
    "echo",
)

PROFILES = {
    "release": ["-O3", "-g1"],
    "debug": ["-O0", "-g3"],
    "sanitize": ["-O1", "-g3", "-fno-omit-frame-pointer", "-fsanitize=address,undefined"],
}

profile = os.environ.get("SURGEWIRE_BUILD", "release")
if profile not in PROFILES:
    sys.exit(f"SURGEWIRE_BUILD={profile!r} is no build profile; use one of {', '.join(PROFILES)}")

checked = profile != "release"
extensions = [
    Extension(
        f"surgewire._core.{name}",
        [str(Path("src") / "_core" / f"{name}.pyx")],
        define_macros=[("SURGEWIRE_PROFILE", f'"{profile}"')],
        extra_compile_args=PROFILES[profile],
        extra_link_args=["-fsanitize=address,undefined"] if profile == "sanitize" else [],
    )
    for name in MODULES
    if (Path("src") / "_core" / f"{name}.pyx").exists()
    and (Path("src") / "_core" / f"{name}.pyx").stat().st_size > 1  # scaffold
]

setup(
    ext_modules=cythonize(
        extensions,
        build_dir=f"build/{profile}/c",
        include_path=["src"],
        compiler_directives={
            "language_level": 3,
            "boundscheck": checked,
            "wraparound": False,
            "initializedcheck": checked,
            "cdivision": True,
            "embedsignature": False,
            "warn.undeclared": False,
        },
    ),
)
