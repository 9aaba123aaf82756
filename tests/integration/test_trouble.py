"""What a server can do wrong ends in the error taxonomy, not in a traceback and not in a hang."""

import pytest

from tests.integration.conftest import Farm
from tests.integration.runs import Runner, doubts

USERS = 4

# Behaviour of the server, and how each attempt fails.
UPGRADES = {
    "reset_at_accept": "tcp_reset",
    "reset_in_upgrade": "tcp_reset",
    "eof_in_upgrade": "upgrade_eof",
    "half_a_response": "upgrade_eof",
    "reset_after_half_a_response": "tcp_reset",
    "http_200": "http_200",
    "http_301": "http_301",
    "http_404": "http_404",
    "http_429": "http_429",
    "http_502": "http_502",
    "http_503": "http_503",
    "garbage": "upgrade_invalid",
    "heavy_response": "upgrade_invalid",
    "wrong_accept": "upgrade_invalid",
    "no_accept": "upgrade_invalid",
    "no_upgrade": "upgrade_invalid",
    "unasked_extension": "upgrade_invalid",
    "unasked_subprotocol": "upgrade_invalid",
}
TIMEOUTS = {
    "blackhole": "timeout_connect",
    "silent": "timeout_upgrade",
    "endless_response": "timeout_upgrade",
}
# Behaviour of the server, how each connection ends, and the code that we close it with.
ENDINGS = {
    "reset": ("tcp_reset", None),
    "eof": ("eof", None),
    "half_a_frame": ("eof", None),
    "half_a_header": ("eof", None),
    "close_1000": ("close_1000", 1000),
    "close_1001": ("close_1001", 1001),
    "close_1011": ("close_1011", 1011),
    "close_4000": ("close_4000", 4000),
    "close_without_code": ("close_1005", 0),
    "close_1006": ("protocol_close_code", 1002),
    "close_with_half_a_code": ("protocol_close_length", 1002),
    "masked": ("protocol_mask", 1002),
    "compressed": ("protocol_reserved_bits", 1002),
    "bad_utf8": ("protocol_utf8", 1007),
    "continuation": ("protocol_continuation", 1002),
    "reserved_opcode": ("protocol_opcode", 1002),
    "fragmented_ping": ("protocol_control_fragmented", 1002),
    "long_ping": ("protocol_control_too_long", 1002),
    "endless_length": ("protocol_length", 1002),
    "huge_frame": ("protocol_frame_limit", 1009),
    "huge_message": ("protocol_message_limit", 1009),
    "noise": ("protocol_reserved_bits", 1002),
}


@pytest.mark.parametrize("behaviour", UPGRADES)
def test_upgrades_that_fail(behaviour: str, farm: Farm, runner: Runner) -> None:
    port = farm.open(behaviour)
    result = runner.echo(f"ws://127.0.0.1:{port}/")
    assert result.connections.errors == {UPGRADES[behaviour]: USERS}
    assert result.connections.closed == {}
    assert result.delivery.sent == 0
    assert result.verdict.status == "failed"
    assert farm.close(port)["accepted"] == USERS


@pytest.mark.parametrize("behaviour", TIMEOUTS)
def test_attempts_that_get_no_answer(behaviour: str, farm: Farm, runner: Runner) -> None:
    port = farm.open(behaviour)
    result = runner.echo(f"ws://127.0.0.1:{port}/", connect_timeout="300ms")
    assert result.connections.errors == {TIMEOUTS[behaviour]: USERS}
    farm.close(port)


def test_nothing_listens(farm: Farm, runner: Runner) -> None:
    port = farm.open("echo")
    farm.close(port)
    result = runner.echo(f"ws://127.0.0.1:{port}/")
    assert result.connections.errors == {"tcp_refused": USERS}
    assert result.verdict.status == "failed"


@pytest.mark.parametrize("behaviour", ENDINGS)
def test_connections_that_end_in_mid_run(behaviour: str, farm: Farm, runner: Runner) -> None:
    kind, code = ENDINGS[behaviour]
    port = farm.open(behaviour)
    result = runner.echo(f"ws://127.0.0.1:{port}/", max_message_bytes=1024)
    truth = farm.close(port)
    assert result.connections.errors == {}
    assert result.connections.closed == {kind: USERS}
    assert result.delivery.delivered == truth["answered"] == 3 * USERS
    assert result.delivery.lost == 0
    assert result.verdict.status == "fail"
    said = {name: count for name, count in truth.items() if name.startswith("close_")}
    assert said == ({} if code is None else {f"close_{code}": USERS})


def test_a_close_frame_right_behind_the_response(farm: Farm, runner: Runner) -> None:
    port = farm.open("closes_with_the_response")
    result = runner.echo(f"ws://127.0.0.1:{port}/")
    assert result.connections.established == USERS
    assert result.connections.closed == {"close_1013": USERS}
    assert farm.close(port)["close_1013"] == USERS


@pytest.mark.parametrize("behaviour", ["never_ends", "never_answers_close"])
def test_a_close_that_the_server_does_not_complete(
    behaviour: str, farm: Farm, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surgewire.engine.connector.CLOSE_TIMEOUT_NS", 200_000_000)
    port = farm.open(behaviour)
    result = runner.echo(f"ws://127.0.0.1:{port}/")
    assert result.connections.closed == {}
    assert result.delivery.delivered == result.delivery.sent == farm.close(port)["received"] > 0
    assert result.verdict.status in ("pass", "doubtful")


@pytest.mark.parametrize(
    ("behaviour", "closed"),
    [("stops_reading", {}), ("hangs_up_and_stops_reading", {"eof": 2})],
)
def test_a_server_that_stops_reading(
    behaviour: str,
    closed: dict[str, int],
    farm: Farm,
    runner: Runner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("surgewire.engine.connector.CLOSE_TIMEOUT_NS", 200_000_000)
    port = farm.open(behaviour)
    result = runner.echo(
        f"ws://127.0.0.1:{port}/", connections=2, size="256k", rate="200/s", duration="500ms"
    )
    delivery = result.delivery
    assert result.connections.closed == closed
    if not closed:
        assert delivery.planned == 200
        assert delivery.lost == delivery.sent > 0
        assert delivery.skipped > 0
        assert "planned_skipped" in doubts(result)
    farm.close(port)


def test_pings_are_answered(farm: Farm, runner: Runner) -> None:
    port = farm.open("floods_with_pings")
    result = runner.echo(f"ws://127.0.0.1:{port}/")
    truth = farm.close(port)
    assert truth["pongs"] == truth["pings"] == 10 * result.delivery.delivered > 0
    assert result.delivery.lost == 0
