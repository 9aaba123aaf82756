"""The part of a plan that says what is asked for, and how it fits the rest."""

import json
from typing import Any

import msgpack
import pytest
from pydantic import ValidationError

from surgewire.plan.describe import describe_error
from surgewire.plan.models import ChatPlan, ConnectPlan, EchoPlan, plan_from_dict
from surgewire.plan.users import UserTable

ECHO = {"url": "ws://h/", "connections": 3, "rate": "1/s"}
USERS = [{"name": "canary-anna", "token": "canary-t"}, {"name": "canary-bob", "token": "canary-u"}]
FULL = {
    "headers": ["X-Token: canary-{{token}}"],
    "cookies": "a=canary; b={{name}}",
    "origin": "https://app.example",
    "subprotocols": ["canary.{{token}}", "v1"],
    "user_agent": "me",
    "queries": {"token": "canary {{token}}"},
    "users": USERS,
    "users_mode": "round-robin",
    "follow": True,
}


def test_a_plan_comes_back_as_it_was() -> None:
    plan = EchoPlan(**(ECHO | {"url": "ws://me:pass%2Fword@h/"}), request=FULL)
    for pack in (
        lambda data: json.loads(json.dumps(data)),
        lambda data: msgpack.unpackb(msgpack.packb(data)),
    ):
        assert plan_from_dict(pack(plan.to_dict())) == plan
    assert plan.target.userinfo == "me:pass/word"


def test_what_is_written_down_has_no_secret() -> None:
    plan = EchoPlan(**(ECHO | {"url": "ws://me:canary@h/"}), request=FULL)
    public = plan.public_dict()
    assert "canary" not in json.dumps(public)
    assert public["target"] == "ws://h/"
    request = public["request"]
    assert request["headers"] == [["X-Token", "***"]]
    assert request["cookies"] == [["a", "***"], ["b", "***"]]
    assert request["subprotocols"] == ["***", "***"]
    assert request["users"] == {"name": "users", "columns": ["name", "token"], "rows": 2}
    assert request["origin"] == "https://app.example"
    assert EchoPlan(**ECHO).public_dict()["request"]["users"] is None
    assert "canary" not in repr(plan.request.users)


def test_users_have_the_rows_in_turn() -> None:
    request = EchoPlan(**ECHO, request=FULL).request
    names = [request.value(user, "name") for user in range(3)]
    assert names == [b"canary-anna", b"canary-bob", b"canary-anna"]
    with pytest.raises(KeyError):
        EchoPlan(**ECHO).request.value(0, "name")


def test_a_table_is_not_copied() -> None:
    table = UserTable(["name"], [["anna"]])
    plan = EchoPlan(**ECHO, request={"users": table, "origin": "{{name}}"})
    assert plan.request.users is table
    assert plan.model_copy(update={"kind": "echo"}).request.users is table


@pytest.mark.parametrize(
    ("resource", "whole"), [("/", "/?a=b%26&c={{name}}"), ("/x?y", "/x?y&a=b%26&c={{name}}")]
)
def test_queries_are_added_to_the_resource(resource: str, whole: str) -> None:
    request = EchoPlan(**ECHO, request={"users": USERS, "queries": ["a=b&", "c={{name}}"]}).request
    assert request.resource(resource) == whole
    assert EchoPlan(**ECHO).request.resource(resource) == resource


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"headers": "canary"}, "--header: the value has no ':'; write 'Name: value'"),
        ({"cookies": ["canary"]}, "--cookie: the value has no '='"),
        ({"queries": ["canary"]}, "--query: the value has no '='"),
        ({"subprotocols": ["can ary"]}, "--subprotocol: the value is no name"),
        ({"origin": "canary\n"}, "--origin: there is a line break"),
        ({"user_agent": "canary\r"}, "--user-agent: there is a line break"),
        ({"headers": ["X: {{canary}}"]}, "--header: {{canary}} is an unknown slot; known here: {{"),
        ({"headers": ["X: {{user"]}, "--header: '{{user' is no slot"),
        ({"cookies": ["a={{room}}"]}, "--cookie: {{room}} has no meaning here"),
        ({"user_agent": "{{token}}"}, "--user-agent: {{token}} is an unknown slot"),
        ({"headers": "origin: x", "origin": "y"}, "--header and --origin both set origin"),
        ({"headers": "User-Agent: x", "user_agent": "y"}, "--header and --user-agent both"),
        ({"headers": "Cookie: x", "cookies": "a=b"}, "--header and --cookie both set cookie"),
        ({"headers": ["Host: a", "host: b"]}, "--header: Host stands there twice; write it once"),
        ({"users_mode": "once"}, "--users-mode is about the rows of --users, which is missing"),
        (
            {"users": USERS},
            "--users: no column of users is used; write a slot with a name of its first",
        ),
        ({"users": USERS, "users_mode": "twice", "origin": "{{name}}"}, "--users-mode: "),
        (
            {"users": USERS, "users_mode": "once", "origin": "{{name}}"},
            "--users-mode once: users has 2 rows for --connections 3; write as many rows",
        ),
        (
            {"users": [{"user": "x", "a": "y"}], "origin": "{{user}}{{a}}"},
            "--users: users has a column 'user', but {{user}} is the user's number, from 0; rename",
        ),
        (
            {"users": [{"a": "x"}, {"a": "canary;b=1"}], "cookies": "a={{a}}"},
            "--cookie: users, row 2: 'a' is empty or has a character that cannot stand there",
        ),
        (
            {"users": [{"a": ""}], "subprotocols": "{{a}}"},
            "--subprotocol: users, row 1: 'a' is empty",
        ),
        ({"users": []}, "--users: users are a table; write a list with a dict for each user"),
    ],
)
def test_nonsense_is_named_and_values_are_not_shown(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        EchoPlan(**ECHO, request=values)
    line = describe_error(caught.value)
    assert said in line
    assert "{{canary}}" in said or "canary" not in line


def test_a_file_that_only_the_url_or_the_join_uses_is_used() -> None:
    chat = {"url": "ws://h/{{name}}", "connections": 3, "rate": "1/s", "request": {"users": USERS}}
    ChatPlan(**chat)
    ChatPlan(**(chat | {"url": "ws://h/"}), join="{{token}} {{room}}")
    ChatPlan(**(chat | {"url": "ws://h/"}), send="{{token}} {{marker}}")
    with pytest.raises(ValidationError, match="no column of users is used"):
        ChatPlan(**(chat | {"url": "ws://h/"}), join="{{room}}")
    with pytest.raises(ValidationError, match="tokn}} is an unknown slot"):
        ChatPlan(**chat, join="{{tokn}}")


def test_a_header_beside_a_user_name_in_the_url_is_refused() -> None:
    with pytest.raises(ValidationError, match="and so does the user name in the URL"):
        EchoPlan(**(ECHO | {"url": "ws://me:x@h/"}), request={"headers": "authorization: Bearer x"})


def test_too_few_rows_for_a_connect_run_are_told_in_its_words() -> None:
    with pytest.raises(ValidationError, match="for --total 3"):
        ConnectPlan(
            url="ws://h/{{name}}",
            connections=3,
            connect_rate="1/s",
            request={"users": USERS, "users_mode": "once"},
        )


def test_sizes_hold_the_longest_value() -> None:
    chat = {"url": "ws://h/", "connections": 3, "rate": "1/s", "send": "{{a}} {{marker}}"}
    users = {"users": [{"a": "x" * 10}, {"a": "y" * 20}]}
    assert ChatPlan(**chat, size="73", request=users).size is not None
    with pytest.raises(ValidationError, match="up to 73 bytes, 52 of them the marker"):
        ChatPlan(**chat, size="72", request=users)


def test_no_value_in_a_message_can_be_taken_for_a_marker() -> None:
    chat = {"url": "ws://h/{{a}}", "connections": 3, "rate": "1/s"}
    users = {"users": [{"a": "x"}, {"a": "SWX"}]}
    ChatPlan(**chat, request=users)
    with pytest.raises(ValidationError, match="--send: users has SWX, with which markers begin"):
        ChatPlan(**chat, send="{{a}}{{marker}}", request=users)
