"""Nonsense in the options on how to connect: one line that says what to write, and exit code 2."""

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Refusal
from tests.cli.test_bad_input import CONNECT, ECHO

SECURE = ("echo", "wss://127.0.0.1:9/", *ECHO[2:])
CHAT = ("chat", *ECHO[1:])


def at(url: str) -> tuple[str, ...]:
    return ("echo", url, *ECHO[2:])


UNIX = at("ws+unix:///nowhere.sock")

ROUTE = [
    (
        ("--resolve", "x"),
        "--resolve: 'x' is no HOST:PORT:ADDRESS; write example.com:443:",
    ),
    (("--resolve", "h:80"), "--resolve: 'h:80' is no HOST:PORT:ADDRESS"),
    (("--resolve", "h:80:nope"), "--resolve: 'nope' is no address"),
    (("--resolve", "h:0:1.2.3.4"), "--resolve: 'h:0:1.2.3.4' has a bad port"),
    (("--resolve", "h:80:1.2.3.4", "--resolve", "h:80:1.2.3.5"), "h:80 is given twice; write its"),
    (("--resolve", "h:80:1.2.3.4"), "--resolve h:80 is about no host that this run looks up"),
    (("--family", "5"), "--family: '5' is no address family; write 4, 6 or any"),
    (("--family", "6"), "--family 6 does not go with 127.0.0.1"),
    (("--source", "127.0.0.9-127.0.0.2"), "is no range of addresses; write the lowest and"),
    (("--source", "127.0.0.2-::1"), "--source: '127.0.0.2-::1' is no range of addresses"),
    (("--source", "127.0.0.2-127.0.0.900"), "is no range of addresses"),
    (("--source", "300.0.0.1"), "--source: '300.0.0.1' is no source address; write 127.0.0.2-"),
    (("--source", "127.0.0.0/8"), "--source: '127.0.0.0/8' is no source address"),
    (("--source", ""), "--source: '' is no source address"),
    (("--source", "0.0.0.1-255.255.255.255"), "names 4,294,967,295 addresses; write 10,000 or"),
    (("--source", "192.0.2.77"), "--source"),
    (("--source", "nosuchif0"), "--source"),
    (("--source", "::1"), "--source"),
    (("--proxy", "foo"), "--proxy: 'foo' has no scheme; write for example http://user:password@"),
    (("--proxy", "ftp://h:1"), "--proxy: 'ftp://h:1' is no proxy that is known"),
    (("--proxy", "http://h:99999"), "--proxy: 'http://h:99999' has a bad port"),
    (("--proxy", "http://:1"), "--proxy: 'http://:1' has no host"),
    (("--proxy", "http://h:1/path"), "has something behind the port; escape what is special"),
    (("--proxy", "socks5://user@h:1"), "needs user and password of 1 to 255 ASCII characters"),
]
SOCKETS = [
    (("--send-buffer", "0"), "--send-buffer: 0 is too small; write a value from 1k to 1g"),
    (("--receive-buffer", "x"), "--receive-buffer: 'x' is not a size"),
    (("--keepalive", "10ms"), "--keepalive: 10ms is too small; write a value from 1s"),
    (("--keepalive", "1.5s"), "--keepalive: 1.5s is not whole seconds"),
    (("--tcp-user-timeout", "0s"), "--tcp-user-timeout: 0s is too small"),
]
TIMEOUTS = [
    (("--connect-timeout", "0s"), "--connect-timeout: 0s is too small; write a value from 10ms"),
    (("--tls-timeout", "x"), "--tls-timeout: 'x' is not a duration"),
    (("--tls-timeout", "5s"), "--tls-timeout needs a wss:// URL; leave it out, or write the URL"),
    (("--upgrade-timeout", "-1s"), "--upgrade-timeout: '-1s' is negative"),
]
DEFLATE = [
    (("--deflate", "--deflate-offer", "x"), "--deflate-offer: 'x' is no parameter of permessage"),
    (("--deflate-offer", "server_max_window_bits=99"), "server_max_window_bits is 8 to 15"),
    (("--deflate-offer", "client_no_context_takeover=3"), "takes no value; write it alone"),
    (("--deflate", "--deflate-level", "0"), "--deflate-level: 0 is too small; write a value from"),
    (("--deflate-level", "6"), "--deflate-level needs --deflate; write both"),
]
CLOSING = [
    (("--close-code", "1005"), "--close-code: 1005 is no code that a close frame may carry"),
    (("--close-code", "x"), "--close-code: 'x' is not a whole number"),
    (("--close-reason", "ä" * 62), "has 124 bytes; a close frame carries 123 at most"),
    (
        ("--close-reset", "--close-code", "1001"),
        "--close-reset ends connections without a hand",
    ),
    (("--close-timeout", "0s"), "--close-timeout: 0s is too small"),
]
BEHAVE = [
    (("--behave", "rude:5%"), "--behave: 'rude' is no behaviour; write one of slow-reader, "),
    (("--behave", "slow-reader"), "does not say how many users; write for example slow-reader:5%"),
    (("--behave", "slow-reader:5"), "--behave: '5' has no %; write 5%"),
    (("--behave", "slow-reader:0%"), "a share lies between 0 and 100%"),
    (("--behave", "silent:60%,vanish:60%"), "leave nobody who behaves; write smaller shares"),
    (("--behave", "silent:5%", "--behave", "silent:6%"), "silent is given twice; write one share"),
    (("--behave", "slow-reader:5%@x"), "--behave: 'x' is no size in a second; write for"),
]
SAFETY = [
    (("--abort-on", "failed"), "--abort-on: 'failed' is no rule; write for example 'failed>20%'"),
    (("--abort-on", "fail>3"), "--abort-on: 'fail' is nothing that is counted; write failed, "),
    (("--abort-on", "failed>200%"), "'200%' is more than all; write 100% or less"),
    (("--secret", "a=b"), "--secret: that is no name; write the name alone"),
    (("--secret", ""), "--secret: that is no name"),
]
ALL = [*ROUTE, *SOCKETS, *TIMEOUTS, *DEFLATE, *CLOSING, *BEHAVE, *SAFETY]


ADVICE = re.compile(r"; (write|leave|choose|use|escape|check|a port is|`ip|it has)|: write")


@pytest.mark.parametrize(("options", "said"), ALL, ids=lambda value: str(value)[:60])
def test_nonsense_is_refused_by_every_command(
    options: tuple[str, ...], said: str, refusal: Refusal, tmp_path: Path
) -> None:
    lines = {
        refusal(*command, *options, "--runs-dir", str(tmp_path / "runs"))
        for command in (ECHO, CHAT, CONNECT)
    }
    # One definition of an option: all commands say the same about it.
    assert len(lines) == 1
    (line,) = lines
    assert said in line
    # It says what to write, and is no message from inside.
    assert ADVICE.search(line), line
    assert "Error" not in line
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            at("ws+unix://"),
            "URL: 'ws+unix://' has no absolute path; write ws+unix:///run/chat.sock",
        ),
        (at("ws+unix://host/path"), "URL: 'ws+unix://host/path' has no absolute path"),
        ((*UNIX, "--proxy", "http://h:1"), "--proxy has no meaning for a Unix socket; leave it"),
        ((*UNIX, "--source", "127.0.0.2"), "--source has no meaning for a Unix socket"),
        ((*UNIX, "--resolve", "h:80:1.2.3.4"), "--resolve has no meaning for a Unix socket"),
        ((*UNIX, "--family", "6"), "--family has no meaning for a Unix socket"),
        ((*at("ws://[::1]:9/"), "--family", "4"), "--family 4 does not go with ::1; leave it out"),
        ((*at("ws://[::1]:9/"), "--source", "127.0.0.2"), "--source"),
    ],
)
def test_options_that_do_not_go_with_the_address(
    arguments: tuple[str, ...], said: str, refusal: Refusal
) -> None:
    assert said in refusal(*arguments)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--ca", "x.pem", "--insecure"),
            "--insecure checks no certificate, and --ca says whom to",
        ),
        (("--key", "x.pem"), "--key is the key of a certificate; give that with --cert FILE"),
        (("--key-password-file", "x"), "--key-password-file opens a key; give --cert FILE"),
        (("--tls-min", "1.4"), "--tls-min: '1.4' is no TLS version; write"),
        (("--tls-min", "1.3", "--tls-max", "1.2"), "--tls-min 1.3 is above --tls-max 1.2"),
        (("--alpn", ""), "--alpn: '': write names with commas, such as http/1.1"),
        (("--tls-resume", "maybe"), "--tls-resume: 'maybe' is none of off, on, both"),
        (("--sni", "a b"), "--sni: 'a b' is no host name; write one such as chat.example"),
        (("--ca", "/nowhere.pem"), "--ca /nowhere.pem cannot be read: no such file"),
        (("--ca", __file__), "holds no certificate in PEM; such a file has a line with"),
        (("--cert", "/nowhere.pem"), "--cert /nowhere.pem cannot be read: no such file"),
        (("--cert", __file__), "holds no certificate in PEM"),
        (("--ciphers", "nonsense"), "--ciphers nonsense: OpenSSL knows none of that"),
    ],
)
def test_nonsense_about_tls(options: tuple[str, ...], said: str, refusal: Refusal) -> None:
    assert said in refusal(*SECURE, *options)


@pytest.mark.parametrize("option", ["--insecure", "--ca=x.pem", "--tls-resume=on"])
def test_tls_needs_a_secure_address(option: str, refusal: Refusal) -> None:
    name = option.partition("=")[0]
    assert f"{name} is about TLS, and the target is a ws:// URL; write" in refusal(*ECHO, option)


def test_a_heading_that_is_missing_gives_no_secret_away(refusal: Refusal, tmp_path: Path) -> None:
    """Of a table without a heading the first user's values are taken for the columns' names."""
    header = ("--header", "Authorization: Bearer {{token}}")
    tables = [
        "anna,canary\nbert,other",
        "canary,canary\na,b",
        "anna,canary\nbert",
        "anna,{canary\na,b",
    ]
    for number, table in enumerate(tables):
        users = tmp_path / f"{number}.csv"
        users.write_text(table)
        for options in (header, ("--header", "X: y"), ("--cookie", "a={{tokn}}")):
            line = refusal(*ECHO, "--users", str(users), *options)
            assert "canary" not in line
            assert "anna" not in line
