"""``surgewire watch``: a run that goes on, seen from another terminal."""

from pathlib import Path
from typing import Annotated

import typer

HELP = """\
Show a run that goes on, from another terminal.

Reads the journal that the run writes and shows the same view as the run's own terminal does.
The run takes no notice: watching may begin and end at any time. When the run ends, its verdict
and the place of its report are printed.

\b
Examples:
  surgewire watch
  surgewire watch surgewire-runs/20260131-120000-echo-1a2b

\b
Ctrl-C leaves; the run goes on.
Exit codes: 0 the run has ended, whatever its verdict, 2 there is no such run,
130 left before.
"""


def watch(
    run: Annotated[
        Path | None,
        typer.Argument(
            metavar="RUN",
            help="The folder of a run, or its journal. [default: the newest run]",
            show_default=False,
        ),
    ] = None,
    runs_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where to look for the newest run. [default: surgewire-runs]",
        ),
    ] = None,
) -> int:
    """Run ``surgewire watch``; return the exit code."""
    from surgewire.engine.rundir import RUNS_DIR, newest_run_dir, open_run_dir
    from surgewire.report.watch import farewell, watch_run

    run_dir = newest_run_dir(Path(runs_dir or RUNS_DIR)) if run is None else open_run_dir(run)
    result = watch_run(run_dir.path, run_dir.journal_path)
    print(*farewell(result, run_dir.path), sep="\n")
    return 0
