"""The same drive by the ``websockets`` client: proves the harness apart from our own code."""

import asyncio
import contextlib

import websockets

from tests.conformance.suite import Server

# The longest that the suite gives a case is 480 s.
CASE_TIMEOUT_S = 500.0


def drive(server: Server, agent: str, *, compresses: bool) -> int:
    """Echo through all cases of the fuzzing server; returns how many there were."""
    return asyncio.run(_drive(server, agent, compresses))


async def case_count(server: Server) -> int:
    """Return how many cases the fuzzing server will run."""
    address = f"{server.url}/getCaseCount"
    async with websockets.connect(address, ssl=server.trust) as connection:
        return int(await connection.recv())


async def update_reports(server: Server, agent: str) -> None:
    """Let the fuzzing server write its reports on one agent."""
    address = f"{server.url}/updateReports?agent={agent}"
    async with websockets.connect(address, ssl=server.trust) as connection:
        await connection.wait_closed()


async def _drive(server: Server, agent: str, compresses: bool) -> int:
    count = await case_count(server)
    for case in range(1, count + 1):
        async with asyncio.timeout(CASE_TIMEOUT_S):
            await _echo(server, f"/runCase?case={case}&agent={agent}", compresses)
    await update_reports(server, agent)
    return count


async def _echo(server: Server, resource: str, compresses: bool) -> None:
    async with websockets.connect(
        server.url + resource,
        ssl=server.trust,
        max_size=None,
        compression="deflate" if compresses else None,
        ping_interval=None,
    ) as connection:
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in connection:
                await connection.send(message)
