"""What a chat job does where connections break at awkward moments."""

import asyncio
from collections.abc import Iterator

import pytest

from surgewire._core.chat_traffic import ChatUser
from surgewire._core.stream import ReceiveBuffer
from surgewire._core.traffic import COUNTERS
from surgewire.engine.jobs.chat import ChatJob
from surgewire.engine.jobs.workplace import Workplace
from surgewire.engine.shared import SharedRegion
from surgewire.plan.models import ChatPlan


class Job(ChatJob):
    """A job whose users cannot be made by dialling."""

    def user_that(self, ask: type[ChatUser]) -> ChatUser:
        return ask(
            ReceiveBuffer(),
            self.connector,
            self.upgrade(0, 0),
            self.traffic,
            index=0,
            user=0,
            room=0,
            number=0,
        )

    def count(self, name: str) -> int:
        return int(self.counts.traffic[COUNTERS.index(name)])


@pytest.fixture
def job() -> Iterator[Job]:
    loop = asyncio.new_event_loop()
    plan = ChatPlan(
        url="ws://127.0.0.1:1/", connections=2, processes=1, rate="1/s", join="join", joined="ok"
    )
    job = Job(Workplace(loop, 0, plan, SharedRegion(1, 1, 8), 1), lambda: None)
    yield job
    job.close()
    loop.close()


def test_who_is_cut_off_while_it_asks_has_failed_to_join_and_waits_for_nothing(job: Job) -> None:
    class Broken(ChatUser):
        def ask(self, payload: bytes, binary: bool = False) -> None:
            job.ended(self)

    user = job.user_that(Broken)
    job.opened(user)
    job.gone(user)
    assert job.count("join_failed") == job.count("cut_off") == 1
    job.tidy(2**62)
    assert job.count("join_failed") == 1
    assert job.counts.closed.counts() == {}


def test_who_is_being_closed_at_the_end_has_not_waited_too_long(job: Job) -> None:
    class Silent(ChatUser):
        def ask(self, payload: bytes, binary: bool = False) -> None:
            pass

    user = job.user_that(Silent)
    job.opened(user)
    # It is not open, as after `close`.
    job.tidy(2**62)
    assert job.count("join_failed") == 0
    assert job.counts.closed.counts() == {}
