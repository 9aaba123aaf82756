import gc
import os
import select
import time

import pytest

from surgewire.engine.process import CRASHED, end_workers, fork_workers
from surgewire.engine.shared import SharedRegion
from surgewire.errors import SurgewireError
from tests.engine.fakes import echo_plan, open_files


@pytest.fixture
def fork(tmp_path):
    forked = []

    def fork(work, workers=2, inherited=(), **values):
        plan = echo_plan(processes=workers, **values)
        region = SharedRegion(workers)
        forked.extend(
            fork_workers(plan, region, work, run_tag=7, crash_dir=tmp_path, inherited=inherited)
        )
        return forked

    yield fork
    end_workers(forked)


def wait_for(workers):
    for worker in workers:
        while not worker.reap(wait=True) and worker.alive:
            pass


def test_children_get_their_number_and_return_an_exit_code(fork):
    def work(worker, plan, region, control, run_tag):
        return 10 * worker + run_tag

    workers = fork(work, workers=3)
    wait_for(workers)
    assert [worker.exit_code for worker in workers] == [7, 17, 27]
    assert [worker.signal_name for worker in workers] == [None] * 3
    assert not any(worker.alive or worker.reap() for worker in workers)


def test_a_child_holds_nothing_of_its_siblings_nor_of_the_supervisor(fork):
    class Thing:
        def __init__(self):
            self.fd = os.open(os.devnull, os.O_RDONLY)

        def close(self):
            os.close(self.fd)

    before = open_files()
    thing = Thing()

    def work(worker, plan, region, control, run_tag):
        mine = open_files() - {str(control.fileno())}
        # One more is the descriptor that lists them.
        return len(mine - before)

    workers = fork(work, workers=3, inherited=[thing])
    wait_for(workers)
    thing.close()
    assert [worker.exit_code for worker in workers] == [0, 0, 0]


def test_a_pidfd_tells_of_the_end(fork):
    [worker] = fork(lambda *given: time.sleep(60) or 0, workers=1)
    assert worker.alive
    assert not worker.reap()
    assert select.select([worker.pidfd], [], [], 0)[0] == []
    worker.kill()
    assert select.select([worker.pidfd], [], [], 5)[0] == [worker.pidfd]
    assert worker.reap()
    assert worker.signal_name == "SIGKILL"
    assert worker.exit_code is None
    worker.kill()


def test_what_is_raised_is_written_down(fork, tmp_path):
    def work(worker, plan, region, control, run_tag):
        raise SystemExit("never mind")

    [worker] = fork(work, workers=1)
    wait_for([worker])
    assert worker.exit_code == CRASHED
    assert "never mind" in (tmp_path / "worker-0-crash.txt").read_text()


def test_secrets_in_what_is_raised_are_not_written_down(fork, tmp_path):
    def work(worker, plan, region, control, run_tag):
        raise RuntimeError(f"no way to {plan.target} with {plan!r}")

    [worker] = fork(work, workers=1, url="ws://127.0.0.1:1/?ticket=hunter2-hunter2")
    wait_for([worker])
    told = (tmp_path / "worker-0-crash.txt").read_text()
    assert "no way to ws://127.0.0.1:1/?ticket=*** with EchoPlan(" in told
    assert "hunter2" not in told


def test_a_child_that_somebody_else_waited_for_has_ended(fork):
    [worker] = fork(lambda *given: 0, workers=1)
    os.waitpid(worker.pid, 0)
    assert worker.reap()
    assert not worker.alive


def test_the_collector_is_as_before(fork):
    before = gc.get_freeze_count()
    wait_for(fork(lambda *given: 0 if gc.get_freeze_count() > 1000 else 1))
    assert gc.get_freeze_count() == before


def test_none_is_left_when_the_system_refuses_one(fork, monkeypatch):
    real_fork, allowed = os.fork, iter([True, True])

    def scarce():
        if next(allowed, False):
            return real_fork()
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", scarce)
    before = open_files()
    with pytest.raises(SurgewireError, match=r"worker 2 of 4 .* use a lower `--processes`"):
        fork(lambda *given: time.sleep(60) or 0, workers=4)
    assert open_files() == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
