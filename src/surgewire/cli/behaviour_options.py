"""Users that do not behave."""

from typing import Annotated, ClassVar

import typer

from surgewire.cli.groups import OptionGroup


class BehaviourOptions(OptionGroup):
    """Users that do not behave."""

    PART: ClassVar[str | None] = None
    TITLE: ClassVar[str | None] = "Awkward clients"

    behave: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME:SHARE[@AMOUNT]",
            help="Let a share of the users misbehave, whose losses are kept apart: slow-reader, "
            "pausing-reader, small-buffer, slow-upgrade, fragmented, broken-frames, broken-masks, "
            "ping-flood, vanish, silent. May be repeated.",
        ),
    ] = None
