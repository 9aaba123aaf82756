"""Several processes behind one port, started and ended together."""

import asyncio
import os
import resource
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from surgewire._core.clock import now_ns
from surgewire.errors import SurgewireError
from surgewire.plan.chat_target import ChatTargetConfig
from surgewire.plan.echo_target import EchoTargetConfig

_ENDING = (signal.SIGINT, signal.SIGTERM)
_WATCHED = (*_ENDING, signal.SIGCHLD)

# Connections that may wait to be accepted.
BACKLOG = 4096

Config = EchoTargetConfig | ChatTargetConfig


@dataclass(frozen=True, slots=True)
class Share:
    """What one process of a target gets.

    `listener`: its listening socket; `truth`: the file for its part of the record;
    `start_ns`: an instant common to all processes; `lifeline`: a pipe that ends with the parent.
    """

    number: int
    listener: socket.socket
    truth: Path | None
    start_ns: int
    lifeline: int

    async def ended(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait for SIGINT, SIGTERM or the end of the parent."""
        over = asyncio.Event()
        for number in _ENDING:
            loop.add_signal_handler(number, over.set)
        # Blocked since before the fork: a signal that came meanwhile is heard now.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
        loop.add_reader(self.lifeline, over.set)
        await over.wait()
        loop.remove_reader(self.lifeline)


def run_processes(config: Config, work: Callable[[Share], None], truth_header: str) -> None:
    """Fork `config.processes` processes that do `work`; return when they have ended.

    `truth_header` is the first line of the file for the truth.
    Raises SurgewireError when the address cannot be bound, the truth file cannot be written or a
    process fails.
    """
    _raise_descriptor_limit()
    listeners = _bind(config)
    parts = _truth_parts(config, truth_header)
    start_ns = now_ns()
    reader, writer = os.pipe()
    # From here on a signal to the parent waits until every child is there to hear of it.
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    children = []
    for number, (listener, part) in enumerate(zip(listeners, parts, strict=True)):
        pid = os.fork()
        if pid == 0:
            os.close(writer)
            for other in listeners:
                if other is not listener:
                    other.close()
            _run_child(work, Share(number, listener, part, start_ns, reader))
        children.append(pid)
    host, port = listeners[0].getsockname()[:2]
    for listener in listeners:
        listener.close()
    print(f"listening on ws://{f'[{host}]' if ':' in host else host}:{port}/", flush=True)
    try:
        failed = _wait(children, writer)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
        os.close(reader)
    _join_truth(config, parts)
    if failed:
        raise SurgewireError(f"{failed} of the target's {len(children)} processes failed")


def _run_child(work: Callable[[Share], None], share: Share) -> NoReturn:
    code = 1
    try:
        for number in _ENDING:
            signal.signal(number, signal.SIG_DFL)
        work(share)
        code = 0
    except Exception as error:
        print(f"surgewire: process {share.number} of the target: {error}", file=sys.stderr)
    finally:
        os._exit(code)


def _wait(children: list[int], writer: int) -> int:
    """Wait for a signal or for the first child to end; end all; return how many failed."""
    statuses: dict[int, int] = {}
    # A child that is stopped or goes on is news as well, but no end.
    while not statuses and signal.sigwait(_WATCHED) not in _ENDING:
        ended = (os.waitpid(pid, os.WNOHANG) for pid in children)
        statuses = {pid: status for pid, status in ended if pid}
    os.close(writer)
    for pid in children:
        if pid not in statuses:
            statuses[pid] = os.waitpid(pid, 0)[1]
    return sum(status != 0 for status in statuses.values())


def _bind(config: Config) -> list[socket.socket]:
    """Return a listening socket for each process, all on one port."""
    listeners: list[socket.socket] = []
    port = config.port
    try:
        family, _, _, _, address = socket.getaddrinfo(
            config.host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        if config.processes > 1 and port:
            # Sharing a port is for the processes of one target: another one must not join in.
            _check_free(family, (address[0], port, *address[2:]))
        for _ in range(config.processes):
            listener = socket.socket(family, socket.SOCK_STREAM)
            listeners.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if config.processes > 1:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind((address[0], port, *address[2:]))
            # Now, not in the child: who reads that the target listens may connect at once.
            listener.listen(socket.SOMAXCONN)
            port = listener.getsockname()[1]
    except OSError as error:
        for listener in listeners:
            listener.close()
        raise SurgewireError(
            f"cannot listen on {config.host} port {config.port}: {error.strerror}; "
            "choose another --host or --port (0 takes a free one)"
        ) from error
    return listeners


def _check_free(family: socket.AddressFamily, address: tuple[Any, ...]) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        probe.listen()


def _truth_parts(config: Config, header: str) -> list[Path | None]:
    if config.truth is None:
        return [None] * config.processes
    try:
        config.truth.write_text(f"{header}\n")
    except OSError as error:
        raise SurgewireError(f"--truth {config.truth}: {error.strerror}") from error
    if config.processes == 1:
        return [config.truth]
    return [config.truth.with_name(f"{config.truth.name}.{n}") for n in range(config.processes)]


def _join_truth(config: Config, parts: list[Path | None]) -> None:
    if config.truth is None or config.processes == 1:
        return
    with config.truth.open("ab") as whole:
        for part in parts:
            if part is not None and part.exists():
                with part.open("rb") as lines:
                    lines.readline()
                    shutil.copyfileobj(lines, whole)
                part.unlink()


def _raise_descriptor_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
