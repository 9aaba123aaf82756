from pathlib import Path

import pytest

from surgewire.cli.places import STANDARD_OUTPUT, check_writable
from surgewire.errors import UsageError


def test_places_that_can_be_written_are_left_as_they_are(tmp_path: Path) -> None:
    existing = tmp_path / "existing"
    existing.write_text("kept")
    for place in (None, STANDARD_OUTPUT, tmp_path / "new", existing, Path("/dev/null")):
        check_writable("--json", place)
    assert [path.name for path in tmp_path.iterdir()] == ["existing"]
    assert existing.read_text() == "kept"


def test_places_relative_to_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_writable("--json", Path("out.json"))
    with pytest.raises(UsageError, match=r"^--json: missing/out.json cannot be written: no such"):
        check_writable("--json", Path("missing/out.json"))
