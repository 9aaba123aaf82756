import base64
import hashlib

import pytest
from websockets.client import ClientProtocol
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from surgewire.dialects.upgrade import ClientUpgrade, ServerUpgrade, UpgradeError

URI = parse_uri("ws://example.com:8765/chat?room=1")
ACCEPT_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def header(head: bytes, name: bytes) -> bytes:
    for line in head.split(b"\r\n"):
        key, _, value = line.partition(b": ")
        if key.lower() == name.lower():
            return value
    raise AssertionError(f"no header {name!r} in {head!r}")


def accept_for(request: bytes) -> bytes:
    digest = hashlib.sha1(header(request, b"Sec-WebSocket-Key") + ACCEPT_SUFFIX).digest()
    return base64.b64encode(digest)


def response_for(request: bytes) -> bytes:
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept_for(request) + b"\r\n\r\n"
    )


def test_request_asks_for_the_resource_and_names_the_tester() -> None:
    request = ClientUpgrade(URI, "surgewire/test").start()
    assert request.startswith(b"GET /chat?room=1 HTTP/1.1\r\n")
    assert request.endswith(b"\r\n\r\n")
    assert header(request, b"Host") == b"example.com:8765"
    assert header(request, b"User-Agent") == b"surgewire/test"
    assert header(request, b"Sec-WebSocket-Version") == b"13"
    assert len(base64.b64decode(header(request, b"Sec-WebSocket-Key"))) == 16


def test_two_requests_carry_different_keys() -> None:
    keys = {header(ClientUpgrade(URI, "x").start(), b"Sec-WebSocket-Key") for _ in range(50)}
    assert len(keys) == 50


@pytest.mark.parametrize("rest", [b"", b"\x81\x02hi", b"\x88\x00"])
def test_response_in_any_two_pieces_completes_and_gives_the_rest_back(rest: bytes) -> None:
    for cut in range(1, 150):
        upgrade = ClientUpgrade(URI, "x")
        response = response_for(upgrade.start()) + rest
        head_end = len(response) - len(rest)
        _, done, early = upgrade.feed(response[:cut])
        if cut >= head_end:
            assert (done, early) == (True, response[head_end:cut])
        else:
            assert not done
            assert upgrade.feed(response[cut:]) == (b"", True, rest)


def test_wrong_accept_key_is_refused() -> None:
    upgrade = ClientUpgrade(URI, "x")
    upgrade.start()
    other = response_for(ClientUpgrade(URI, "x").start())
    with pytest.raises(UpgradeError) as caught:
        upgrade.feed(other)
    assert caught.value.kind == "upgrade_invalid"


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n\r\n", "http_429"),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 999\r\n\r\nbu", "http_503"),
        (b"HTTP/1.1 301 Moved\r\nLocation: /x\r\n\r\n", "http_301"),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>", "http_200"),
        (b"HTTP/1.0 404 Not Found\r\n\r\n", "http_404"),
        (b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n", "upgrade_invalid"),
        (b"\x00\x01\x02" * 20, "upgrade_invalid"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "upgrade_invalid"),
        (b"HTTP/1.1 999 What\r\n\r\n", "upgrade_invalid"),
        (b"HTTP/2 101 Switching\r\n\r\n", "upgrade_invalid"),
    ],
)
def test_what_is_no_upgrade_has_a_name(response: bytes, kind: str) -> None:
    upgrade = ClientUpgrade(URI, "x")
    upgrade.start()
    with pytest.raises(UpgradeError) as caught:
        upgrade.feed(response)
    assert caught.value.kind == kind


def test_endless_head_is_given_up() -> None:
    upgrade = ClientUpgrade(URI, "x")
    upgrade.start()
    upgrade.feed(b"HTTP/1.1 101 Switching Protocols\r\n")
    for _ in range(32):
        upgrade.feed(b"X-Filler: " + b"x" * 8000 + b"\r\n")
    with pytest.raises(UpgradeError, match="upgrade_invalid"):
        upgrade.feed(b"X-Filler: " + b"x" * 8000 + b"\r\n")


def test_server_accepts_what_websockets_asks_and_websockets_accepts_the_answer() -> None:
    client, server = ClientProtocol(URI), ServerUpgrade()
    client.send_request(client.connect())
    assert server.start() == b""
    reply, done, rest = server.feed(b"".join(client.data_to_send()) + b"\x81\x80abcd")
    assert (done, rest) == (True, b"\x81\x80abcd")
    client.receive_data(reply)
    client.events_received()
    assert client.handshake_exc is None


def test_both_roles_agree() -> None:
    client, server = ClientUpgrade(URI, "x"), ServerUpgrade()
    reply, done, _ = server.feed(client.start())
    assert done
    assert client.feed(reply) == (b"", True, b"")


def test_client_agrees_with_the_server_of_websockets() -> None:
    client, server = ClientUpgrade(URI, "x"), ServerProtocol()
    server.receive_data(client.start())
    (request,) = server.events_received()
    server.send_response(server.accept(request))  # type: ignore[arg-type]
    assert client.feed(b"".join(server.data_to_send())) == (b"", True, b"")


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"garbage\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    ],
)
def test_server_answers_what_is_no_upgrade(request_head: bytes) -> None:
    with pytest.raises(UpgradeError) as caught:
        ServerUpgrade().feed(request_head)
    assert caught.value.kind == "upgrade_invalid"
    assert caught.value.reply.startswith(b"HTTP/1.1 4")


def test_server_gives_up_an_endless_request() -> None:
    server = ServerUpgrade()
    for _ in range(32):
        server.feed(b"x" * 8000)
    with pytest.raises(UpgradeError) as caught:
        server.feed(b"x" * 8000)
    assert caught.value.reply.startswith(b"HTTP/1.1 400 ")
