"""``surgewire connect --find-rate``: a plan to a search, what was found to an exit code."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from surgewire.cli import interrupts, output
from surgewire.cli.failure import why_failed
from surgewire.cli.places import STANDARD_OUTPUT, check_writable
from surgewire.cli.secrecy import hide_arguments
from surgewire.errors import SurgewireError, UsageError
from surgewire.plan.describe import describe_error
from surgewire.plan.find import FindPlan
from surgewire.plan.units import UnitError
from surgewire.results.rate_search import Ending

if TYPE_CHECKING:
    from surgewire.results.find import FindResult, FindStep

EXIT_CODES = {
    Ending.FOUND: 0,
    Ending.AT_LEAST: 0,
    Ending.NONE: 99,
    Ending.UNCLEAR: 1,
    Ending.GOING_ON: 130,
}


def make_find_plan(flags: dict[str, Any], *, p99: str | None, step: str | None) -> FindPlan:
    """Make the plan of a search of flags by field names; None is a flag that was not given.

    Raises UsageError with one line that names the flag, what is wrong and what to write.
    """
    hide_arguments()
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return FindPlan.of(p99=p99, step=step, **given)
    except ValidationError as error:
        raise UsageError(describe_error(error)) from None
    except UnitError as error:
        raise UsageError(str(error)) from None


def search(plan: FindPlan, *, json: Path | None, runs_dir: Path | None, quiet: bool) -> int:
    """Carry out a search, show and write what was found, and return the exit code.

    Raises UsageError when a place cannot be written, SurgewireError when the search cannot be done.
    """
    from surgewire.engine.find_rate import UnreachableError, find_rate

    check_writable("--json", json)
    with interrupts.left_to_the_run():
        try:
            found = find_rate(
                plan,
                runs_dir=runs_dir,
                watch=lambda _per_s: output.live_view(quiet=quiet),
                told=None if quiet else _tell,
            )
        except UnreachableError as error:
            raise SurgewireError(why_failed(error.result)) from None
        _show(found, json, runs_dir, quiet=quiet)
    return EXIT_CODES[found.conclusion.ending]


def _tell(step: "FindStep") -> None:
    from surgewire.report.find import step_line

    print(step_line(step), file=sys.stderr, flush=True)


def _show(found: "FindResult", json: Path | None, runs_dir: Path | None, *, quiet: bool) -> None:
    from surgewire.engine.rundir import RUNS_DIR

    try:
        if not quiet:
            folder = Path(runs_dir or RUNS_DIR) / found.id
            output.print_found(found, folder, to_stderr=json == STANDARD_OUTPUT)
    finally:
        if json is not None:
            output.write_json(found, json)
