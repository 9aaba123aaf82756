import base64
import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from surgewire.dialects.client_upgrade import ClientUpgrade, UpgradeRequest
from surgewire.dialects.upgrade import UpgradeError

URI = parse_uri("ws://example.com:8765/chat?room=1")
REQUEST = UpgradeRequest(URI, "surgewire/test")
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
    request = ClientUpgrade(REQUEST).start()
    assert request.startswith(b"GET /chat?room=1 HTTP/1.1\r\n")
    assert request.endswith(b"\r\n\r\n")
    assert header(request, b"Host") == b"example.com:8765"
    assert header(request, b"User-Agent") == b"surgewire/test"
    assert header(request, b"Sec-WebSocket-Version") == b"13"
    assert len(base64.b64decode(header(request, b"Sec-WebSocket-Key"))) == 16


def test_two_requests_carry_different_keys() -> None:
    keys = {header(ClientUpgrade(REQUEST).start(), b"Sec-WebSocket-Key") for _ in range(50)}
    assert len(keys) == 50


def values(**of: bytes) -> Callable[[str], bytes]:
    return of.__getitem__


def asked(request: UpgradeRequest) -> Request:
    """Return a request as the library's server reads it."""
    server = ServerProtocol()
    server.receive_data(ClientUpgrade(request).start())
    (event,) = server.events_received()
    assert isinstance(event, Request)
    return event


def test_slots_of_the_address_are_filled_for_each_user() -> None:
    uri = parse_uri("ws://example.com/rooms/{{room}}?user={{ user }}&again={{room}}")
    request = UpgradeRequest(uri, "surgewire/1.0")
    assert [
        asked(request.filled(values(room=room, user=user))).path
        for room, user in ((b"7", b"1234"), (b"0", b"0"))
    ] == ["/rooms/7?user=1234&again=7", "/rooms/0?user=0&again=0"]


def test_values_are_escaped_in_the_address_and_stand_as_they_are_in_headers() -> None:
    request = UpgradeRequest(
        parse_uri("ws://h/{{name}}/x?n={{name}}"),
        "for {{name}}",
        headers=[("X-Name", "<{{name}}>"), ("Cookie", "a={{name}}")],
        origin="https://{{name}}.example",
    )
    name = "a b&/?#ü%".encode()
    found = request.filled(values(name=name))
    assert found.resource == "/a%20b%26%2F%3F%23%C3%BC%25/x?n=a%20b%26%2F%3F%23%C3%BC%25"
    head = ClientUpgrade(found).start()
    assert header(head, b"X-Name") == b"<" + name + b">"
    assert header(head, b"Cookie") == b"a=" + name
    assert header(head, b"User-Agent") == b"for " + name
    assert header(head, b"Origin") == b"https://" + name + b".example"
    assert head.count(b"\r\n\r\n") == 1


def test_own_headers_take_the_place_of_host_and_user_agent() -> None:
    request = UpgradeRequest(
        URI, "surgewire/test", headers=[("host", "other:1"), ("user-agent", "mine"), ("X", "")]
    )
    head = ClientUpgrade(request).start()
    assert head.split(b"\r\n")[1] == b"host: other:1"
    assert header(head, b"user-agent") == b"mine"
    assert head.lower().count(b"host:") == head.lower().count(b"user-agent:") == 1


def test_a_request_without_slots_is_the_same_for_all() -> None:
    assert REQUEST.filled(values()) is REQUEST


OFFERING = UpgradeRequest(URI, "surgewire/test", subprotocols=["v2.{{token}}", "v1", "v1.b"])


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "subprotocol_none"),
        (b"Sec-WebSocket-Protocol: v1\r\n", "subprotocol_offer_2"),
        (b"sec-websocket-protocol:v1.b \r\n", "subprotocol_offer_3"),
        (b"Sec-WebSocket-Protocol: v2.abc\r\n", "subprotocol_offer_1"),
        (b"Sec-WebSocket-Protocol: v2.{{token}}\r\n", None),
        (b"Sec-WebSocket-Protocol: V1\r\n", None),
        (b"Sec-WebSocket-Protocol: v3\r\n", None),
        (b"Sec-WebSocket-Protocol:\r\n", None),
        (b"Sec-WebSocket-Protocol: v1, v1.b\r\n", None),
        (b"Sec-WebSocket-Protocol: v1\r\nSec-WebSocket-Protocol: v1\r\n", None),
    ],
)
def test_a_subprotocol_is_one_of_those_offered(answer: bytes, told: str | None) -> None:
    facts: list[str] = []
    upgrade = ClientUpgrade(OFFERING.filled(values(token=b"abc")), facts.append)
    head = upgrade.start()
    assert header(head, b"Sec-WebSocket-Protocol") == b"v2.abc, v1, v1.b"
    response = response_for(head).replace(b"\r\n\r\n", b"\r\n" + answer + b"\r\n")
    if told is None:
        with pytest.raises(UpgradeError, match="upgrade_invalid"):
            upgrade.feed(response)
        assert not facts
    else:
        assert upgrade.feed(response) == (b"", True, b"")
        assert facts == [told]


@settings(max_examples=200, deadline=None)
@given(chosen=st.lists(st.sampled_from(["v1", "v2", "V1", "", "v1, v2", "x"]), max_size=2))
def test_library_and_this_module_agree_on_subprotocols(chosen: list[str]) -> None:
    upgrade = ClientUpgrade(UpgradeRequest(URI, "surgewire/test", subprotocols=["v1", "v2"]))
    head = upgrade.start()
    lines = "".join(f"Sec-WebSocket-Protocol: {name}\r\n" for name in chosen).encode()
    response = response_for(head).replace(b"\r\n\r\n", b"\r\n" + lines + b"\r\n")
    client = ClientProtocol(URI, subprotocols=[Subprotocol("v1"), Subprotocol("v2")])
    client.key = header(head, b"Sec-WebSocket-Key").decode()
    client.send_request(client.connect())
    client.receive_data(response)
    if ours_accepts(response, upgrade):
        assert client.handshake_exc is None


FOLLOWING = UpgradeRequest(URI, "surgewire/test", follows=True)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_read_up_to_its_location(status: int) -> None:
    told: list[tuple[str, str]] = []
    upgrade = ClientUpgrade(FOLLOWING, None, lambda *found: told.append(found))
    upgrade.start()
    assert upgrade.feed(b"HTTP/1.1 %d See\r\nLocation: /x" % status) == (b"", False, b"")
    with pytest.raises(UpgradeError, match=f"http_{status}"):
        upgrade.feed(b"y?z\r\n\r\nbody")
    assert told == [("/chat?room=1", "/xy?z")]


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (b"HTTP/1.1 302 Found\r\nX: y\r\n\r\n", "http_302"),
        (b"HTTP/1.1 302 Found\r\nLocation: a\x01b\r\n\r\n", "upgrade_invalid"),
        (b"HTTP/1.1 304 Not Modified\r\n", "http_304"),
        (b"HTTP/1.1 302 Found\r\n" + b"X: y\r\n" * 20_000, "upgrade_invalid"),
    ],
)
def test_a_redirect_to_nowhere_is_told_by_its_kind_alone(response: bytes, kind: str) -> None:
    told: list[tuple[str, str]] = []
    upgrade = ClientUpgrade(FOLLOWING, None, lambda *found: told.append(found))
    upgrade.start()
    with pytest.raises(UpgradeError, match=kind):
        upgrade.feed(response)
    assert not told


@pytest.mark.parametrize("rest", [b"", b"\x81\x02hi", b"\x88\x00"])
def test_response_in_any_two_pieces_completes_and_gives_the_rest_back(rest: bytes) -> None:
    for cut in range(1, 150):
        upgrade = ClientUpgrade(REQUEST)
        response = response_for(upgrade.start()) + rest
        head_end = len(response) - len(rest)
        _, done, early = upgrade.feed(response[:cut])
        if cut >= head_end:
            assert (done, early) == (True, response[head_end:cut])
        else:
            assert not done
            assert upgrade.feed(response[cut:]) == (b"", True, rest)


def test_wrong_accept_key_is_refused() -> None:
    upgrade = ClientUpgrade(REQUEST)
    upgrade.start()
    other = response_for(ClientUpgrade(REQUEST).start())
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
    upgrade = ClientUpgrade(REQUEST)
    upgrade.start()
    with pytest.raises(UpgradeError) as caught:
        upgrade.feed(response)
    assert caught.value.kind == kind


def test_endless_head_is_given_up() -> None:
    upgrade = ClientUpgrade(REQUEST)
    upgrade.start()
    upgrade.feed(b"HTTP/1.1 101 Switching Protocols\r\n")
    for _ in range(8):
        upgrade.feed(b"X-Filler: " + b"x" * 8000 + b"\r\n")
    with pytest.raises(UpgradeError, match="upgrade_invalid"):
        upgrade.feed(b"X-Filler: " + b"x" * 8000 + b"\r\n")


def test_client_agrees_with_the_server_of_websockets() -> None:
    client, server = ClientUpgrade(REQUEST), ServerProtocol()
    server.receive_data(client.start())
    (request,) = server.events_received()
    server.send_response(server.accept(request))  # type: ignore[arg-type]
    assert client.feed(b"".join(server.data_to_send())) == (b"", True, b"")


def library_accepts(response: bytes, key: bytes) -> bool:
    client = ClientProtocol(URI)
    client.key = key.decode("ascii")
    client.send_request(client.connect())
    client.receive_data(response)
    return client.handshake_exc is None and bool(client.events_received())


def ours_accepts(response: bytes, upgrade: ClientUpgrade) -> bool:
    try:
        return upgrade.feed(response)[1]
    except UpgradeError:
        return False


MUTATIONS = st.sampled_from(
    [
        (b"", b""),
        (b"Upgrade: websocket", b"upgrade:WebSocket"),
        (b"Upgrade: websocket", b"Upgrade: websocket, h2c"),
        (b"Upgrade: websocket", b"Upgrade:"),
        (b"Upgrade: websocket\r\n", b""),
        (b"Connection: Upgrade", b"CONNECTION: keep-alive, upgrade"),
        (b"Connection: Upgrade", b"Connection: keep-alive\r\nConnection: Upgrade"),
        (b"Connection: Upgrade", b"Connection: close"),
        (b"Connection: Upgrade", b"Connection : Upgrade"),
        (b"Connection: Upgrade", b"Connection: Upgrade\r\n folded: yes"),
        (b"Connection: Upgrade", b"Connection: Upgrade\r\nno colon here"),
        (b"Accept: ", b"Accept:   "),
        (b"Accept: ", b"Accept: x"),
        (b"Switching Protocols", b""),
        (b"HTTP/1.1 101", b"HTTP/1.0 101"),
        (b"Switching Protocols", b"Switching\x00Protocols"),
        (b"HTTP/1.1 101", b"HTTP/1.1 200"),
        (b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
        (b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: chat\r\n\r\n"),
        (b"\r\n\r\n", b"\r\nServer: x\r\nX-Powered-By:\r\n\r\n"),
        (b"\r\n\r\n", b"\r\nSet-Cookie: a=b; Path=/\r\nSet-Cookie: c=d\r\n\r\n"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(mutations=st.lists(MUTATIONS, max_size=3))
def test_library_and_this_module_agree_on_responses(mutations: list[tuple[bytes, bytes]]) -> None:
    upgrade = ClientUpgrade(REQUEST)
    request = upgrade.start()
    response = response_for(request)
    for old, new in mutations:
        response = response.replace(old, new, 1)
    key = header(request, b"Sec-WebSocket-Key")
    assert ours_accepts(response, upgrade) == library_accepts(response, key)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_what_the_library_refuses_is_refused(data: st.DataObject) -> None:
    upgrade = ClientUpgrade(REQUEST)
    request = upgrade.start()
    response = bytearray(response_for(request))
    for _ in range(data.draw(st.integers(1, 3))):
        response[data.draw(st.integers(0, len(response) - 5))] = data.draw(st.integers(0, 255))
    if ours_accepts(bytes(response), upgrade):
        assert library_accepts(bytes(response), header(request, b"Sec-WebSocket-Key"))


def test_library_s_server_takes_the_request() -> None:
    server = ServerProtocol()
    server.receive_data(ClientUpgrade(REQUEST).start())
    (request,) = server.events_received()
    assert isinstance(request, Request)
    assert server.accept(request).status_code == 101
