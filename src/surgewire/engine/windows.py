"""How much the ledger and the fan-out slots remember of a stream: what can still be on its way."""

from surgewire._core import rooms
from surgewire.plan.models import ChatPlan, Plan
from surgewire.plan.units import PPM

_NS_PER_S = 1_000_000_000
# A message that comes after this, or after twice the deadline, is lost and not late.
_MEMORY_NS = 10 * _NS_PER_S
_MIN_WINDOW_BITS = 64
_MAX_WINDOW_BITS = 1 << 20
_MIN_SLOTS = 8
_MAX_SLOTS = 1 << 16
# What a window takes beside its bits.
_WINDOW_BYTES = 24


def stream_rate_per_s(plan: ChatPlan) -> float:
    """Return how many messages a second the fastest stream has: one worker's into one room."""
    members = -(-plan.connections // plan.rooms)
    speakers = min(members, members * plan.senders_ppm // PPM + 1)
    # Those who speak in a room are dealt out to the workers in turn.
    return -(-speakers // plan.processes) * plan.rate.per_s


def ledger_bytes(plan: Plan) -> int:
    """Return how much memory the books of a chat run take, over all workers; 0 for other runs."""
    if not isinstance(plan, ChatPlan):
        return 0
    rate_per_s, workers = stream_rate_per_s(plan), plan.processes
    window = _WINDOW_BYTES + window_bits(rate_per_s, plan.deadline_ns) // 8
    slots = fanout_slots(rate_per_s, plan.deadline_ns)
    return plan.connections * workers * window + rooms.memory_bytes(
        workers, plan.rooms, slots, bool(plan.behave)
    )


def window_bits(stream_rate_per_s: float, deadline_ns: int) -> int:
    """Return how many numbers of a stream the ledger tells apart, a power of two, 64 to 2**20.

    They hold what the stream sends within 10 s, or within twice the deadline where that is longer.
    stream_rate_per_s: messages per second that the fastest stream sends, which is what all users
    of one worker send into one room.
    """
    return _power_of_two(stream_rate_per_s, deadline_ns, _MIN_WINDOW_BITS, _MAX_WINDOW_BITS)


def fanout_slots(stream_rate_per_s: float, deadline_ns: int) -> int:
    """Return for how many messages of a stream the spread is followed, a power of two, 8 to 2**16.

    They hold what the ledger's windows hold, within these bounds. The arguments are those of
    `window_bits`.
    """
    return _power_of_two(stream_rate_per_s, deadline_ns, _MIN_SLOTS, _MAX_SLOTS)


def _power_of_two(rate_per_s: float, deadline_ns: int, least: int, most: int) -> int:
    # Not ceil: a rate that is a fraction in binary shall not double the window for nothing.
    in_flight = round(rate_per_s * max(_MEMORY_NS, 2 * deadline_ns) / _NS_PER_S)
    return min(max(least, 1 << max(in_flight - 1, 0).bit_length()), most)
