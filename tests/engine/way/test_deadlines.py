from surgewire._core.connection import Connection
from surgewire._core.stream import ReceiveBuffer
from surgewire.engine.way.deadlines import Deadlines
from tests.engine.fakes import MS, connect_plan

BUFFER = ReceiveBuffer(4096)


def connection() -> Connection:
    return Connection(BUFFER, None, None)  # type: ignore[arg-type]


def deadlines() -> Deadlines:
    timeouts = {"connect_timeout": "100ms", "tls_timeout": "50ms", "upgrade_timeout": "20ms"}
    return Deadlines(connect_plan(url="wss://h/", **timeouts))


def test_each_phase_has_a_bound_of_its_own() -> None:
    waiting, one = deadlines(), connection()
    waiting.begin(one, 1000 * MS)
    assert waiting.overdue(1099 * MS) == []
    assert waiting.overdue(1100 * MS) == [one]
    waiting.secure(one, 1090 * MS)
    assert waiting.overdue(1139 * MS) == []
    assert waiting.overdue(1140 * MS) == [one]
    waiting.upgrade(one, 1130 * MS)
    assert waiting.overdue(1149 * MS) == []
    assert waiting.overdue(1150 * MS) == [one]
    waiting.drop(one)
    assert waiting.overdue(2000 * MS) == []


def test_what_has_its_outcome_enters_no_further_phase() -> None:
    waiting, one = deadlines(), connection()
    waiting.begin(one, 0)
    waiting.drop(one)
    waiting.secure(one, 0)
    waiting.upgrade(one, 0)
    waiting.drop(one)
    assert waiting.overdue(1000 * MS) == []


def test_without_tls_the_upgrade_follows_at_once() -> None:
    waiting, one = deadlines(), connection()
    waiting.begin(one, 0)
    waiting.upgrade(one, 90 * MS)
    assert waiting.overdue(109 * MS) == []
    assert waiting.overdue(110 * MS) == [one]


def test_a_later_attempt_may_be_overdue_before_an_earlier_one() -> None:
    waiting, slow, quick = deadlines(), connection(), connection()
    waiting.begin(slow, 0)
    waiting.begin(quick, 10 * MS)
    waiting.upgrade(quick, 20 * MS)
    assert waiting.overdue(50 * MS) == [quick]
    assert waiting.overdue(100 * MS) == [slow, quick]
