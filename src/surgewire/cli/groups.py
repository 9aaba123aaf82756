"""Groups of options that several commands share, each written down once.

A group is a class whose annotated attributes are options. ``@takes(Group, …)`` puts the options of
the groups behind a command's own, and hands the values to the command as one dict of plan fields.
"""

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

Command = Callable[..., int]


class OptionGroup:
    """Options that belong together. Each default is None or False: what was not given."""

    PART: ClassVar[str | None] = None
    """The part of a plan that the options set; None where they are fields of the plan itself."""

    TITLE: ClassVar[str | None] = None
    """Heading of the options in the help; None where they stand among the command's own."""

    @classmethod
    def parameters(cls) -> list[inspect.Parameter]:
        """Return the options as parameters of a function."""
        options = inspect.get_annotations(cls)
        for kind in options.values():
            for option in getattr(kind, "__metadata__", ()):
                option.rich_help_panel = cls.TITLE
        return [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=getattr(cls, name), annotation=kind
            )
            for name, kind in options.items()
            if name not in ("PART", "TITLE")
        ]


def takes(*groups: type[OptionGroup]) -> Callable[[Command], Command]:
    """Give a command the options of `groups`; their values come to it as ``given``.

    ``given`` holds the options that were written on the command line, by field of the plan: those
    of a group with a PART in a dict of its own. Raises TypeError for an option that two groups
    have, or a group and the command.
    """

    def give(command: Command) -> Command:
        own = [p for p in inspect.signature(command).parameters.values() if p.name != "given"]
        names = [parameter.name for parameter in own]
        shared = [parameter for group in groups for parameter in group.parameters()]
        for parameter in shared:
            if parameter.name in names:
                raise TypeError(f"{command.__name__} has the option {parameter.name!r} twice")
            names.append(parameter.name)

        def run(**values: Any) -> int:
            given = _given(groups, values)
            return command(**{p.name: values[p.name] for p in own}, given=given)

        run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, __name__
        signature = inspect.Signature([*_keyword_only(own), *shared], return_annotation=int)
        run.__signature__ = signature  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        return run

    return give


def _keyword_only(parameters: list[inspect.Parameter]) -> list[inspect.Parameter]:
    return [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]


def _given(groups: tuple[type[OptionGroup], ...], values: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for group in groups:
        written = {
            parameter.name: values[parameter.name]
            for parameter in group.parameters()
            if values[parameter.name] not in (parameter.default, None, [], ())
        }
        if group.PART is None:
            fields |= written
        elif written:
            fields[group.PART] = written
    return fields
