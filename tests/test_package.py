"""The sdist holds all sources; the wheel made from it works in an empty environment."""

import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "src" / "_core"
PACKAGE = ROOT / "src" / "surgewire"
MODULES = sorted(path.stem for path in CORE.glob("*.pyx"))

# Two builds of all modules on a busy machine.
pytestmark = [
    pytest.mark.package,
    pytest.mark.timeout(600),
]


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command to its end and return what it printed; fails the test with all of it."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "build", "--no-isolation", "--sdist", "-o", folder, ROOT, cwd=folder)
    (path,) = folder.glob("surgewire-*.tar.gz")
    return path


@pytest.fixture(scope="module")
def unpacked(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def wheel(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(
        *(sys.executable, "-m", "build", "--no-isolation", "--wheel", "-o", folder, unpacked),
        cwd=folder,
    )
    (path,) = folder.glob("surgewire-*.whl")
    return path


def test_sdist_holds_the_sources(unpacked: Path) -> None:
    names = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*")}
    for module in MODULES:
        assert f"src/_core/{module}.pyx" in names
    for path in [*CORE.glob("*.p*"), *PACKAGE.rglob("*.py")]:
        assert str(path.relative_to(ROOT)) in names
    assert {"setup.py", "pyproject.toml", "LICENSE", "Makefile"} <= names
    assert {path.name for path in ROOT.glob("*.md")} <= names
    assert not [name for name in names if name.endswith((".so", ".o", "_core.c"))]
    assert not [name for name in names if name.startswith("src") and name.endswith(".c")]


def test_wheel_holds_the_built_core(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    libraries = {name.partition(".")[0] for name in names if name.endswith(".so")}
    assert libraries == {f"surgewire/_core/{module}" for module in MODULES}
    for path in [*CORE.glob("*.pyi"), *CORE.glob("*.pxd")]:
        assert f"surgewire/_core/{path.name}" in names
    for path in PACKAGE.rglob("*.py"):
        assert str(path.relative_to(PACKAGE.parent)) in names
    assert "surgewire/py.typed" in names
    assert not [name for name in names if name.endswith((".pyx", ".c", ".o"))]


def test_generated_c_stays_in_the_build_folder(wheel: Path, unpacked: Path) -> None:
    generated = {path.relative_to(unpacked).parts[0] for path in unpacked.rglob("*.c")}
    assert {path.stem for path in (unpacked / "build").rglob("*.c")} >= set(MODULES)
    assert "src" not in generated
    assert not list((ROOT / "src").rglob("*.c"))


def test_wheel_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", wheel, cwd=tmp_path)
    imports = "; ".join(f"import surgewire._core.{module}" for module in MODULES)
    where = run(python, "-c", f"{imports}; print(surgewire.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(folder)
    assert "release" in run(folder / "bin" / "surgewire", "version", cwd=tmp_path)
