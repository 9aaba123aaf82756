"""What stands in front of servers, or is one, and is no Python: nginx, HAProxy, Node's ws.

`make front-ends` installs them. None needs root to run, all take a free port and a folder for what
they write.
"""

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.delivery.targets import ROOT, Target

NODE_MODULES = ROOT / "build" / "front_ends" / "node_modules"
FRONT_ENDS = ("nginx", "haproxy")
# Debian keeps servers where only root's path leads.
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
_END_S = 20.0

_NGINX = """
daemon off;
worker_processes 1;
error_log stderr warn;
pid {folder}/nginx.pid;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port}{ssl};
        {certificate}
        location / {{
            proxy_pass http://127.0.0.1:{behind};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
            proxy_set_header Host $http_host;
            proxy_read_timeout {idle_ms}ms;
            proxy_send_timeout {idle_ms}ms;
        }}
    }}
}}
"""
_HAPROXY = """
global
    maxconn 512
defaults
    mode http
    retries 0
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    timeout tunnel {idle_ms}ms
frontend outside
    bind fd@{descriptor}{ssl}
    default_backend inside
backend inside
    server one 127.0.0.1:{behind}
"""


@contextmanager
def front_end(
    name: str, folder: Path, behind: int, *, pem: Path | None = None, idle_ms: int = 30_000
) -> Iterator[str]:
    """Run one of FRONT_ENDS in front of the port `behind`; give its URL.

    pem: certificate and key, for TLS up to here; idle_ms: how long a connection may be silent.
    """
    program = find(name)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as sock:
        # It inherits the socket: no other program can take the port, and whoever connects from
        # now on waits in the queue until the front end is there.
        command = _command(name, program, folder, sock, behind, pem, idle_ms)
        port = sock.getsockname()[1]
        environment = {**os.environ, "NGINX": f"{sock.fileno()};"}
        log = folder / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[sock.fileno()],
            )
    try:
        yield f"{'ws' if pem is None else 'wss'}://127.0.0.1:{port}/"
        assert process.poll() is None, log.read_text()
    finally:
        _end(process)


def _command(
    name: str,
    program: str,
    folder: Path,
    sock: socket.socket,
    behind: int,
    pem: Path | None,
    idle_ms: int,
) -> list[str]:
    values = {"folder": folder, "behind": behind, "idle_ms": idle_ms}
    config = folder / f"{name}.conf"
    if name == "nginx":
        values |= {"port": sock.getsockname()[1], "ssl": "" if pem is None else " ssl"}
        key = f"ssl_certificate {pem};\n        ssl_certificate_key {pem};"
        config.write_text(_NGINX.format(**values, certificate="" if pem is None else key))
        return [program, "-p", str(folder), "-e", "stderr", "-c", str(config)]
    ssl = "" if pem is None else f" ssl crt {pem}"
    config.write_text(_HAPROXY.format(**values, descriptor=sock.fileno(), ssl=ssl))
    return [program, "-db", "-q", "-f", str(config)]


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Stop at once, with all processes that it has made."""
    children = []
    with contextlib.suppress(psutil.NoSuchProcess):
        children = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _, alive = psutil.wait_procs(children, timeout=_END_S)
    for survivor in alive:
        survivor.kill()


@contextmanager
def node(folder: Path) -> Iterator[Target]:
    """Run the server on Node's ws: /echo, or rooms with a record."""
    program = find("node")
    if not (NODE_MODULES / "ws").is_dir():
        pytest.skip("the package ws for Node is not installed: run `make front-ends`")
    truth = folder / "truth.csv"
    process = subprocess.Popen(
        [program, str(ROOT / "tests" / "integration" / "node" / "server.js"), str(truth)],
        env={**os.environ, "NODE_MODULES": str(NODE_MODULES)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield Target(line.partition("listening on ")[2].strip(), truth)
        process.terminate()
        _, errors = process.communicate(timeout=_END_S)
        assert (process.returncode, errors) == (0, "")
    finally:
        process.kill()
        process.communicate()


def find(name: str) -> str:
    """Return where a program is; skip the test where it is not installed."""
    program = shutil.which(name, path=_PATH)
    if program is None:
        pytest.skip(f"{name} is not installed: run `make front-ends` as root, or install it")
    return program
