"""What a worker's users ask for, without a server."""

from typing import Any

from surgewire.dialects.client_upgrade import ClientUpgrade
from surgewire.engine.way.redirects import Redirects
from surgewire.engine.way.requests import Requests
from surgewire.plan.models import ChatPlan

USERS = [{"name": "anna"}, {"name": "bob"}]


def plan_with(url: str = "ws://h:81/{{room}}/{{name}}", **request: Any) -> ChatPlan:
    return ChatPlan(url=url, connections=4, rate="1/s", rooms=2, request={"users": USERS} | request)


def head(upgrade: ClientUpgrade) -> list[str]:
    return upgrade.start().decode().split("\r\n")


def test_each_user_asks_for_its_own() -> None:
    plan = plan_with(headers=["X: {{user}} {{name}} {{room}}"])
    requests = Requests(plan, Redirects(plan.target, [].append), [].append)
    first, second = head(requests.upgrade(2, 1)), head(requests.upgrade(1, 0))
    assert first[0] == "GET /1/anna HTTP/1.1"
    assert "X: 2 anna 1" in first
    assert second[0] == "GET /0/bob HTTP/1.1"
    assert "X: 1 bob 0" in second


def test_a_redirected_user_asks_for_what_the_server_named() -> None:
    plan = plan_with(headers=["X: {{name}}"], follow=True)
    redirects = Redirects(plan.target, [].append)
    requests = Requests(plan, redirects, [].append)
    upgrade = requests.upgrade(1, 0)
    upgrade.start()
    redirects.note(1, "/0/bob", "more?{{name}}")
    assert redirects.turn(1, "http_302") is None
    lines = head(requests.upgrade(1, 0))
    assert lines[0] == "GET /0/more?%7B%7Bname%7D%7D HTTP/1.1"
    assert "Host: h:81" in lines
    assert "X: bob" in lines
    redirects.note(1, "/0/more", "ws://other/")
    assert redirects.turn(1, "http_302") is None
    lines = head(requests.upgrade(1, 0))
    assert "Host: other" in lines
    assert not any(line.startswith("X:") for line in lines)
    redirects.arrived(1)
    assert head(requests.upgrade(1, 0))[0] == "GET /0/bob HTTP/1.1"


def test_what_all_ask_for_is_made_once() -> None:
    plan = ChatPlan(url="ws://h/", connections=4, rate="1/s")
    requests = Requests(plan, Redirects(plan.target, [].append), [].append)
    assert requests.upgrade(0)._request is requests.upgrade(1)._request
