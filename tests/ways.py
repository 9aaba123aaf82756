"""What stands between a tester and its target: a proxy, a Unix socket. Of other people's making.

Run as a program: `python -m tests.ways proxy [user:password]` is an HTTP CONNECT and SOCKS5 proxy
(pproxy), `python -m tests.ways unix PATH` a server that echoes on a Unix socket (websockets). Each
says on its first line where it listens, and ends when its standard input does.
"""

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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


async def _serve_unix(path: str) -> None:
    from websockets.asyncio.server import ServerConnection, unix_serve

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with unix_serve(echo, path, compression=None):
        await _say_and_wait(path)


async def _say_and_wait(where: str) -> None:
    print(where, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    serve = {"proxy": _serve_proxy, "unix": _serve_unix}[sys.argv[1]]
    asyncio.run(serve(*sys.argv[2:]))
