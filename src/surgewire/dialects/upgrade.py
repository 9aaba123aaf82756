"""What the opening handshake (RFC 6455 section 4) has in common in both roles.

`ClientUpgrade` and `ServerUpgrade` are what a native connection takes as its handshake: `start()`
gives what to send first, `feed(data)` takes what came and returns `(reply, done, rest)`: what to
send, whether the handshake is complete, and the bytes behind it.
"""

# Longer heads are refused; the largest that servers are known to send are a quarter of it.
MAX_HEAD_BYTES = 65_536

END_OF_HEAD = b"\r\n\r\n"


class UpgradeError(Exception):
    """The handshake failed.

    `kind`: name of the error taxonomy; `reply`: what to send before closing.
    """

    def __init__(self, kind: str, reply: bytes = b"") -> None:
        """Take the error's kind and the last words to the peer."""
        super().__init__(kind)
        self.kind = kind
        self.reply = reply
