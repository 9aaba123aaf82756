"""What is offered and agreed on for compression, against the `websockets` library's servers."""

import itertools

import pytest
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from surgewire._core.deflate import Compressor, Terms
from surgewire.dialects.client_upgrade import ClientUpgrade, UpgradeRequest
from surgewire.dialects.deflate import DeflateOffer, terms_of
from surgewire.dialects.server_upgrade import ServerUpgrade
from surgewire.dialects.upgrade import UpgradeError
from tests.dialects.test_client_upgrade import header, response_for

URI = parse_uri("ws://example.com/")
EXTENSIONS = b"Sec-WebSocket-Extensions"
BITS = (None, 9, 15)


def asking(offer: DeflateOffer) -> ClientUpgrade:
    return ClientUpgrade(UpgradeRequest(URI, "x", deflate=offer))


def answered(upgrade: ClientUpgrade, answer: bytes) -> Terms | None:
    """Complete a handshake with this value of the header."""
    response = response_for(upgrade.start())
    lines = b"\r\n" + EXTENSIONS + b": " + answer + b"\r\n\r\n"
    upgrade.feed(response.removesuffix(b"\r\n\r\n") + lines)
    return upgrade.deflate


@pytest.mark.parametrize(
    ("offer", "value"),
    [
        (DeflateOffer(), b"permessage-deflate; client_max_window_bits"),
        (DeflateOffer(client_max_window_bits=None), b"permessage-deflate"),
        (
            DeflateOffer(True, True, 10, 12),
            b"permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
            b"server_max_window_bits=10; client_max_window_bits=12",
        ),
    ],
)
def test_the_offer_stands_in_the_request(offer: DeflateOffer, value: bytes) -> None:
    assert header(asking(offer).start(), EXTENSIONS) == value
    assert EXTENSIONS not in ClientUpgrade(UpgradeRequest(URI, "x")).start()


@pytest.mark.parametrize(
    ("server_alone", "client_alone", "server_bits", "client_bits"),
    list(itertools.product((False, True), (False, True), BITS, BITS)),
)
def test_client_and_server_of_the_library_agree_on_what_we_do(
    server_alone: bool, client_alone: bool, server_bits: int | None, client_bits: int | None
) -> None:
    factory = ServerPerMessageDeflateFactory(server_alone, client_alone, server_bits, client_bits)
    server = ServerProtocol(extensions=[factory])
    upgrade = asking(DeflateOffer(level=4))
    server.receive_data(upgrade.start())
    (request,) = server.events_received()
    assert isinstance(request, Request)
    server.send_response(server.accept(request))
    upgrade.feed(b"".join(server.data_to_send()))
    (theirs,) = server.extensions
    assert isinstance(theirs, PerMessageDeflate)
    assert upgrade.deflate == Terms(
        theirs.remote_max_window_bits,
        not theirs.remote_no_context_takeover,
        theirs.local_max_window_bits,
        not theirs.local_no_context_takeover,
        level=4,
    )
    Compressor(upgrade.deflate)


def test_no_answer_is_no_compression() -> None:
    upgrade = asking(DeflateOffer())
    assert upgrade.feed(response_for(upgrade.start())) == (b"", True, b"")
    assert upgrade.deflate is None


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"x-webkit-deflate-frame",
        b"permessage-deflate; unheard_of",
        b"permessage-deflate; server_max_window_bits=16",
        b"permessage-deflate; server_max_window_bits",
        b"permessage-deflate; client_max_window_bits=8",
        b"permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        b"permessage-deflate, permessage-deflate",
        b"permessage-deflate\xff",
        b"permessage-deflate;;",
    ],
)
def test_answers_that_no_server_may_give(answer: bytes) -> None:
    with pytest.raises(UpgradeError) as caught:
        answered(asking(DeflateOffer()), answer)
    assert caught.value.kind == "upgrade_invalid"


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        (DeflateOffer(server_no_context_takeover=True), b"permessage-deflate"),
        (DeflateOffer(server_max_window_bits=10), b"permessage-deflate"),
        (
            DeflateOffer(server_max_window_bits=10),
            b"permessage-deflate; server_max_window_bits=11",
        ),
        (
            DeflateOffer(client_max_window_bits=None),
            b"permessage-deflate; client_max_window_bits=10",
        ),
    ],
)
def test_a_server_must_keep_to_the_offer(offer: DeflateOffer, answer: bytes) -> None:
    with pytest.raises(UpgradeError):
        answered(asking(offer), answer)


def test_an_answer_is_looked_at_once() -> None:
    """Agreeing makes two compression streams in the library."""
    offer = DeflateOffer()
    first = answered(asking(offer), b"permessage-deflate; server_max_window_bits=10")
    again = answered(asking(offer), b"permessage-deflate; server_max_window_bits=10")
    other = answered(asking(offer), b"permessage-deflate")
    assert first is again
    assert first is not None
    assert other is not None
    assert (first.receives_bits, other.receives_bits) == (10, 15)


def test_our_server_agrees_where_it_is_told_to() -> None:
    for compresses in (False, True):
        client = ClientProtocol(URI, extensions=[ClientPerMessageDeflateFactory(True, False, 9)])
        client.send_request(client.connect())
        server = ServerUpgrade(compresses=compresses)
        reply, done, _ = server.feed(b"".join(client.data_to_send()))
        client.receive_data(reply)
        client.events_received()
        assert done
        assert client.handshake_exc is None
        assert (server.deflate is not None) == bool(client.extensions) == compresses
        for extension in client.extensions:
            assert isinstance(extension, PerMessageDeflate)
            mirrored = terms_of(extension)
            assert server.deflate is not None
            assert server.deflate.sends_bits == mirrored.receives_bits == 9
            assert server.deflate.sends_takeover is mirrored.receives_takeover is False
            assert server.deflate.receives_takeover is mirrored.sends_takeover is True
