from types import SimpleNamespace
from typing import Any

import pytest

from surgewire.cli.failure import why_failed
from surgewire.cli.job import EXIT_CODES
from surgewire.results.verdict import Status


def failed(errors: dict[str, int], established: int = 0, joins: Any = None) -> Any:
    return SimpleNamespace(
        joins=joins,
        target=SimpleNamespace(url="wss://h/", host="h", port=443),
        connections=SimpleNamespace(errors=errors, established=established),
        verdict=SimpleNamespace(reasons=("the run could not be completed",)),
    )


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ({"tcp_refused": 3, "dns": 1}, "tcp_refused, nothing listens on h port 443; start"),
        ({"http_401": 3}, "http_401, the server answers the upgrade with HTTP status 401; check"),
        ({"tls_certificate": 3}, "tls_certificate, the server's certificate is not trusted"),
        ({"tls_wrong_version_number": 3}, "TLS cannot be agreed on with h port 443; is it a ws://"),
        ({"protocol_rsv": 3}, "wss://h/: no connection was established: protocol_rsv"),
    ],
)
def test_the_commonest_error_is_named_with_advice(errors: dict[str, int], said: str) -> None:
    assert said in why_failed(failed(errors))


def test_joins_that_nobody_confirmed_are_named() -> None:
    said = why_failed(failed({}, 5, SimpleNamespace(failed=1200, joined=0, joined_now=0)))
    assert said == (
        "wss://h/: no user has joined: 1,200 joins were not confirmed; check --join and --joined, "
        "or give more time with --join-timeout"
    )
    assert "joined" not in why_failed(failed({}, 5, SimpleNamespace(failed=1, joined=4)))


def test_other_failures_point_to_the_events() -> None:
    assert why_failed(failed({}, 5)) == "the run could not be completed; see the events of the run"


def test_every_verdict_has_an_exit_code() -> None:
    assert set(EXIT_CODES) == set(Status)
