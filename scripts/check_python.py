"""Say what this interpreter lacks to build and run Surgewire: one word per line, none when fit.

Words: ``version`` (older than 3.11), ``venv`` (no working venv module), ``headers`` (no Python.h),
``compiler`` (no C compiler that makes a program of it), ``zlib`` and ``openssl`` (no header, or no
library for it).
Written to run on any Python 3, so that an old one answers instead of failing.
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

PROGRAM = "#include <stdio.h>\nint main(void) { return 0; }\n"


def has_venv():
    """Return whether venvs with pip can be made; Debian ships both modules in a package apart."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return False
    return True


def has_headers():
    """Return whether the headers of this interpreter are installed."""
    return (Path(sysconfig.get_path("include")) / "Python.h").exists()


def has_compiler():
    """Return whether the compiler that builds extensions makes a program."""
    return compiles(PROGRAM)


def has_zlib():
    """Return whether programs can be made that use zlib."""
    return compiles("#include <zlib.h>\n" + PROGRAM, "-lz") or not has_compiler()


def has_openssl():
    """Return whether programs can be made that use OpenSSL."""
    return compiles("#include <openssl/ssl.h>\n" + PROGRAM, "-lssl", "-lcrypto") or (
        not has_compiler()
    )


def compiles(program, *options):
    """Return whether the compiler that builds extensions makes a program of this text."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "probe.c"
        source.write_text(program)
        try:
            code = subprocess.call(
                [*compiler, str(source), "-o", str(Path(folder) / "probe"), *options],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            return False
    return code == 0


if __name__ == "__main__":
    if sys.version_info < (3, 11):
        print("version")
    else:
        for word, there in (
            ("venv", has_venv),
            ("headers", has_headers),
            ("compiler", has_compiler),
            ("zlib", has_zlib),
            ("openssl", has_openssl),
        ):
            if not there():
                print(word)
