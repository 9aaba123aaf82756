"""What the opening handshake asks for, and who asks."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, PlainSerializer, model_validator

from surgewire.plan.secrets import HIDDEN
from surgewire.plan.units import UnitError
from surgewire.plan.users import UsersField
from surgewire.plan.way import headers as lines
from surgewire.plan.way.headers import Pairs
from surgewire.plan.way.part import Part

_as_lists = PlainSerializer(lambda pairs: [list(pair) for pair in pairs])
_as_list = PlainSerializer(list)

# Names that have an option of their own, and the field of it.
_OWN_OPTIONS = {"origin": "origin", "user-agent": "user_agent", "cookie": "cookies"}

MAX_HOPS = 5
"""How many redirects are followed, one after the other."""


def _line(value: Any) -> Any:
    return lines.check_line(value) if isinstance(value, str) else value


class RequestPart(Part):
    """What the opening handshake asks for, and who asks.

    ``headers=["Name: value"]``, ``cookies=["name=value"]`` and ``queries=["name=value"]`` may be
    given as pairs or as a mapping, too. Slots such as ``{{token}}`` stand for a column of ``users``
    (a ``UserTable``, or a list with a dict for each user) in all values, ``{{user}}`` for the
    user's number.
    """

    OPTIONS: ClassVar[dict[str, str]] = {
        "headers": "--header",
        "cookies": "--cookie",
        "subprotocols": "--subprotocol",
        "queries": "--query",
    }
    SECRET: ClassVar[frozenset[str]] = frozenset({"headers", "cookies", "subprotocols", "queries"})

    headers: Annotated[Pairs, BeforeValidator(lines.parse_headers), _as_lists] = ()
    cookies: Annotated[Pairs, BeforeValidator(lines.parse_cookies), _as_lists] = ()
    origin: Annotated[str, BeforeValidator(_line)] | None = None
    subprotocols: Annotated[
        tuple[str, ...], BeforeValidator(lines.parse_subprotocols), _as_list
    ] = ()
    user_agent: Annotated[str, BeforeValidator(_line)] | None = None
    queries: Annotated[Pairs, BeforeValidator(lines.parse_queries), _as_lists] = ()
    users: UsersField | None = None
    users_mode: Literal["round-robin", "once"] | None = None
    follow: bool = False

    def public_dict(self) -> dict[str, Any]:
        """Give what may be written down: names without values, and how many users there are."""
        # Not made from to_dict: that would spell out a table of a million rows.
        public = self.model_dump(exclude={"users"})
        for name in ("headers", "cookies", "queries"):
            public[name] = [[key, HIDDEN] for key, _ in getattr(self, name)]
        public["subprotocols"] = [HIDDEN] * len(self.subprotocols)
        public["users"] = None if self.users is None else self.users.public_dict()
        return public

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the table of users, each a slot."""
        return () if self.users is None else self.users.columns

    def templates(self) -> dict[str, list[str]]:
        """Return the texts that may hold slots, by the option that they come from."""
        return {
            "--header": [value for _, value in self.headers],
            "--cookie": [value for _, value in self.cookies],
            "--origin": [self.origin or ""],
            "--subprotocol": list(self.subprotocols),
            "--user-agent": [self.user_agent or ""],
            "--query": [value for _, value in self.queries],
        }

    def resource(self, resource: str) -> str:
        """Return path and query, `queries` added to them; slots stay as they were written."""
        if not self.queries:
            return resource
        joint = "&" if "?" in resource else "?"
        return resource + joint + lines.query_text(self.queries)

    def value(self, user: int, column: str) -> bytes:
        """Return what stands in a column for `user`; users share the rows in turn.

        Raises KeyError for an unknown column.
        """
        if self.users is None:
            raise KeyError(column)
        return self.users.value(user % len(self.users), column)

    @model_validator(mode="after")
    def _check_doubles(self) -> Self:
        for name, field in _OWN_OPTIONS.items():
            option = self.OPTIONS.get(field, "--" + field.replace("_", "-"))
            if getattr(self, field) and any(key.lower() == name for key, _ in self.headers):
                raise UnitError(f"--header and {option} both set {name}; write one of them")
        if sum(key.lower() == "host" for key, _ in self.headers) > 1:
            raise UnitError("--header: Host stands there twice; write it once")
        if self.users is None and self.users_mode is not None:
            raise UnitError("--users-mode is about the rows of --users, which is missing; add it")
        return self
