import ssl
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgewire._core.tls_context import INLET_BYTES, TlsContext, TlsSetupError
from surgewire._core.tls_link import TlsLink
from tests.certificates import Authority
from tests.core.tls_peer import TlsPeer

VERSIONS = {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> ssl.SSLContext:
    return authority.server_context()


def context(authority: Authority, **options: object) -> TlsContext:
    return TlsContext(**({"ca": str(authority.root)} | options))  # type: ignore[arg-type]


def shake(link: TlsLink, peer: TlsPeer) -> None:
    """Carry bytes to and fro until nobody has more to say."""
    data = link.start()
    while data:
        _, data = link.receive(peer.feed(data))


def connected(made: TlsContext, server: ssl.SSLContext, **options: bool) -> tuple[TlsLink, TlsPeer]:
    link, peer = TlsLink(made, "localhost", **options), TlsPeer(server)
    shake(link, peer)
    assert link.is_secure
    return link, peer


@pytest.mark.parametrize("version", VERSIONS)
def test_bytes_go_both_ways(version: str, authority: Authority, server: ssl.SSLContext) -> None:
    number = VERSIONS[version]
    link, peer = connected(context(authority, least=number, most=number), server)
    assert link.version == version
    assert link.cipher == peer.tls.cipher()[0]  # type: ignore[index]
    assert link.alpn is None
    peer.feed(link.send(b"from the client"))
    assert peer.heard == b"from the client"
    assert link.receive(peer.say(b"from the server")) == (b"from the server", b"")


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 50_000), min_size=1, max_size=6),
    cuts=st.lists(st.integers(1, 40_000), min_size=1, max_size=8),
)
def test_plain_text_is_the_same_however_it_is_cut(
    sizes: list[int], cuts: list[int], authority: Authority, server: ssl.SSLContext
) -> None:
    link, peer = connected(context(authority), server)
    sent = b"".join(bytes([n % 251]) * size for n, size in enumerate(sizes))
    wire = b"".join(peer.say(sent[i : i + 9000]) for i in range(0, len(sent), 9000))
    heard, number = b"", 0
    while wire:
        cut = cuts[number % len(cuts)]
        piece, wire, number = wire[:cut], wire[cut:], number + 1
        heard += link.receive(piece)[0]
    assert heard == sent


def test_a_full_read_of_large_records(authority: Authority, server: ssl.SSLContext) -> None:
    link, peer = connected(context(authority), server)
    wire = peer.say(bytes(2 * INLET_BYTES))
    heard = b""
    while wire:
        heard += link.receive(wire[:INLET_BYTES])[0]
        wire = wire[INLET_BYTES:]
    assert heard == bytes(2 * INLET_BYTES)
    with pytest.raises(ValueError, match="at most"):
        link.receive(bytes(INLET_BYTES + 1))


def test_links_of_one_context_do_not_mix(authority: Authority, server: ssl.SSLContext) -> None:
    made = context(authority)
    one, one_peer = connected(made, server)
    other, other_peer = connected(made, server)
    halves = one_peer.say(b"for one"), other_peer.say(b"for the other")
    assert one.receive(halves[0][:9])[0] == b""
    assert other.receive(halves[1])[0] == b"for the other"
    assert one.receive(halves[0][9:])[0] == b"for one"


@pytest.mark.parametrize("version", VERSIONS)
def test_sessions_are_resumed_where_asked(
    version: str, authority: Authority, server: ssl.SSLContext
) -> None:
    number = VERSIONS[version]
    made = context(authority, least=number, most=number, keep_sessions=True)
    first, peer = connected(made, server, resume=True)
    assert not first.resumed
    assert made.has_session
    second, second_peer = connected(made, server, resume=True)
    assert second.resumed
    assert second_peer.tls.session_reused
    third, third_peer = connected(made, server)
    assert not third.resumed
    assert not third_peer.tls.session_reused
    del first, second, third, peer
    again, _ = connected(made, server, resume=True)
    assert again.resumed


def test_no_session_is_kept_unasked(authority: Authority, server: ssl.SSLContext) -> None:
    made = context(authority)
    connected(made, server)
    assert not made.has_session
    assert not connected(made, server, resume=True)[0].resumed


def test_the_end_is_told_both_ways(authority: Authority, server: ssl.SSLContext) -> None:
    link, peer = connected(context(authority), server)
    link.receive(peer.end())
    assert not link.is_secure
    assert link.kind is None
    peer.feed(link.end())
    assert peer.ended
    with pytest.raises(ValueError, match="not secure"):
        link.send(b"too late")
    assert link.receive(b"whatever") == (b"", b"")


def fails(made: TlsContext, server: ssl.SSLContext, name: str = "localhost") -> str | None:
    link, peer = TlsLink(made, name), TlsPeer(server)
    shake(link, peer)
    assert not link.is_secure
    return link.kind


def test_an_unknown_authority(authority: Authority, server: ssl.SSLContext, tmp_path: Path) -> None:
    stranger = Authority(tmp_path)
    assert fails(context(stranger), server) == "tls_certificate_unknown_ca"


def test_another_name(authority: Authority, server: ssl.SSLContext) -> None:
    assert fails(context(authority), server, "other.example") == "tls_certificate_wrong_name"
    link, peer = TlsLink(context(authority), "127.0.0.2", address=True), TlsPeer(server)
    shake(link, peer)
    assert link.kind == "tls_certificate_wrong_name"


def test_an_expired_certificate(authority: Authority) -> None:
    server = authority.server_context(authority.expired())
    assert fails(context(authority), server) == "tls_certificate_expired"
    link, peer = TlsLink(context(authority, verify=False), "localhost"), TlsPeer(server)
    shake(link, peer)
    assert link.is_secure


def test_no_common_version(authority: Authority) -> None:
    server = authority.server_context()
    server.minimum_version = ssl.TLSVersion.TLSv1_3
    kind = fails(context(authority, most=0x0303), server)
    assert kind == "tls_tlsv1_alert_protocol_version"


def test_what_is_no_tls(authority: Authority) -> None:
    link = TlsLink(context(authority), "localhost")
    assert link.start()
    link.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert link.kind == "tls_wrong_version_number"


def test_damage_is_noticed(authority: Authority, server: ssl.SSLContext) -> None:
    link, peer = connected(context(authority), server)
    wire = bytearray(peer.say(b"sound"))
    wire[-1] ^= 1
    plain, alert = link.receive(wire)
    assert plain == b""
    assert alert
    assert link.kind == "tls_decryption_failed_or_bad_record_mac"


def test_protocols_are_agreed_on(authority: Authority) -> None:
    server = authority.server_context()
    server.set_alpn_protocols(["http/1.1"])
    link, _ = connected(context(authority, alpn=(b"h2", b"http/1.1")), server)
    assert link.alpn == "http/1.1"


def test_the_server_is_asked_for_by_name(authority: Authority) -> None:
    asked: list[str | None] = []
    server = authority.server_context()
    server.sni_callback = lambda _tls, name, _context: asked.append(name)
    connected(context(authority), server)
    made = context(authority)
    shake(TlsLink(made, "127.0.0.1", address=True), TlsPeer(server))
    assert asked == ["localhost", None]


def test_a_client_certificate(authority: Authority) -> None:
    server = authority.server_context()
    server.load_verify_locations(authority.root)
    server.verify_mode = ssl.CERT_REQUIRED
    cert, key = authority.pair("client.example")
    _, peer = connected(context(authority, cert=str(cert), key=str(key)), server)
    certificate = peer.tls.getpeercert()
    assert certificate
    assert ("DNS", "client.example") in certificate["subjectAltName"]


def test_the_words_of_a_server_that_wants_one(authority: Authority) -> None:
    server = authority.server_context()
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(authority.root)
    assert fails(context(authority), server) == "tls_tlsv13_alert_certificate_required"


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"ciphers": "NONSENSE"}, "ciphers"),
        ({"suites": "TLS_NONSENSE"}, "suites"),
        ({"ca": "/nowhere.pem"}, "ca"),
        ({"cert": "/nowhere.pem", "key": "/nowhere.pem"}, "cert"),
    ],
)
def test_what_openssl_does_not_take(
    options: dict[str, str], what: str, authority: Authority
) -> None:
    with pytest.raises(TlsSetupError) as caught:
        context(authority, **options)
    assert caught.value.what == what


@pytest.mark.parametrize(("name", "address"), [("not an address", True)])
def test_names_that_are_none(name: str, address: bool, authority: Authority) -> None:
    with pytest.raises(ValueError, match="is no"):
        TlsLink(context(authority), name, address=address)
