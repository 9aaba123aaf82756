from typing import Any

from surgewire.engine.templates import join_template, message_template
from surgewire.plan.models import ChatPlan

MARKER = (1, 2, 3, 4, 5, 6)


def plan_with(**values: Any) -> ChatPlan:
    given = {"url": "ws://h/", "connections": 4, "rate": "1/s"}
    return ChatPlan(**(given | values))


USERS = {"users": [{"name": "anna", "t": "ü"}, {"name": "bob", "t": ""}]}


def test_a_join_message_has_the_user_s_own_values() -> None:
    template = join_template(plan_with(join='{{name}}:{{room}}:{{user}}:"{{t}}', request=USERS))
    assert template is not None
    assert template.payload(user=3, room=1) == b'bob:1:3:"'
    assert template.payload(user=2, room=0) == 'anna:0:2:"ü'.encode()
    plain = join_template(plan_with(join="{{user}}"))
    assert plain is not None
    assert plain.payload(user=3) == b"3"
    assert join_template(plan_with()) is None


def test_a_message_has_the_user_s_own_values() -> None:
    template = message_template(plan_with(send="{{name}} {{marker}}", request=USERS))
    first, second = (template.payload(MARKER, user=user) for user in (0, 1))
    assert first.startswith(b"anna SWX1")
    assert second.startswith(b"bob SWX1")
    plain = message_template(plan_with(binary=True))
    assert plain.binary
