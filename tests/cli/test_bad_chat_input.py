"""Every way to ask a chat run or the chat target for nonsense that needs no run to be found out."""

from collections.abc import Callable
from pathlib import Path

import pytest

Refusal = Callable[..., str]

URL = "ws://127.0.0.1:9/?room={{room}}"
CHAT = ("chat", URL, "--connections", "10", "--rate", "1/s")
JOIN = (*CHAT, "--join", '{"room":"{{room}}"}')
SERVE = ("serve", "chat")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        # the address
        (("chat", *CHAT[2:]), "missing argument 'URL'; see surgewire chat --help"),
        (("chat", "http://h/", *CHAT[2:]), "URL: 'http://h/' is not a WebSocket address"),
        (("chat", "ws://h/?{{rom}}", *CHAT[2:]),
         "URL: {{rom}} is an unknown slot; known here: {{room}} {{user}}"),
        (("chat", "ws://h/?{{marker}}", *CHAT[2:]), "URL: {{marker}} has no meaning here; known"),
        (("chat", "ws://{{room}}.h/", *CHAT[2:]), "has a bad host"),
        (("echo", "ws://h/?{{room}}", *CHAT[2:]),
         "URL: {{room}} has no meaning here; known here: {{user}}; rooms are those of"),
        (("connect", "ws://h/{{seq}}", "--total", "5", "--rate", "5/s"), "URL: {{seq}} has no"),
        # what every plan needs
        (("chat", URL, "--rate", "1/s"), "--connections: is missing; write for example"),
        (("chat", URL, "--connections", "5"), "--rate: is missing; write for example --rate 1/s"),
        ((*CHAT, "--rate", "5"), "--rate: '5' does not say per what; write 5/s"),
        ((*CHAT, "--rate", "1/d", "--duration", "1s"), "sends nothing within --duration 1s"),
        ((*CHAT, "--pingpong"), "no such option: --pingpong"),
        # templates
        ((*CHAT, "--send", "hello"),
         "--send: has no {{marker}}: without it no delivery could be recognised; write for"),
        ((*CHAT, "--send", "{{marker} hello"), "--send: '{{marker} hello' is no slot; known here:"),
        ((*CHAT, "--send", "{{mark}}"),
         "--send: {{mark}} is an unknown slot; known here: {{marker}} {{room}} {{user}} {{seq}} "
         "{{now_ms}} {{random:8}} {{padding}}"),
        ((*CHAT, "--send", "{{marker}}{{random}}"), "{{random}} does not say how many characters"),
        ((*CHAT, "--send", ""), "--send: has no {{marker}}"),
        ((*CHAT, "--join", ""), "--join: is empty; write the message that asks to join"),
        ((*CHAT, "--join", "{{marker}}"), "--join: {{marker}} has no meaning here; known here:"),
        # joins
        ((*CHAT, "--joined", "ok"), "--joined is the answer to --join, which is missing"),
        ((*JOIN, "--joined", ""), "--joined: is empty; write a text that the confirmation"),
        ((*JOIN, "--joined", "/[/"), "--joined: '/[/' is no regular expression of Python:"),
        ((*JOIN, "--joined", "{{room}}"), "--joined: '{{room}}' has a slot, but is the same for"),
        ((*JOIN, "--join-timeout", "5"), "--join-timeout: '5' has no unit"),
        # rooms
        ((*CHAT, "--rooms", "0"), "--rooms: 0 is too small; write a value from 1 to 100,000"),
        ((*CHAT, "--rooms", "11"), "--rooms 11 are more than the 10 connections; write --rooms 10"),
        ((*CHAT, "--to", "all"), "--to: 'all': input should be 'room' or 'others'"),
        ((*CHAT, "--to", "others", "--rooms", "6"), "rooms of one member, whom nobody hears"),
        ((*CHAT, "--senders", "10"), "--senders: '10' has no %; write 10%"),
        ((*CHAT, "--senders", "0%"), "--senders: 0% is too small"),
        ((*CHAT, "--senders", "200%"), "--senders: '200%' is more than all; write 100% or less"),
        # sizes
        ((*CHAT, "--size", "51"), "write sizes of 52 or more"),
        ((*CHAT, "--size", "64", "--send", "{{marker}} hello, dear all of {{room}}"),
         "--size 64 is too small: the message without filler has up to 73 bytes, 52 of them the"),
        ((*CHAT, "--size", "4k..1k"), "--size: '4k..1k' goes down; write 1k..4k"),
        ((*CHAT, "--size", "100,1k@1"), "--size: '100,1k@1' has 2 sizes and 1 weights; write for"),
        ((*CHAT, "--size", "100,1k@1,x"), "--size: '100,1k@1,x' has a bad weight 'x'"),
        ((*CHAT, "--size", "20m"), "messages of 20m are larger than the largest message taken"),
        # comings and goings
        ((*CHAT, "--reconnect", "30s..1s"), "the shorter time comes first; write 1s..30s"),
        ((*CHAT, "--reconnect", "1s"), "--reconnect: '1s' has one end; write for example 1s..30s"),
        ((*CHAT, "--churn", "0%/min"), "--churn: 0% is too small; write a value from 0.0001%"),
        ((*CHAT, "--churn", "0%"), "--churn: '0%' does not say per what; write 0%/min"),
        ((*CHAT, "--churn", "five"), "--churn: 'five' is not a share per time; write for example"),
        # places
        ((*CHAT, "--trace", "-"), "--trace: - is no file; write the name of one"),
        # the target
        ((*SERVE, "--drop", "1"), "--drop: '1' has no %; write 1%"),
        ((*SERVE, "--drop", "101%"), "--drop: '101%' is more than all"),
        ((*SERVE, "--duplicate", "x"), "--duplicate: 'x' is not a share; write for example 10%"),
        ((*SERVE, "--reorder", "-1%"), "--reorder: '-1%' is negative"),
        ((*SERVE, "--damage", ""), "--damage: '' is not a share"),
        ((*SERVE, "--cut", "1%"), "--cut: '1%' does not say per what; write 1%/min"),
        ((*SERVE, "--max-backlog", "1t"), "--max-backlog: '1t' is not a size"),
        ((*SERVE, "--max-backlog", "1"), "--max-backlog: 1 is too small; write a value from 1k"),
        ((*SERVE, "--port", "70000"), "--port: 70,000 is too large"),
        ((*SERVE, "--stall", "10s/1s"), "--stall: '10s/1s' is not a stall"),
        ((*SERVE, "--delay", "1ms", "--delay-distribution", "fixed:1ms"), "exclude each other"),
        ((*SERVE, "--truth", "-"), "--truth: - is no file; write the name of one"),
        ((*SERVE, "--processes", "2"), "no such option: --processes"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_one_line(
    refusal: Refusal, arguments: tuple[str, ...], said: str
) -> None:
    assert said in refusal(*arguments)


@pytest.mark.parametrize("command", [(*CHAT, "--trace"), (*SERVE, "--truth")])
def test_places_that_cannot_be_written_are_refused_before_the_work(
    refusal: Refusal, tmp_path: Path, command: tuple[str, ...]
) -> None:
    message = refusal(*command, str(tmp_path / "missing" / "x"))
    assert message.startswith(f"{command[-1]}: {tmp_path}/missing/x")
    assert "no such file or directory" in message
    assert list(tmp_path.iterdir()) == []
