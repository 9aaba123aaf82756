"""Phases, events and the end of a run."""

from surgewire.results.record import EndRecord, EventRecord
from surgewire.results.timeline import MAX_EVENTS, Timeline
from tests.results.samples import interval, phase


def test_lengths_of_phases_are_from_their_events() -> None:
    timeline = Timeline()
    timeline.add_event(phase(0.0, "connecting"))
    timeline.add_interval(interval(1.0, "connecting"))
    timeline.add_event(phase(1.5, "sending"))
    timeline.add_interval(interval(2.5))
    timeline.add_event(phase(3.75, "draining"))
    timeline.add_end(EndRecord(4.0, "finished"))
    assert timeline.length_s("connecting") == 1.5
    assert timeline.length_s("sending") == 2.25
    assert timeline.length_s("draining") == 0.25
    assert timeline.length_s("holding") == 0.0
    assert timeline.started_s == {"connecting": 0.0, "sending": 1.5, "draining": 3.75}


def test_a_phase_without_its_event_is_known_from_the_intervals() -> None:
    timeline = Timeline()
    timeline.add_interval(interval(5.0, "sending"))
    timeline.add_interval(interval(6.0, "sending"))
    assert timeline.phase == "sending"
    assert timeline.length_s("sending") == 2.0


def test_a_run_that_was_cut_short_counts_up_to_its_last_record() -> None:
    timeline = Timeline()
    timeline.add_event(phase(1.0, "sending"))
    timeline.add_interval(interval(2.0))
    assert timeline.length_s("sending") == 1.0
    assert timeline.end is None


def test_a_clock_that_went_back_shortens_nothing() -> None:
    timeline = Timeline()
    timeline.add_event(phase(1.0, "sending"))
    timeline.add_interval(interval(5.0))
    timeline.add_interval(interval(3.0))
    assert timeline.length_s("sending") == 4.0


def test_events_are_kept_up_to_a_number_and_their_figures_beyond() -> None:
    timeline = Timeline()
    for second in range(MAX_EVENTS + 50):
        timeline.add_event(EventRecord(float(second), "steal", {"percent": float(second)}))
    assert len(timeline.events) == MAX_EVENTS
    assert timeline.events_dropped == 50
    assert timeline.steal.count == MAX_EVENTS + 50
    assert timeline.steal.largest == MAX_EVENTS + 49


def test_the_largest_step_keeps_its_sign() -> None:
    timeline = Timeline()
    for step in (3.0, -40.0, 12.0, float("nan"), "far"):
        timeline.add_event(EventRecord(0.0, "clock_step", {"step_ms": step}))
    assert timeline.clock_steps.largest == -40.0
    assert timeline.clock_steps.count == 5
