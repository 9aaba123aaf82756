"""The search for the highest rate of connecting that a target holds: one run after the other."""

import select
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

from surgewire.engine.limits import LimitError
from surgewire.engine.observer import Observer
from surgewire.engine.run import run
from surgewire.engine.rundir import RUNS_DIR, create_run_dir
from surgewire.engine.signals import STOP_SIGNALS, SignalInbox
from surgewire.errors import SurgewireError
from surgewire.plan.find import FindPlan
from surgewire.release import release
from surgewire.results.find import FindResult, FindStep, weigh
from surgewire.results.rate_search import Outcome, RateSearch
from surgewire.results.result import Result
from surgewire.results.verdict import Status

SETTLE_S = 0.5
"""Between two steps, for the target to be done with the one before."""

Watch = Callable[[int], AbstractContextManager[Observer | None]]


class UnreachableError(SurgewireError):
    """The target let nobody in at the first rate, so that there is nothing to search for."""

    def __init__(self, result: Result) -> None:
        """Take the result of the only step."""
        super().__init__(f"{result.target.url}: no connection was established")
        self.result = result


def find_rate(
    plan: FindPlan,
    *,
    runs_dir: str | Path | None = None,
    watch: Watch | None = None,
    told: Callable[[FindStep], None] | None = None,
) -> FindResult:
    """Try one rate after the other, and return the highest that held, with the evidence.

    A folder is made below `runs_dir` (``surgewire-runs`` here, unless given), with a run folder for
    each step and the result as ``find.json``. watch: gives the observer of the step that tries a
    rate. told: called with each step that is over. SIGINT and SIGTERM stop the step that is under
    way, and the search. Raises SurgewireError where it cannot be done at all (RunDirError,
    UnreachableError).
    """
    now = datetime.now(UTC)
    folder = create_run_dir(Path(runs_dir or RUNS_DIR), "find", plan.public_dict(), now)
    search = RateSearch(plan.low_per_s, plan.high_per_s, within_ppm=plan.within_ppm)
    steps: list[FindStep] = []
    interrupted = False
    while (per_s := search.next_rate) is not None and not interrupted:
        if steps and _stopped_within(SETTLE_S):
            interrupted = True
            break
        step, result = _try(plan, per_s, folder.path, watch)
        interrupted = result is not None and result.verdict.status is Status.INTERRUPTED
        if interrupted:
            break
        if not steps and result is not None and not result.connections.established:
            raise UnreachableError(result)
        steps.append(step)
        if told is not None:
            told(step)
        search.tell(step.outcome, final=result is None)
    found = FindResult(
        id=folder.run_id,
        url=plan.steps.public_dict()["target"],
        started_at=now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        version=release(),
        p99_ms=plan.p99_ns / 1e6,
        steps=tuple(steps),
        conclusion=search.conclusion,
        interrupted=interrupted,
    )
    folder.write_find(found.to_dict())
    return found


def _try(
    plan: FindPlan, per_s: int, folder: Path, watch: Watch | None
) -> tuple[FindStep, Result | None]:
    """Try a rate; there is no result where this machine cannot even begin."""
    with nullcontext() if watch is None else watch(per_s) as observer:
        try:
            result = run(plan.step(per_s), runs_dir=folder, observer=observer)
        except LimitError as error:
            return FindStep(per_s, Outcome.DOUBTFUL, f"this machine: {error}"), None
    return weigh(result, per_s=per_s, p99_ns=plan.p99_ns), result


def _stopped_within(wait_s: float) -> bool:
    """Wait; tell whether somebody asked to stop meanwhile."""
    with SignalInbox() as signals:
        ready, _, _ = select.select([signals], [], [], wait_s)
        return bool(ready) and any(number in STOP_SIGNALS for number in signals.take())
