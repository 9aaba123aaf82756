"""Servers whose every text is an attack on the terminal or the memory of whoever reads it."""

import base64
import hashlib
import itertools
import re
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVIL = "EVIL"
"""Stands in each text of these servers."""

_ATTACK = f"\x1b]0;{EVIL}\x07\x1b[2J\x1b[31m{EVIL}\x9b31m\u202e{EVIL}"
"""Sets the title of the window, clears the screen, reverses what follows."""
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_numbers = itertools.count()

Answer = Callable[[bytes], bytes]


def _text(length: int = 0) -> bytes:
    return _ATTACK.encode().ljust(length, b"A")


def _status(line: bytes, *headers: bytes, body: bytes = b"") -> Answer:
    head = b"\r\n".join([b"HTTP/1.1 " + line, *headers, b"Content-Length: %d" % len(body)])
    return lambda _: head + b"\r\n\r\n" + body


def _upgrade(request: bytes, *headers: bytes) -> bytes:
    key = re.search(rb"(?i)sec-websocket-key: *(\S+)", request)
    assert key
    accept = base64.b64encode(hashlib.sha1(key[1] + _GUID).digest())
    head = [
        b"HTTP/1.1 101 " + _text(),
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + accept,
        b"X-Header: " + _text(),
        *headers,
    ]
    return b"\r\n".join(head) + b"\r\n\r\n"


def _closing(request: bytes) -> bytes:
    reason = struct.pack("!H", 4321) + _text()
    return _upgrade(request) + bytes([0x88, len(reason)]) + reason


def _many_statuses(_: bytes) -> bytes:
    return b"HTTP/1.1 %d x\r\nContent-Length: 0\r\n\r\n" % (400 + next(_numbers) % 200)


ANSWERS: dict[str, Answer] = {
    "reason": _status(b"403 " + _text()),
    "status": _status(_text() + b" OK"),
    "header": _status(b"401 No", b"WWW-Authenticate: Basic realm=" + _text()),
    "header_name": _status(b"401 No", _text() + b": x"),
    "body": _status(b"503 No", body=_text(50_000)),
    "long_header": _status(b"503 No", b"X: " + _text(6_000)),
    "location": _status(b"302 Go", b"Location: ws://" + _text() + b"/"),
    "location_path": _status(b"302 Go", b"Location: /" + _text()),
    "protocol": lambda request: _upgrade(request, b"Sec-WebSocket-Protocol: " + _text()),
    "extension": lambda request: _upgrade(request, b"Sec-WebSocket-Extensions: " + _text()),
    "close": _closing,
    "message": lambda request: _upgrade(request) + bytes([0x81, len(_text())]) + _text(),
    "ping": lambda request: _upgrade(request) + bytes([0x89, len(_text())]) + _text(),
    "noise": lambda _: _text(),
    "statuses": _many_statuses,
}


@contextmanager
def hostile(name: str) -> Iterator[int]:
    """Run the server with one of ANSWERS; give its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            request = b""
            while b"\r\n\r\n" not in request:
                piece = self.request.recv(65536)
                if not piece:
                    return
                request += piece
            self.request.sendall(ANSWERS[name](request))
            # Until the client hangs up.
            try:
                while self.request.recv(65536):
                    pass
            except ConnectionError:
                pass

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 256

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
