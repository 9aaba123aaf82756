"""Names and sizes of what a worker counts, in the order in which they lie in shared memory."""

LEDGER_COUNTERS = (
    "sent",
    "expected",
    "delivered",
    "lost",
    "lost_to_disconnect",
    "in_flight_at_leave",
    "duplicated",
    "reordered",
    "late",
    "foreign",
    "damaged",
    "unmarked",
    "misrouted",
    "too_old",
    "warmup_sent",
    "warmup_delivered",
)

TRAFFIC_COUNTERS = (
    "attempted",
    "established",
    "failed",
    "open",
    "closed",
    "bytes_in",
    "bytes_out",
    "frames_in",
    "planned",
    "skipped",
)

HISTOGRAM_COUNT = 0
HISTOGRAM_MIN = 1
HISTOGRAM_MAX = 2
HISTOGRAM_SUM = 3
HISTOGRAM_CLIPPED = 4
HISTOGRAM_HEADER = 8
HISTOGRAM_WORDS = 24584
