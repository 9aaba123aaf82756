"""Whole runs with compression: bytes as servers count them, servers of libraries, bad ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.conftest import ROOT, Farm
from tests.integration.runs import Runner
from tests.integration.target import serving
from tests.integration.test_real_servers import SERVERS, running

USERS = 4
OFFERED = {"offered": True}


@pytest.mark.parametrize(
    ("behaviour", "deflate"),
    [
        ("deflates", OFFERED),
        ("deflates_alone", OFFERED),
        (
            "deflates_narrowly",
            {"offer": "client_no_context_takeover; client_max_window_bits=10", "level": "1"},
        ),
    ],
)
def test_bytes_are_those_that_the_server_counts(
    behaviour: str, deflate: dict[str, object], farm: Farm, runner: Runner
) -> None:
    port = farm.open(behaviour)
    result = runner.echo(f"ws://127.0.0.1:{port}/", size="400", deflate=deflate)
    truth = farm.close(port)
    traffic = result.traffic
    assert result.delivery.delivered == truth["answered"] == 10 * USERS
    assert result.connections.closed == result.connections.errors == {}
    assert result.facts["deflate_agreed"] == USERS
    assert traffic.payload_bytes_in == truth["payload_out"] == 400 * 10 * USERS
    assert traffic.payload_bytes_out == truth["payload_in"] == 400 * 10 * USERS
    assert (traffic.bytes_in, traffic.bytes_out) == (truth["bytes_out"], truth["bytes_in"])
    assert traffic.bytes_in < traffic.payload_bytes_in // 2


def test_a_server_may_decline(farm: Farm, runner: Runner) -> None:
    port = farm.open("echo")
    result = runner.echo(f"ws://127.0.0.1:{port}/", deflate=OFFERED)
    assert result.delivery.delivered == farm.close(port)["answered"] == 10 * USERS
    assert result.facts["deflate_declined"] == USERS
    assert "deflate_agreed" not in result.facts
    assert result.traffic.payload_bytes_in == 64 * 10 * USERS < result.traffic.bytes_in
    assert "deflate_declined" in [note.code for note in result.notes]


def test_nothing_is_offered_unasked(farm: Farm, runner: Runner) -> None:
    port = farm.open("deflates")
    result = runner.echo(f"ws://127.0.0.1:{port}/")
    assert farm.close(port)["bytes_in"] == result.traffic.bytes_out > 64 * 10 * USERS
    assert not [name for name in result.facts if name.startswith("deflate")]


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ("deflate_bomb", "protocol_message_limit"),
        ("deflate_noise", "protocol_deflate"),
        ("deflate_bad_utf8", "protocol_utf8"),
    ],
)
def test_bad_messages_end_the_connection_by_name(
    behaviour: str, kind: str, farm: Farm, runner: Runner
) -> None:
    port = farm.open(behaviour)
    result = runner.echo(
        f"ws://127.0.0.1:{port}/", deflate=OFFERED, max_message_bytes=1 << 20, connections=2
    )
    truth = farm.close(port)
    assert result.connections.closed == {kind: 2}
    assert truth[f"close_{1009 if kind == 'protocol_message_limit' else 1007}"] == 2


@pytest.mark.parametrize("name", SERVERS)
def test_servers_of_libraries(name: str, runner: Runner) -> None:
    with running(name, "json") as url:
        result = runner.echo(url, connections=10, size="300", drain="5s", deflate=OFFERED)
    assert result.facts["deflate_agreed"] == 10
    delivery = result.delivery
    assert delivery.planned == delivery.sent == delivery.delivered == 100
    assert delivery.duplicated == delivery.reordered == delivery.damaged == 0
    assert result.connections.closed == {}
    assert result.traffic.bytes_out < result.traffic.payload_bytes_out == 300 * 100


def test_the_embedded_target(runner: Runner) -> None:
    with serving("--deflate") as url:
        agreed = runner.echo(url, size="64k", rate="10/s", deflate=OFFERED)
        plain = runner.echo(url, size="64k", rate="10/s")
        closed = runner.echo(url, rate=None, pingpong=True, deflate=OFFERED)
    assert agreed.facts["deflate_agreed"] == closed.facts["deflate_agreed"] == USERS
    assert agreed.delivery.delivered == plain.delivery.delivered == agreed.delivery.sent > 0
    assert closed.delivery.delivered == closed.delivery.sent > 10
    assert agreed.traffic.bytes_in * 20 < plain.traffic.bytes_in


def test_chat_rooms(runner: Runner, tmp_path_factory: pytest.TempPathFactory) -> None:
    log: Path = tmp_path_factory.mktemp("server") / "accepted.txt"
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.room_server", "0", log],
        cwd=ROOT,
        env=os.environ | {"COMPRESSION": "deflate"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline().split()[-1])
        result = runner.chat(
            f"ws://127.0.0.1:{port}/ws?user={{{{user}}}}",
            join='{"type":"join","room":"{{room}}"}',
            joined='"joined"',
            send='{"say":"{{marker}}","with":"many words, many words, many words, many words"}',
            deflate=OFFERED,
        )
    finally:
        server.kill()
        server.communicate()
    assert result.facts["deflate_agreed"] == 12
    assert result.delivery.delivered == result.delivery.expected > 0
    assert result.delivery.damaged == result.delivery.unmarked == 0
    assert result.traffic.bytes_in < result.traffic.payload_bytes_in
