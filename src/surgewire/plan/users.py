"""The users of a run: what each of them has of its own, a row each, from a table."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, InstanceOf, PlainSerializer

from surgewire.plan.units import shorten
from surgewire.plan.users_text import UsersError, rows_of_text
from surgewire.plan.way.headers import has_control

MAX_ROWS = 10_000_000

_MOST_LOOKED_AT = 1_000


class UserTable:
    """Rows of values by column.

    All values lie in one block of memory, so that a table of a million rows is two objects, which
    workers share from the fork on.
    """

    __slots__ = ("_block", "_ends", "_places", "columns", "name")

    def __init__(
        self, columns: Sequence[str], rows: Iterable[Sequence[str]], *, name: str = "users"
    ) -> None:
        """Take the names of the `columns` and for each row as many values.

        name: what messages to people call the table. Raises UsersError where there is no row, a
        row has more or fewer values than there are columns, or a value has a control character:
        a line break would end a header, and begin another.
        """
        self.name = name
        self.columns = _sound_columns(columns, name)
        self._places = {column: place for place, column in enumerate(self.columns)}
        block, ends = bytearray(), array("Q")
        for number, row in enumerate(rows, 1):
            if len(row) != len(self.columns):
                raise UsersError(
                    f"{name} has {len(row)} values in row {number} and {len(self.columns)} "
                    "columns; write as many values as columns"
                )
            for column, value in zip(self.columns, row, strict=True):
                try:
                    block += _encoded(value)
                except UsersError as error:
                    where = f"{name}, row {number}, column {shorten(column)}"
                    raise UsersError(f"{where}: {error}") from None
                ends.append(len(block))
            if number > MAX_ROWS:
                raise UsersError(f"{name} has more than {MAX_ROWS:,} rows; write fewer")
        if not ends:
            raise UsersError(f"{name} has no row; write one row for each user")
        self._block, self._ends = bytes(block), ends

    def __len__(self) -> int:
        return len(self._ends) // len(self.columns)

    def __repr__(self) -> str:
        return f"UserTable({self.name!r}, columns={self.columns!r}, rows={len(self)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UserTable):
            return NotImplemented
        return (self.columns, self._block, self._ends) == (
            other.columns,
            other._block,
            other._ends,
        )

    def __hash__(self) -> int:
        return hash((self.columns, self._block))

    def value(self, row: int, column: str) -> bytes:
        """Return what stands in a row, from 0, and a column, as UTF-8.

        Raises KeyError for an unknown column, IndexError for a row that there is not.
        """
        if not 0 <= row < len(self):
            raise IndexError(row)
        place = row * len(self.columns) + self._places[column]
        start = self._ends[place - 1] if place else 0
        return self._block[start : self._ends[place]]

    def holds(self, text: str) -> bool:
        """Tell whether `text` is one of the values."""
        value = text.encode(errors="surrogatepass")
        start = self._block.find(value) if value else -1
        for _ in range(_MOST_LOOKED_AT):
            if start < 0:
                return False
            if self._is_border(start) and self._is_border(start + len(value)):
                return True
            start = self._block.find(value, start + 1)
        # So often inside of others: to be on the safe side.
        return True

    def _is_border(self, place: int) -> bool:
        """Tell whether one value ends and another begins at this byte of the block."""
        index = bisect_left(self._ends, place)
        return place == 0 or (index < len(self._ends) and self._ends[index] == place)

    @property
    def cells(self) -> tuple[bytes, "array[int]", int]:
        """All values in one block, where each ends, row by row, and how many a row has."""
        return self._block, self._ends, len(self.columns)

    def longest_bytes(self, column: str) -> int:
        """Return the size of the longest value in a column."""
        rows = range(len(self))
        return max(len(self.value(row, column)) for row in rows)

    def to_dict(self) -> dict[str, Any]:
        """Give everything as types of JSON and msgpack; `table_of` reads it back."""
        rows = [
            [self.value(row, column).decode() for column in self.columns]
            for row in range(len(self))
        ]
        return {"name": self.name, "columns": list(self.columns), "rows": rows}

    def public_dict(self) -> dict[str, Any]:
        """Give what may be written down: no values."""
        return {"name": self.name, "columns": list(self.columns), "rows": len(self)}


def parse_users(text: str, *, name: str = "users") -> UserTable:
    """Read a table: CSV with a heading, or one JSON object on each line.

    Which of them it is, is told by the end of `name` (.csv, .jsonl, .ndjson), else by the first
    character. Raises UsersError, which names the line.
    """
    columns, rows = rows_of_text(text, name)
    return UserTable(columns, rows, name=name)


def table_of(value: Any) -> Any:
    """Return the table that a plan is given: as such, as a list of dicts, or as its `to_dict`."""
    if isinstance(value, UserTable):
        return value
    if isinstance(value, Mapping) and {"columns", "rows"} <= value.keys():
        return UserTable(value["columns"], value["rows"], name=value.get("name", "users"))
    if isinstance(value, Sequence) and value and all(isinstance(row, Mapping) for row in value):
        columns = list(value[0])
        return UserTable(columns, [_row_of(row, columns, n) for n, row in enumerate(value, 1)])
    raise UsersError("users are a table; write a list with a dict for each user")


def _row_of(row: Mapping[str, str], columns: list[str], number: int) -> list[str]:
    for column in columns:
        if column not in row:
            raise UsersError(f"users, row {number}: there is no {shorten(column)}")
    return [row[column] for column in columns]


def _sound_columns(columns: Sequence[str], name: str) -> tuple[str, ...]:
    if not columns:
        raise UsersError(f"{name} has no column; write a heading, for example name,token")
    for place, column in enumerate(columns, 1):
        if not isinstance(column, str) or not column or not column.isprintable():
            raise UsersError(f"{name} has a column without a name; write one, for example token")
        if "{" in column or "}" in column or column != column.strip():
            raise UsersError(
                f"{name}: what heads column {place} is no name; write a word without braces"
            )
        if columns.count(column) > 1:
            raise UsersError(
                f"{name} has the name of column {place} twice in its heading (is there one?); "
                "rename one of them"
            )
    return tuple(columns)


def _encoded(value: Any) -> bytes:
    # The value itself is never shown: it may be a password.
    if not isinstance(value, str):
        raise UsersError("there is no text; write text, in Python as str")
    if has_control(value):
        raise UsersError("there is a line break or other control character; take it out")
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise UsersError("there is text that is not Unicode; write UTF-8") from None


UsersField = Annotated[
    InstanceOf[UserTable],
    BeforeValidator(table_of),
    PlainSerializer(lambda table: table.to_dict()),
]
