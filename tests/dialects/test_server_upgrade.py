import pytest
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from surgewire.dialects.client_upgrade import ClientUpgrade, UpgradeRequest
from surgewire.dialects.server_upgrade import ServerUpgrade
from surgewire.dialects.upgrade import UpgradeError

URI = parse_uri("ws://example.com:8765/chat?room=1")


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
    client, server = ClientUpgrade(UpgradeRequest(URI, "x")), ServerUpgrade()
    reply, done, _ = server.feed(client.start())
    assert done
    assert client.feed(reply) == (b"", True, b"")


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
    for _ in range(8):
        server.feed(b"x" * 8000)
    with pytest.raises(UpgradeError) as caught:
        server.feed(b"x" * 8000)
    assert caught.value.reply.startswith(b"HTTP/1.1 400 ")
