"""What stands between a tester and its target: a proxy, a Unix socket. Of other people's making.

Run as a program: `python -m tests.ways proxy [user:password]` is an HTTP CONNECT and SOCKS5 proxy
(pproxy), `unix PATH` in its place a server that echoes on a Unix socket, `dual` one that does on
both families, `secure FILE` one over TLS with the certificate and key of a file (websockets). Each
says on its first line where it listens, and ends when its standard input does.
"""

import asyncio
import contextlib
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve, unix_serve

ROOT = Path(__file__).parents[1]


@contextlib.contextmanager
def proxy(credentials: str = "") -> Iterator[str]:
    """Run a proxy; give its host and port."""
    with _running("proxy", *filter(None, [credentials])) as listening:
        yield listening


@contextlib.contextmanager
def unix_echo(path: Path) -> Iterator[Path]:
    """Run a server that echoes on the Unix socket `path`."""
    with _running("unix", str(path)):
        yield path


@contextlib.contextmanager
def dual_stack_echo() -> Iterator[int]:
    """Run a server that echoes on 127.0.0.1 and ::1; give the port."""
    with _running("dual") as port:
        yield int(port)


@contextlib.contextmanager
def secure_echo(certificate: Path) -> Iterator[int]:
    """Run a server that echoes over TLS, with certificate and key of a file; give the port."""
    with _running("secure", str(certificate)) as port:
        yield int(port)


@contextlib.contextmanager
def _running(*arguments: str) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.ways", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        listening = process.stdout.readline().strip()
        assert listening, f"{arguments} does not listen"
        yield listening
    finally:
        process.kill()
        process.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _serve_proxy(credentials: str = "") -> None:
    import pproxy

    where = f"127.0.0.1:{free_port()}"
    url = f"http+socks5://{where}" + (f"#{credentials}" if credentials else "")
    await pproxy.Server(url).start_server({"rserver": [], "verbose": lambda *_: None})
    await _say_and_wait(where)


async def _echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def _serve_unix(path: str) -> None:
    async with unix_serve(_echo, path, compression=None):
        await _say_and_wait(path)


async def _serve_dual() -> None:
    port = free_port()
    async with serve(_echo, ["127.0.0.1", "::1"], port, compression=None):
        await _say_and_wait(str(port))


async def _serve_secure(certificate: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with serve(_echo, "127.0.0.1", 0, ssl=context, compression=None) as server:
        await _say_and_wait(str(next(iter(server.sockets)).getsockname()[1]))


async def _say_and_wait(where: str) -> None:
    print(where, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    programs = {
        "proxy": _serve_proxy,
        "unix": _serve_unix,
        "dual": _serve_dual,
        "secure": _serve_secure,
    }
    asyncio.run(programs[sys.argv[1]](*sys.argv[2:]))
