"""The same drive by the ``websockets`` client: proves the harness apart from our own code."""

import asyncio
import contextlib

import websockets

CASE_TIMEOUT_S = 60.0


def drive(url: str, agent: str) -> int:
    """Echo through all cases of the fuzzing server at ``url``; returns how many there were."""
    return asyncio.run(_drive(url, agent))


async def case_count(url: str) -> int:
    """Return how many cases the fuzzing server at ``url`` will run."""
    async with websockets.connect(f"{url}/getCaseCount") as connection:
        return int(await connection.recv())


async def update_reports(url: str, agent: str) -> None:
    """Let the fuzzing server write its reports on one agent."""
    async with websockets.connect(f"{url}/updateReports?agent={agent}") as connection:
        await connection.wait_closed()


async def _drive(url: str, agent: str) -> int:
    count = await case_count(url)
    for case in range(1, count + 1):
        async with asyncio.timeout(CASE_TIMEOUT_S):
            await _echo(f"{url}/runCase?case={case}&agent={agent}")
    await update_reports(url, agent)
    return count


async def _echo(url: str) -> None:
    async with websockets.connect(url, max_size=None, compression=None) as connection:
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in connection:
                await connection.send(message)
