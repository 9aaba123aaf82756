"""Rules by which a run stops of itself, for the target's sake: ``failed>20%``, ``http_503>100``."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from surgewire.plan.units import UnitError, format_share, parse_count, parse_share, shorten

ATTEMPTS = "attempts"
CONNECTIONS = "connections"
JOINS = "joins"
DELIVERIES = "deliveries"

FIGURES = {
    "failed": ATTEMPTS,
    "closed": CONNECTIONS,
    "join_failed": JOINS,
    "lost_to_disconnect": DELIVERIES,
    "late": DELIVERIES,
    "duplicated": DELIVERIES,
    "damaged": DELIVERIES,
    "misrouted": DELIVERIES,
}
"""What a rule may look at besides a kind of error, and what it is a share of."""

MAX_RULES = 32
LEAST_FOR_A_SHARE = 20
"""A share is looked at from so many outcomes on, or the first failure would be 100 %."""

_EXAMPLE = "'failed>20%' or 'http_503>100'"
_RULE = re.compile(r"\s*([^\s<>=]+)\s*(>)\s*([^\s<>=]+)\s*")
_KIND = re.compile(
    r"http_[1-9]\d\d|close_\d{4}|dns|eof|interrupted|worker_died|other|"
    r"(?:tcp|tls|timeout|upgrade|protocol|proxy|redirect|unix|local)_[a-z0-9_]{1,40}"
)


@dataclass(frozen=True, slots=True)
class AbortRule:
    """Stop when `figure` goes above `limit`.

    figure: one of FIGURES, or a kind of error as it is counted; limit: a count, or millionths of
    what the figure is a share of where `share` is True.
    """

    figure: str
    limit: int
    share: bool

    def __str__(self) -> str:
        shown = format_share(self.limit) if self.share else str(self.limit)
        return f"{self.figure}>{shown}"

    def crossed(self, value: int, outcomes: int, least: int = LEAST_FOR_A_SHARE) -> bool:
        """Tell whether `value` of `outcomes` is too much.

        least: how many outcomes a share needs before it is looked at.
        """
        if not self.share:
            return value > self.limit
        return outcomes >= least and value * 1_000_000 > self.limit * outcomes


def parse_abort_rule(text: str) -> AbortRule:
    """Read ``NAME>COUNT`` or ``NAME>SHARE%``. Raises UnitError, which shows how it is written."""
    match = _RULE.fullmatch(text)
    if match is None:
        raise UnitError(f"{shorten(text)} is no rule; write for example {_EXAMPLE}")
    figure, _, limit = match.groups()
    if figure not in FIGURES and not _KIND.fullmatch(figure):
        raise UnitError(
            f"{shorten(figure)} is nothing that is counted; write {', '.join(FIGURES)}, or a kind "
            "of error such as http_503 or timeout_connect"
        )
    try:
        share = limit.endswith("%")
        return AbortRule(figure, parse_share(limit) if share else parse_count(limit), share)
    except UnitError as error:
        raise UnitError(f"{shorten(text)}: {error}") from None


def _read(value: Any) -> Any:
    rules = [value] if isinstance(value, str | AbortRule) else value
    if not isinstance(rules, list | tuple) or not all(
        isinstance(r, str | AbortRule) for r in rules
    ):
        raise UnitError(f"{shorten(value)} is no list of rules; write for example {_EXAMPLE}")
    if len(rules) > MAX_RULES:
        raise UnitError(f"{len(rules)} rules are too many; write {MAX_RULES} at most")
    return tuple(parse_abort_rule(rule) if isinstance(rule, str) else rule for rule in rules)


AbortRules = Annotated[
    tuple[AbortRule, ...],
    BeforeValidator(_read),
    PlainSerializer(lambda rules: [str(rule) for rule in rules]),
]
