"""How messages and handshakes look on the wire: bytes in, bytes out, no I/O."""
