import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgewire.plan.target import Target, TargetError, parse_target


@pytest.mark.parametrize(
    ("url", "secure", "host", "port", "resource", "normal"),
    [
        ("ws://example.com", False, "example.com", 80, "/", "ws://example.com/"),
        ("wss://example.com/", True, "example.com", 443, "/", "wss://example.com/"),
        ("WS://Example.COM:80/A", False, "example.com", 80, "/A", "ws://example.com/A"),
        ("ws://127.0.0.1:8765/a?b=c", False, "127.0.0.1", 8765, "/a?b=c", None),
        ("ws://[::1]:8765/", False, "::1", 8765, "/", None),
        ("wss://[2001:DB8::0:1]", True, "2001:db8::1", 443, "/", "wss://[2001:db8::1]/"),
        ("ws://host_name.local?x", False, "host_name.local", 80, "/?x", "ws://host_name.local/?x"),
        ("ws://h/%20ok", False, "h", 80, "/%20ok", None),
        ("ws://h/ä", False, "h", 80, "/%C3%A4", "ws://h/%C3%A4"),
        ("ws://bücher.example/", False, "xn--bcher-kva.example", 80, "/",
         "ws://xn--bcher-kva.example/"),
        (" ws://h:1/ ", False, "h", 1, "/", "ws://h:1/"),
        ("ws://h:65535/", False, "h", 65535, "/", None),
    ],
)  # fmt: skip
def test_urls_are_taken_apart(
    url: str, secure: bool, host: str, port: int, resource: str, normal: str | None
) -> None:
    target = parse_target(url)
    assert target == Target(normal or url, secure, host, port, resource)
    assert parse_target(target.url) == target
    assert str(target) == target.url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "write for example ws://"),
        ("http://example.com/a", "write ws://example.com/a"),
        ("https://example.com/a", "write wss://example.com/a"),
        ("ftp://example.com/", "unknown scheme"),
        ("example.com", "write ws://example.com"),
        ("localhost:8765", "write ws://localhost:8765"),
        ("//host/", "write ws://host/"),
        ("ws://", "no host"),
        ("ws:///path", "no host"),
        ("ws://:80/", "no host"),
        ("ws://h:0/", "1 to 65535"),
        ("ws://h:65536/", "1 to 65535"),
        ("ws://h:-1/", "1 to 65535"),
        ("ws://h:port/", "1 to 65535"),
        ("ws://h/#top", "write ws://h/"),
        ("ws://a b/", "space"),
        ("ws://h/a\nb", "space or unprintable"),
        ("ws://h/\udcff", "unprintable"),
        ("ws://[::1", "IPv6"),
        ("ws://[::zz]/", "IPv6"),
        ("ws://::1:80/", "IPv6"),
        ("ws://-bad-/", "bad host"),
        ("ws://a..b/", "bad host"),
        ("ws://1.2.3.999/", "four numbers"),
        ("ws://1.2.3/", "four numbers"),
        ("ws://" + "a" * 64 + "/", "bad host"),
        ("ws://" + "a." * 200 + "/", "bad host"),
        ("ws://h/" + "a" * 9000, "longer than"),
    ],
)
def test_what_cannot_be_tested_is_refused_in_one_line(url: str, said: str) -> None:
    with pytest.raises(TargetError) as caught:
        parse_target(url)
    message = str(caught.value)
    assert said in message
    assert "\n" not in message
    assert len(message) < 400


@given(st.text(max_size=30).map("ws://{}".format) | st.text(max_size=30))
def test_any_text_is_read_or_refused(url: str) -> None:
    try:
        target = parse_target(url)
    except TargetError:
        return
    assert target.url.isascii()
    assert parse_target(target.url) == target


@pytest.mark.parametrize(
    ("url", "shown", "userinfo"),
    [
        ("ws://me:secret@h/", "ws://h/", "me:secret"),
        ("wss://me@h:8000/x", "wss://h:8000/x", "me:"),
        ("ws://:token@h/", "ws://h/", ":token"),
        ("ws://m%40e:a%3Ab%2F%C3%BC@[::1]:1/", "ws://[::1]:1/", "m@e:a:b/ü"),
        ("ws://a@b:c@127.0.0.1/", "ws://127.0.0.1/", "a@b:c"),
        ("ws://@h/", "ws://h/", ":"),
        ("ws://h/@x", "ws://h/@x", ""),
    ],
)
def test_user_names_are_kept_apart(url: str, shown: str, userinfo: str) -> None:
    target = parse_target(url)
    assert (target.url, str(target), target.userinfo) == (shown, shown, userinfo)
    assert parse_target(target.full_url) == target
    assert "secret" not in repr(target)
    assert target.host in ("h", "::1", "127.0.0.1")


@pytest.mark.parametrize(
    "url",
    [
        "ws://me:canary@h:0/",
        "ws://me:canary@/",
        "ws://me:canary@h/#top",
        "ws://me:can/ary@h/",
        "ws://me:can#ary@h/",
        "ws://m%3Ae:canary@h/",
        "ws://me:canary%0A@h/",
        "ws://me:canary%FF@h/",
        "ws://me:{{canary}}@h/",
        "http://me:canary@h/",
        "ftp://me:canary@h/",
        "me:canary@h/",
        "ws://me:canary@" + "h" * 9_000,
    ],
)
def test_no_refusal_shows_a_password(url: str) -> None:
    with pytest.raises(TargetError) as caught:
        parse_target(url)
    assert "canary" not in str(caught.value)
    assert "ary@" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "secure", "path", "resource", "normal"),
    [
        ("ws+unix:///run/a.sock", False, "/run/a.sock", "/", "ws+unix:///run/a.sock:/"),
        ("wss+unix:///run/a.sock:/", True, "/run/a.sock", "/", None),
        ("ws+unix:///a:/chat?x={{room}}", False, "/a", "/chat?x={{room}}", None),
        ("WS+UNIX:///A%20b%3Ac:/é", False, "/A b:c", "/%C3%A9", "ws+unix:///A%20b%3Ac:/%C3%A9"),
    ],
)
def test_unix_sockets(url: str, secure: bool, path: str, resource: str, normal: str | None) -> None:
    target = parse_target(url)
    assert (target.secure, target.unix_path, target.resource) == (secure, path, resource)
    assert (target.host, target.url) == ("localhost", normal or url)
    assert parse_target(target.url) == target


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ws+unix://run/a.sock", "absolute path"),
        ("ws+unix://", "absolute path"),
        ("ws+unix:///run/", "bad path"),
        ("ws+unix:///a?x=1", "behind a colon"),
        ("ws+unix:///a:x", "behind a colon"),
        ("ws+unix:///a:/#x", "behind a colon"),
        ("ws+unix:///a%00b", "bad path"),
        ("ws+unix:///a%FF", "not UTF-8"),
        ("ws+unix:///" + "a" * 107, "longer than 107 bytes"),
    ],
)
def test_what_is_no_unix_socket_is_refused(url: str, said: str) -> None:
    with pytest.raises(TargetError, match=said):
        parse_target(url)
