"""Each kind of process killed at random moments: a report is there, and nothing else is left.

`SURVIVE_ROUNDS` rounds (one of each kind unless set) at moments drawn from `SURVIVE_SEED`; `make
survive` does 50.
"""

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.conftest import eventually
from tests.integration.survival import UNCOUNTED, USERS, Scene, moments, scene

VICTIMS = ("worker", "supervisor", "target", "interrupted", "interrupted twice")
KINDS = ("echo", "chat")
ROUNDS = int(os.environ.get("SURVIVE_ROUNDS", len(VICTIMS)))
SEED = int(os.environ.get("SURVIVE_SEED", "1"))
# From the first record on: connecting, 1 s of sending, draining, closing.
LONGEST_S = 1.6


def strike(victim: str, stage: Scene, dice: random.Random) -> None:
    """Do to the run, or to its target, what the round is about."""
    assert stage.run is not None
    if victim == "target":
        stage.kill_target()
    elif victim == "supervisor":
        stage.run.kill()
    elif victim == "worker":
        workers = stage.workers()
        if workers:
            try:
                dice.choice(workers).kill()
            except psutil.NoSuchProcess:
                return
    else:
        stage.run.send_signal(signal.SIGINT)
        if victim == "interrupted twice":
            time.sleep(dice.uniform(0.0, 0.3))
            stage.run.send_signal(signal.SIGINT)


def check(victim: str, stage: Scene, code: int, result: dict[str, Any]) -> None:
    """Check what is told of a run against what was done to it."""
    status = result["verdict"]["status"]
    codes = {"interrupted": {130}, "running": set(), "failed": {1}, "fail": {99}}
    if victim == "supervisor" and code == -signal.SIGKILL:
        assert status in ("interrupted", "pass", "doubtful")
        ended = status != "interrupted"
        assert ended != ("journal_incomplete" in [doubt["code"] for doubt in result["doubts"]])
        return
    assert code in codes.get(status, {0}), (code, status)
    assert "journal_incomplete" not in [doubt["code"] for doubt in result["doubts"]]
    deaths = [event for event in result["events"] if event["kind"] == "worker_died"]
    assert len(deaths) <= (victim == "worker")
    if deaths:
        assert status == "fail"
        assert deaths[0]["detail"]["signal"] == "SIGKILL"


def check_against_the_target(stage: Scene, account: dict[str, Any], *, whole: bool) -> None:
    """Compare with the target's record: nothing was delivered that it did not write."""
    truth = stage.truth()
    assert account["delivered"] <= truth["sent"]
    if whole and stage.kind == "echo":
        assert truth["received"] <= account["sent"] + UNCOUNTED
        # What was on its way when a side ended may have been counted by neither.
        assert account["sent"] >= account["expected"] >= account["delivered"]


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.timeout(90)
def test_nothing_is_lost(number: int, tmp_path: Path) -> None:
    victim = VICTIMS[number % len(VICTIMS)]
    # All pairs of both in twice as many rounds as there are victims.
    kind = KINDS[(number + number // len(VICTIMS)) % len(KINDS)]
    dice = moments(SEED * 10_000 + number)
    delay_s = dice.uniform(0.0, LONGEST_S)
    print(f"round {number}: {kind}, {victim}, {delay_s:.3f} s after the first record")
    with scene(tmp_path / "scene", kind) as stage:
        stage.start_target()
        stage.start_run()
        stage.wait_for_the_first_record()
        time.sleep(delay_s)
        assert stage.shared_by_name() == []
        strike(victim, stage, dice)
        code, _, _ = stage.end_run()
        result = stage.report()
        check(victim, stage, code, result)
        stage.stop_target()
        if victim != "target":
            check_against_the_target(stage, result["delivery"], whole=victim != "supervisor")


def test_a_supervisor_killed_before_it_has_begun_leaves_nothing(tmp_path: Path) -> None:
    dice = moments(SEED)
    with scene(tmp_path / "scene") as stage:
        stage.start_target()
        stage.start_run()
        time.sleep(dice.uniform(0.0, 0.8))
        assert stage.run is not None
        stage.run.kill()
        stage.run.communicate()


def test_a_target_that_is_killed_and_started_again(tmp_path: Path) -> None:
    with scene(tmp_path / "scene") as stage:
        stage.start_target()
        stage.start_run(connections="200", ramp="3s", duration="1s", rate="5/s")
        assert eventually(
            lambda: (so_far := stage.so_far()) and so_far.connections.established >= 20
        )
        stage.kill_target()
        time.sleep(0.5)
        stage.start_target()
        code, _, _ = stage.end_run()
        result = stage.report()
        connections = result["connections"]
        assert code == 99
        assert result["verdict"]["status"] == "fail"
        # Those that were open, those that came meanwhile, those that came later.
        assert set(connections["closed"]) <= {"tcp_reset", "eof"}
        assert sum(connections["closed"].values()) >= 20
        assert "tcp_refused" in connections["errors"]
        later = connections["established"] - sum(connections["closed"].values())
        assert later > 0
        account = result["delivery"]
        assert account["delivered"] == account["expected"] == 5 * later


def test_a_chat_target_that_is_killed_and_started_again(tmp_path: Path) -> None:
    with scene(tmp_path / "scene", "chat") as stage:
        stage.start_target()
        stage.start_run(duration="4s", churn="1%/m", rate="20/s")
        stage.wait_for_sending()
        stage.kill_target()
        time.sleep(0.3)
        stage.start_target()
        code, _, _ = stage.end_run()
        result = stage.report()
        assert (code, result["verdict"]["status"]) == (99, "fail")
        # All were cut off, once; all came back, and hear each other again.
        assert sum(result["connections"]["closed"].values()) == USERS
        assert result["reconnects"]["cut_off"] == USERS
        assert result["reconnects"]["rejoined"] >= USERS
        [episode] = result["episodes"]["first"]
        assert (episode["before"], episode["cut_off"], episode["now"]) == (USERS, USERS, USERS)
        assert 0 < episode["half_back_s"] <= episode["most_back_s"] <= episode["all_back_s"] < 4
        assert "cut off" in stage.text
        stage.stop_target()
        truth = stage.truth()
        # Both targets' records together. The killed one's may lack its last lines, or none.
        delivery = result["delivery"]
        assert delivery["delivered"] + delivery["before_join"] >= truth["sent"] > 0
        assert result["delivery"]["lost"] == 0


def test_a_worker_that_stands_still_is_not_the_targets_latency(tmp_path: Path) -> None:
    with scene(tmp_path / "scene") as stage:
        stage.start_target()
        stage.start_run(duration="4s")
        stage.wait_for_sending()
        worker = stage.workers()[0]
        worker.suspend()
        time.sleep(3.0)
        worker.resume()
        code, _, _ = stage.end_run()
        result = stage.report()
        stage.stop_target()
        # What the target itself recorded: it was never slow.
        assert stage.truth()["slow"] == 0
        assert result["metrics"]["message_latency"]["max"] > 2_500
        assert result["delivery"]["planned"] == result["delivery"]["sent"]
        found = {doubt["code"]: doubt["message"] for doubt in result["doubts"]}
        assert {"loop_lag", "send_lag"} <= found.keys()
        assert "a worker stood still for " in found["loop_lag"]
        assert "! loop_lag" in stage.text
        # Late by the planned instant, and not held against the target.
        assert result["delivery"]["late"] > 0
        assert (code, result["verdict"]["status"]) == (0, "doubtful")
        assert "own standstill" in stage.text
