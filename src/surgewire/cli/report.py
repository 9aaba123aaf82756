"""``surgewire report``: the report of an earlier run."""

from pathlib import Path
from typing import Annotated

import typer

from surgewire.cli import options
from surgewire.errors import UsageError

HELP = """\
Rebuild the report of a run from its journal.

Works for every run that was begun: finished, interrupted, still going, or killed. Then it
tells all up to the last whole second.

\b
Examples:
  surgewire report surgewire-runs/20260131-120000-echo-1a2b
  surgewire report surgewire-runs/20260131-120000-echo-1a2b --json out.json
  surgewire report surgewire-runs/20260131-120000-echo-1a2b --hdr run.hlog
"""


def report(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="The folder of a run, or its journal.")
    ],
    json: options.JsonFile = None,
    hdr: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the histograms as an HdrHistogram log, which standard tools read; "
            "- is standard output.",
        ),
    ] = None,
) -> int:
    """Run ``surgewire report``; return the exit code."""
    from surgewire.cli import output
    from surgewire.cli.places import STANDARD_OUTPUT, check_writable

    check_writable("--json", json)
    check_writable("--hdr", hdr)
    if json == hdr == STANDARD_OUTPUT:
        raise UsageError("--json - and --hdr - both take standard output; write one to a file")
    from surgewire.engine.run import load_run

    result = load_run(run)
    if STANDARD_OUTPUT not in (json, hdr):
        output.print_report(result, run)
    if json is not None:
        output.write_json(result, json)
    if hdr is not None:
        output.write_hdr(run, hdr)
    return 0
