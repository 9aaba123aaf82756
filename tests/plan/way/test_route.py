import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from surgewire.plan.describe import describe_error
from surgewire.plan.models import ConnectPlan, Plan, plan_from_dict
from surgewire.plan.units import UnitError
from surgewire.plan.way.proxy import Proxy, parse_proxy
from surgewire.plan.way.resolve import Resolution, parse_resolution
from surgewire.plan.way.route_checks import first_hop
from surgewire.plan.way.source import (
    AddressRange,
    Automatic,
    Interface,
    parse_sources,
)

SECRET = "canary-password"


def plan(url: str = "ws://chat.example:81/", **values: object) -> Plan:
    return ConnectPlan(url=url, connections=4, connect_rate="10/s", **values)


def refused(**values: object) -> str:
    with pytest.raises(ValidationError) as caught:
        plan(**values)  # type: ignore[arg-type]
    message = describe_error(caught.value)
    assert "\n" not in message
    assert len(message) < 300
    return message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("h:81:192.0.2.1", Resolution("h", 81, ("192.0.2.1",))),
        ("H.Example:81:192.0.2.1,::1", Resolution("h.example", 81, ("192.0.2.1", "::1"))),
        ("h:81:[2001:DB8::1]", Resolution("h", 81, ("2001:db8::1",))),
        ("h:81:::1", Resolution("h", 81, ("::1",))),
        ("[::1]:81:192.0.2.1", Resolution("::1", 81, ("192.0.2.1",))),
        (" *:443:192.0.2.1 ", Resolution("*", 443, ("192.0.2.1",))),
    ],
)
def test_addresses_that_stand_for_a_name(text: str, expected: Resolution) -> None:
    assert parse_resolution(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "h", "h:81", "h:81:", "h:81:name", "h:0:::1", "h:99999:::1", "-:1:::1", "h:1:1.2.3"],
)
def test_what_gives_no_address_is_refused(text: str) -> None:
    with pytest.raises(UnitError, match=r"write|number from"):
        parse_resolution(text)


def test_sources_are_addresses_ranges_and_interfaces() -> None:
    parts = parse_sources("127.0.0.2-127.0.0.9, 192.0.2.1,eth0,br-12ab,fd00::1-fd00::3")
    first, single, eth, bridge, six = parts
    assert isinstance(first, AddressRange)
    assert isinstance(six, AddressRange)
    assert (len(first), next(iter(first)), list(first)[-1]) == (8, "127.0.0.2", "127.0.0.9")
    assert list(single) == ["192.0.2.1"]  # type: ignore[arg-type]
    assert (eth, bridge) == (Interface("eth0"), Interface("br-12ab"))
    assert list(six) == ["fd00::1", "fd00::2", "fd00::3"]
    assert parse_sources("auto") == (Automatic(),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no source address"),
        ("127.0.0.9-127.0.0.2", "is no range"),
        ("127.0.0.1-::1", "is no range"),
        ("127.0.0.2-9", "is no range"),
        ("127.0.0.2-", "is no range"),
        ("127.0.0.256", "is no source address"),
        ("10.0.0.0/8", "is no source address"),
        ("10.0.0.0-10.255.255.255", "16,777,216 addresses"),
        ("127.0.0.1,auto", "write auto alone"),
        ("127.0.0.1,,127.0.0.2", "is no source address"),
    ],
)
def test_what_is_no_source_is_refused(text: str, said: str) -> None:
    assert said in refused(route={"source": text})
    assert refused(route={"source": text}).startswith("--source: ")


@given(st.text(alphabet="127.0-:,abfo/ ", max_size=20))
@settings(max_examples=100)
def test_any_text_is_a_list_of_sources_or_refused(text: str) -> None:
    try:
        found = parse_sources(text)
    except UnitError:
        return
    assert found
    assert all(not isinstance(part, AddressRange) or len(part) >= 1 for part in found)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://proxy.example", Proxy("http", "proxy.example", 80)),
        ("HTTP://Proxy.Example:3128/", Proxy("http", "proxy.example", 3128)),
        ("socks5://127.0.0.1", Proxy("socks5", "127.0.0.1", 1080)),
        ("socks5h://me:p%40ss@[::1]:1", Proxy("socks5h", "::1", 1, "me", "p@ss")),
        ("http://me:@h:1", Proxy("http", "h", 1, "me", "")),
    ],
)
def test_proxies(url: str, expected: Proxy) -> None:
    proxy = parse_proxy(url)
    assert proxy == expected
    assert proxy.looks_up == (expected.scheme != "socks5")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"me:{SECRET}@proxy:3128", "has no scheme"),
        (f"http://me:{SECRET}", "bad port"),
        (f"me:{SECRET}", "has no scheme"),
        (f"https://me:{SECRET}@proxy:3128", "behind TLS"),
        (f"ftp://me:{SECRET}@proxy:3128", "no proxy that is known"),
        (f"http://me:{SECRET}@", "has no host"),
        (f"http://me:{SECRET}@proxy:0", "bad port"),
        (f"http://me:{SECRET}@proxy:x", "bad port"),
        (f"http://me:{SECRET}@pro xy:1", "bad name"),
        (f"http://me:{SECRET}@[::zz]:1", "bad "),
        (f"http://me:{SECRET}@proxy:1/path", "behind the port"),
        (f"http://me:pa/{SECRET}@proxy:1", ""),
        (f"http://me%3Ame:{SECRET}@proxy:1", "colon"),
        (f"http://me%0d%0a:{SECRET}@proxy:1", "control character"),
        (f"socks5://:{SECRET}@proxy:1", "1 to 255"),
        (f"socks5://mé:{SECRET}@proxy:1", "1 to 255"),
    ],
)
def test_what_is_no_proxy_is_refused_without_a_word_of_the_password(url: str, said: str) -> None:
    message = refused(route={"proxy": url})
    assert message.startswith("--proxy: ")
    assert said in message
    assert SECRET not in message


def test_a_route_goes_there_and_back_and_its_proxy_stays_hidden() -> None:
    route = {
        "resolve": ["proxy.example:3128:192.0.2.1"],
        "family": "4",
        "source": "127.0.0.2-127.0.0.3",
        "proxy": f"http://me:{SECRET}@proxy.example:3128",
    }
    sockets = {"quickack": False, "keepalive": "30s", "receive_buffer": "64k"}
    made = plan(route=route, sockets=sockets, upgrade_timeout="5s")
    assert plan_from_dict(json.loads(json.dumps(made.to_dict()))) == made
    public = json.dumps(made.public_dict())
    assert SECRET not in public
    assert "http://***@proxy.example:3128" in public
    assert SECRET not in repr(made) + repr(made.route.via)
    assert first_hop(made) == ("proxy.example", 3128)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"route": {"resolve": ["chat.example:81:::1"] * 2}},
            "--resolve: chat.example:81 is given",
        ),
        ({"route": {"resolve": ["chat.example:443:::1"]}}, "write chat.example:81:ADDRESS"),
        ({"route": {"resolve": ["other:81:::1"]}}, "--resolve other:81 is about no host"),
        ({"route": {"resolve": ["chat.example:81:::1"], "proxy": "http://p"}}, "p:80:ADDRESS"),
        ({"route": {"family": "5"}}, "--family: '5' is no address family; write 4, 6 or any"),
        ({"route": {"family": "6"}, "url": "ws://127.0.0.1/"}, "--family 6 does not go with 127"),
        (
            {"route": {"family": "4", "resolve": ["chat.example:81:::1"]}},
            "--family 4 does not go with ::1",
        ),
        ({"url": "ws+unix:///s", "route": {"proxy": "http://p"}}, "--proxy has no meaning"),
        ({"url": "ws+unix:///s", "route": {"source": "auto"}}, "--source has no meaning"),
        ({"url": "ws+unix:///s", "route": {"family": "4"}}, "--family has no meaning"),
        ({"url": "ws+unix:///s", "route": {"resolve": ["h:1:::1"]}}, "--resolve has no meaning"),
        ({"url": "ws+unix:///s", "sockets": {"quickack": False}}, "--quickack has no meaning"),
        ({"url": "ws+unix:///s", "sockets": {"keepalive": "1s"}}, "--keepalive has no meaning"),
        ({"tls_timeout": "1s"}, "--tls-timeout needs a wss:// URL"),
        ({"upgrade_timeout": "1ms"}, "--upgrade-timeout: 1ms is too small"),
        ({"sockets": {"keepalive": "1500ms"}}, "--keepalive: 1.5s is not whole seconds"),
        ({"sockets": {"send_buffer": "1"}}, "--send-buffer: 1 is too small"),
        ({"sockets": {"tcp_user_timeout": "10"}}, "--tcp-user-timeout: '10'"),
    ],
)
def test_what_makes_no_sense_is_refused(values: dict[str, object], said: str) -> None:
    assert said in refused(**values)


def test_what_goes_together_is_taken() -> None:
    plan(route={"resolve": ["*:81:192.0.2.1"]})
    plan(route={"resolve": ["chat.example:81:192.0.2.1,::1"], "family": "6"})
    plan(route={"resolve": ["other:81:::1"]}, request={"follow": True})
    plan(route={"proxy": "socks5://p", "resolve": ["chat.example:81:::1", "p:1080:::1"]})
    plan("ws+unix:///s", sockets={"send_buffer": "64k"})


def test_each_phase_has_its_time() -> None:
    second = 1_000_000_000
    assert plan().attempt_timeout_ns == 60 * second
    assert plan("wss://h/").attempt_timeout_ns == 90 * second
    some = plan("wss://h/", connect_timeout="5s", tls_timeout="2s")
    assert some.phase_timeouts_ns == (5 * second, 2 * second, 5 * second)
    followed = plan(connect_timeout="1s", request={"follow": True})
    assert followed.attempt_timeout_ns == 6 * 3 * second
