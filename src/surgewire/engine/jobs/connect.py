"""Connect runs: users that connect and are held, without a message."""

from surgewire._core.connection import Connection
from surgewire._core.echo_traffic import EchoTraffic, EchoUser
from surgewire._core.ledger import Ledger
from surgewire._core.template import Template
from surgewire.engine.connector import Connector
from surgewire.engine.jobs.job import Job
from surgewire.plan.models import ConnectPlan

_NO_MARKER = Template((("marker",),))
# The fewest that a ledger has.
_WINDOW_BITS = 128


class ConnectJob(Job):
    """The users of one worker in a connect run."""

    traffic: EchoTraffic

    def make_traffic(self) -> EchoTraffic:
        """Return what counts bytes and takes the loop's pulse."""
        place = self.place
        return EchoTraffic(
            place.loop,
            Ledger(len(place.users), _WINDOW_BITS, self.counts.ledger),
            None,
            self.counts.traffic,
            self.counts.histograms,
            run=place.run_tag,
            worker=place.worker,
            template=_NO_MARKER,
            deadline_ns=0,
            poller=None,
            **self.pings,
        )

    def make(self, owner: Connector, user: int) -> Connection:
        """Return a new connection for `user`."""
        plan = self.place.plan
        return EchoUser(
            self.buffer,
            owner,
            self.upgrade(user),
            self.traffic,
            user,
            index=user // self.place.region.workers,
            tls=self.secure(user),
            max_message_bytes=plan.max_message_bytes,
        )

    def begin(self, at_ns: int) -> int:
        """Hold what is open."""
        plan = self.place.plan
        assert isinstance(plan, ConnectPlan)
        return super().begin(at_ns) + plan.hold_ns

    async def drain(self) -> None:
        """Do nothing: nothing is under way."""
