"""The other end of a TLS link, by Python's ssl module: bytes in, bytes out."""

import ssl
from contextlib import suppress


class TlsPeer:
    """A TLS server in a test's hand."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_side=True)
        self.heard = b""
        self.ended = False
        self.error: ssl.SSLError | None = None

    def feed(self, data: bytes) -> bytes:
        """Take what the client sent; return the answer."""
        self._in.write(data)
        try:
            self.tls.do_handshake()
            while piece := self.tls.read(1 << 16):
                self.heard += piece
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        except ssl.SSLError as error:
            self.error = error
        return self._out.read()

    def say(self, data: bytes) -> bytes:
        """Return `data`, encrypted."""
        self.tls.write(data)
        return self._out.read()

    def end(self) -> bytes:
        """Return the word that nothing more comes."""
        with suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        return self._out.read()
