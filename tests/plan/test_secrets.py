"""What is taken out of texts: by the name before it, by its place in a URL, by its value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgewire.plan.models import ChatPlan, EchoPlan
from surgewire.plan.secrets import (
    HIDDEN,
    Redactor,
    is_secret_name,
    named_secrets,
    redact_text,
    redact_url,
    secrets_in,
    secrets_in_url,
)

CANARY = "c4nary-5ecret"


@pytest.mark.parametrize(
    "name",
    [
        "token",
        "access_token",
        "accessToken",
        "TOKEN",
        "key",
        "api_key",
        "X-Api-Key",
        "apikey",
        "sig",
        "signature",
        "X-Amz-Signature",
        "password",
        "passwd",
        "pwd",
        "secret",
        "client_secret",
        "Authorization",
        "auth",
        "jwt",
        "session_id",
        "sid",
        "Cookie",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["room", "user", "seq", "text", "design", "assign", "keyboard", "author", "passed"]
)
def test_names_of_other_things(name: str) -> None:
    assert not is_secret_name(name)
    assert is_secret_name(name, also=[name.upper()])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"token":"c4nary-5ecret","text":"hi"}', '{"token":"***","text":"hi"}'),
        ('{"token": "a \\" c4nary-5ecret"}', '{"token": "***"}'),
        ("{'key': 'c4nary-5ecret'}", "{'key': '***'}"),
        ('"{\\"sig\\":\\"c4nary-5ecret\\"}"', '"{\\"sig\\":\\"***\\"}"'),
        ("token=c4nary-5ecret&room=5", "token=***&room=5"),
        ("Authorization: Bearer c4nary-5ecret", "Authorization: ***"),
        ("SEND\npassword:c4nary-5ecret\n\nbody", "SEND\npassword:***\n\nbody"),
        ('{"pin":1234,"password":12345}', '{"pin":1234,"password":***}'),
        ('{"token":"{{token}}","m":"{{marker}}"}', '{"token":"{{token}}","m":"{{marker}}"}'),
        ("{{marker}}{{padding}}", "{{marker}}{{padding}}"),
        ('{"token":""}', '{"token":""}'),
    ],
)
def test_values_by_their_names(text: str, shown: str) -> None:
    assert redact_text(text) == shown
    assert CANARY not in redact_text(text)
    # What is hidden stays hidden.
    assert redact_text(shown) == shown


def test_further_names() -> None:
    text = '{"pin":"c4nary-5ecret","room":"5"}'
    assert redact_text(text) == text
    assert redact_text(text, ["PIN"]) == '{"pin":"***","room":"5"}'
    assert list(named_secrets(text, ["pin"])) == [CANARY]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ws://h/p?x=c4nary-5ecret", "ws://h/p?x=***"),
        ("ws://h/p?a=b=c4nary-5ecret&&{{token}}", "ws://h/p?a=***&{{token}}"),
        ("ws://u:c4nary-5ecret@h:1/", "ws://h:1/"),
        ("ws://c4nary-5ecret@h/", "ws://h/"),
        ("ws://h/p?c4nary-5ecret", "ws://h/p?***"),
        (
            "ws://h/p?room={{room}}&t={{token}}&u=a{{user}}",
            "ws://h/p?room={{room}}&t={{token}}&u=***",
        ),
        ("ws://h/p;token=c4nary-5ecret/x", "ws://h/p;token=***/x"),
        ("ws://h/#c4nary-5ecret", "ws://h/"),
        ("ws://[h/?a=c4nary-5ecret", "***"),
    ],
)
def test_urls(url: str, shown: str) -> None:
    assert redact_url(url) == shown
    if "h/p;" not in url:
        assert CANARY not in Redactor(secrets_in_url(url)).redact(f"no route to {url}!")


@pytest.mark.parametrize(
    "value",
    [
        CANARY,
        f"X-Key: {CANARY}",
        f"Authorization: Bearer {CANARY}",
        f"a=1; session={CANARY}; b",
        f"session={CANARY}==",
        [f"X: {CANARY}", "Y: other-value"],
        {"rows": [{"token": CANARY, "user": "somebody"}]},
        f"http://user:{CANARY}@proxy:3128",
        f'{{"type":"join","token":"{CANARY}"}}',
    ],
)
def test_secrets_in_the_values_of_fields(value: object) -> None:
    redactor = Redactor(secrets_in(value))
    assert CANARY not in redactor.redact(f"header {CANARY!r} is bad: {value!r}")
    assert redactor.redact("Authorization: Bearer is fine") == "Authorization: Bearer is fine"


def test_what_a_redactor_finds() -> None:
    redactor = Redactor([CANARY, "pa%20ss-word", "tab\there", "abc", "{{token}}", ""])
    assert redactor.redact(f"x{CANARY}y {CANARY}") == "x***y ***"
    assert redactor.redact("'pa ss-word' pa%20ss-word") == "'***' ***"
    assert redactor.redact("'tab\\there'") == "'***'"
    assert redactor.redact("abc {{token}} stay") == "abc {{token}} stay"
    assert redactor.redact("'X: c4nary…") == "'X: ***…"
    assert redactor.redact("'X: c4n… c4na") == "'X: c4n… c4na"
    assert not Redactor(["abc"])


def test_many_values_are_found_as_words() -> None:
    redactor = Redactor(f"token-{number}" for number in range(100_000))
    assert (
        redactor.redact("Cookie: sid=token-99; 'token-100000'") == "Cookie: sid=***; 'token-100000'"
    )


@given(st.lists(st.text(min_size=5, max_size=20), max_size=5), st.text(max_size=50))
def test_no_value_is_left(values: list[str], text: str) -> None:
    values = [value for value in values if HIDDEN not in value and "*" not in value]
    told = text + " ".join(values)
    redacted = Redactor(values).redact(told)
    for value in values:
        if len(value.strip()) >= 5 and "{{" not in value:
            assert value.strip() not in redacted


def test_plans_show_no_secret() -> None:
    plan = ChatPlan(
        url=f"ws://h/{{{{room}}}}?ticket={CANARY}",
        connections=2,
        rate="1/s",
        join=f'{{"token":"{CANARY}"}}',
        send=f'{{"key":"{CANARY}","text":"{{{{marker}}}}"}}',
        joined=f"sid={CANARY}",
    )
    assert CANARY in str(plan.to_dict())
    for shown in (repr(plan), str(plan), str(plan.public_dict())):
        assert CANARY not in shown
        assert "{{marker}}" in shown
    assert CANARY in set(plan.secret_values())


def test_errors_of_plans_show_no_secret() -> None:
    for values in ({"rate": "x"}, {"rate": "1/s", "size": "1"}, {"rate": "1/s", "pingpong": True}):
        with pytest.raises(ValueError, match="rror") as raised:
            EchoPlan(url=f"ws://h/?token={CANARY}", connections=2, **values)
        assert CANARY not in str(raised.value)


def test_names_of_further_secrets_are_checked() -> None:
    values = {"url": "ws://h/pin=1234/", "connections": 1, "rate": "1/s"}
    plan = EchoPlan(**values, secret=["pin"])
    assert plan.public_dict()["target"] == "ws://h/pin=***/"
    with pytest.raises(ValueError, match="that is no name; write the name alone") as raised:
        EchoPlan(**values, secret=f"pin={CANARY}")
    assert CANARY not in str(raised.value)
    with pytest.raises(ValueError, match="101 names are too many"):
        EchoPlan(**values, secret=["pin"] * 101)
