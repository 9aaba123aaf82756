"""A server that writes down every request: SUBPROTOCOL,… or nothing [CERTIFICATE].

The first line printed is the port; then follows a line of JSON for each request, with its `path`
and its `headers` (pairs). Paths: `/to?STATUS&LOCATION` redirects (the
Location is escaped), `/circle` redirects to itself, all others echo.
"""

import asyncio
import json
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

ROOT = Path(__file__).parents[2]


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def answer(_: ServerConnection, request: Request) -> Response | None:
    headers = list(request.headers.raw_items())
    print(json.dumps({"path": request.path, "headers": headers}), flush=True)
    if request.path.startswith("/to?"):
        status, _, location = request.path.removeprefix("/to?").partition("&")
        found = Headers({"Content-Length": "0", "Location": unquote(location)})
        return Response(int(status), "See", found)
    if request.path == "/circle":
        return Response(302, "Found", Headers({"Content-Length": "0", "Location": "circle"}))
    return None


async def main(subprotocols: str, certificate: str = "") -> None:
    names = [Subprotocol(name) for name in subprotocols.split(",") if name]
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with serve(
        echo,
        "127.0.0.1",
        0,
        subprotocols=names or None,
        process_request=answer,
        ssl=tls,
        compression=None,
    ) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await stop.wait()


class Recorder:
    """The server as a test sees it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        assert process.stdout is not None
        self.port = int(process.stdout.readline())

    def requests(self) -> list[dict[str, Any]]:
        """Stop the server and return what was asked of it, headers by name in lower case."""
        self._process.send_signal(signal.SIGTERM)
        out, _ = self._process.communicate(timeout=20)
        found = [json.loads(line) for line in out.splitlines()]
        for request in found:
            request["headers"] = {name.lower(): value for name, value in request["headers"]}
        return found


@contextmanager
def recording(subprotocols: str = "", certificate: Path | str = "") -> Iterator[Recorder]:
    """Start the server; it ends with the context."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.recording_server", subprotocols]
        + ([str(certificate)] if certificate else []),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Recorder(process)
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
