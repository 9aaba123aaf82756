"""From a plan to a result: the whole of a run, and the way back from what is on disk."""

import contextlib
import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path

from surgewire.doctor.machine import Machine
from surgewire.engine.journal import JournalWriter
from surgewire.engine.journal_format import JournalError
from surgewire.engine.limits import Fitness, LimitError, check_limits, raise_file_limit
from surgewire.engine.machine import describe_machine
from surgewire.engine.observer import Observer, SilentObserver
from surgewire.engine.process import WorkerMain, end_workers, fork_workers
from surgewire.engine.recorder import Recorder
from surgewire.engine.rundir import (
    RUNS_DIR,
    RunDir,
    RunDirError,
    create_run_dir,
    open_run_dir,
)
from surgewire.engine.shared import SharedRegion
from surgewire.engine.signals import SignalInbox
from surgewire.engine.supervisor import Supervisor
from surgewire.engine.tail import JournalTail
from surgewire.engine.target_meter import TargetMeter
from surgewire.engine.timetable import Patience
from surgewire.engine.traces import check_traces
from surgewire.engine.way.tls import check_tls
from surgewire.engine.windows import fanout_slots, stream_rate_per_s
from surgewire.engine.worker import worker_main
from surgewire.plan.models import ChatPlan, Plan
from surgewire.plan.secrets import Redactor
from surgewire.release import release
from surgewire.results.record import FORMAT, StartRecord
from surgewire.results.result import Result
from surgewire.results.tally import Tally

# The marker has 30 bits for the run.
_RUN_TAG_BITS = 30


def run(
    plan: Plan,
    *,
    runs_dir: str | Path | None = None,
    observer: Observer | None = None,
) -> Result:
    """Do what `plan` says and return what happened.

    The run is kept in a new folder below `runs_dir` (``surgewire-runs`` here, unless given), and
    `observer` is told of it while it goes on. In the main thread, SIGINT and SIGTERM stop the run
    in good order. Raises SurgewireError (LimitError, RunDirError) when it cannot be done at all;
    trouble during the run is part of the result.
    """
    return execute(plan, worker_main, runs_dir=runs_dir, observer=observer)


def execute(
    plan: Plan,
    work: WorkerMain,
    *,
    runs_dir: str | Path | None = None,
    observer: Observer | None = None,
    patience: Patience | None = None,
) -> Result:
    """Do what run() does, with any `work` and `patience`."""
    observer = observer or SilentObserver()
    runs_dir = Path(runs_dir or RUNS_DIR)
    fitness = check_limits(plan, Machine.here(), runs_dir)
    check_traces(plan)
    check_tls(plan)
    meter = None if plan.target_pid is None else TargetMeter(plan.target_pid)
    raise_file_limit(fitness.files)
    region = _map_region(plan)
    run_dir = create_run_dir(runs_dir, plan.kind, plan.public_dict(), _now())
    tally = Tally()
    with contextlib.closing(_create_journal(run_dir)) as journal:
        recorder = Recorder(journal, tally, observer, Redactor(plan.secret_values()))
        with SignalInbox() as signals:
            workers = fork_workers(
                plan,
                region,
                work,
                run_tag=secrets.randbits(_RUN_TAG_BITS),
                crash_dir=run_dir.path,
                inherited=(signals, journal),
            )
            try:
                observer.started(run_dir.path, plan)
                _open_record(recorder, run_dir, plan, fitness)
                Supervisor(plan, region, workers, recorder, signals, patience, meter).run()
            finally:
                end_workers(workers)
        result = _write_result(run_dir, tally, recorder)
    observer.finished(result)
    return result


def load_run(path: str | Path) -> Result:
    """Return the result of an earlier run, from its folder or its journal.

    Works as well for a run that goes on, was killed, or whose journal is torn: it then tells of
    the time up to the last whole record. Raises RunDirError and JournalError.
    """
    run_dir = open_run_dir(Path(path))
    tally = Tally()
    with JournalTail(run_dir.journal_path) as tail:
        for number, record in enumerate(tail.follow()):
            try:
                tally.add(record)
            except ValueError as error:
                raise JournalError(f"{run_dir.journal_path}, record {number}: {error}") from error
        tally.running = tail.running
    if tally.start is None:
        raise JournalError(f"{run_dir.journal_path} holds no whole record")
    return tally.result()


def _map_region(plan: Plan) -> SharedRegion:
    try:
        if isinstance(plan, ChatPlan):
            slots = fanout_slots(stream_rate_per_s(plan), plan.deadline_ns)
            return SharedRegion(plan.processes, plan.rooms, slots, apart=bool(plan.behave))
        return SharedRegion(plan.processes, apart=bool(plan.behave))
    except (OSError, MemoryError) as error:
        raise LimitError(
            f"the shared memory of {plan.processes} workers cannot be had ({error}); "
            "use a lower `--processes`"
        ) from error


def _create_journal(run_dir: RunDir) -> JournalWriter:
    try:
        return JournalWriter(run_dir.journal_path)
    except OSError as error:
        shutil.rmtree(run_dir.path, ignore_errors=True)
        why = (error.strerror or str(error)).lower()
        raise RunDirError(f"{run_dir.journal_path} cannot be written: {why}") from error


def _open_record(recorder: Recorder, run_dir: RunDir, plan: Plan, fitness: Fitness) -> None:
    recorder.add(
        StartRecord(
            format=FORMAT,
            run_id=run_dir.run_id,
            started_at=_now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            plan=plan.public_dict(),
            version=release(),
            machine=describe_machine(),
        )
    )
    for note in fitness.notes:
        recorder.event(0.0, "note", text=note)


def _write_result(run_dir: RunDir, tally: Tally, recorder: Recorder) -> Result:
    result = tally.result()
    try:
        run_dir.write_result(result.to_dict())
    except RunDirError as error:
        # The run is over and its figures are here: worth a word, no reason to lose them.
        at_s = tally.timeline.at_s
        recorder.event(at_s, "journal_failed", reason=str(error))
        return tally.result()
    return result


def _now() -> datetime:
    return datetime.now(UTC)
