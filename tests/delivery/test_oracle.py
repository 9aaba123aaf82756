"""The oracle itself, on scenes made by hand: what it must accept, and what it must object to."""

import pytest

from tests.delivery.naive import Stream
from tests.delivery.oracle import compare, judge
from tests.delivery.record import Deed
from tests.delivery.token import Token
from tests.delivery.trace import Line, trace_of
from tests.delivery.truth import behind, truth_of
from tests.delivery.walk import Account, Rules

DEADLINE_NS = 1_000


class Scene:
    """Two users, 0 and 1, in room 0 of one worker; user 0 speaks. Time goes by ten at a time."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.deeds: list[Deed] = []
        self.lines: list[Line] = []
        self.rules = Rules(DEADLINE_NS)
        self.counter = 0
        self.planned: dict[int, int] = {}

    def tick(self) -> int:
        self.now_ns += 10
        return self.now_ns

    def did(self, event: str, connection: int, user: int, number: int | None = None) -> None:
        token = None if number is None else Token(7, 0, 0, number, self.planned.get(number, 0))
        room = "" if event == "opened" else "0"
        self.deeds.append(Deed(self.tick(), event, connection, str(user), room, token))

    def traced(self, event: str, user: int, number: int = 0, detail: str = "") -> None:
        planned_ns = self.planned.get(number, 0) if event != "damaged" else 0
        number = 0 if event == "damaged" else number
        self.lines.append(Line(self.tick(), event, user, 0, 0, number, planned_ns, detail))

    def join(self, connection: int, user: int) -> None:
        self.did("opened", connection, user)
        self.did("joined", connection, user)
        first = self.counter + 1
        now_ns = self.tick()
        self.lines.append(Line(now_ns, "joined", user, 0, 0, first, self.tick(), ""))

    def end(self, user: int, how: str) -> None:
        now_ns = self.tick()
        self.lines.append(Line(now_ns, "ended", user, 0, 0, self.counter, self.tick(), how))

    def send(self, received: bool = True) -> int:
        self.counter += 1
        self.planned[self.counter] = self.tick()
        self.traced("sent", 0, self.counter)
        if received:
            self.did("received", 1, 0, self.counter)
        return self.counter

    def pass_on(self, connection: int, user: int, number: int, event: str = "delivered") -> None:
        self.did("duplicated" if event == "duplicated" else "sent", connection, user, number)
        self.traced(event, user, number)

    def judge(self) -> Account:
        return judge(truth_of(self.deeds), trace_of(1, self.lines), self.rules)

    def drop_line(self, event: str, user: int) -> None:
        (line,) = (x for x in self.lines if (x.event, x.user) == (event, user))
        self.lines.remove(line)

    def change_line(self, what: str, user: int, **values: object) -> None:
        place = next(i for i, x in enumerate(self.lines) if (x.event, x.user) == (what, user))
        self.lines[place] = self.lines[place]._replace(**values)  # type: ignore[arg-type]


@pytest.fixture
def scene() -> Scene:
    """Give two users that have joined."""
    scene = Scene()
    scene.join(1, 0)
    scene.join(2, 1)
    return scene


def ended(scene: Scene, how: str = "drained") -> Scene:
    scene.end(0, "drained")
    scene.end(1, how)
    return scene


def everything(scene: Scene) -> Scene:
    """Let each fault happen to user 1 once."""
    for fate in ("sent", "dropped", "damaged", "twice", "later", "now", "unsent"):
        number = scene.send()
        scene.pass_on(1, 0, number)
        if fate == "dropped":
            scene.did("dropped", 2, 1, number)
        elif fate == "damaged":
            scene.did("damaged", 2, 1, number)
            scene.traced("damaged", 1, number)
        elif fate == "later":
            scene.did("reordered", 2, 1, number)
        elif fate == "unsent":
            scene.did("unsent", 2, 1, number)
        else:
            scene.pass_on(2, 1, number)
        if fate == "twice":
            scene.pass_on(2, 1, number, "duplicated")
        if fate == "now":
            scene.pass_on(2, 1, number - 1, "reordered")
    return ended(scene)


def test_every_fate(scene: Scene) -> None:
    account = everything(scene).judge()
    assert account.differences == []
    assert account.total == {
        "sent": 7, "expected": 14, "delivered": 11, "lost": 3, "damaged": 1, "duplicated": 1,
        "reordered": 1, "complete": 4,
    }  # fmt: skip
    reported = dict(account.total) | {"lost_to_disconnect": 0}
    compare(account, [reported], reported)
    assert account.differences == []


@pytest.mark.parametrize("name", ["delivered", "lost", "duplicated", "reordered", "expected"])
def test_a_counter_that_is_off_by_one(scene: Scene, name: str) -> None:
    account = everything(scene).judge()
    true = dict(account.total) | {"lost_to_disconnect": 0}
    wrong = true | {name: true[name] + 1}
    compare(account, [wrong], true)
    assert f"room 0: {name} is {true[name]}, reported {true[name] + 1}" in account.differences
    assert len(account.differences) == 1 + (name in ("delivered", "lost", "expected"))
    account.differences.clear()
    compare(account, [true], wrong)
    assert any(text.startswith("total: ") for text in account.differences)


@pytest.mark.parametrize(
    ("event", "claim"),
    [
        ("duplicated", "delivered"),
        ("reordered", "delivered"),
        ("damaged", "delivered"),
        ("delivered", "before_join"),
        ("delivered", "misrouted"),
        ("delivered", "too_old"),
    ],
)
def test_a_wrong_outcome(scene: Scene, event: str, claim: str) -> None:
    everything(scene).change_line(event, 1, event=claim)
    differences = scene.judge().differences
    assert differences
    assert all(text.startswith("user 1: ") for text in differences)


def test_an_arrival_that_is_not_traced(scene: Scene) -> None:
    everything(scene).drop_line("reordered", 1)
    (text,) = scene.judge().differences
    assert "message 5 of worker 0 in room 0 was written, did not come" in text


def test_an_arrival_that_was_never_written(scene: Scene) -> None:
    everything(scene)
    scene.lines.insert(-1, scene.lines[-3]._replace(sequence=2, user=1, event="delivered"))
    assert "user 1: never written" in scene.judge().differences[0]


def test_another_message_than_was_written(scene: Scene) -> None:
    everything(scene).change_line("duplicated", 1, sequence=3)
    assert (
        "message 4 of worker 0 in room 0 was written, but what came"
        in (scene.judge().differences[0])
    )


def test_a_late_message(scene: Scene) -> None:
    number = scene.send()
    scene.pass_on(1, 0, number)
    scene.now_ns += DEADLINE_NS
    scene.pass_on(2, 1, number)
    assert "must be delivered, late" in ended(scene).judge().differences[0]
    scene.change_line("delivered", 1, detail="late")
    account = scene.judge()
    assert account.differences == []
    assert account.total["late"] == 1
    scene.change_line("delivered", 0, detail="late")
    assert len(scene.judge().differences) == 1


@pytest.mark.parametrize("end", ["cut_eof", "cut_reset", "cut_close"])
def test_a_cut(scene: Scene, end: str) -> None:
    """What the kernel has thrown away may be lost; a close frame comes behind all the rest."""
    first, second, third = (scene.send() for _ in range(3))
    for number in (first, second, third):
        scene.pass_on(1, 0, number)
    scene.pass_on(2, 1, second)
    scene.did("sent", 2, 1, first)
    scene.did("sent", 2, 1, third)
    scene.did(end, 2, 1)
    account = ended(scene, "cut_off").judge()
    assert account.total["lost"] == account.total["lost_to_disconnect"] == 1
    assert account.total["expected"] == 6
    assert len(account.differences) == (2 if end == "cut_close" else 0)


def test_a_cut_that_the_target_knows_nothing_of(scene: Scene) -> None:
    scene.pass_on(2, 1, scene.send())
    (text,) = [t for t in ended(scene, "cut_off").judge().differences if "user 1" in t]
    assert "cut off, but by the target" in text


def test_leaving(scene: Scene) -> None:
    number = scene.send()
    scene.pass_on(1, 0, number)
    scene.did("sent", 2, 1, number)
    account = ended(scene, "left").judge()
    assert account.differences == []
    assert account.total == {
        "sent": 1, "expected": 1, "delivered": 1, "in_flight_at_leave": 1
    }  # fmt: skip


def test_before_the_join_and_coming_back() -> None:
    scene = Scene()
    scene.join(1, 0)
    scene.did("opened", 2, 1)
    scene.did("joined", 2, 1)
    early = scene.send()
    scene.pass_on(1, 0, early)
    scene.pass_on(2, 1, early, "before_join")
    now_ns = scene.tick()
    scene.lines.append(Line(now_ns, "joined", 1, 0, 0, early + 1, scene.tick(), ""))
    number = scene.send()
    scene.pass_on(1, 0, number)
    scene.did("duplicated", 2, 1, early)
    scene.traced("before_join", 1, early)
    scene.did("sent", 2, 1, number)
    scene.did("cut_reset", 2, 1)
    scene.end(1, "cut_off")
    scene.join(3, 1)
    number = scene.send()
    scene.pass_on(1, 0, number)
    scene.pass_on(3, 1, number)
    account = ended(scene).judge()
    assert account.differences == []
    assert account.total == {
        "sent": 3, "expected": 5, "delivered": 4, "lost_to_disconnect": 1, "before_join": 2,
        "complete": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("event", "by"), [("joined", -1), ("joined", 1), ("ended", -1), ("ended", 1)]
)
def test_expecting_too_much_or_too_little(event: str, by: int) -> None:
    """User 1 comes and goes in the middle; its first or last number is off by one."""
    scene = Scene()
    scene.join(1, 0)
    for part in range(3):
        if part == 1:
            scene.join(2, 1)
        number = scene.send()
        scene.pass_on(1, 0, number)
        if part == 1:
            scene.pass_on(2, 1, number)
            scene.end(1, "left")
            scene.did("left", 2, 1)
    scene.end(0, "drained")
    assert scene.judge().differences == []
    (line,) = (x for x in scene.lines if (x.event, x.user) == (event, 1))
    scene.change_line(event, 1, sequence=line.sequence + by)
    assert any("user 1 expects" in text for text in scene.judge().differences)


def test_silence(scene: Scene) -> None:
    scene.pass_on(1, 0, scene.send())
    (text,) = ended(scene).judge().differences
    assert text == "user 1: nothing is recorded of message 1 of worker 0 in room 0"


def test_a_message_that_the_target_never_got(scene: Scene) -> None:
    scene.send(received=False)
    account = ended(scene).judge()
    assert account.differences == []
    assert account.total == {"sent": 1, "expected": 2, "lost": 2}


def test_a_message_that_nobody_sent(scene: Scene) -> None:
    scene.pass_on(1, 0, scene.send())
    scene.did("dropped", 2, 1, 1)
    scene.did("received", 1, 0, 9)
    assert len(ended(scene).judge().differences) == 1
    scene.lines = [line for line in scene.lines if line.event != "sent"]
    assert len(scene.judge().differences) >= 2


def test_a_stream_with_a_gap(scene: Scene) -> None:
    scene.counter += 1
    number = scene.send()
    scene.pass_on(1, 0, number)
    scene.pass_on(2, 1, number)
    assert "worker 0 has gaps in room 0" in ended(scene).judge().differences


def test_not_hearing_oneself(scene: Scene) -> None:
    scene.rules = Rules(DEADLINE_NS, to_others=True)
    scene.pass_on(2, 1, scene.send())
    account = ended(scene).judge()
    assert account.differences == []
    assert account.total == {"sent": 1, "expected": 1, "delivered": 1, "complete": 1}
    scene.lines.insert(-2, scene.lines[3]._replace(user=0, event="misrouted"))
    scene.deeds.insert(-1, scene.deeds[-1]._replace(connection=1, user="0"))
    account = scene.judge()
    assert account.differences == []
    assert account.total["misrouted"] == 1


def test_a_missing_end(scene: Scene) -> None:
    scene.end(0, "drained")
    assert any("has no end" in text for text in scene.judge().differences)


def test_the_proxy_s_word_on_top_of_the_server_s() -> None:
    server, proxy = Scene(), Scene()
    proxy.did("opened", 5, 1)
    server.now_ns = proxy.now_ns
    server.did("opened", 2, 1)
    server.did("joined", 2, 1)
    for number in (1, 2, 3):
        server.did("sent", 2, 1, number)
    for event, number in (("seen", 1), ("dropped", 1), ("seen", 2), ("sent", 2)):
        proxy.did(event, 5, 1, number)
    proxy.did("cut_eof", 5, 1)
    truth = behind(truth_of(server.deeds), truth_of(proxy.deeds))
    (link,) = truth.links[1]
    assert truth.differences == []
    assert link.fates == {(0, 0, 1): "dropped", (0, 0, 2): "sent", (0, 0, 3): "unsent"}
    assert [written.token.sequence for written in link.wire] == [2]
    assert (link.end, link.peer.room) == ("cut_eof", "0")
    proxy.did("seen", 5, 1, 4)
    truth = behind(truth_of(server.deeds), truth_of(proxy.deeds))
    assert truth.differences == ["user 1: the proxy has not seen what the server wrote"]
    assert "went round the proxy" in behind(truth_of(server.deeds), truth_of([])).differences[0]


def test_too_old_by_the_definition() -> None:
    stream = Stream(first=1, window=4)
    assert [stream.arrive(n) for n in (1, 2, 4, 8)] == ["delivered"] * 4
    assert stream.arrive(5) == "reordered"
    # 3 has not come: nobody can tell any more what else of that time has.
    assert stream.arrive(3) == stream.arrive(2) == "too_old"
    assert stream.arrive(4) == stream.arrive(5) == stream.arrive(8) == "duplicated"
    whole = Stream(first=3, window=4)
    assert [whole.arrive(n) for n in range(3, 20)] == ["delivered"] * 17
    assert whole.arrive(3) == "duplicated"
    assert whole.arrive(2) == "before_join"
