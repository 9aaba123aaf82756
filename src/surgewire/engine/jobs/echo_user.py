"""The connections of echo runs."""

from surgewire._core.awkward import AwkwardEchoUser
from surgewire._core.connection import Connection
from surgewire._core.echo_traffic import EchoTraffic, EchoUser
from surgewire.engine.connector import Connector
from surgewire.engine.jobs.job import Job


def make_echo_user(job: Job, owner: Connector, user: int) -> Connection:
    """Return a new connection for `user` of a job whose traffic is an EchoTraffic."""
    plan, traffic = job.place.plan, job.traffic
    assert isinstance(traffic, EchoTraffic)
    manners, handshake = job.manners(user), job.upgrade(user)
    index = user // job.place.region.workers
    most_bytes = plan.max_message_bytes
    if manners is None:
        return EchoUser(
            job.buffer,
            owner,
            handshake,
            traffic,
            user,
            index=index,
            max_message_bytes=most_bytes,
            poller=job.poller,
        )
    return AwkwardEchoUser(
        job.buffer,
        owner,
        manners.handshake(handshake),
        traffic,
        user,
        index=index,
        manners=manners,
        max_message_bytes=most_bytes,
        poller=job.poller,
    )
