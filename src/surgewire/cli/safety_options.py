"""What stays secret, and when a run stops by itself."""

from typing import Annotated, ClassVar

import typer

from surgewire.cli.groups import OptionGroup


class SafetyOptions(OptionGroup):
    """What stays secret, and when a run stops by itself."""

    PART: ClassVar[str | None] = None
    TITLE: ClassVar[str | None] = "Safety"

    abort_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE",
            help="Stop for the target's sake when a figure is too high: 'failed>20%' or "
            "'http_503>100'. May be given several times.",
        ),
    ] = None
    secret: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Hide the values of this name too, in messages and in the path of the URL. May "
            "be given several times.",
        ),
    ] = None
