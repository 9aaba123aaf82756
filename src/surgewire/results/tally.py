"""From records to totals: the one way from what was counted to what is shown."""

from collections import Counter

from surgewire._core.histogram import Histogram
from surgewire.results.asked import Asked
from surgewire.results.attempts import AttemptWatch
from surgewire.results.awkward import AwkwardDelivery
from surgewire.results.build import build_result
from surgewire.results.disconnects import DisconnectWatch
from surgewire.results.drift import DriftWatch
from surgewire.results.episodes import EpisodeWatch
from surgewire.results.figures import Figures, figures_of
from surgewire.results.record import (
    EndRecord,
    EventRecord,
    IntervalRecord,
    Record,
    RoomsRecord,
    StartRecord,
)
from surgewire.results.result import Result
from surgewire.results.rooms import DECIDED, Rooms, read_rooms
from surgewire.results.sparse import add_sparse
from surgewire.results.summary import Summary
from surgewire.results.surges import SurgeSample
from surgewire.results.target_usage import TargetUsage
from surgewire.results.timeline import Timeline
from surgewire.results.usage import Usage

_BEFORE_THE_END = frozenset({"starting", "connecting", "warmup", "sending"})
"""Phases in which nobody has been sent away yet."""


class Tally:
    """Totals of a run, fed record by record. Memory does not grow with the length of the run."""

    def __init__(self) -> None:
        self.start: StartRecord | None = None
        self.running = False
        """Whether more is to come, so that what is missing is not lost; set by who knows."""
        self.asked = Asked()
        self.counters: Counter[str] = Counter()
        """Of the ledger and of the traffic, by name."""
        self.errors: Counter[str] = Counter()
        self.closed: Counter[str] = Counter()
        self.facts: Counter[str] = Counter()
        """What is counted by name and is no failure."""
        self.peak_open = 0
        self.usage = Usage()
        self.target_usage = TargetUsage()
        self.timeline = Timeline()
        self.drift = DriftWatch()
        self.attempts = AttemptWatch()
        self.surges: dict[int, SurgeSample] = {}
        """The latest word on each storm, wave and return, by number."""
        self.episodes = EpisodeWatch()
        self.disconnects = DisconnectWatch()
        self.joined_now = 0
        """Users that listen, at the end of the latest interval of the measured phase."""
        self.latest_rooms: RoomsRecord | None = None
        """Totals of each room: a later record tells all that an earlier one did."""
        self.intervals = 0
        self.last_interval = Figures()
        self.established_at_s: float | None = None
        """End of the latest interval in which a connection was established."""
        self._histograms: dict[str, Histogram] = {}

    def add(self, record: Record) -> None:
        """Take in the next record of the run.

        Raises ValueError when a histogram does not fit the layout, or totals of rooms their shape.
        """
        match record:
            case StartRecord():
                self.start = record
                self.asked = Asked.from_plan(record.plan)
            case IntervalRecord():
                self._add_interval(record)
            case RoomsRecord():
                # One of damaged totals is found here, where the reader of a journal expects it.
                record.array()
                self.latest_rooms = record
            case EventRecord():
                self.timeline.add_event(record)
            case EndRecord():
                self.timeline.add_end(record)

    def _add_interval(self, record: IntervalRecord) -> None:
        self.intervals += 1
        self.timeline.add_interval(record)
        self.counters.update(record.counters)
        self.errors.update(record.errors)
        self.closed.update(record.closed)
        self.facts.update(record.facts)
        self.peak_open = max(
            self.peak_open, record.gauges.get("peak_open", 0), record.gauges.get("open", 0)
        )
        if record.counters.get("established", 0) > 0:
            self.established_at_s = record.at_s
        for name, delta in record.histograms.items():
            add_sparse(self._histograms.setdefault(name, Histogram()), delta)
        measured = record.phase == self.asked.measured_phase
        self.usage.add(record, measured=measured)
        self.target_usage.add(record, measured=measured)
        self._add_course(record, measured)
        errors = self.errors.total() + self.closed.total()
        self.last_interval = figures_of(record, self.asked, self.counters, errors, self.timeline)

    def _add_course(self, record: IntervalRecord, measured: bool) -> None:
        """Add to what is told over time."""
        self.disconnects.add(record)
        self.episodes.add(record, self.asked)
        if self.asked.kind == "connect":
            self.attempts.add(record)
            self.surges.update((sample.number, sample) for sample in record.surges)
        if record.phase in _BEFORE_THE_END:
            self.joined_now = record.gauges.get("joined", 0)
        if measured and self.asked.sends:
            self.drift.add(record, self.asked)

    def rooms(self) -> Rooms | None:
        """Give the account of each room; None without a record of them."""
        if self.latest_rooms is None:
            return None
        return read_rooms(self.latest_rooms, self.counters, finished=self.finished)

    @property
    def finished(self) -> bool:
        """Whether the run came to its planned end, so that nothing is under way any more."""
        return self.timeline.end is not None and self.timeline.end.reason == "finished"

    def histogram(self, metric: str) -> Histogram:
        """Give the counts of a metric; empty where nothing was recorded. Not to be written to."""
        histogram = self._histograms.get(metric)
        return Histogram() if histogram is None else histogram

    def summary(self, metric: str) -> Summary:
        """Give the figures of a metric over the whole run so far."""
        return Summary.of(self.histogram(metric))

    @property
    def undecided(self) -> int:
        """Expected messages that are neither delivered nor lost (yet)."""
        return self.counters["expected"] - sum(self.counters[name] for name in DECIDED)

    @property
    def undecided_apart(self) -> int:
        """The same for awkward users, whose account is kept apart."""
        return AwkwardDelivery.of(self.counters).undecided

    def result(self) -> Result:
        """Make the result of what was taken in so far; the same records give the same result."""
        return build_result(self)
