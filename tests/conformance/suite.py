"""The Autobahn test suite: its environment under CPython 2.7, and its fuzzing server."""

import contextlib
import hashlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import trustme

HERE = Path(__file__).parent
FOLDER = HERE.parent.parent / "build" / "conformance"
VENV = FOLDER / "venv"
REPORTS = FOLDER / "reports"
AUTHORITY = FOLDER / "authority.pem"
SERVER_LOG = FOLDER / "server.log"

VIRTUALENV = "virtualenv==20.15.1"
SETUPTOOLS = "44.0.0"
INCREMENTAL = "incremental==16.10.1"
GROUPS = (1, 2, 3, 4, 5, 6, 7, 10)
# Of limits and performance, and of compression: some minutes more.
FURTHER_GROUPS = (9, 12, 13)
START_TIMEOUT_S = 30.0


class Server(NamedTuple):
    """Where the fuzzing server listens, and whom to trust: a file, and a context for it."""

    url: str
    authority: Path | None = None
    trust: ssl.SSLContext | None = None


class SuiteError(Exception):
    """The suite cannot be set up or started; the message says what to do."""


def find_python27() -> str:
    """Return a CPython 2.7: ``$PYTHON27``, one of pyenv's, or ``python2.7`` of the path."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = [str(path) for path in sorted(pyenv.glob("versions/2.7.*/bin/python"))[::-1]]
    candidates.append("python2.7")
    if named := os.environ.get("PYTHON27"):
        candidates = [named]
    for candidate in candidates:
        try:
            version = subprocess.run(
                [candidate, "-c", "import sys; print(sys.version_info[:2])"],
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError:
            continue
        if version.stdout.strip() == "(2, 7)":
            return candidate
    raise SuiteError(
        f"no CPython 2.7 found ({', '.join(candidates)}); the Autobahn test suite runs on nothing "
        "newer; write 'pyenv install 2.7.18', or name one with PYTHON27=/path/to/python2.7"
    )


def set_up() -> Path:
    """Make the suite's environment unless it is there, and return its interpreter."""
    python = VENV / "bin" / "python"
    wanted = f"{INCREMENTAL} {(HERE / 'requirements.txt').read_text()}"
    stamp = VENV / "surgewire-stamp"
    digest = hashlib.sha256(wanted.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return python
    python27 = find_python27()
    print(f"setting up the Autobahn test suite with {python27} in {VENV}", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    bootstrap = FOLDER / "bootstrap"
    shutil.rmtree(bootstrap, ignore_errors=True)
    pip = ["-m", "pip", "install", "-q", "--disable-pip-version-check"]
    _call([python27, *pip, "--target", str(bootstrap), VIRTUALENV])
    _call(
        [
            python27,
            "-m",
            "virtualenv",
            "-q",
            "--no-download",
            "--setuptools",
            SETUPTOOLS,
            str(VENV),
        ],
        PYTHONPATH=str(bootstrap),
    )
    # Twisted's set-up imports incremental, so that it must be there before.
    _call([str(python), *pip, INCREMENTAL])
    _call([str(python), *pip, "--no-build-isolation", "-r", str(HERE / "requirements.txt")])
    shutil.rmtree(bootstrap)
    stamp.write_text(digest)
    return python


def _call(command: list[str], **environment: str) -> None:
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SuiteError(f"{' '.join(command)}\nfailed:\n{done.stdout[-4000:]}")


@contextlib.contextmanager
def serving(groups: tuple[int, ...] = GROUPS, *, secure: bool = False) -> Iterator[Server]:
    """Run the fuzzing server with these groups of cases on a free port of loopback."""
    python = set_up()
    shutil.rmtree(REPORTS, ignore_errors=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    specification = FOLDER / "fuzzingserver.json"
    url = f"{'wss' if secure else 'ws'}://127.0.0.1:{port}"
    files = make_certificate() if secure else {}
    server = Server(url)
    if secure:
        server = Server(url, AUTHORITY, ssl.create_default_context(cafile=AUTHORITY))
    specification.write_text(
        json.dumps(
            {
                "url": url,
                **files,
                "outdir": str(REPORTS),
                "cases": [f"{group}.*" for group in groups],
                "exclude-cases": [],
                "exclude-agent-cases": {},
            }
        )
    )
    launcher = [str(python), str(HERE / "wstest_on_loopback.py")]
    with SERVER_LOG.open("w") as log:
        process = subprocess.Popen(
            [*launcher, "-m", "fuzzingserver", "-s", str(specification), "-u", "0"],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_listening(process, port)
        yield server
    finally:
        process.terminate()
        process.wait()


def make_certificate() -> dict[str, str]:
    """Write a certificate, its key and its authority; return where the first two are."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA)
    chain, key = FOLDER / "chain.pem", FOLDER / "key.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(AUTHORITY)
    return {"key": str(key), "cert": str(chain)}


def _wait_until_listening(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise SuiteError(f"the fuzzing server does not listen:\n{SERVER_LOG.read_text()[-4000:]}")
