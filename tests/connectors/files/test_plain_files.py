"""JSON, CSV and text: what cannot be written is refused by name, what cannot be read by its place."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import FailedError
from connectors.files.plain import (
    CsvContent,
    JsonContent,
    TextContent,
    plain_written,
    read_csv,
    read_json,
    read_text,
)

CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


def table(**changes: Any) -> CsvContent:
    return CsvContent.model_validate(
        {"format": "csv", "each": "rows", "columns": {"a": "{rows.a}", "b": "{rows.b}"}, **changes}
    )


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would work it out; by the letter of its rule, and not by our pattern."""
    signs = text[:1] in {"+", "-"} and any(each not in "0123456789 .,()/-" for each in text[1:])
    return text[:1] in {"=", "@", "\t", "\r"} or signs


@given(rows=st.lists(st.fixed_dictionaries({"a": CELL, "b": CELL}), max_size=5))
def test_any_cells_come_back_from_csv_or_are_formulas(rows: list[dict[str, str]]) -> None:
    if any(is_formula(cell) for row in rows for cell in row.values()):
        with pytest.raises(FailedError, match="formula"):
            plain_written(table(), {"rows": rows})
        return
    filled = [row for row in rows if any(row.values())]  # a row of empty cells is none
    assert read_csv(plain_written(table(), {"rows": rows}), ",", "utf-8") == filled


@pytest.mark.parametrize("cell", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd", "\tx"])
def test_a_cell_that_would_be_a_formula_is_refused(cell: str) -> None:
    with pytest.raises(FailedError, match=r"rows\.a begins with") as caught:
        plain_written(table(), {"rows": [{"a": cell, "b": ""}]})
    assert caught.value.code == "not_representable"


@pytest.mark.parametrize("cell", ["-5", "+49 170 1234", "-1.5", "a=b", ""])
def test_numbers_with_a_sign_are_no_formulas(cell: str) -> None:
    (row,) = read_csv(plain_written(table(), {"rows": [{"a": cell, "b": "x"}]}), ",", "utf-8")
    assert row["a"] == cell


def test_without_a_list_there_is_one_row() -> None:
    content = table(each=None, columns={"order": "{id}", "note": "{note}"}, delimiter=";")
    assert plain_written(content, {"id": 7}) == b"order;note\r\n7;\r\n"


@pytest.mark.parametrize(("encoding", "character"), [("latin-1", "€"), ("ascii", "é")])
def test_a_character_that_an_encoding_lacks_is_refused_and_named(encoding: str, character: str) -> None:
    content = TextContent.model_validate({"format": "text", "text": "{note}", "encoding": encoding})
    with pytest.raises(FailedError, match=encoding) as caught:
        plain_written(content, {"note": f"a{character}"})
    assert caught.value.code == "not_representable"
    assert character in str(caught.value)


def test_json_is_the_arguments_with_keys_in_order() -> None:
    arguments = {"b": [1, {"d": None, "c": "é"}], "a": True}
    written = plain_written(JsonContent(format="json"), arguments)
    assert written == b'{"a":true,"b":[1,{"c":"\xc3\xa9","d":null}]}'
    assert read_json(written) == json.loads(written)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a,b\r\n1\r\n", "row 2: 1 cells under 2 names"),
        (b"a,b\r\n1,2\r\n1,2,3\r\n", "row 3: 3 cells under 2 names"),
        (b"a,a\r\n1,2\r\n", "two columns have one name"),
        (b'a,b\r\n"1,2\r\n', "no CSV that can be read"),
        (b"a,b\r\n\xff,2\r\n", "byte 6"),
        (b"a\n" + b"1\n" * 50_000, "more than 50000 rows"),
    ],
)
def test_a_broken_table_is_refused_with_the_place(content: bytes, says: str) -> None:
    with pytest.raises(FailedError, match=says) as caught:
        read_csv(content, ",", "utf-8")
    assert caught.value.code == "unreadable"


def test_a_byte_order_mark_is_no_part_of_a_name() -> None:
    assert read_csv(b"\xef\xbb\xbfa;b\n1;2\n", ";", "utf-8") == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize("content", [b"", b"{", b"nul", b'{"a": NaN}', b"[" * 100_000])
def test_what_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(FailedError) as caught:
        read_json(content)
    assert caught.value.code == "unreadable"


@given(content=st.binary(max_size=60))
def test_any_bytes_are_a_table_and_a_text_or_refused(content: bytes) -> None:
    for encoding in ("utf-8", "ascii"):
        try:
            text = read_text(content, encoding)
        except FailedError:
            continue
        assert text.encode(encoding) == content
        try:
            rows = read_csv(content, ",", encoding)
        except FailedError:
            continue
        assert len({frozenset(row) for row in rows}) <= 1
