"""Servers made with libraries that people use: everything is delivered, nothing is lost."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.conftest import ROOT
from tests.integration.real_servers import SERVERS
from tests.integration.runs import Runner

USERS = 20


@contextmanager
def running(name: str, style: str) -> Iterator[str]:
    """Run a server in a process of its own; give its URL."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.real_servers", name, style],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        yield f"ws://127.0.0.1:{int(server.stdout.readline())}/"
    finally:
        server.kill()
        server.communicate()


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("style", ["plain", "json"])
def test_all_is_delivered(name: str, style: str, runner: Runner) -> None:
    with running(name, style) as url:
        result = runner.echo(url, connections=USERS, duration="500ms", size="200", drain="5s")
    delivery = result.delivery
    assert result.connections.established == USERS
    assert result.connections.errors == result.connections.closed == {}
    assert delivery.planned == delivery.sent == delivery.delivered == 25 * USERS
    assert delivery.duplicated == delivery.reordered == delivery.damaged == delivery.misrouted == 0
    assert delivery.unmarked == (USERS if style == "json" else 0)


@pytest.mark.parametrize("name", SERVERS)
def test_the_closed_model(name: str, runner: Runner) -> None:
    with running(name, "plain") as url:
        result = runner.echo(url, rate=None, pingpong=True, duration="300ms", drain="5s")
    assert result.delivery.sent == result.delivery.delivered > 10
    assert result.connections.closed == {}


@pytest.mark.parametrize("name", SERVERS)
def test_connecting(name: str, runner: Runner) -> None:
    with running(name, "plain") as url:
        result = runner.connect(url, connections=30)
    assert result.connections.established == 30
    assert result.connections.errors == result.connections.closed == {}


@pytest.mark.parametrize("name", SERVERS)
def test_another_path(name: str, runner: Runner) -> None:
    with running(name, "plain") as url:
        result = runner.connect(f"{url}not/here", connections=3)
    if name == "websockets":
        assert result.connections.established == 3
    else:
        refusal = "http_404" if name == "aiohttp" else "http_403"
        assert result.connections.errors == {refusal: 3}


@pytest.mark.parametrize("name", SERVERS)
def test_large_messages(name: str, runner: Runner) -> None:
    with running(name, "plain") as url:
        result = runner.echo(url, connections=2, rate="20/s", size="300k", drain="5s")
    assert result.delivery.sent == result.delivery.delivered == 8
