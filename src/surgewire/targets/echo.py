"""The echo target: sends every message back, and can delay, stall and record what it did."""

import asyncio

import uvloop

from surgewire._core.echo import TRUTH_HEADER, EchoPeer, EchoService
from surgewire._core.stream import ReceiveBuffer
from surgewire.dialects.server_upgrade import ServerUpgrade
from surgewire.plan.echo_target import EchoTargetConfig
from surgewire.targets.processes import BACKLOG, Share, run_processes
from surgewire.targets.stall import Stall
from surgewire.targets.visitors import Visitors


async def _serve(config: EchoTargetConfig, share: Share) -> None:
    loop = asyncio.get_running_loop()
    delays = [(part.weight, part.kind, part.ns) for part in config.delay.parts]
    truth = None if share.truth is None else str(share.truth)
    service = EchoService(loop, delays, seed=config.seed + share.number, truth=truth)
    buffer, visitors = ReceiveBuffer(), Visitors()

    def peer() -> EchoPeer:
        return EchoPeer(
            buffer,
            visitors,
            ServerUpgrade(compresses=config.deflate),
            service,
            client=False,
            max_message_bytes=config.max_message_bytes,
        )

    stall = None
    if config.stall_ns:
        stall = Stall(loop, share.start_ns, config.stall_ns, config.stall_every_ns)
    server = await loop.create_server(peer, sock=share.listener, backlog=BACKLOG)
    await share.ended(loop)
    server.close()
    await visitors.end()
    service.close()
    del stall


def serve(config: EchoTargetConfig) -> None:
    """Serve until SIGINT or SIGTERM. Prints one line when it listens: `listening on ws://…`.

    Raises SurgewireError when the address cannot be bound or the truth file cannot be written.
    """
    run_processes(config, lambda share: uvloop.run(_serve(config, share)), TRUTH_HEADER)
