"""Runs a fuzz target under libFuzzer (of atheris), guided by the coverage of the native core.

The core is built once more, into `build/fuzz`, with AddressSanitizer, UndefinedBehaviorSanitizer
and coverage callbacks; any C compiler that Python extensions are built with will do. New inputs
are kept in `build/fuzz/corpus/<name>` and what breaks the target in `build/fuzz/findings`; the
committed seeds in `tests/fuzz/corpus/<name>` are only read.
"""

import argparse
import ctypes
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "fuzz"
COVERAGE = BUILD / "coverage.so"
INSIDE = "SURGEWIRE_FUZZ_INSIDE"


class Target(NamedTuple):
    """`check` raises where an input shows a fault; `mutate` makes an input of another one.

    `mutate` gets the input, the greatest size in bytes, and a seed.
    """

    check: Callable[[bytes], object]
    mutate: Callable[[bytes, int, int], bytes]


def main(name: str, load: Callable[[], Target], max_bytes: int) -> None:
    """Fuzz, or run the inputs named on the command line; ends the process with its exit code.

    `load` imports what is tested: it is called when the instrumented core is in place.
    """
    arguments = parse_arguments(name)
    if INSIDE not in os.environ:
        build_core()
        sys.stdout.flush()
        os.execvpe(sys.executable, [sys.executable, *sys.argv], inside_environment())
    start_coverage()
    target = load()
    if arguments.inputs:
        for path in arguments.inputs:
            target.check(path.read_bytes())
            print(f"{path}: no fault")
        sys.exit(0)
    fuzz(name, target, arguments.seconds, max_bytes)


def parse_arguments(name: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=f"Fuzz target {name}.")
    parser.add_argument(
        "--seconds",
        type=int,
        default=int(os.environ.get("FUZZ_SECONDS", "60")),
        help="how long to fuzz (default: $FUZZ_SECONDS, or 60)",
    )
    parser.add_argument("inputs", nargs="*", type=Path, help="only run these inputs once")
    arguments = parser.parse_args()
    if arguments.seconds < 1:
        parser.error(f"--seconds {arguments.seconds}: write at least 1")
    for path in arguments.inputs:
        if not path.is_file():
            parser.error(f"{path}: no such file")
    if importlib.util.find_spec("atheris") is None:
        sys.exit("fuzzing needs atheris: pip install atheris (its wheels are for Linux x86-64)")
    return arguments


def build_core() -> None:
    """Build the instrumented core and the library that counts for libFuzzer."""
    BUILD.mkdir(parents=True, exist_ok=True)
    compiler = os.environ.get("CC", "cc")
    source = ROOT / "tests" / "fuzz" / "coverage.c"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", COVERAGE, source], check=True)
    flags = f"{os.environ.get('CFLAGS', '')} -fsanitize-coverage=trace-pc"
    command = [sys.executable, "setup.py", "-q", "build", "--build-base", "build/fuzz"]
    subprocess.run(
        [*command, "--build-lib", "build/fuzz/lib"],
        cwd=ROOT,
        env={**os.environ, "SURGEWIRE_BUILD": "sanitize", "CFLAGS": flags},
        check=True,
    )


def sanitizer_runtime(library: str) -> str:
    """Path of a runtime library of the compiler."""
    compiler = os.environ.get("CC", "cc")
    command = [compiler, f"-print-file-name={library}"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    path = Path(answer.strip())
    if not path.is_absolute():
        sys.exit(f"fuzzing needs {library}, which {compiler} lacks; on Debian it comes with gcc")
    return str(path.resolve())


def inside_environment() -> dict[str, str]:
    """The environment in which the instrumented core can be loaded and is found first."""
    return {
        **os.environ,
        INSIDE: "1",
        "LD_PRELOAD": " ".join(map(sanitizer_runtime, ("libasan.so", "libubsan.so"))),
        "PYTHONPATH": os.pathsep.join([str(BUILD / "lib"), str(ROOT)]),
        "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": "detect_leaks=0:halt_on_error=1:quarantine_size_mb=32",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    }


def start_coverage() -> None:
    """Hand the counters to libFuzzer, before the core is loaded."""
    library = ctypes.CDLL(str(COVERAGE), mode=ctypes.RTLD_GLOBAL)
    length = ctypes.c_uint32.in_dll(library, "fuzz_counters_length").value
    begin = ctypes.addressof((ctypes.c_uint8 * length).in_dll(library, "fuzz_counters"))
    # libFuzzer looks for a mutator of ours once, when it is loaded.
    ctypes.CDLL(atheris_library("custom_mutator"), mode=ctypes.RTLD_GLOBAL)
    libfuzzer = ctypes.CDLL(atheris_library("core_with_libfuzzer"))
    register = libfuzzer["__sanitizer_cov_8bit_counters_init"]
    register.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    register.restype = None
    register(begin, begin + length)


def atheris_library(name: str) -> str:
    """The path of one of atheris' native modules."""
    spec = importlib.util.find_spec(f"atheris.{name}")
    if spec is None or spec.origin is None:
        sys.exit("this atheris is built without libFuzzer; install it from its wheel")
    return spec.origin


def fuzz(name: str, target: Target, seconds: int, max_bytes: int) -> None:
    """Fuzz for so long; libFuzzer ends the process, with 0 unless it found a fault."""
    import atheris

    findings = BUILD / "findings"
    corpus = BUILD / "corpus" / name
    for folder in (findings, corpus):
        folder.mkdir(parents=True, exist_ok=True)
    seeds = ROOT / "tests" / "fuzz" / "corpus" / name
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={max_bytes}",
        f"-artifact_prefix={findings}/{name}-",
        "-print_final_stats=1",
        "-timeout=20",
        "-rss_limit_mb=4096",
    ]
    print(f"fuzzing {name} for {seconds} s; what is found goes to {findings}", flush=True)
    atheris.Setup(
        [sys.argv[0], *options, str(corpus), str(seeds)],
        target.check,
        custom_mutator=target.mutate,
    )
    atheris.Fuzz()
