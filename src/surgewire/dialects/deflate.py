"""What is offered and agreed on for permessage-deflate, by the `websockets` library (RFC 7692)."""

from functools import lru_cache

from websockets.exceptions import InvalidHeader, NegotiationError
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
)
from websockets.headers import parse_extension

from surgewire._core.deflate import Terms

_ANSWERS_KEPT = 64
_LEVEL = 6


class DeflateOffer:
    """What a client offers. The parameters are those of RFC 7692 section 7.1.

    client_max_window_bits: True where the server may choose. level: how hard to compress, 1 to 9.
    `offers` is what composes the header for the library.
    """

    __slots__ = ("agree", "offers")

    def __init__(
        self,
        server_no_context_takeover: bool = False,
        client_no_context_takeover: bool = False,
        server_max_window_bits: int | None = None,
        client_max_window_bits: int | bool | None = True,
        *,
        level: int = _LEVEL,
    ) -> None:
        """Prepare the offer."""
        factory = ClientPerMessageDeflateFactory(
            server_no_context_takeover,
            client_no_context_takeover,
            server_max_window_bits,
            client_max_window_bits,
        )

        # A target answers all connections alike, and the library makes two compression streams,
        # some 200 kB, for each answer that it looks at.
        @lru_cache(maxsize=_ANSWERS_KEPT)
        def agree(answer: bytes) -> Terms | None:
            return _agree(factory, answer, level)

        self.offers = [factory]
        self.agree = agree
        """Takes the value of the answer's Sec-WebSocket-Extensions; None where it is not valid."""


def _agree(factory: ClientPerMessageDeflateFactory, answer: bytes, level: int) -> Terms | None:
    try:
        extensions = parse_extension(answer.decode("ascii"))
        if len(extensions) != 1 or extensions[0][0] != factory.name:
            return None
        return terms_of(factory.process_response_params(extensions[0][1], []), level)
    except (InvalidHeader, NegotiationError, UnicodeDecodeError):
        return None


def terms_of(agreed: PerMessageDeflate, level: int = _LEVEL) -> Terms:
    """Return what the library has agreed on as the native core takes it."""
    return Terms(
        sends_bits=agreed.local_max_window_bits,
        sends_takeover=not agreed.local_no_context_takeover,
        receives_bits=agreed.remote_max_window_bits,
        receives_takeover=not agreed.remote_no_context_takeover,
        level=level,
    )
