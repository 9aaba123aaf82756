import inspect
from typing import Annotated, Any, ClassVar

import pytest
import typer

from surgewire.cli.groups import OptionGroup, takes


class Walls(OptionGroup):
    PART: ClassVar[str | None] = "walls"
    TITLE: ClassVar[str | None] = "Walls"

    colour: Annotated[str | None, typer.Option(help="Of the paint.")] = None
    thin: Annotated[bool, typer.Option("--thin", help="Hear the neighbours.")] = False
    green: Annotated[bool | None, typer.Option("--green/--no-green", help="Ivy.")] = None


class Roof(OptionGroup):
    slope: Annotated[str | None, typer.Option(help="In degrees.")] = None


def house(name: str = "h", *, given: dict[str, Any]) -> int:
    seen.append((name, given))
    return 7


seen: list[tuple[str, dict[str, Any]]] = []


def test_a_command_gets_what_was_given_by_part() -> None:
    seen.clear()
    command = takes(Walls, Roof)(house)
    assert command(name="x", colour="red", thin=False, green=False, slope="30") == 7
    assert command(name="y", colour=None, thin=False, green=None, slope=None) == 7
    # What is switched off on purpose was given, too.
    given = {"walls": {"colour": "red", "green": False}, "slope": "30"}
    assert seen == [("x", given), ("y", {})]


def test_the_signature_shows_the_options_of_the_groups() -> None:
    parameters = inspect.signature(takes(Walls, Roof)(house)).parameters
    assert list(parameters) == ["name", "colour", "thin", "green", "slope"]
    panels = {n: getattr(p.annotation, "__metadata__", [None])[0] for n, p in parameters.items()}
    assert panels["colour"].rich_help_panel == "Walls"
    assert panels["slope"].rich_help_panel is None


def test_an_option_twice_is_refused() -> None:
    with pytest.raises(TypeError, match="has the option 'slope' twice"):
        takes(Roof, Roof)(house)
