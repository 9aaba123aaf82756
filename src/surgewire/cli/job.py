"""What ``echo``, ``connect`` and ``demo`` share: flags to a plan, a plan to an exit code."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from surgewire.cli import interrupts, output
from surgewire.cli.failure import why_failed
from surgewire.cli.places import STANDARD_OUTPUT, check_writable
from surgewire.cli.secrecy import hide_arguments
from surgewire.errors import SurgewireError, UsageError
from surgewire.plan.describe import describe_error
from surgewire.plan.models import Plan, plan_from_dict
from surgewire.results.verdict import Status

if TYPE_CHECKING:
    from surgewire.results.result import Result

EXIT_CODES = {
    Status.PASS: 0,
    Status.DOUBTFUL: 0,
    Status.FAIL: 99,
    Status.RUNNING: 0,
    Status.INTERRUPTED: 130,
    Status.FAILED: 1,
}


def make_plan(**flags: Any) -> Plan:
    """Make a plan of flags by field names; None is a flag that was not given.

    Raises UsageError with one line that names the flag, what is wrong and what to write.
    """
    hide_arguments()
    try:
        return plan_from_dict({name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        raise UsageError(describe_error(error)) from None


def perform(plan: Plan, *, json: Path | None, runs_dir: Path | None, quiet: bool) -> int:
    """Run a plan, show and write what came out, and return the exit code.

    Raises UsageError when a place cannot be written, SurgewireError when the run cannot be done
    or could not be.
    """
    check_writable("--json", json)
    with interrupts.left_to_the_run():
        return _perform(plan, json, runs_dir, quiet)


def _perform(plan: Plan, json: Path | None, runs_dir: Path | None, quiet: bool) -> int:
    from surgewire.engine.run import run
    from surgewire.engine.rundir import RUNS_DIR

    with output.live_view(quiet=quiet) as observer:
        result = run(plan, runs_dir=runs_dir, observer=observer)
    try:
        if not quiet:
            run_dir = Path(runs_dir or RUNS_DIR) / result.run.id
            output.print_report(result, run_dir, to_stderr=json == STANDARD_OUTPUT)
    finally:
        # A reader of the report that left early costs nobody the file.
        if json is not None:
            output.write_json(result, json)
    if result.verdict.status is Status.FAILED:
        raise SurgewireError(why_failed(result))
    return exit_code(result)


def exit_code(result: "Result") -> int:
    """Return the exit code that the verdict on a run stands for."""
    return EXIT_CODES[result.verdict.status]
