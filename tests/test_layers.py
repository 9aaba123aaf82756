"""Imports point inward: every package imports only packages of a lower rank."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
CORE = SOURCE / "_core"
PACKAGE = SOURCE / "surgewire"

# By the name after ``surgewire.``; "" is the library's face, which stays below the terminal.
RANKS = {
    "_core": 0,
    "errors": 0,
    "release": 0,
    "plan": 1,
    "results": 1,
    "dialects": 1,
    "doctor": 2,
    "engine": 2,
    "targets": 2,
    "report": 3,
    "checkup": 3,
    "": 3,
    "cli": 4,
    "__main__": 5,
}
# Beyond lower ranks: results reads the plan that it reports on, and a run begins with the doctor's
# quick form.
ALSO_ALLOWED = {("results", "plan"), ("engine", "doctor")}

TERMINAL = {"typer", "click", "rich"}
MAY_KNOW_A_TERMINAL = {"report", "cli"}

# Packages that compute and leave files, sockets, processes and loops to others.
WITHOUT_IO = {"plan", "results", "dialects"}
IO_MODULES = {
    "aiohttp",
    "asyncio",
    "http",
    "io",
    "mmap",
    "multiprocessing",
    "psutil",
    "selectors",
    "shutil",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "urllib.request",
    "uvloop",
}
IO_CALLS = {"open", "read_bytes", "read_text", "write_bytes", "write_text"}

# Modules of the core that meet the clock, the loop or a socket; all others are pure.
MEETS_THE_SYSTEM = {
    "clock",
    "wakeup",
    "witness",
    "poller",
    "stream",
    "connection",
    "pinger",
    "traffic",
    "echo_traffic",
    "connect_traffic",
    "trace",
    "memberships",
    "chat_traffic",
    "reins",
    "awkward",
    "echo",
    "chat_truth",
    "chat_room",
    "chat_delivery",
    "chat",
}
SYSTEM_MODULES = {"asyncio", "os", "posix", "select", "signal", "socket", "time", "uvloop"}

CIMPORT = re.compile(
    r"^\s*(?:from\s+(?P<package>[\w.]+)\s+c?import\s+(?P<names>[^#\n]+)|c?import\s+(?P<module>[\w.]+))",
    re.MULTILINE,
)


def python_imports(source: str, package: str) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of all imports, those within functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                kept = parents[: len(parents) - node.level + 1]
                base = ".".join([*kept, base] if base else kept)
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def cython_imports(source: str) -> Iterator[str]:
    """Yield the dotted names that a Cython source imports or cimports."""
    for match in CIMPORT.finditer(source):
        if module := match["module"]:
            yield module
            continue
        for name in match["names"].strip(" ()\\").split(","):
            base = match["package"]
            if base.startswith("."):
                base = f"surgewire._core.{base.lstrip('.')}".rstrip(".")
            yield f"{base}.{name.split(' as ')[0].strip()}".rstrip(".")


def target_package(name: str) -> str | None:
    """Return which package of ours a dotted name lies in; None for other people's modules."""
    parts = name.split(".")
    if parts[0] != "surgewire":
        return None
    return parts[1] if len(parts) > 1 and parts[1] in RANKS else ""


def home_of(package: str, module: str) -> str:
    """Return which part of ours a module lies in: a package, a module of the root, or its face."""
    if package != "surgewire":
        return package.split(".")[1]
    return "" if module == "__init__" else module


def outward(source: str, package: str, module: str) -> list[str]:
    """Return a line for each import of one module that does not point inward."""
    home = home_of(package, module)
    found = []
    for line, name in python_imports(source, package):
        target = target_package(name)
        if target is not None:
            inward = target == home or (home, target) in ALSO_ALLOWED
            if not inward and RANKS[target] >= RANKS[home]:
                found.append(f"{line}: {home} imports {name}")
        elif name.split(".")[0] in TERMINAL and home not in MAY_KNOW_A_TERMINAL:
            found.append(f"{line}: {home} imports {name}")
        elif home in WITHOUT_IO and any(
            name == banned or name.startswith(f"{banned}.") for banned in IO_MODULES
        ):
            found.append(f"{line}: {home} does no I/O, and imports {name}")
    return found


def io_calls(source: str) -> list[str]:
    """Return a line for each call that opens, reads or writes a file."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called in IO_CALLS:
                found.append(f"{node.lineno}: calls {called}()")
    return found


def modules() -> list[Path]:
    """Return all Python modules of ours, by their path in the package."""
    nested = (path for name in RANKS if name for path in (PACKAGE / name).rglob("*.py"))
    return sorted([*PACKAGE.glob("*.py"), *nested])


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_points_inward(path: Path) -> None:
    source = path.read_text()
    package = ".".join(path.parent.relative_to(SOURCE).parts)
    assert outward(source, package, path.stem) == []
    if home_of(package, path.stem) in WITHOUT_IO:
        assert io_calls(source) == []


def test_every_package_has_a_rank() -> None:
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages <= RANKS.keys()


@pytest.mark.parametrize(
    "path", sorted([*CORE.glob("*.pyx"), *CORE.glob("*.pxd")]), ids=lambda path: path.name
)
def test_core_imports_only_the_core(path: Path) -> None:
    for name in cython_imports(path.read_text()):
        if name.startswith("surgewire"):
            assert name.startswith("surgewire._core"), name
        assert name.split(".")[0] not in TERMINAL
        if path.stem not in MEETS_THE_SYSTEM:
            assert name.split(".")[0] not in SYSTEM_MODULES, name
            if name.startswith("surgewire._core."):
                assert name.split(".")[2] not in MEETS_THE_SYSTEM, name


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("surgewire.plan", "from surgewire.engine.run import run"),
        ("surgewire.plan", "import surgewire.results"),
        ("surgewire.plan", "from surgewire import run"),
        ("surgewire.plan", "import socket"),
        ("surgewire.results", "from urllib.request import urlopen"),
        ("surgewire.engine", "from ..report import text"),
        ("surgewire.engine", "def f():\n    from rich import print"),
        ("surgewire.engine", "from surgewire import targets"),
        ("surgewire.report", "from surgewire.cli.main import main"),
        ("surgewire._core", "from surgewire.plan import units"),
    ],
)
def test_outward_import_is_found(package: str, source: str) -> None:
    assert len(outward(source, package, "module")) == 1


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("surgewire.results", "from surgewire.plan.models import EchoPlan"),
        ("surgewire.engine", "from . import shared\nfrom .shared import SharedRegion"),
        ("surgewire.engine", "from surgewire._core.clock import now_ns\nimport asyncio"),
        ("surgewire.plan", "from urllib.parse import urlsplit"),
        ("surgewire.cli", "import typer\nfrom surgewire.report import text"),
    ],
)
def test_inward_import_is_let_through(package: str, source: str) -> None:
    assert outward(source, package, "module") == []


def test_cython_imports_are_seen() -> None:
    source = (
        "from libc.stdint cimport uint8_t, int64_t\n"
        "cimport cython\n"
        "import surgewire.engine\n"
        "from surgewire._core.clock cimport clock_now_ns as now\n"
        "from .frame cimport (\n    frame_next,\n)\n"
        "# cimport nothing\n"
    )
    assert list(cython_imports(source)) == [
        "libc.stdint.uint8_t",
        "libc.stdint.int64_t",
        "cython",
        "surgewire.engine",
        "surgewire._core.clock.clock_now_ns",
        "surgewire._core.frame",
    ]


def test_importing_loads_no_engine() -> None:
    program = (
        "import sys, surgewire\n"
        "print([name for name in sys.modules if name.split('.')[0] in {'numpy', 'uvloop'}\n"
        "       or name.startswith('surgewire.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_library_path_loads_no_terminal() -> None:
    program = (
        "import sys, surgewire\n"
        "surgewire.run, surgewire.EchoPlan, surgewire.ConnectPlan, surgewire.Result\n"
        f"print(sorted({TERMINAL!r} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr
