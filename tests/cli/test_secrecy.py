"""What of a command line is secret, before anything of it was understood."""

import ast
import subprocess
import sys

from surgewire.cli.secrecy import secrets_of_arguments

SECRET = "hunter2-hunter2"


def hidden(*arguments: str, text: str = SECRET) -> bool:
    return secrets_of_arguments(arguments).redact(text) != text


def test_values_by_the_option_before_them() -> None:
    assert hidden("chat", "ws://h/", "--join", SECRET)
    assert hidden("chat", f"--join={SECRET}")
    assert hidden("chat", "--join", "--what", SECRET) is False
    assert hidden("echo", "--duration", SECRET) is False


def test_urls_and_names_anywhere() -> None:
    assert hidden("echo", f"ws://h/?x={SECRET}")
    assert hidden("echo", f"--proxy=http://user:{SECRET}@h:1/")
    assert hidden("chat", "--send", f'{{"password": "{SECRET}"}}')
    assert hidden("chat", "--send", f'{{"pin": "{SECRET}"}}') is False
    assert hidden("chat", "--send", f'{{"pin": "{SECRET}"}}', "--secret", "pin")
    assert hidden("echo", f"ws://h/pin={SECRET}/", "--secret=pin")
    # An option that is called so holds no secret for that.
    assert hidden("echo", f"--key={SECRET}") is False


def test_the_list_of_processes_shows_no_secret() -> None:
    program = (
        "from pathlib import Path; from surgewire.cli.secrecy import hide_arguments\n"
        "hide_arguments(); print(Path('/proc/self/cmdline').read_bytes())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "chat", "--join", SECRET, f"ws://h/?a={SECRET}&b=1", "x"],
        capture_output=True,
        text=True,
        check=True,
    )
    stars = "*" * len(SECRET)
    words = ast.literal_eval(done.stdout).decode().split("\0")
    assert words[3:] == ["chat", "--join", stars, f"ws://h/?a={stars}&b=1", "x", ""]
