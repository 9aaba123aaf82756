"""Extension modules of the native core and their build profiles.

``SURGEWIRE_BUILD`` selects the profile: ``release`` (default), ``debug`` (bounds checks, no
optimisation) or ``sanitize`` (AddressSanitizer and UndefinedBehaviorSanitizer). Each profile keeps
its generated C, its objects and its libraries in ``build/<profile>``, because a change of profile
alone does not make a module out of date. For the same reason only release is built in place.
"""

import os
import sys
import tempfile
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError

# By name, not by pattern: a pattern that matches nothing would build a wheel without the core.
MODULES = (
    "build_info",
    "clock",
    "hdr_codec",
    "histogram",
    "utf8",
    "mask",
    "deflate",
    "frame",
    "marker",
    "ledger",
    "rooms",
    "pacer",
    "wakeup",
    "gauge",
    "witness",
    "poller",
    "tls_context",
    "tls_link",
    "stream",
    "connection",
    "template",
    "sizes",
    "pinger",
    "traffic",
    "echo_traffic",
    "connect_traffic",
    "trace",
    "memberships",
    "chat_traffic",
    "fragments",
    "reins",
    "awkward",
    "holding",
    "delays",
    "echo",
    "chat_message",
    "chat_truth",
    "chat_faults",
    "chat_room",
    "chat_delivery",
    "chat",
)

# Modules that need a library of the system.
OPENSSL = ["ssl", "crypto"]
LIBRARIES = {"deflate": ["z"], "tls_context": OPENSSL, "tls_link": OPENSSL}

# Header, library, and the packages of Debian and Fedora that have it.
HEADERS = (
    ("zlib.h", "zlib", "zlib1g-dev", "zlib-devel"),
    ("openssl/ssl.h", "OpenSSL", "libssl-dev", "openssl-devel"),
)

# Split in two by gcc, the decoder's one function takes 20 instructions more for each message.
MODULE_FLAGS = {"frame": ["-fno-partial-inlining"]}

SANITIZERS = "-fsanitize=address,undefined"
PROFILES = {
    "release": ["-O3", "-g1"],
    "debug": ["-O0", "-g3"],
    "sanitize": ["-O1", "-g3", "-fno-omit-frame-pointer", SANITIZERS],
}


def chosen_profile() -> str:
    """Return the build profile asked for, or end with one line that says what is wrong."""
    profile = os.environ.get("SURGEWIRE_BUILD", "release")
    if profile not in PROFILES:
        sys.exit(f"SURGEWIRE_BUILD={profile!r} is no build profile; use {', '.join(PROFILES)}")
    if profile != "release" and {"--inplace", "-i"} & set(sys.argv):
        sys.exit(
            f"the {profile} profile is not built in place, where it would pass for the release "
            f"build; write: SURGEWIRE_BUILD={profile} python setup.py build "
            f"--build-lib build/{profile}/lib"
        )
    return profile


class BuildCore(build_ext):
    """Compiles the core, or ends with one line where a header of the system is missing."""

    def build_extensions(self) -> None:
        """Look for headers first: the compiler's own words come after minutes, and do not help."""
        for header, library, debian, fedora in HEADERS:
            if not self.has(header):
                sys.exit(
                    f"Surgewire needs the headers of {library} to be built; on Debian or Ubuntu: "
                    f"apt-get install {debian}; on Fedora: dnf install {fedora}"
                )
        super().build_extensions()

    def has(self, header: str) -> bool:
        """Return whether the compiler finds a header."""
        with tempfile.TemporaryDirectory() as folder:
            probe = Path(folder, "probe.c")
            probe.write_text(f"#include <{header}>\n")
            try:
                self.compiler.compile([str(probe)], output_dir=folder)
            except CompileError:
                return False
        return True


def extensions(profile: str, jobs: int) -> list[Extension]:
    """Return the core's modules, translated to C in the profile's own folder."""
    checked = profile != "release"
    modules = [
        Extension(
            f"surgewire._core.{name}",
            [f"src/_core/{name}.pyx"],
            libraries=LIBRARIES.get(name, []),
            define_macros=[("SURGEWIRE_PROFILE", f'"{profile}"')],
            extra_compile_args=PROFILES[profile] + MODULE_FLAGS.get(name, []),
            extra_link_args=[SANITIZERS] if profile == "sanitize" else [],
        )
        for name in MODULES
    ]
    translated = cythonize(
        modules,
        build_dir=f"build/{profile}/c",
        include_path=["src"],
        nthreads=jobs,
        compiler_directives={
            "language_level": 3,
            "boundscheck": checked,
            "wraparound": False,
            "initializedcheck": checked,
            "cdivision": True,
            "embedsignature": False,
            "warn.undeclared": False,
        },
    )
    for module in translated:
        module.depends.append("setup.py")  # the flags are part of what a module is made of
    return translated


if __name__ == "__main__":  # translating in parallel may import this file again
    profile = chosen_profile()
    jobs = os.cpu_count() or 1
    setup(
        ext_modules=extensions(profile, jobs),
        cmdclass={"build_ext": BuildCore},
        options={
            "build": {"build_base": f"build/{profile}"},
            "build_ext": {"parallel": jobs},
        },
    )
