"""Tables of users as people write them: CSV with a heading, or JSON lines. Text in, rows out."""

import csv
import json
import re
from collections.abc import Iterator
from typing import Any

from surgewire.plan.units import shorten

Rows = Iterator[list[str]]

_JSON_LINES = (".jsonl", ".ndjson", ".json")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_EXAMPLE = 'one object on each line, as {"name": "anna", "token": "abc"}'


class UsersError(ValueError):
    """A table that cannot be used; the message names the place and never a value."""


def rows_of_text(text: str, name: str) -> tuple[list[str], Rows]:
    """Return the names of the columns and an iterator over the rows.

    The end of `name` tells CSV (.csv) from JSON lines (.jsonl, .ndjson, .json); else a brace as
    the first character does. Raises UsersError, also while rows are taken.
    """
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise UsersError(f"{name} is empty; write a heading, and below it a row for each user")
    lowered = name.lower()
    is_csv = lowered.endswith(".csv")
    if not is_csv and (lowered.endswith(_JSON_LINES) or text.lstrip()[0] in "{["):
        return _json_lines(text, name)
    return _csv(text, name)


def _csv(text: str, name: str) -> tuple[list[str], Rows]:
    reader = csv.reader((match[0] for match in _LINE.finditer(text)), strict=True)
    rows = _csv_rows(reader, name)
    _, heading = next(rows)
    columns = [column.strip() for column in heading]
    return columns, _whole(rows, columns, name)


def _csv_rows(reader: Any, name: str) -> Iterator[tuple[int, list[str]]]:
    try:
        for row in reader:
            # A blank line is no user.
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise UsersError(f"{name}, line {reader.line_num}: {error}; write CSV") from None


def _whole(rows: Iterator[tuple[int, list[str]]], columns: list[str], name: str) -> Rows:
    for line, row in rows:
        if len(row) != len(columns):
            raise UsersError(
                f"{name}, line {line}: there are {len(row)} values for the {len(columns)} columns "
                "of the first line; put a value with a comma into double quotes"
            )
        yield row


def _json_lines(text: str, name: str) -> tuple[list[str], Rows]:
    lines = ((n, m[0]) for n, m in enumerate(_LINE.finditer(text), 1) if m[0].strip())
    number, first = next(lines)
    columns = list(_object(first, name, number))
    return columns, _json_rows(number, first, lines, columns, name)


def _json_rows(
    number: int, first: str, lines: Iterator[tuple[int, str]], columns: list[str], name: str
) -> Rows:
    yield _values(_object(first, name, number), columns, name, number)
    for line_number, line in lines:
        yield _values(_object(line, name, line_number), columns, name, line_number)


def _object(line: str, name: str, number: int) -> dict[str, Any]:
    try:
        # Numbers as they were written: 007 is refused, and 1e3 is not made 1000.0.
        found = json.loads(line, parse_int=str, parse_float=str, parse_constant=str)
    except (json.JSONDecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UsersError(f"{name}, line {number}: this is no JSON object; write {_EXAMPLE}")
    return found


def _values(row: dict[str, Any], columns: list[str], name: str, number: int) -> list[str]:
    values = []
    for column in columns:
        if column not in row:
            raise UsersError(
                f"{name}, line {number}: there is no {shorten(column)}, which the first line has; "
                "give all lines the same keys"
            )
        value = row[column]
        if isinstance(value, bool):
            value = "true" if value else "false"
        if not isinstance(value, str):
            raise UsersError(
                f"{name}, line {number}: {shorten(column)} is neither text nor a number; "
                "write text in double quotes"
            )
        values.append(value)
    return values
