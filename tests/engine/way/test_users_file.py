from pathlib import Path

import pytest

from surgewire.engine.way import users_file
from surgewire.engine.way.users_file import read_users
from surgewire.errors import UsageError


def test_a_file_is_read_and_gives_the_table_its_name(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes("\ufeffname\r\nanna ü\r\n".encode())
    table = read_users(str(path))
    assert (table.name, table.columns, table.value(0, "name")) == (
        "people.csv",
        ("name",),
        "anna ü".encode(),
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "--users: u.csv is empty"),
        (b"name\nann\xe4\n", "--users: u.csv is not UTF-8 but another encoding (line 2); save it"),
        ("name\nanna\n".encode("utf-16"), "--users: u.csv is not UTF-8 but UTF-16"),
        (b"name\n" + b"x" * 200, "--users: u.csv is larger than 0 MiB; split it"),
    ],
)
def test_a_file_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, said: str
) -> None:
    monkeypatch.setattr(users_file, "MAX_BYTES", 100)
    (tmp_path / "u.csv").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_users(tmp_path / "u.csv")
    assert said in str(caught.value)


@pytest.mark.parametrize(("name", "why"), [("missing", "no such file"), (".", "is a directory")])
def test_a_file_that_is_none(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(UsageError, match=f"cannot be read: {why}.*; write the name of a file"):
        read_users(tmp_path / name)
