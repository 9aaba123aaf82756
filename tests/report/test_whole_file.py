"""A file appears whole or not at all; devices and pipes are written to, never replaced."""

import os
import stat

import pytest

from surgewire.report.whole_file import whole_file


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_is_there_only_at_the_end(tmp_path):
    target = tmp_path / "out.txt"
    with whole_file(target) as file:
        file.write("é")
        assert not target.exists()
    assert target.read_bytes() == "é".encode()
    assert list(tmp_path.iterdir()) == [target]


def test_a_failure_keeps_what_was_there(tmp_path):
    target = tmp_path / "out.txt"
    target.write_text("before")
    writing = whole_file(target)
    writing.__enter__().write("half")
    # As the with statement does it when Ctrl-C ends the block.
    assert not writing.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_permissions_are_those_of_the_old_file_or_of_any_new_one(tmp_path):
    old, new, plain = tmp_path / "old", tmp_path / "new", tmp_path / "plain"
    old.touch(mode=0o600)
    plain.touch()
    for path in (old, new):
        with whole_file(path) as file:
            file.write("x")
    assert mode_of(old) == 0o600
    assert mode_of(new) == mode_of(plain)


def test_a_link_stays_a_link(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("before")
    link.symlink_to(target)
    with whole_file(link) as file:
        file.write("after")
    assert link.is_symlink()
    assert target.read_text() == "after"


def test_a_pipe_is_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with whole_file(pipe) as file:
            file.write("through")
        assert os.read(reading, 100) == b"through"
    finally:
        os.close(reading)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_standard_output(capsys):
    with whole_file("-") as file:
        file.write("shown")
    assert capsys.readouterr().out == "shown"


@pytest.mark.parametrize("place", ["missing/out.txt", "."])
def test_a_place_that_cannot_be_written(tmp_path, place):
    with pytest.raises(OSError, match=r"No such file|Is a directory"), whole_file(tmp_path / place):
        pass
    assert list(tmp_path.iterdir()) == []
