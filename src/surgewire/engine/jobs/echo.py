"""Echo runs: each user hears its own messages."""

from surgewire._core.connection import Connection
from surgewire._core.echo_traffic import EchoTraffic
from surgewire._core.ledger import Ledger
from surgewire.dialects.plain import plain_text
from surgewire.engine.connector import Connector
from surgewire.engine.jobs.echo_user import make_echo_user
from surgewire.engine.jobs.sending import SendingJob, message_schedule
from surgewire.plan.models import EchoPlan

# The ledger's windows cover a stall of this long at the planned rate.
_WINDOW_S = 60
_MIN_WINDOW_BITS = 128
_MAX_WINDOW_BITS = 1 << 20


class EchoJob(SendingJob):
    """The users of one worker in an echo run."""

    traffic: EchoTraffic

    @property
    def plan(self) -> EchoPlan:
        """The plan of the run."""
        plan = self.place.plan
        assert isinstance(plan, EchoPlan)
        return plan

    def make_traffic(self) -> EchoTraffic:
        """Return what the users share."""
        place, plan = self.place, self.plan
        return EchoTraffic(
            place.loop,
            Ledger(len(place.users), window_bits(plan), self.counts.ledger),
            message_schedule(plan),
            self.counts.traffic,
            self.counts.histograms,
            run=place.run_tag,
            worker=place.worker,
            template=plain_text(plan.size_bytes),
            deadline_ns=plan.deadline_ns,
            poller=self.poller,
            **self.pings,
        )

    def make(self, owner: Connector, user: int) -> Connection:
        """Return a new connection for `user`."""
        return make_echo_user(self, owner, user)


def window_bits(plan: EchoPlan) -> int:
    """Return how many messages of one user the ledger can tell apart, a power of two."""
    if plan.rate is None:
        return _MIN_WINDOW_BITS
    in_flight = int(plan.rate.per_s * _WINDOW_S)
    return min(max(_MIN_WINDOW_BITS, 1 << in_flight.bit_length()), _MAX_WINDOW_BITS)
