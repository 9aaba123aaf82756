"""What a server does to messages is what the account says, to the message."""

import pytest

from tests.integration.conftest import Farm
from tests.integration.runs import Runner, doubts

USERS = 4


def test_an_honest_server(farm: Farm, runner: Runner) -> None:
    port = farm.open("echo")
    result = runner.echo(f"ws://127.0.0.1:{port}/")
    truth, delivery = farm.close(port), result.delivery
    assert delivery.planned == 10 * USERS
    assert delivery.sent == delivery.delivered == truth["received"] == truth["answered"]
    assert truth["close_1000"] == USERS
    assert result.connections.closed == {}
    assert result.verdict.status in ("pass", "doubtful")


# Behaviour of the server; the name under which it counts the messages that it treated so, and the
# counts of the account in which each of them must be. Messages without an answer are lost.
WRONGS = {
    "drops": ("dropped", set()),
    "duplicates": ("again", {"duplicated"}),
    "replays": ("again", {"duplicated"}),
    "reorders": ("after_a_later_one", {"reordered"}),
    "damages": ("damaged", {"damaged"}),
    "damages_the_check": ("damaged", {"damaged"}),
    "hides": ("damaged", {"unmarked"}),
    "truncates": ("damaged", {"damaged"}),
    "misroutes": ("misrouted", {"misrouted"}),
    "holds_back": ("held", {"late"}),
    "chatters": ("chatter", {"unmarked"}),
    "batches": ("answered", set()),
    "fragments": ("answered", set()),
}
COUNTS = {
    "lost", "lost_to_disconnect", "in_flight_at_leave", "duplicated", "reordered", "late",
    "foreign", "damaged", "unmarked", "misrouted", "too_old",
}  # fmt: skip


@pytest.mark.parametrize("behaviour", WRONGS)
@pytest.mark.parametrize("model", ["constant", "poisson"])
def test_wrong_answers(behaviour: str, model: str, farm: Farm, runner: Runner) -> None:
    name, counts = WRONGS[behaviour]
    port = farm.open(behaviour)
    result = runner.echo(
        f"ws://127.0.0.1:{port}/",
        rate="61/s",
        poisson=model == "poisson",
        deadline="500ms",
        drain="1500ms" if behaviour == "holds_back" else "300ms",
    )
    truth, delivery = farm.close(port), result.delivery
    assert delivery.sent == truth["received"] > 20
    assert result.connections.closed == {}
    booked = {count: getattr(delivery, count) for count in COUNTS}
    # Where answers wait for a later message, the last one of a connection gets none.
    assert booked.pop("lost") == truth["received"] - truth["answered"] - truth["held"]
    if behaviour == "holds_back":
        del booked["reordered"]
    assert booked == {count: truth[name] if count in counts else 0 for count in booked}
    assert truth[name] > 0


def test_messages_of_another_run(farm: Farm, runner: Runner) -> None:
    port = farm.open("remembers")
    first = runner.echo(f"ws://127.0.0.1:{port}/", connections=1, processes=1)
    assert first.delivery.foreign == 0
    second = runner.echo(f"ws://127.0.0.1:{port}/")
    assert second.delivery.foreign == farm.close(port)["remembered"] == USERS
    assert second.delivery.lost == 0


def test_a_greeting_right_behind_the_response(farm: Farm, runner: Runner) -> None:
    port = farm.open("greets_with_the_response")
    result = runner.echo(f"ws://127.0.0.1:{port}/")
    assert result.delivery.unmarked == USERS
    assert result.delivery.delivered == farm.close(port)["answered"] == result.delivery.sent


def test_warm_up_is_not_counted(farm: Farm, runner: Runner) -> None:
    port = farm.open("echo")
    result = runner.echo(f"ws://127.0.0.1:{port}/", warmup="200ms")
    truth, delivery = farm.close(port), result.delivery
    assert delivery.sent == delivery.delivered == 10 * USERS
    assert delivery.warmup_sent == delivery.warmup_delivered == 10 * USERS
    assert truth["received"] == 20 * USERS


def test_the_closed_model(farm: Farm, runner: Runner) -> None:
    port = farm.open("drops")
    result = runner.echo(f"ws://127.0.0.1:{port}/", rate=None, pingpong=True)
    truth, delivery = farm.close(port), result.delivery
    # The fifth message of each is not answered, and nothing comes after it.
    assert delivery.sent == truth["received"] == 5 * USERS
    assert delivery.lost == truth["dropped"] == USERS
    assert "hide" in result.notes[0].message


def test_few_samples_are_said_to_be_few(farm: Farm, runner: Runner) -> None:
    port = farm.open("echo")
    result = runner.echo(f"ws://127.0.0.1:{port}/")
    farm.close(port)
    latency = result.metrics["message_latency"]
    assert latency.count == 10 * USERS
    assert latency.p50 is not None
    assert latency.p99 is None
    assert "few_samples" in doubts(result)
