"""A connection over TLS: its phases, its frames, its ends."""

import errno
import ssl
from collections.abc import Iterator

import pytest
from websockets.frames import Frame, Opcode

from surgewire._core.connection import Connection
from surgewire._core.stream import ReceiveBuffer
from surgewire._core.tls_context import TlsContext
from surgewire._core.tls_link import TlsLink
from tests.certificates import Authority
from tests.core.tls_peer import TlsPeer
from tests.core.wire import Owner, Passed, Transport

BUFFER = ReceiveBuffer()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> ssl.SSLContext:
    return authority.server_context()


class Secured:
    """A connection over TLS, and the server's end of it."""

    def __init__(self, authority: Authority, server: ssl.SSLContext, name: str) -> None:
        self.transport, self.peer, self.owner = Transport(), TlsPeer(server), Owner()
        self.connection = Connection(BUFFER, self.owner, Passed())
        link = TlsLink(TlsContext(ca=str(authority.root)), name)
        self.connection.secure(link)
        self.connection.connection_made(self.transport)

    def feed(self, data: bytes) -> None:
        view = self.connection.get_buffer(len(data))
        view[: len(data)] = data
        self.connection.buffer_updated(len(data))

    def shake(self) -> None:
        while data := self.transport.sent():
            if answer := self.peer.feed(data):
                self.feed(answer)

    def heard(self) -> bytes:
        """What the peer has heard since the last call."""
        self.shake()
        heard, self.peer.heard = self.peer.heard, b""
        return heard


@pytest.fixture
def on(authority: Authority, server: ssl.SSLContext) -> Iterator[Secured]:
    made = Secured(authority, server, "localhost")
    yield made
    made.transport.shut()


@pytest.fixture
def opened(on: Secured) -> Secured:
    assert on.heard() == b"ask?"
    on.feed(on.peer.say(b"okay"))
    assert on.owner.told == ["secured", "opened"]
    on.owner.told.clear()
    return on


def test_the_upgrade_follows_the_handshake(on: Secured) -> None:
    connection = on.connection
    assert connection.secured_ns == 0
    assert on.heard() == b"ask?"
    assert connection.secured_ns >= connection.tcp_ns > 0
    on.feed(on.peer.say(b"okay"))
    assert connection.is_open
    assert connection.open_ns >= connection.secured_ns
    assert connection.fileno() >= 0


def test_frames_come_and_go(opened: Secured) -> None:
    opened.feed(opened.peer.say(Frame(Opcode.PING, b"tls").serialize(mask=False)))
    pong = opened.heard()
    assert pong[0] == 0x80 | Opcode.PONG
    assert len(pong) == 2 + 4 + 3
    opened.connection.close(1000)
    assert opened.heard()[0] == 0x80 | Opcode.CLOSE
    assert opened.owner.told == [("closed", None)]


def test_the_end_of_the_link_is_the_end(opened: Secured) -> None:
    opened.feed(opened.peer.end())
    assert opened.owner.told == [("closed", "eof")]
    assert opened.transport.calls == ["close"]
    opened.shake()
    assert opened.peer.ended


def test_damage_ends_the_connection(opened: Secured) -> None:
    wire = bytearray(opened.peer.say(b"sound"))
    wire[-1] ^= 1
    opened.feed(wire)
    assert opened.owner.told == [("closed", "tls_decryption_failed_or_bad_record_mac")]
    assert opened.transport.calls == ["close"]


def test_the_end_of_the_link_within_the_upgrade(on: Secured) -> None:
    on.shake()
    on.feed(on.peer.end())
    assert on.owner.told == ["secured", ("failed", "upgrade_eof")]


def test_a_certificate_for_another_name(authority: Authority, server: ssl.SSLContext) -> None:
    on = Secured(authority, server, "other.example")
    on.shake()
    assert on.owner.told == [("failed", "tls_certificate_wrong_name")]
    assert on.connection.secured_ns == 0
    assert on.transport.calls == ["close"]
    assert on.peer.error is not None  # it was told why
    on.transport.shut()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (None, "tls_eof"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "tcp_reset"),
    ],
)
def test_loss_while_tls_is_under_way(on: Secured, error: Exception | None, kind: str) -> None:
    on.connection.connection_lost(error)
    assert on.owner.told == [("failed", kind), "gone"]


def test_a_server_that_speaks_before_tls_has_begun(on: Secured) -> None:
    on.feed(b"220 mail.example ESMTP\r\n")
    assert on.owner.told == [("failed", "tls_wrong_version_number")]


def test_what_the_kernel_does_not_take_waits_in_the_transport(opened: Secured) -> None:
    ping = Frame(Opcode.PING, bytes(125)).serialize(mask=False)
    for _ in range(6000):
        opened.feed(opened.peer.say(ping))
        opened.transport.waiting = len(opened.transport.written)
        if opened.transport.written:
            break
    assert opened.transport.written
    while data := opened.transport.sent():
        opened.peer.feed(data)
    opened.peer.feed(bytes(opened.transport.written))
    assert opened.peer.error is None
    assert len(opened.peer.heard) % (2 + 4 + 125) == 0


def test_a_small_receive_buffer_is_refused(authority: Authority) -> None:
    connection = Connection(ReceiveBuffer(4096), Owner(), Passed())
    with pytest.raises(ValueError, match="receive buffer"):
        connection.secure(TlsLink(TlsContext(ca=str(authority.root)), "localhost"))
