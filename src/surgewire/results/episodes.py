"""Episodes: many connections cut off within seconds, as by a restart, and how they came back.

Read from the intervals, so that instants are known to about a second. Bounded memory.
"""

from collections import deque
from dataclasses import dataclass, fields, replace
from typing import Any

from surgewire.results.asked import Asked
from surgewire.results.record import IntervalRecord

MAX_EPISODES = 20
"""Kept one by one; of later ones only their number is known."""

WINDOW_S = 5.0
"""A server that goes down in good order takes seconds to close all that it has."""

MIN_SHARE = 0.1
"""A tenth of all within the window is no longer the one by one of an ordinary day."""
MIN_CUT_OFF = 5
"""Of twenty connections two may end at once by chance."""

CHURN_LEEWAY = 0.01
"""Where users come and go on purpose, a hundredth may be away at any moment."""

STILL_S = 60.0
"""Nobody cut off and nobody back for so long: this is how it stays. Twice the longest wait between
two tries, where that is more."""

_HALF, _MOST, _ALL = 0.5, 0.9, 1.0
_MEASURED = frozenset({"warmup", "sending", "holding"})
# Ends that the target has no part in, and those of connections that were never in use.
_NOT_CUT_OFF = frozenset({"worker_died", "timeout_join", "timeout_message"})
_HALF_INTERVAL_S = 0.5
_DECIMALS = 3


@dataclass(slots=True)
class Episode:
    """One time at which many were cut off."""

    began_s: float
    """Beginning of the interval with the first of them, seconds since the start of the run."""
    before: int
    """Users joined before it; open connections, where there are no joins."""
    cut_off: int = 0
    """Connections that the target ended; one that was cut off twice counts twice."""
    lowest: int = 0
    """Fewest that were left at the end of an interval."""
    now: int = 0
    """How many there are at the end of the episode, or at the end of the record."""
    lost: int = 0
    """Messages booked as lost or lost to disconnect while it lasted."""
    half_back_s: float | None = None
    """From its beginning until half of those cut off were back, and stayed; None: they did not."""
    most_back_s: float | None = None
    """Likewise nine tenths."""
    all_back_s: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """As the result file has it."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {
            name: round(value, _DECIMALS) if isinstance(value, float) else value
            for name, value in values.items()
        }

    def note(self, at_s: float, level: int, leeway: int) -> None:
        """Note how many there are at an instant; ``leeway``: how many may be away all the time."""
        self.now = level
        self.lowest = min(self.lowest, level)
        away = min(self.cut_off, self.before)
        after_s = at_s - self.began_s

        def since(share: float, known_s: float | None) -> float | None:
            # Who comes back and is cut off once more was not back.
            enough = level >= self.before - leeway - away * (1.0 - share)
            return (after_s if known_s is None else known_s) if enough else None

        self.half_back_s = since(_HALF, self.half_back_s)
        self.most_back_s = since(_MOST, self.most_back_s)
        self.all_back_s = since(_ALL, self.all_back_s)


@dataclass(frozen=True, slots=True)
class Episodes:
    """All that were found."""

    count: int = 0
    first: tuple[Episode, ...] = ()
    """At most MAX_EPISODES."""

    def to_dict(self) -> dict[str, Any]:
        """As the result file has it."""
        return {"count": self.count, "first": [episode.to_dict() for episode in self.first]}


@dataclass(frozen=True, slots=True)
class _Step:
    """What one interval brought."""

    began_s: float
    at_s: float
    before: int
    level: int
    cut_off: int
    lost: int


class EpisodeWatch:
    """Finds episodes, interval by interval."""

    def __init__(self) -> None:
        self._found: list[Episode] = []
        self._count = 0
        self._current: Episode | None = None
        self._recent: deque[_Step] = deque()
        self._level: int | None = None
        # Of the current episode: the latest cut, and the most that there were since then.
        self._cut_at_s = 0.0
        self._highest = 0
        self._rose_at_s = 0.0

    def add(self, record: IntervalRecord, asked: Asked) -> None:
        """Take in an interval; one outside the measured phases only says how many there are."""
        level = record.gauges.get(asked.level_gauge, 0)
        before, self._level = self._level, level
        if record.phase not in _MEASURED or before is None:
            self._current = None
            self._recent.clear()
            return
        step = _Step(
            began_s=max(record.at_s - record.length_s, 0.0),
            at_s=record.at_s,
            before=before,
            level=level,
            cut_off=sum(n for kind, n in record.closed.items() if kind not in _NOT_CUT_OFF),
            lost=record.counters.get("lost", 0) + record.counters.get("lost_to_disconnect", 0),
        )
        if self._current is None:
            self._look(step, asked)
        else:
            self._go_on(self._current, step, asked)

    def episodes(self) -> Episodes:
        """Give what was found so far; the last may still go on."""
        return Episodes(self._count, tuple(replace(episode) for episode in self._found))

    def _look(self, step: _Step, asked: Asked) -> None:
        self._recent.append(step)
        while step.at_s - self._recent[0].began_s > WINDOW_S + _HALF_INTERVAL_S:
            self._recent.popleft()
        while self._recent and not self._recent[0].cut_off:
            self._recent.popleft()
        cut_off = sum(part.cut_off for part in self._recent)
        if cut_off < MIN_CUT_OFF or cut_off < MIN_SHARE * self._recent[0].before:
            return
        first, parts = self._recent[0], tuple(self._recent)
        self._recent.clear()
        self._current = Episode(first.began_s, first.before, lowest=first.before)
        self._count += 1
        if len(self._found) < MAX_EPISODES:
            self._found.append(self._current)
        for part in parts:
            self._go_on(self._current, part, asked)

    def _go_on(self, episode: Episode, step: _Step, asked: Asked) -> None:
        if step.cut_off:
            self._cut_at_s = self._rose_at_s = step.at_s
            self._highest = step.level
        elif step.level > self._highest:
            self._highest, self._rose_at_s = step.level, step.at_s
        episode.cut_off += step.cut_off
        episode.lost += step.lost
        leeway = int(CHURN_LEEWAY * episode.before) if asked.churns else 0
        episode.note(step.at_s, step.level, leeway)
        settled = episode.all_back_s is not None or not asked.reconnects
        patience_s = max(STILL_S, 2 * asked.reconnect_max_s)
        over = settled and step.at_s - self._cut_at_s >= WINDOW_S
        if over or step.at_s - self._rose_at_s >= patience_s:
            self._current = None
