import pytest

from surgewire.engine.taxonomy import REDIRECT_INSECURE, REDIRECT_INVALID, REDIRECT_LIMIT
from surgewire.engine.way.redirects import MAX_HOPS, Redirects, origin, target_of
from surgewire.plan.target import parse_target

HOME = parse_target("wss://h:8000/a/b?c=d")


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/x?y", "wss://h:8000/x?y"),
        ("x", "wss://h:8000/a/x"),
        ("?e", "wss://h:8000/a/b?e"),
        ("../x#top", "wss://h:8000/x"),
        ("//other/x", "wss://other/x"),
        ("https://other", "wss://other/"),
        ("HTTP://other:81/", "ws://other:81/"),
        ("wss://[::1]:1/", "wss://[::1]:1/"),
        ("https://user:password@other/", "wss://other/"),
        ("/{{token}}", "wss://h:8000/{{token}}"),
        ("ftp://other/", None),
        ("javascript:alert(1)", None),
        ("https:///x", "wss://h:8000/x"),
        ("https:x", "wss://h:8000/a/x"),
        ("https://other:99999/", None),
        ("https://a b/", None),
        ("/a\x00b", None),
        ("/" + "x" * 9_000, None),
        ("https://[::1/", None),
        ("ws+unix:///run/x.sock", None),
    ],
)
def test_where_a_location_leads(location: str, url: str | None) -> None:
    target = target_of(HOME, "/a/b?c=d", location)
    assert (target and target.url) == url
    assert target is None or target.userinfo == ""


def test_what_stays_at_home_keeps_what_belongs_to_home() -> None:
    home = parse_target("ws://me:secret@h/")
    assert target_of(home, "/", "/there") == parse_target("ws://me:secret@h/there")
    there = target_of(home, "/", "ws://h/there")
    assert there is not None
    assert origin(there) == origin(home)


def test_a_unix_socket_is_an_origin_of_its_own() -> None:
    home = parse_target("ws+unix:///run/x.sock:/a/b")
    there = target_of(home, "/a/b", "c")
    assert there is not None
    assert (there.url, there.unix_path) == ("ws+unix:///run/x.sock:/a/c", "/run/x.sock")
    assert origin(there) == origin(home)
    away = target_of(home, "/a/b", "ws://localhost/c")
    assert away is not None
    assert away.unix_path == ""
    assert origin(away) != origin(home)


def redirects() -> tuple[Redirects, list[str]]:
    facts: list[str] = []
    return Redirects(HOME, facts.append), facts


def turn(on: Redirects, location: str, kind: str = "http_302", user: int = 7) -> str | None:
    on.note(user, "/a/b?c=d", location)
    return on.turn(user, kind)


def test_a_user_goes_on_and_begins_at_the_beginning_next_time() -> None:
    on, facts = redirects()
    assert turn(on, "/x") is None
    hop = on.hop_of(7)
    assert hop is not None
    assert (hop.target.resource, hop.number, hop.crossed) == ("/x", 1, False)
    assert on.hop_of(8) is None
    on.arrived(7)
    assert on.hop_of(7) is None
    assert facts == ["redirects_followed"]


def test_once_crossed_stays_crossed() -> None:
    on, _ = redirects()
    assert turn(on, "wss://other/") is None
    assert turn(on, "wss://h:8000/") is None
    hop = on.hop_of(7)
    assert hop is not None
    assert (hop.target.url, hop.crossed) == ("wss://h:8000/", True)


def test_the_way_is_short() -> None:
    on, facts = redirects()
    for _ in range(MAX_HOPS):
        assert turn(on, "/x") is None
    assert turn(on, "/x") == REDIRECT_LIMIT
    assert on.hop_of(7) is None
    assert len(facts) == MAX_HOPS


def test_what_is_not_followed_has_a_name() -> None:
    on, facts = redirects()
    assert turn(on, "ws://h:8000/") == REDIRECT_INSECURE
    assert turn(on, "") == REDIRECT_INVALID
    assert turn(on, "mailto:me") == REDIRECT_INVALID
    assert on.turn(7, "http_301") == REDIRECT_INVALID
    assert facts == []


def test_another_failure_ends_the_way() -> None:
    on, _ = redirects()
    assert turn(on, "/x") is None
    assert on.turn(7, "timeout_connect") == "timeout_connect"
    assert on.hop_of(7) is None
    assert turn(on, "/x", "interrupted") == "interrupted"


def test_a_server_has_no_business_with_the_sockets_of_this_machine() -> None:
    assert target_of(HOME, "/", "ws+unix:///run/other.sock:/") is None
    here = parse_target("ws+unix:///run/chat.sock:/a")
    there = target_of(here, "/a", "/b?c")
    assert there == parse_target("ws+unix:///run/chat.sock:/b?c")
    assert origin(there) == origin(here) != origin(parse_target("ws://localhost/"))
