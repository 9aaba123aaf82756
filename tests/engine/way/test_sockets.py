import socket
import sys

import pytest

from surgewire.engine.way import sockets
from surgewire.engine.way.sockets import is_here, missing_options, tcp_socket, unix_socket
from surgewire.plan.way.sockets import SocketPart

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="options of Linux")

S = 1_000_000_000


def option(sock: socket.socket, level: int, name: int) -> int:
    return sock.getsockopt(level, name)


def test_a_socket_without_options_never_waits_to_send() -> None:
    for version, family in ((4, socket.AF_INET), (6, socket.AF_INET6)):
        with tcp_socket(version, SocketPart()) as sock:
            assert sock.family == family
            assert not sock.getblocking()
            assert option(sock, socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert not option(sock, socket.SOL_SOCKET, socket.SO_KEEPALIVE)


@linux
def test_options_are_those_of_the_plan() -> None:
    part = SocketPart(
        send_buffer="16k", receive_buffer="32k", keepalive="30s", tcp_user_timeout="1500ms"
    )
    with tcp_socket(4, part) as sock:
        # Linux doubles them, for its own books (socket(7)).
        assert option(sock, socket.SOL_SOCKET, socket.SO_SNDBUF) == 2 * 16_384
        assert option(sock, socket.SOL_SOCKET, socket.SO_RCVBUF) == 2 * 32_768
        assert option(sock, socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert option(sock, socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30
        assert option(sock, socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 30
        assert option(sock, socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 3
        assert option(sock, socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 1500
    with unix_socket(part) as sock:
        assert option(sock, socket.SOL_SOCKET, socket.SO_SNDBUF) == 2 * 16_384


@linux
@pytest.mark.parametrize(("version", "source"), [(4, "127.0.0.7"), (6, "::1")])
def test_a_source_gets_its_port_when_it_connects(version: int, source: str) -> None:
    """One port serves several destinations, which one chosen by bind would not."""
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    with (
        socket.create_server((source, 0), family=family) as server,
        tcp_socket(version, SocketPart(), source) as sock,
    ):
        assert sock.getsockname()[:2] == (source, 0)
        sock.setblocking(True)
        sock.connect(server.getsockname())
        accepted, peer = server.accept()
        accepted.close()
        assert peer[:2] == sock.getsockname()[:2]
        assert peer[0] == source
        assert peer[1] != 0


def test_what_is_here() -> None:
    assert is_here("127.0.0.1")
    assert not is_here("192.0.2.77")
    assert not is_here("2001:db8::77")


def test_what_this_system_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = SocketPart(quickack=True, keepalive="1s", send_buffer="1k")
    monkeypatch.delattr(sockets.socket, "TCP_QUICKACK", raising=False)
    assert missing_options(asked) == ("TCP_QUICKACK",)
    assert missing_options(SocketPart(send_buffer="1k")) == ()
