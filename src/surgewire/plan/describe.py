"""What is wrong with a plan, in one line."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from surgewire.plan.models import ChatPlan, ConnectPlan, EchoPlan
from surgewire.plan.secrets import Redactor, Secret, secrets_in, secrets_in_url
from surgewire.plan.units import shorten
from surgewire.plan.way.part import Part

_UNITS = ("_ns", "_bytes", "_ppm")
_EXAMPLES = {"target": "ws://127.0.0.1:8765/", "connections": "{} 1000", "rate": "{} 1/s"}
_PLANS = {model.__name__: model for model in (EchoPlan, ConnectPlan, ChatPlan)}


def describe_error(error: ValidationError) -> str:
    """Say what is wrong first: the field as the command line spells it, and what to write.

    Takes errors of the plans and of the targets' configurations. Secrets in the value that was
    refused are hidden.
    """
    first = error.errors(include_url=False)[0]
    given: Any = first.get("input")
    for step in reversed(first["loc"]):
        given = {step: given}
    return Redactor(_secrets_given(given, _secret_names())).redact(_describe(error.title, first))


def _describe(title: str, first: Any) -> str:
    message = _message(first["type"], first)
    if not first["loc"]:
        return message
    model, field = _place(_PLANS.get(title), [str(step) for step in first["loc"]])
    if model is not None and _part_of(model, field) is not None:
        # About several options of a part, which the message names.
        return message
    spelled = (model.OPTIONS.get(field) if model else None) or option_name(field)
    if first["type"] == "missing" and field in _EXAMPLES:
        message += f"; write for example {_EXAMPLES[field].format(spelled)}"
    return f"{spelled}: {message}"


def _place(model: type[Part] | None, steps: list[str]) -> tuple[type[Part] | None, str]:
    """Return the part of a plan in which a field lies, and the field's name."""
    while model is not None and len(steps) > 1 and (part := _part_of(model, steps[0])):
        model, steps = part, steps[1:]
    return model, steps[0]


def _part_of(model: type[Part], field: str) -> type[Part] | None:
    """Return the part that a field of a plan holds; None for one that holds a value."""
    info = model.model_fields.get(field)
    held = None if info is None else info.annotation
    return held if isinstance(held, type) and issubclass(held, Part) else None


def option_name(field: str) -> str:
    """``--connect-timeout`` for ``connect_timeout_ns``: the option that sets a field."""
    for unit in _UNITS:
        field = field.removesuffix(unit)
    return "--" + field.replace("_", "-")


def _message(kind: str, details: Any) -> str:
    match kind:
        case "value_error":
            return str(details["ctx"]["error"])
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "there is no such field"
        case _:
            text = str(details["msg"])
            return f"{shorten(details['input'])}: {text[:1].lower()}{text[1:]}"


def secret_options() -> frozenset[str]:
    """Return the options whose values are secret as a whole, as the command line spells them."""
    return frozenset(
        model.OPTIONS.get(name) or option_name(name) for model in _models() for name in model.SECRET
    )


def _models() -> Iterator[type[Part]]:
    """Give the plans and the parts that they are made of."""
    for plan in _PLANS.values():
        yield plan
        for field in plan.model_fields.values():
            if isinstance(field.annotation, type) and issubclass(field.annotation, Part):
                yield field.annotation


def _secret_names() -> frozenset[str]:
    """Return the fields that are secret, by all names under which they may be given."""
    names: set[str] = set()
    for model in _models():
        names |= model.SECRET
        names |= {short for short, full in model.SYNONYMS.items() if full in model.SECRET}
    return frozenset(names)


def _secrets_given(given: Any, names: frozenset[str]) -> Iterator[Secret]:
    """Give what is secret in values by field names, before any of them was understood."""
    if isinstance(given, Mapping):
        for name, value in given.items():
            yield from secrets_in(value) if name in names else _secrets_given(value, names)
    elif isinstance(given, str) and "://" in given:
        yield from secrets_in_url(given)
