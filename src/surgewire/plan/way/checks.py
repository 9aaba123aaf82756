"""What the parts of a plan must have in common. Each check raises UnitError with one line."""

from collections.abc import Collection

from surgewire.plan.target import Target
from surgewire.plan.template import SLOTS, TemplateError, parse_template, slots_of
from surgewire.plan.units import UnitError, shorten
from surgewire.plan.way.request import RequestPart
from surgewire.plan.way.tls import TlsPart


def check_request(
    request: RequestPart,
    target: Target,
    *,
    url_slots: Collection[str],
    connections: int,
    total_option: str,
    others: Collection[str] = (),
) -> None:
    """See that every slot can be filled, for every user, and that the table of users is of use.

    url_slots: what the kind of run fills in by itself. total_option: how it spells the number of
    connections. others: the names of slots in what else is filled for each user.
    """
    allowed = (*dict.fromkeys((*url_slots, "user")), *request.columns)
    used = set(others) | _slots("URL", target.resource, allowed, url_slots)
    for option, texts in request.templates().items():
        for text in texts:
            used |= _slots(option, text, allowed, url_slots)
    _check_users(request, used, connections, total_option)
    _check_credentials(request, target)


def check_messages(request: RequestPart, columns: Collection[str], marker_start: str) -> None:
    """See that no value in `columns`, which stand in messages, could be taken for a marker."""
    users = request.users
    if users is None:
        return
    for column in columns:
        if any(marker_start.encode() in users.value(row, column) for row in range(len(users))):
            raise UnitError(
                f"--send: {users.name} has {marker_start}, with which markers begin, in column "
                f"{shorten(column)}; write something else"
            )


def _slots(
    option: str, text: str, allowed: Collection[str], url_slots: Collection[str]
) -> set[str]:
    if "{{" not in text:
        return set()
    try:
        return slots_of(parse_template(text, allowed=allowed))
    except TemplateError as error:
        hint = ""
        if "room" not in url_slots and "{{room}}" in text.replace(" ", ""):
            hint = "; rooms are those of `surgewire chat`"
        raise UnitError(f"{option}: {error}{hint}") from None


def _check_users(request: RequestPart, used: set[str], connections: int, total_option: str) -> None:
    users = request.users
    if users is None:
        return
    for column in users.columns:
        if column in SLOTS and column in used:
            raise UnitError(
                f"--users: {users.name} has a column {shorten(column)}, but {{{{{column}}}}} is "
                f"{SLOTS[column]}; rename the column"
            )
    if not used & set(users.columns):
        raise UnitError(
            f"--users: no column of {users.name} is used; write a slot with "
            "a name of its first line, such as --header 'Authorization: Bearer {{token}}'"
        )
    if request.users_mode == "once" and len(users) < connections:
        raise UnitError(
            f"--users-mode once: {users.name} has {len(users):,} rows for {total_option} "
            f"{connections:,}; write as many rows, fewer connections or --users-mode round-robin"
        )
    _check_cells(request)


def _check_cells(request: RequestPart) -> None:
    """Refuse values that would be more than the one cookie or subprotocol they stand in."""
    users = request.users
    assert users is not None
    for option, texts, wrong in (
        ("--cookie", [value for _, value in request.cookies], b";"),
        ("--subprotocol", request.subprotocols, b',; "/()<>@:\\[]?={}'),
    ):
        parts = [parse_template(text, allowed=(*SLOTS, *users.columns)) for text in texts]
        columns = set().union(*map(slots_of, parts)) & set(users.columns)
        for column in sorted(columns):
            _check_column(request, option, column, wrong)


def _check_column(request: RequestPart, option: str, column: str, wrong: bytes) -> None:
    users = request.users
    assert users is not None
    for row in range(len(users)):
        value = users.value(row, column)
        if not value or any(byte in wrong for byte in value):
            raise UnitError(
                f"{option}: {users.name}, row {row + 1}: {shorten(column)} is empty or has a "
                f"character that cannot stand there, one of {wrong.decode()!r}; take it out"
            )


def _check_credentials(request: RequestPart, target: Target) -> None:
    if target.userinfo and any(name.lower() == "authorization" for name, _ in request.headers):
        raise UnitError(
            "--header sets Authorization, and so does the user name in the URL; write one of them"
        )


def check_tls(tls: TlsPart, target: Target, *, follow: bool) -> None:
    """See that options of TLS have something to be about: the target, or where it redirects to."""
    standard = TlsPart()
    given = [name for name in TlsPart.model_fields if getattr(tls, name) != getattr(standard, name)]
    if given and not target.secure and not follow:
        option = "--" + given[0].replace("_", "-")
        raise UnitError(f"{option} is about TLS, and the target is a ws:// URL; write wss://")
