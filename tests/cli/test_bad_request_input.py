"""Options on the request that make no sense: one line, exit code 2, and no secret in it."""

from pathlib import Path

import pytest

from tests.cli.conftest import Refusal

ECHO = ("echo", "ws://h/", "--connections", "5", "--rate", "1/s")
CHAT = ("chat", *ECHO[1:])
CONNECT = ("connect", "ws://h/", "--total", "5", "--rate", "1/s")
FILES = {
    "good.csv": b"name,token\nanna,canary\n",
    "empty.csv": b"",
    "heading.csv": b"name,token\n",
    "short.csv": b"name,token\ncanary\n",
    "latin.csv": b"name,token\ncanary,\xe4\n",
    "breaks.jsonl": b'{"token": "canary\\r\\nX: y"}\n',
    "gaps.jsonl": b'{"name": "a", "token": "b"}\n{"name": "canary"}\n',
    "list.jsonl": b'[{"name": "canary"}]\n',
}
TOKEN = ("--header", "Authorization: Bearer {{token}}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        # the table of users
        ((*ECHO, "--users", "none.csv"), "--users: none.csv cannot be read: no such file"),
        ((*ECHO, "--users", "empty.csv"), "--users: empty.csv is empty; write a heading"),
        ((*CHAT, "--users", "heading.csv"), "--users: heading.csv has no row; write one row"),
        ((*CONNECT, "--users", "short.csv"), "--users: short.csv, line 2: there are 1 values"),
        ((*ECHO, "--users", "latin.csv"), "--users: latin.csv is not UTF-8 but another encoding"),
        ((*ECHO, "--users", "breaks.jsonl"), "row 1, column 'token': there is a line break"),
        ((*ECHO, "--users", "gaps.jsonl"), "--users: gaps.jsonl, line 2: there is no 'token'"),
        ((*ECHO, "--users", "list.jsonl"), "list.jsonl, line 1: this is no JSON object"),
        ((*ECHO, "--users", "good.csv"), "--users: no column of good.csv is used; write a slot"),
        ((*ECHO, "--users", "good.csv", *TOKEN, "--users-mode", "once"),
         "--users-mode once: good.csv has 1 rows for --connections 5; write as many rows"),
        ((*CONNECT, "--users", "good.csv", *TOKEN, "--users-mode", "once"), "for --total 5"),
        ((*ECHO, "--users", "good.csv", *TOKEN, "--users-mode", "random"), "--users-mode: "),
        ((*ECHO, "--users-mode", "once"), "--users-mode is about the rows of --users"),
        # slots
        ((*ECHO, *TOKEN), "--header: {{token}} is an unknown slot; known here: {{user}}"),
        ((*ECHO, "--users", "good.csv", *TOKEN, "--cookie", "a={{tokn}}"),
         "--cookie: {{tokn}} is an unknown slot; known here: {{user}} and the columns"),
        (("echo", "ws://h/{{name}}", *ECHO[2:]), "URL: {{name}} is an unknown slot"),
        ((*ECHO, "--query", "a={{room}}"), "rooms are those of `surgewire chat`"),
        ((*CHAT, "--join", "{{token}}"), "--join: {{token}} is an unknown slot"),
        ((*CHAT, "--send", "{{marker}}{{nam}}", "--users", "good.csv", *TOKEN),
         "--send: {{nam}} is an unknown slot; known here: {{marker}}"),
        # headers and what else is asked for
        ((*ECHO, "--header", "canary"), "--header: the value has no ':'; write 'Name: value'"),
        ((*ECHO, "--header", "X: a", "--header", "canary"), "--header: value 2 of 2 has no ':'"),
        ((*ECHO, "--header", "X: canary\r\nY: z"), "--header: 'X': there is a line break"),
        ((*ECHO, "--header", "Upgrade: canary"), "--header: 'Upgrade' cannot be set"),
        ((*ECHO, "--cookie", "canary"), "--cookie: the value has no '='; write 'name=value'"),
        ((*ECHO, "--query", "canary"), "--query: the value has no '='; write 'name=value'"),
        ((*ECHO, "--subprotocol", "can,ary"), "--subprotocol: the value is no name"),
        ((*ECHO, "--origin", "canary\n"), "--origin: there is a line break"),
        ((*ECHO, "--user-agent", "a\tb"), "--user-agent: there is a line break or other control"),
        (("echo", "ws://me:canary@h/", *ECHO[2:], "--header", "Authorization: canary"),
         "--header sets Authorization, and so does the user name in the URL"),
        (("echo", "ws://me:canary@h:0/", *ECHO[2:]), "URL: 'ws://***@h:0/' has a bad port"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_one_line(
    refusal: Refusal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    line = refusal(*arguments)
    assert said in line
    assert "canary" not in line
