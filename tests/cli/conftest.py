from collections.abc import Callable

import pytest

from surgewire.cli.main import main

Refusal = Callable[..., str]


@pytest.fixture
def refusal(capsys: pytest.CaptureFixture[str]) -> Refusal:
    """Run a command line that must be refused; give what the one line on stderr says."""

    def run(*arguments: str, exit_code: int = 2) -> str:
        assert main(arguments) == exit_code
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("surgewire: error: ")
        assert captured.err.count("\n") == 1
        return captured.err.removeprefix("surgewire: error: ").rstrip("\n")

    return run
