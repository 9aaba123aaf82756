"""The folder of a run: what was asked for, the journal, and at the end the result."""

import contextlib
import errno
import json
import os
import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from surgewire.errors import UsageError

RUNS_DIR = "surgewire-runs"
"""Where the folders of runs are kept unless said otherwise."""

PLAN_NAME = "plan.json"
JOURNAL_NAME = "journal.bin"
RESULT_NAME = "result.json"
FIND_NAME = "find.json"

_ATTEMPTS = 8
_STAMP_LETTERS = len("20260131-120000")


class RunDirError(UsageError):
    """The folder of a run cannot be made, written or found."""


class RunDir:
    """The folder at `path`; its name is the id of the run."""

    def __init__(self, path: Path) -> None:
        """Refer to the folder at `path`, whether it exists or not."""
        self.path = path

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self.path.name

    @property
    def journal_path(self) -> Path:
        """Where the journal lies."""
        return self.path / JOURNAL_NAME

    @property
    def result_path(self) -> Path:
        """Where the result will lie."""
        return self.path / RESULT_NAME

    def write_result(self, result: dict[str, Any]) -> None:
        """Write `result` as JSON, whole or not at all; raise RunDirError when it cannot be."""
        self._write_json(RESULT_NAME, result)

    def write_find(self, found: dict[str, Any]) -> None:
        """Write what a search found, likewise."""
        self._write_json(FIND_NAME, found)

    def _write_json(self, name: str, content: dict[str, Any]) -> None:
        text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
        draft = self.path / f".{name}.part"
        try:
            draft.write_text(text, encoding="utf-8")
            draft.replace(self.path / name)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise RunDirError(f"{self.path / name} cannot be written: {_why(error)}") from error


def create_run_dir(runs_dir: Path, kind: str, plan: dict[str, Any], now: datetime) -> RunDir:
    """Make a new folder below `runs_dir` for a run that starts `now`, with `plan` in it.

    Raises RunDirError when the place cannot be written.
    """
    stamp = now.astimezone(UTC).strftime("%Y%m%d-%H%M%S")
    try:
        runs_dir.mkdir(parents=True, exist_ok=True)
        run_dir = RunDir(_make_unique(runs_dir, f"{stamp}-{kind}"))
    except OSError as error:
        raise RunDirError(
            f"{runs_dir} cannot take the folder of a run: {_why(error)}; "
            "choose another place with `--runs-dir DIR`"
        ) from error
    try:
        run_dir._write_json(PLAN_NAME, plan)
    except RunDirError:
        shutil.rmtree(run_dir.path, ignore_errors=True)
        raise
    return run_dir


def _make_unique(runs_dir: Path, stem: str) -> Path:
    for _ in range(_ATTEMPTS):
        path = runs_dir / f"{stem}-{secrets.token_hex(2)}"
        with contextlib.suppress(FileExistsError):
            path.mkdir()
            return path
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def open_run_dir(path: Path) -> RunDir:
    """Return the folder of an earlier run, given the folder or its journal.

    Raises RunDirError when there is no journal.
    """
    folder = path.parent if path.name == JOURNAL_NAME else path
    if not folder.is_dir():
        raise RunDirError(f"{path} is not the folder of a run: there is no such folder")
    if (folder / FIND_NAME).exists():
        raise RunDirError(
            f"{path} is the folder of a search: name the folder of one of its runs, which are in it"
        )
    if not os.path.lexists(folder / JOURNAL_NAME):
        raise RunDirError(f"{path} is not the folder of a run: it holds no {JOURNAL_NAME}")
    return RunDir(folder)


def newest_run_dir(runs_dir: Path) -> RunDir:
    """Return the folder of the run below `runs_dir` that was begun last.

    Raises RunDirError when there is none.
    """
    try:
        journals = [path for path in runs_dir.glob(f"*/{JOURNAL_NAME}") if path.is_file()]
    except OSError as error:
        raise RunDirError(f"{runs_dir} cannot be read: {_why(error)}") from error
    if not journals:
        raise RunDirError(f"{runs_dir} holds no run; begin one, or name the folder of one")
    # Names begin with the second of the start; of two in one second the later folder counts.
    newest = max(journals, key=lambda path: (path.parent.name[:_STAMP_LETTERS], _made_ns(path)))
    return RunDir(newest.parent)


def _made_ns(journal: Path) -> int:
    with contextlib.suppress(OSError):
        # Written once, before anything else.
        return (journal.parent / PLAN_NAME).stat().st_mtime_ns
    return 0


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
