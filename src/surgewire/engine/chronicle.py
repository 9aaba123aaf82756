"""What happened when: samples and events of a run, on its own time scale, as records."""

import time
from collections.abc import Iterable, Sequence

from surgewire._core.ledger import COUNTERS
from surgewire.engine.interval import IntervalClock
from surgewire.engine.process import WorkerProcess
from surgewire.engine.recorder import Recorder
from surgewire.engine.sampler import Sampler
from surgewire.engine.shared import (
    PROGRESS_ESTABLISHED_NS,
    PROGRESS_HEARTBEAT_NS,
    SharedRegion,
)
from surgewire.engine.surges import SurgeTotal
from surgewire.engine.target_meter import TargetMeter
from surgewire.engine.vitals import Vitals
from surgewire.engine.watch import MachineWatch
from surgewire.results.record import EndRecord, IntervalRecord
from surgewire.results.rooms_record import RoomsRecord
from surgewire.results.surges import SurgeSample

# So often goes into the journal what was counted in each room, and this much more rarely for each
# room: with many rooms the journal would grow by megabytes a second.
_ROOMS_EVERY_NS = 10_000_000_000
_EVERY_NS_PER_ROOM = 10_000_000
_SILENCE_NS = 3_000_000_000
_NEVER = 2**63 - 1


class Chronicle:
    """Writes down what the supervisor does and what the workers count.

    Times are seconds since the start instant; what comes before it is at 0.
    """

    def __init__(
        self,
        region: SharedRegion,
        workers: Sequence[WorkerProcess],
        recorder: Recorder,
        meter: TargetMeter | None = None,
    ) -> None:
        """Write about `workers`, which count in `region`, to `recorder`.

        meter: of the target's process, where that can be watched.
        """
        self._region = region
        self._workers = workers
        self._recorder = recorder
        self._sampler = Sampler(region)
        self._vitals = Vitals(workers, self._sampler.open_of)
        self._meter = meter
        self._watch = MachineWatch()
        self._intervals: IntervalClock | None = None
        self._origin_ns: int | None = None
        self._rooms_every_ns = _rooms_every_ns(region)
        self._rooms_due_ns = 0
        self._silent: set[int] = set()
        self.phase = "starting"
        self._recorder.event(0.0, "phase", phase=self.phase)

    def begin(self, start_ns: int) -> None:
        """Let the scale and the first interval begin at the instant `start_ns`.

        What the workers use before they have any connection is written down first.
        """
        self.sample(time.monotonic_ns())
        self._origin_ns = start_ns
        self._intervals = IntervalClock(start_ns)

    def cut_at(self, instants_ns: Iterable[int]) -> None:
        """End intervals at `instants_ns`, and at no instants that were named before."""
        if self._intervals is not None:
            self._intervals.cut_at(*instants_ns)

    @property
    def due_ns(self) -> int:
        """The instant at which the next sample is to be taken."""
        return _NEVER if self._intervals is None else self._intervals.end_ns

    def sample(self, now_ns: int, *, last: bool = False) -> None:
        """Write down what was counted and used since the sample before."""
        length_ns = 0 if self._intervals is None else self._intervals.end_interval(now_ns)
        gain = self._sampler.take(last=last)
        at_s = self._at_s(now_ns)
        self._recorder.add(
            IntervalRecord(
                at_s=at_s,
                length_s=length_ns / 1e9,
                phase=self.phase,
                counters=gain.counters,
                gauges=gain.gauges,
                histograms=gain.histograms,
                errors=gain.errors,
                closed=gain.closed,
                facts=gain.facts,
                surges=tuple(map(self._surge, gain.surges)),
                workers=self._vitals.take(now_ns),
                target=None if self._meter is None else self._meter.take(now_ns),
            )
        )
        if self._rooms_every_ns and (last or now_ns >= self._rooms_due_ns):
            self._rooms_due_ns = now_ns + self._rooms_every_ns
            self._recorder.add(RoomsRecord.from_array(at_s, COUNTERS, self._sampler.rooms))
        for kind, detail in self._watch.take():
            self._recorder.event(at_s, kind, **detail)
        self._look_for_silence(now_ns)

    def enter_phase(self, at_ns: int, phase: str) -> None:
        """Write down that `phase` begins at the instant `at_ns`."""
        self.phase = phase
        self._recorder.event(self._at_s(at_ns), "phase", phase=phase)
        if phase == "sending":
            self._recorder.event(self._at_s(at_ns), "sending", instant=at_ns)

    def enter_connected(self) -> None:
        """Write down that every attempt has its outcome, and when the last one succeeded."""
        last_ns = max(int(piece.progress[PROGRESS_ESTABLISHED_NS]) for piece in self._region.slices)
        if last_ns:
            self.event("connected", last_established_s=self._at_s(last_ns))

    def event(self, kind: str, **detail: object) -> None:
        """Write down an event of now."""
        self._recorder.event(self._at_s(time.monotonic_ns()), kind, **detail)

    def note(self, text: str) -> None:
        """Write down a sentence for people."""
        self.event("note", text=text)

    def end(self, reason: str) -> None:
        """Take the last sample, when no worker runs any more, and close the record."""
        now_ns = time.monotonic_ns()
        self.sample(now_ns, last=True)
        self._recorder.add(EndRecord(self._at_s(now_ns), reason))

    def _at_s(self, now_ns: int) -> float:
        return 0.0 if self._origin_ns is None else max(now_ns - self._origin_ns, 0) / 1e9

    def _surge(self, total: SurgeTotal) -> SurgeSample:
        return SurgeSample(
            number=total.number,
            users=total.users,
            came=total.came,
            planned_s=self._at_s(total.planned_ns),
            last_s=self._at_s(total.last_ns) if total.last_ns else None,
        )

    def _look_for_silence(self, now_ns: int) -> None:
        for worker in self._workers:
            beat_ns = int(self._region.slice(worker.worker).progress[PROGRESS_HEARTBEAT_NS])
            beats = not beat_ns or now_ns - beat_ns < _SILENCE_NS
            if beats or worker.finished or not worker.alive:
                self._silent.discard(worker.worker)
            elif worker.worker not in self._silent:
                self._silent.add(worker.worker)
                silent_s = (now_ns - beat_ns) / 1e9
                self.note(f"{worker.name} has given no sign of life for {silent_s:.1f} s")


def _rooms_every_ns(region: SharedRegion) -> int:
    """Return how often the rooms are written down; 0 where the run has none."""
    if not region.fanout_slots:
        return 0
    return max(_ROOMS_EVERY_NS, region.rooms * _EVERY_NS_PER_ROOM)
