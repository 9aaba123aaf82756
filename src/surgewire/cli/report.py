"""``surgewire report``: the report of an earlier run."""

from pathlib import Path
from typing import Annotated

import typer

from surgewire.cli import options

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
            help="Write the histograms as an HdrHistogram log, which standard tools read.",
        ),
    ] = None,
) -> int:
    """Run ``surgewire report``; return the exit code."""
    from surgewire.cli import output
    from surgewire.cli.places import check_writable

    check_writable("--json", json)
    check_writable("--hdr", hdr)
    from surgewire.engine.run import load_run

    result = load_run(run)
    if json != output.STANDARD_OUTPUT:
        output.print_report(result)
    if json is not None:
        output.write_json(result, json)
    if hdr is not None:
        output.write_hdr(run, hdr)
    return 0
