"""The chat target: relays messages within rooms, and can get them wrong and record what it did."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import uvloop

from surgewire._core import poller
from surgewire._core.chat import ChatPeer, ChatService
from surgewire._core.chat_truth import TRUTH_HEADER
from surgewire._core.connection import Connection
from surgewire._core.poller import Poller
from surgewire._core.stream import ReceiveBuffer
from surgewire.dialects.server_upgrade import ServerUpgrade
from surgewire.plan.chat_target import ChatTargetConfig
from surgewire.targets.processes import BACKLOG, Share, run_processes
from surgewire.targets.stall import Stall
from surgewire.targets.visitors import Visitors


class _Members(Visitors):
    """Takes those that have come into the rooms that their URLs name."""

    def __init__(self, service: ChatService) -> None:
        super().__init__()
        self._service = service

    def opened(self, connection: Connection) -> None:
        super().opened(connection)
        assert isinstance(connection, ChatPeer)
        room, user = room_and_user(connection.upgrade.resource)
        self._service.admit(connection, room, user)


def room_and_user(resource: str) -> tuple[str | None, str]:
    """Return what path and query of a request name: a room, if any, and a user, or ""."""
    try:
        query = parse_qs(urlsplit(resource).query, keep_blank_values=True, errors="replace")
    except ValueError:
        return None, ""
    return query.get("room", [None])[0], query.get("user", [""])[0]


def _service(
    config: ChatTargetConfig, loop: asyncio.AbstractEventLoop, watcher: Poller | None, share: Share
) -> ChatService:
    return ChatService(
        loop,
        watcher,
        delays=[(part.weight, part.kind, part.ns) for part in config.delay.parts],
        faults={
            "drop_ppm": config.drop_ppm,
            "duplicate_ppm": config.duplicate_ppm,
            "reorder_ppm": config.reorder_ppm,
            "damage_ppm": config.damage_ppm,
        },
        cut_ppm=config.cut_ppm,
        cut_per_ns=config.cut_per_ns,
        seed=config.seed,
        truth=None if share.truth is None else str(share.truth),
        max_backlog_bytes=config.max_backlog_bytes,
    )


async def _serve(config: ChatTargetConfig, share: Share) -> None:
    loop = asyncio.get_running_loop()
    watcher = Poller(loop) if poller.AVAILABLE else None
    service = _service(config, loop, watcher, share)
    buffer, members = ReceiveBuffer(), _Members(service)

    def peer() -> ChatPeer:
        return ChatPeer(
            buffer,
            members,
            ServerUpgrade(),
            service,
            client=False,
            max_message_bytes=config.max_message_bytes,
            poller=watcher,
        )

    stall = None
    if config.stall_ns:
        stall = Stall(loop, share.start_ns, config.stall_ns, config.stall_every_ns)
    server = await loop.create_server(peer, sock=share.listener, backlog=BACKLOG)
    await share.ended(loop)
    server.close()
    try:
        service.close()
    finally:
        await members.end()
        if watcher is not None:
            watcher.close()
    del stall


def serve(config: ChatTargetConfig) -> None:
    """Serve until SIGINT or SIGTERM. Prints one line when it listens: `listening on ws://…`.

    Raises SurgewireError when the address cannot be bound or the truth file cannot be written.
    """
    run_processes(config, lambda share: uvloop.run(_serve(config, share)), TRUTH_HEADER)
