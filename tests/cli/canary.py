"""Canary secrets: where they are planted, a server that gets them, and the search for them."""

import base64
import re
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from surgewire.engine.journal import read_journal

STEM = "cAnArY"
"""All of them begin with this."""


def canary(place: str) -> str:
    """Return the secret of a place; nothing else on this machine looks like it."""
    return f"{STEM}0{place}0{zlib.crc32(place.encode()):08x}"


class Server:
    """Echoes, and keeps all that it was sent; it says secrets of its own in return."""

    def __init__(self) -> None:
        self.received: list[str] = []

    def note(self, connection: ServerConnection, request: Request) -> None:
        self.received.append(request.path)
        self.received += [f"{name}: {value}" for name, value in request.headers.raw_items()]

    def reflect(self, connection: ServerConnection, request: Request, response: Response) -> None:
        response.headers["X-Reflected"] = canary("reflected")

    def handle(self, connection: ServerConnection) -> None:
        try:
            for message in connection:
                self.received.append(str(message))
                connection.send(message)
        except ConnectionClosed:
            pass

    def got(self, place: str) -> bool:
        """Tell whether the secret of a place came here, plain or as credentials do."""
        texts = list(self.received)
        for text in self.received:
            scheme, _, credentials = text.partition("Basic ")
            if scheme.lower().endswith("authorization: "):
                texts.append(base64.b64decode(credentials).decode())
        return any(canary(place) in text for text in texts)


@contextmanager
def recording() -> Iterator[tuple[Server, int]]:
    """Run a Server in a thread; give it and its port."""
    told = Server()
    with serve(
        told.handle,
        "127.0.0.1",
        0,
        process_request=told.note,
        process_response=told.reflect,
        compression=None,
        select_subprotocol=lambda _, offered: offered[0] if offered else None,
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield told, server.socket.getsockname()[1]
        finally:
            server.shutdown()
            thread.join()


def search(text: str) -> list[str]:
    """Return the places whose secrets stand in a text, with what is around them."""
    found = _around(text, STEM)
    # Credentials travel in base64, in which a text looks in one of three ways.
    secret = f"{STEM}0".encode()
    for shift in range(3):
        coded = base64.b64encode(b"x" * shift + secret).decode()
        found += _around(text, coded[-(-8 * shift // 6) : 8 * (shift + len(secret)) // 6])
    return found


def _around(text: str, part: str) -> list[str]:
    places = (match.start() for match in re.finditer(re.escape(part), text))
    return [text[max(at - 40, 0) : at + 60] for at in places]


def search_folder(folder: Path, wanted: str | None = None) -> list[str]:
    """Search all files below a folder, and what is in compressed records.

    wanted: what to search for; the secrets, unless given.
    """

    def look(text: str) -> list[str]:
        return search(text) if wanted is None else _around(text, wanted)

    found = []
    for path in sorted(folder.rglob("*")):
        found += [f"name {path}" for _ in look(path.name)]
        if path.is_file():
            found += [f"{path}: {hit}" for hit in look(path.read_bytes().decode("latin-1"))]
        if path.name == "journal.bin":
            records = read_journal(path).records
            assert records
            found += [f"{path}: {hit}" for record in records for hit in look(repr(record))]
    return found
