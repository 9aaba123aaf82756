"""When the intervals of a run end: every second on absolute instants, and at changes of phase."""

SECOND_NS = 1_000_000_000

# A piece shorter than this says little about CPU and rates: it is added to its neighbour.
_SHORTEST_NS = SECOND_NS // 4


class IntervalClock:
    """Pure arithmetic: instants in, instants out, all in nanoseconds.

    Cuts are instants at which an interval shall end although its second is not over, so that none
    mixes two phases; the seconds then count from the cut.
    """

    def __init__(self, start_ns: int) -> None:
        """Begin the first interval at `start_ns`."""
        self.start_ns = start_ns
        """Where the interval that runs now began."""
        self._anchor_ns = start_ns
        self._cuts: list[int] = []

    def cut_at(self, *instants_ns: int) -> None:
        """End an interval at each of `instants_ns` that lie ahead; earlier cuts are forgotten."""
        self._cuts = sorted({cut for cut in instants_ns if cut > self.start_ns})

    @property
    def end_ns(self) -> int:
        """The instant at which the interval that runs now is to end."""
        seconds = (self.start_ns - self._anchor_ns) // SECOND_NS + 1
        end = self._anchor_ns + seconds * SECOND_NS
        if end - self.start_ns < _SHORTEST_NS:
            end += SECOND_NS
        if self._cuts and self._cuts[0] < end + _SHORTEST_NS:
            end = self._cuts[0]
        return end

    def end_interval(self, now_ns: int) -> int:
        """End the interval at `now_ns` and begin the next; return its true length.

        Ends that were slept through are skipped: the next interval ends on the grid again.
        """
        now_ns = max(now_ns, self.start_ns)
        length = now_ns - self.start_ns
        while self._cuts and self._cuts[0] <= now_ns:
            self._anchor_ns = self._cuts.pop(0)
        self.start_ns = now_ns
        return length
