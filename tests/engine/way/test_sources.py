import socket
import sys

import pytest

from surgewire.doctor.ports import ports_per_source
from surgewire.engine.way import sources
from surgewire.engine.way.sockets import tcp_socket
from surgewire.engine.way.sources import (
    can_spread,
    source_addresses,
)
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
