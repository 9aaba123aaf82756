import pytest

from surgewire.engine.recorder import Recorder
from surgewire.plan.secrets import Redactor
from surgewire.results.record import EventRecord
from surgewire.results.tally import Tally
from tests.engine.fakes import Watcher


class Journal:
    """A journal that fails when told to."""

    def __init__(self):
        self.written = []
        self.failure = None
        self.dropped = 0
        self.room = True

    def append(self, record):
        self.failure = None if self.room else "no space left on device"
        self.written.append(record)
        return self.room


@pytest.fixture
def parts():
    journal, seen = Journal(), Watcher()
    return journal, seen, Recorder(journal, Tally(), seen)


def test_everybody_gets_every_record(parts):
    journal, seen, recorder = parts
    recorder.event(1.5, "note", text="x")
    recorder.tick()
    assert journal.written == seen.records == [EventRecord(1.5, "note", {"text": "x"})]
    assert seen.ticks == 1


def test_events_tell_no_secret(parts):
    journal, seen, _ = parts
    recorder = Recorder(journal, Tally(), seen, Redactor(["hunter2-hunter2"]))
    recorder.event(1.5, "note", text="with hunter2-hunter2 in it", count=3)
    assert journal.written == [EventRecord(1.5, "note", {"text": "with *** in it", "count": 3})]


def test_failing_and_recovering_are_each_told_once(parts):
    journal, seen, recorder = parts
    journal.room = False
    for at_s in (1.0, 2.0, 3.0):
        recorder.event(at_s, "phase", phase="sending")
    assert seen.events("journal_failed") == [{"reason": "no space left on device"}]
    assert seen.records[1].at_s == 1.0
    journal.room = True
    recorder.event(4.0, "phase", phase="draining")
    recorder.event(5.0, "phase", phase="closing")
    assert seen.events("journal_restored") == [{}]
    assert journal.written == seen.records


def test_what_is_missing_is_told(parts):
    journal, seen, recorder = parts
    journal.room = False
    recorder.event(1.0, "phase", phase="sending")
    journal.room, journal.dropped = True, 17
    recorder.event(2.0, "phase", phase="draining")
    assert seen.events("journal_failed")[1] == {
        "reason": "17 records are missing",
        "missing": 17,
    }
    journal.room = False
    recorder.event(3.0, "phase", phase="closing")
    journal.room = True
    recorder.event(4.0, "phase", phase="closing")
    assert seen.records[-1].kind == "journal_restored"
