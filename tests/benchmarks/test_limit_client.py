"""The bare C client against the `websockets` library, which keeps its own account."""

import asyncio
import contextlib
import itertools
import json
import subprocess
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

Handler = Callable[[ServerConnection], Awaitable[None]]


class Witness:
    """An echo server that remembers what it has seen."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self.delay_s = delay_s
        self.messages: list[str] = []
        self.close_codes: list[int | None] = []

    async def __call__(self, connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                assert isinstance(message, str)
                self.messages.append(message)
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                await connection.send(message)
        await connection.wait_closed()
        self.close_codes.append(connection.close_code)


async def run_client(program: Path, handler: Handler, *options: str, **server) -> dict:
    """Result of the client against a handler."""
    async with serve(handler, "127.0.0.1", 0, compression=None, **server) as listener:
        port = listener.sockets[0].getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            program, "--port", str(port), *options, stdout=-1, stderr=-1
        )
        out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    return json.loads(out)


def run(program: Path, handler: Handler, *options: str, **server) -> dict:
    return asyncio.run(run_client(program, handler, *options, **server))


@pytest.fixture
def client(limit_programs: Path) -> Path:
    return limit_programs / "client"


def test_every_paced_message_arrives_and_comes_back(client):
    witness = Witness()
    said = run(client, witness, "--connections", "7", "--rate", "20", "--seconds", "0.5")
    assert said["established"] == 7
    assert said["sent"] == said["delivered"] == len(witness.messages) == 70
    assert said["unexpected"] == said["skipped"] == said["broken"] == 0
    assert len(set(witness.messages)) == 70
    assert {len(message) for message in witness.messages} == {64}
    assert witness.close_codes == [1000] * 7


def test_planned_instants_lie_on_the_grid_with_even_phase(client):
    witness = Witness()
    run(client, witness, "--connections", "4", "--rate", "10", "--seconds", "0.5",
        "--tick-us", "5000")  # fmt: skip
    planned = sorted(int(message[21:37], 16) for message in witness.messages)
    steps = {later - earlier for earlier, later in itertools.pairwise(planned)}
    assert steps == {25_000_000}


@pytest.mark.parametrize("size", [64, 125, 126, 65535, 65536, 1 << 20])
def test_all_lengths_of_frames(client, size):
    witness = Witness()
    said = run(client, witness, "--connections", "2", "--mode", "pingpong", "--seconds", "0.1",
               "--size", str(size))  # fmt: skip
    assert said["sent"] == said["delivered"] == len(witness.messages) > 0
    assert said["unexpected"] == 0
    assert {len(message) for message in witness.messages} == {size}


def test_latency_counts_what_the_server_waits(client):
    said = run(client, Witness(0.03), "--connections", "3", "--rate", "5", "--seconds", "0.6")
    assert said["latency_ms"]["count"] == 9
    assert 30 <= said["latency_ms"]["p50"] < 60
    assert said["latency_ms"]["p50"] <= said["latency_ms"]["max"]


def test_warm_up_is_sent_and_not_recorded(client):
    said = run(client, Witness(), "--connections", "2", "--rate", "10", "--warmup", "0.3",
               "--seconds", "0.5")  # fmt: skip
    assert (said["sent"], said["sent_in_warmup"]) == (16, 6)
    assert said["latency_ms"]["count"] == 10


def test_a_refused_upgrade_is_a_failed_connection(client):
    def refuse(connection, _request):
        return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "full")

    said = run(client, Witness(), "--connections", "3", "--seconds", "0.1", process_request=refuse)
    assert (said["established"], said["failed"], said["sent"]) == (0, 3, 0)


def test_a_wrong_accept_is_a_failed_connection(client):
    def spoil(_connection, _request, response):
        del response.headers["Sec-WebSocket-Accept"]
        response.headers["Sec-WebSocket-Accept"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAA="

    async def ignore(connection):
        await connection.wait_closed()

    said = run(client, ignore, "--connections", "1", "--seconds", "0.1", process_response=spoil)
    assert (said["established"], said["failed"]) == (0, 1)


def test_a_server_that_goes_is_counted(client):
    async def leave(connection):
        await connection.recv()

    said = run(client, leave, "--connections", "2", "--rate", "10", "--seconds", "0.4",
               "--drain", "0.2")  # fmt: skip
    assert (said["established"], said["broken"], said["delivered"]) == (2, 2, 0)
    assert said["skipped"] > 0


def test_pings_are_answered_and_are_no_messages(client):
    async def ping_first(connection):
        await asyncio.wait_for(await connection.ping(b"are you there"), 5)
        async for message in connection:
            await connection.send(message)

    said = run(client, ping_first, "--connections", "2", "--rate", "10", "--seconds", "0.3")
    assert said["sent"] == said["delivered"] == 6


def test_wrong_echoes_are_unexpected(client):
    async def answer_twice(connection):
        async for message in connection:
            await connection.send(message)
            await connection.send(message)
            await connection.send("something else")

    said = run(client, answer_twice, "--connections", "1", "--rate", "10", "--seconds", "0.3")
    assert (said["delivered"], said["unexpected"]) == (3, 6)


def test_in_rooms_it_reads_and_counts_what_comes_to_every_member(client):
    rooms: dict[str, set[ServerConnection]] = {}
    messages: list[str] = []

    async def relay(connection):
        assert connection.request is not None
        members = rooms.setdefault(connection.request.path, set())
        members.add(connection)
        async for message in connection:
            messages.append(message)
            await asyncio.gather(*(member.send(message) for member in members))

    said = run(client, relay, "--mode", "room", "--connections", "6", "--rooms", "2",
               "--rate", "10", "--seconds", "0.4")  # fmt: skip
    assert sorted((path, len(members)) for path, members in rooms.items()) == [
        ("/?room=0", 3),
        ("/?room=1", 3),
    ]
    assert said["sent"] == len(set(messages)) == 24
    assert said["delivered"] == 3 * 24


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--port", "0"),
        ("--port", "1", "--size", "10"),
        ("--port", "1", "--mode", "x"),
        ("--port", "1", "--mode", "room", "--connections", "5", "--rooms", "2"),
    ],
)
def test_bad_options_are_refused(client, options):
    done = subprocess.run([client, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
