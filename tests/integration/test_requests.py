"""What users ask for, as a server sees it, and where redirects lead them."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme

import surgewire
from tests.integration.recording_server import recording
from tests.integration.runs import Runner
from tests.integration.target import serving

USERS = [{"name": "anna", "token": "t-1"}, {"name": "bob b", "token": "t-2"}]
CREDENTIALS = {
    "headers": ["X-Token: {{token}}", "X-Fixed: canary-fixed"],
    "cookies": ["session=canary-{{name}}"],
    "queries": {"who": "{{name}}"},
    "subprotocols": ["canary.{{token}}", "v1"],
    "users": USERS,
}


def agreed(result: surgewire.Result) -> dict[str, int]:
    """Return what was counted of handshakes, by name."""
    topics = ("redirects_", "subprotocol_")
    return {name: count for name, count in result.facts.items() if name.startswith(topics)}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with recording() as server:
        yield server.port


def location(port: int, path: str, *, scheme: str = "ws") -> str:
    return quote(f"{scheme}://127.0.0.1:{port}{path}", safe="")


def test_each_user_brings_what_is_its_own(runner: Runner) -> None:
    with recording("v1,v2") as server:
        result = runner.connect(
            f"ws://me:s%40cret@127.0.0.1:{server.port}/{{{{name}}}}?u={{{{user}}}}",
            connections=4,
            request=CREDENTIALS | {"origin": "https://app.example", "user_agent": "me/{{user}}"},
        )
        requests = server.requests()
    assert result.connections.established == 4
    assert agreed(result) == {"subprotocol_offer_2": 4}
    assert sorted(request["path"] for request in requests) == [
        "/anna?u=0&who=anna",
        "/anna?u=2&who=anna",
        "/bob%20b?u=1&who=bob%20b",
        "/bob%20b?u=3&who=bob%20b",
    ]
    for request in requests:
        headers = request["headers"]
        user = USERS["/bob" in request["path"]]
        assert headers["x-token"] == user["token"]
        assert headers["cookie"] == f"session=canary-{user['name']}"
        assert headers["sec-websocket-protocol"] == f"canary.{user['token']}, v1"
        assert headers["authorization"] == "Basic bWU6c0BjcmV0"
        assert headers["origin"] == "https://app.example"
        assert headers["user-agent"] in {f"me/{n}" for n in range(4)}


def test_joins_and_messages_carry_what_is_the_user_s_own(runner: Runner) -> None:
    with serving(kind="chat") as url:
        result = runner.chat(
            url,
            connections=4,
            rooms=1,
            join='{"type":"join","room":"{{ticket}}"}',
            joined='"joined"',
            send="{{name}}: {{marker}}",
            request={
                "users": [{"ticket": "lobby", "name": "anna"}, {"ticket": "lobby", "name": ""}]
            },
        )
    assert result.joins is not None
    assert result.joins.joined == 4
    assert result.delivery.delivered == result.delivery.expected > 0


def test_redirects_are_reported_and_not_followed(runner: Runner, port: int) -> None:
    result = runner.connect(f"ws://127.0.0.1:{port}/to?301&/there", connections=2)
    assert result.connections.errors == {"http_301": 2}
    assert "redirects_followed" not in result.facts


def test_within_an_origin_all_goes_along(runner: Runner) -> None:
    with recording("v1") as server:
        result = runner.echo(
            f"ws://127.0.0.1:{server.port}/to?302&..%2Fto%3F308%26there%253Fn%253D%257B%257Btoken%257D%257D",
            connections=2,
            request=CREDENTIALS | {"follow": True, "queries": []},
        )
        requests = server.requests()
    assert result.verdict.status.value in ("pass", "doubtful"), result.connections.errors
    assert agreed(result) == {"redirects_followed": 4, "subprotocol_offer_2": 2}
    metrics = result.metrics
    assert metrics["redirect_time"].count == metrics["connect_time"].count == 2
    there = [request for request in requests if request["path"].startswith("/there")]
    # A server learns no value by naming its slot.
    assert [request["path"] for request in there] == ["/there?n=%7B%7Btoken%7D%7D"] * 2
    assert {request["headers"]["x-token"] for request in there} == {"t-1", "t-2"}
    assert result.delivery.delivered == result.delivery.sent > 0


def test_no_credential_crosses_an_origin_nor_comes_back(runner: Runner) -> None:
    with recording("v1") as away, recording("v1") as home:
        back = location(home.port, "/back")
        to_away = location(away.port, f"/to?307&{back}")
        result = runner.connect(
            f"ws://me:canary-password@127.0.0.1:{home.port}/to?302&{to_away}",
            connections=2,
            request=CREDENTIALS | {"follow": True, "queries": [], "origin": "https://canary"},
        )
        there, here = away.requests(), home.requests()
    assert result.connections.established == 2
    assert agreed(result) == {"redirects_followed": 4, "subprotocol_offer_2": 2}
    crossed = there + [request for request in here if request["path"] == "/back"]
    assert len(crossed) == 4
    for secret in ("canary", "t-1", "t-2", "bWU6", "authorization", "cookie", "x-token"):
        assert secret not in json.dumps(crossed)
    assert all("cookie" in request["headers"] for request in here if request not in crossed)


def test_wss_is_never_left_for_ws(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    certificate, root = tmp_path / "server.pem", tmp_path / "root.pem"
    authority.cert_pem.write_to_path(str(root))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    monkeypatch.setenv("SSL_CERT_FILE", str(root))
    with recording() as plain, recording(certificate=certificate) as secure:
        down = location(plain.port, "/", scheme="http")
        insecure = runner.connect(
            f"wss://127.0.0.1:{secure.port}/to?302&{down}",
            connections=2,
            request={"follow": True},
        )
        up = location(secure.port, "/", scheme="https")
        secured = runner.connect(
            f"ws://127.0.0.1:{plain.port}/to?302&{up}", connections=2, request={"follow": True}
        )
        assert [request["path"][:4] for request in plain.requests()] == ["/to?", "/to?"]
    assert insecure.connections.errors == {"redirect_insecure": 2}
    assert secured.connections.established == 2
    assert secured.metrics["tls_time"].count == secured.metrics["redirect_time"].count == 2


@pytest.mark.parametrize(
    ("path", "kind", "followed"),
    [
        ("/circle", "redirect_limit", 10),
        ("/to?302&ftp%3A%2F%2Fh%2F", "redirect_invalid", 0),
        ("/to?302&", "redirect_invalid", 0),
        ("/to?302&ws%3A%2F%2F127.0.0.1%3A1%2F", "tcp_refused", 2),
        ("/to?304&/", "http_304", 0),
    ],
)
def test_redirects_that_lead_nowhere(
    runner: Runner, port: int, path: str, kind: str, followed: int
) -> None:
    url = f"ws://127.0.0.1:{port}{path}"
    result = runner.connect(url, connections=2, request={"follow": True})
    assert result.connections.errors == {kind: 2}
    assert result.facts.get("redirects_followed", 0) == followed
