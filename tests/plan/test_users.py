import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgewire.plan.users import UserTable, parse_users, table_of
from surgewire.plan.users_text import UsersError

CSV = 'name,token\nanna,abc\n\nbob,"x, ""y"""\r\n'


def cells(table: UserTable) -> list[list[str]]:
    return [
        [table.value(row, column).decode() for column in table.columns] for row in range(len(table))
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (CSV, "users.csv"),
        (CSV, "users"),
        ("\ufeff" + CSV, "USERS.CSV"),
        ('{"name": "anna", "token": "abc"}\n\n{"token": "x, \\"y\\"", "name": "bob", "z": 1}', "u"),
        ('{"name":"anna","token":"abc"}\r\n{"name":"bob","token":"x, \\"y\\""}\r\n', "u.jsonl"),
    ],
)
def test_both_forms_give_the_same_table(text: str, name: str) -> None:
    table = parse_users(text, name=name)
    assert table.columns == ("name", "token")
    assert cells(table) == [["anna", "abc"], ["bob", 'x, "y"']]
    assert len(table) == 2


def test_numbers_stay_as_they_were_written() -> None:
    table = parse_users('{"a": 1.50, "b": 12345678901234567890, "c": true, "d": 1e3}', name="u")
    assert cells(table) == [["1.50", "12345678901234567890", "true", "1e3"]]


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("", "u.csv", "u.csv is empty; write a heading"),
        (" \n\n", "u.jsonl", "u.jsonl is empty"),
        ("\ufeff", "u.csv", "u.csv is empty"),
        ("name,token\n", "u.csv", "u.csv has no row; write one row"),
        ("name,token\nanna\n", "u.csv", "u.csv, line 2: there are 1 values for the 2 columns"),
        ("a\n1,2\n", "u.csv", "u.csv, line 2: there are 2 values for the 1 columns"),
        ('a,b\n1,"2\n', "u.csv", "u.csv, line 2: unexpected end of data; write CSV"),
        ("a,a\n1,2\n", "u.csv", "u.csv has the name of column 1 twice in its heading"),
        ("a,\n1,2\n", "u.csv", "u.csv has a column without a name"),
        ("a{b}\n1\n", "u.csv", "what heads column 1 is no name"),
        ('a\n"1\n2"\n', "u.csv", "u.csv, row 1, column 'a': there is a line break"),
        ("a\nx\x00y\n", "u.csv", "line break or other control character"),
        ("a\nx\x85y\n", "u.csv", "line break or other control character"),
        ("a\nx\ry\n", "u.csv", "u.csv, line 2: "),
        ("[1]", "u.json", "u.json, line 1: this is no JSON object; write one object on each line"),
        ('{"a": 1}\nnonsense', "u.jsonl", "u.jsonl, line 2: this is no JSON object"),
        ('{"a": "1", "b": "2"}\n{"a": "1"}', "u.jsonl", "u.jsonl, line 2: there is no 'b'"),
        ('{"a": null}', "u.jsonl", "u.jsonl, line 1: 'a' is neither text nor a number"),
        ('{"a": ["1"]}', "u.jsonl", "u.jsonl, line 1: 'a' is neither text nor a number"),
        ('{"a": "x\\r\\nX-Evil: 1"}', "u.jsonl", "u.jsonl, row 1, column 'a': there is a line"),
        ('{"a": "\\ud800"}', "u.jsonl", "text that is not Unicode"),
        ("{}", "u.jsonl", "u.jsonl has no column"),
        ("{" * 100_000, "u.jsonl", "this is no JSON object"),
    ],
)
def test_tables_that_cannot_be_used(text: str, name: str, said: str) -> None:
    with pytest.raises(UsersError) as caught:
        parse_users(text, name=name)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "value", [None, [], "name,token", 7, [1], [{"a": 1}], [{"a": "1"}, {"b": "1"}]]
)
def test_what_is_no_table(value: Any) -> None:
    with pytest.raises(UsersError):
        table_of(value)


def test_no_message_shows_a_value() -> None:
    for text in ("a,b\ncanary\n", 'a\n"can\nary"\n', '{"a": ["canary"]}', '{"a": "canary\\n"}'):
        with pytest.raises(UsersError) as caught:
            parse_users(text)
        assert "canary" not in str(caught.value)
    assert "canary" not in repr(table_of([{"a": "canary"}]))


TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=8)


@settings(max_examples=60)
@given(rows=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8))
def test_a_table_comes_back_as_it_was(rows: list[tuple[str, str]]) -> None:
    table = UserTable(["a", "b c"], rows)
    assert cells(table) == [list(row) for row in rows]
    assert table_of(json.loads(json.dumps(table.to_dict()))) == table
    lines = "\n".join(json.dumps(dict(zip(table.columns, row, strict=True))) for row in rows)
    read = parse_users(lines, name="u.jsonl")
    assert read == table
    assert hash(read) == hash(table)


def test_a_place_that_there_is_not() -> None:
    table = table_of([{"a": "1"}])
    for row in (-1, 1):
        with pytest.raises(IndexError):
            table.value(row, "a")
    with pytest.raises(KeyError):
        table.value(0, "b")
    assert table != "1"
