"""The memory of a run that sends at fifty times the usual pace does not grow, in no process."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.target import serving
from tests.soak.effort import FULL, PACE, RUN_S, TIMEOUT_S, WARM_UP_S
from tests.soak.memory import Slope, resident_bytes, slope

ROOT = Path(__file__).parents[2]
USERS = 40
ROOMS = 10
SAMPLE_EVERY_S = 0.1
ALLOWED_BYTES_PER_S = {
    # Half a byte for each message, of which each of two workers sends and receives 1,200 a second.
    # The smallest object of Python takes 16.
    "worker 0": 60.0 if FULL else 600.0,
    "worker 1": 60.0 if FULL else 600.0,
    # A bin of 8 kB each second in the first two minutes; then the same memory over and over, of
    # which all pages are touched after an hour or two. The records of hours tell whether it grows.
    "supervisor": 2_000.0 if FULL else 20_000.0,
}
LEAK_BYTES_PER_S = 1_200 * 16
"""One such object for each message."""

pytestmark = pytest.mark.timeout(TIMEOUT_S)


def plan_of(kind: str, url: str) -> dict[str, Any]:
    """Make a plan; of a chat run, one whose users are cut off, leave and come back all the time."""
    plan: dict[str, Any] = {"kind": kind, "target": url, "ping": "500ms"}
    if kind == "chat":
        target = url.rstrip("/") + "/?room={{room}}"
        plan |= {"target": target, "rooms": ROOMS, "churn": "100%/s", "reconnect": "10ms..50ms"}
    return plan


@contextmanager
def target_of(kind: str) -> Iterator[str]:
    """Serve; the chat target cuts connections off as well."""
    if kind == "echo":
        with serving("--processes", "1") as url:
            yield url
    else:
        with serving("--cut", "100%/s", kind="chat") as url:
            yield url


def carry_out(plan: dict[str, Any], runs_dir: Path, leak: int = 0) -> dict[str, Slope]:
    """Carry a plan out; return the slope of the memory of each of its processes."""
    plan = plan | {
        "connections": USERS,
        "rate": f"{PACE}/s",
        "duration": f"{WARM_UP_S + RUN_S}s",
        "ramp": "200ms",
        "processes": 2,
    }
    run = subprocess.Popen(
        [sys.executable, "-m", "tests.soak.run", str(runs_dir), json.dumps(plan), str(leak)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with run:
        try:
            series = watch(run)
            out, err = run.communicate()
        finally:
            run.kill()
    assert run.returncode == 0, err
    check(json.loads(out))
    found = {name: slope(values) for name, values in series.items()}
    for name, each in found.items():
        print(f"{name}: {each} bytes/s over {len(series[name])} samples")
    return found


def check(result: dict[str, Any]) -> None:
    """See that the run was a busy one, and that its account holds."""
    account, coming = result["delivery"], result["reconnects"]
    booked = ("delivered", "lost", "lost_to_disconnect", "undecided")
    assert account["expected"] == sum(account[name] for name in booked)
    assert account["delivered"] > USERS * PACE * RUN_S * 0.5
    if result["run"]["kind"] == "chat":
        assert result["rooms"]["identity_holds"]
        assert min(coming["cut_off"], coming["left"], coming["rejoined"]) > 0.2 * USERS * RUN_S


def watch(run: "subprocess.Popen[str]") -> dict[str, list[tuple[float, float]]]:
    """Sample the processes of a run from the end of its warm-up to shortly before its end."""
    series: dict[str, list[tuple[float, float]]] = {}
    workers: list[psutil.Process] = []
    while len(workers) < 2:
        assert run.poll() is None, run.communicate()[1]
        workers = sorted(psutil.Process(run.pid).children(), key=lambda child: child.pid)
        time.sleep(0.01)
    pids = {"supervisor": run.pid, "worker 0": workers[0].pid, "worker 1": workers[1].pid}
    began = time.monotonic()
    while (at_s := time.monotonic() - began) < WARM_UP_S + RUN_S - 1.0:
        time.sleep(SAMPLE_EVERY_S)
        if at_s > WARM_UP_S:
            for name, pid in pids.items():
                series.setdefault(name, []).append((at_s, resident_bytes(pid)))
    return series


def growing(found: dict[str, Slope]) -> set[str]:
    """Name the processes that grow by more than is allowed, with as good as certainty."""
    return {name for name, each in found.items() if each.at_least > ALLOWED_BYTES_PER_S[name]}


@pytest.mark.parametrize("kind", ["echo", "chat"] if FULL else ["chat"])
def test_memory_is_flat_but_in_the_worker_that_leaks(kind: str, tmp_path: Path) -> None:
    with target_of(kind) as url:
        found = carry_out(plan_of(kind, url), tmp_path, leak=LEAK_BYTES_PER_S)
    assert growing(found) == {"worker 1"}


@pytest.mark.skipif(not FULL, reason="the short form has no worker without a leak to spare")
@pytest.mark.parametrize("kind", ["echo", "chat"])
def test_memory_is_flat_in_all_processes(kind: str, tmp_path: Path) -> None:
    with target_of(kind) as url:
        found = carry_out(plan_of(kind, url), tmp_path)
    assert growing(found) == set()
