import socket
import sys
from types import SimpleNamespace

import pytest

from surgewire.doctor.machine import Machine
from surgewire.doctor.ports import ports_per_source
from surgewire.engine.limits import check_limits
from surgewire.engine.way import sources
from surgewire.engine.way.sockets import tcp_socket
from surgewire.engine.way.sources import can_spread, paths_of, source_addresses
from surgewire.errors import UsageError
from surgewire.plan.way.sockets import SocketPart
from tests.engine.fakes import echo_plan

PORTS = (32_768, 60_999)
EACH = ports_per_source(PORTS)

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="127.0.0.0/8 is Linux's")


def plan(connections, url="ws://127.0.0.1:1/"):
    return echo_plan(connections=connections, url=url)


def test_one_address_is_enough_for_most_runs():
    assert source_addresses(plan(EACH), PORTS) == ()


@linux
@pytest.mark.parametrize("url", ["ws://127.0.0.1:1/", "ws://localhost:1/", "ws://127.9.9.9:1/"])
def test_as_many_addresses_as_needed(url):
    assert source_addresses(plan(EACH + 1, url), PORTS) == ("127.0.0.1", "127.0.0.2", "127.0.0.3")
    assert len(source_addresses(plan(4 * EACH, url), PORTS)) == 8
    assert len(source_addresses(plan(1_000_000, url), PORTS)) == 74


@pytest.mark.parametrize("host", ["192.0.2.1", "::1", "example.com", "127.example.com"])
def test_only_loopback_has_many_addresses(host):
    assert not can_spread(host)


@linux
def test_a_socket_gets_its_port_when_it_connects():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        for address in source_addresses(plan(4 * EACH), PORTS):
            with tcp_socket(4, SocketPart(), address) as sock:
                assert sock.getsockname() == (address, 0)
                assert not sock.getblocking()
                sock.setblocking(True)
                sock.connect(server.getsockname())
                assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                accepted, peer = server.accept()
                accepted.close()
                assert peer == sock.getsockname()
                assert peer[0] == address


@linux
def test_an_address_of_another_machine_cannot_be_bound():
    with pytest.raises(OSError, match="assign"):
        tcp_socket(4, SocketPart(), "192.0.2.77")


def test_other_systems_have_one_address(monkeypatch):
    monkeypatch.setattr(sources.sys, "platform", "darwin")
    assert source_addresses(plan(100_000), PORTS) == ()


def routed(url="ws://127.0.0.1:1/", connections=4, **route):
    return echo_plan(connections=connections, url=url, route=route)


@linux
def test_named_sources_are_taken_as_they_were_written():
    assert source_addresses(routed(source="127.0.0.9,127.0.0.2-127.0.0.3,127.0.0.9"), PORTS) == (
        "127.0.0.9",
        "127.0.0.2",
        "127.0.0.3",
    )
    assert source_addresses(routed(source="lo"), PORTS) == ("127.0.0.1",)
    assert source_addresses(routed("ws://[::1]:1/", source="lo"), PORTS) == ("::1",)
    assert source_addresses(routed("ws://h.invalid/", source="lo", family="6"), PORTS) == ("::1",)


@linux
def test_of_an_interface_those_are_taken_that_reach_the_target(monkeypatch):
    found = []
    monkeypatch.setattr(sources.socket, "getaddrinfo", lambda *_, **__: found)
    named = routed("ws://h:1/", source="lo")
    assert set(source_addresses(named, PORTS)) == {"127.0.0.1", "::1"}
    found.append((socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::1", 1, 0, 0)))
    assert source_addresses(named, PORTS) == ("::1",)
    found.append((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 1)))
    assert set(source_addresses(named, PORTS)) == {"127.0.0.1", "::1"}


@linux
def test_on_loopback_there_are_as_many_as_needed_whether_asked_for_or_not():
    assert source_addresses(routed(source="auto"), PORTS) == ()
    many = source_addresses(routed(source="auto", connections=EACH + 1), PORTS)
    assert many == ("127.0.0.1", "127.0.0.2", "127.0.0.3")
    # A proxy or given addresses decide where TCP goes, not the target.
    assert source_addresses(routed(proxy="http://192.0.2.1", connections=EACH + 1), PORTS) == ()
    given = routed("ws://h:1/", resolve=["h:1:127.0.0.1"], connections=EACH + 1)
    assert len(source_addresses(given, PORTS)) == 3
    assert source_addresses(routed("ws+unix:///s", connections=EACH + 1), PORTS) == ()


@linux
def test_auto_takes_all_of_the_interface_that_leads_there(monkeypatch):
    def entry(address):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return SimpleNamespace(family=family, address=address)

    interfaces = {
        "other": [entry("10.0.0.1")],
        "lo": [entry(text) for text in ("127.0.0.1", "::1", "fd00::9", "fe80::1%lo", "127.0.0.5")],
    }
    monkeypatch.setattr(sources.psutil, "net_if_addrs", lambda: interfaces)
    assert source_addresses(routed("ws://[::1]:1/", source="auto"), PORTS) == ("::1", "fd00::9")
    assert source_addresses(routed(source="other"), PORTS) == ("10.0.0.1",)


@linux
@pytest.mark.parametrize(
    ("url", "route", "said"),
    [
        ("ws://127.0.0.1:1/", {"source": "192.0.2.77"}, "192.0.2.77 is no address of this machine"),
        ("ws://127.0.0.1:1/", {"source": "127.0.0.1-127.0.0.2,192.0.2.77"}, "192.0.2.77 is no"),
        ("ws://127.0.0.1:1/", {"source": "nosuch0"}, "nosuch0 is no network interface"),
        ("ws://127.0.0.1:1/", {"source": "::1"}, "::1 is of IPv6 and 127.0.0.1 is not"),
        ("ws://no.such.invalid/", {"source": "auto"}, "auto finds no way to no.such.invalid"),
    ],
)
def test_sources_that_are_not_here_are_refused_before_the_run(url, route, said):
    with pytest.raises(UsageError) as raised:
        check_limits(routed(url, **route), Machine.here())
    message = str(raised.value)
    assert said in message
    assert message.startswith("--source ")
    assert "\n" not in message
    assert raised.value.exit_code == 2


@linux
def test_ports_are_those_of_all_pairs_of_addresses():
    assert paths_of(routed(), ()) == 1
    four = ("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4")
    assert paths_of(routed(), four) == 4
    given = routed("ws://h:1/", resolve=["h:1:127.0.0.1,127.0.0.2,::1"])
    assert paths_of(given, ()) == 3
    assert paths_of(given, four) == 8
    assert paths_of(given, (*four, "::1")) == 9
    assert paths_of(routed("ws://h:1/"), (*four, "::1")) == 5
    assert paths_of(routed("ws+unix:///s"), ()) == 0
