"""Whatever an argument says, it stays in its path segment, query pair, header, form field or part."""

import json
import re
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import FailedError
from connectors.http import HttpRequest
from connectors.openapi.operations import Operation, read_operation
from connectors.openapi.request import build_request

TEXT: dict[str, Any] = {"type": "string"}
LIST: dict[str, Any] = {"type": "array", "items": TEXT}
PAIR: dict[str, Any] = {"type": "object", "properties": {"from": TEXT, "to": TEXT}}


def operation(path: str = "/things", method: str = "post", **said: Any) -> Operation:
    return read_operation({"paths": {path: {method: said}}}, method, path)


def parameter(name: str, place: str, schema: Any = TEXT, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": schema, **more}


def body(kind: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties}
    return {"required": True, "content": {kind: {"schema": schema, **more}}}


def built(operation: Operation, **arguments: Any) -> HttpRequest:
    return build_request(operation, arguments, changes=True)


def headers(request: HttpRequest) -> dict[str, str]:
    return dict(request.headers)


ANY = operation(
    "/things/{id}/parts/{a}:{b}",
    parameters=[
        parameter("id", "path"),
        parameter("a", "path"),
        parameter("b", "path", LIST),
        parameter("tag", "query", LIST),
        parameter("ids", "query", LIST, explode=False),
        parameter("between", "query", PAIR),
        parameter("filter", "query", PAIR, style="deepObject"),
        parameter("X-Trace", "header"),
    ],
    requestBody=body("application/x-www-form-urlencoded", {"note": TEXT, "lines": LIST}),
)


@given(st.text(), st.text(), st.lists(st.text(), max_size=3), st.text())
def test_a_value_stays_where_it_belongs(one: str, two: str, some: list[str], header: str) -> None:
    sent = {
        "id": one,
        "a": two,
        "b": some,
        "tag": some,
        "ids": some,
        "between": {"from": one, "to": two},
        "filter": {"from": one},
        "X_Trace": header,
        "note": one,
        "lines": some,
    }
    if "" in {one, two, ",".join(some)} or "," in "".join(some) or not is_header_value(header):
        # It cannot be written without being none, several, or another header.
        with pytest.raises(FailedError, match=r"^(id|a|b|ids|X_Trace): "):
            built(ANY, **sent)
        return
    request = built(ANY, **sent)
    things, segment, parts, last = request.path
    assert (things, unquote(segment), parts) == ("things", one, "parts")
    assert re.fullmatch(r"[^/?#\s]*", segment + last)
    assert unquote(last) == f"{two}:{','.join(some)}"
    assert request.query == (
        *(("tag", each) for each in some),
        ("ids", ",".join(some)),
        ("from", one),
        ("to", two),
        ("filter[from]", one),
    )
    assert [name for name, _ in request.headers] == ["Accept", "X-Trace", "Content-Type"]
    assert is_header_value(headers(request)["X-Trace"])
    fields = parse_qsl((request.data or b"").decode(), keep_blank_values=True)
    assert fields == [("note", one), *(("lines", each) for each in some)]


def is_header_value(value: str) -> bool:
    return re.fullmatch(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?", value) is not None


PARTS = operation(
    requestBody=body(
        "multipart/form-data",
        {
            "note": TEXT,
            'sp"oon': TEXT,
            "where": PAIR,
            "scan": {"type": "string", "format": "binary"},
            "tag": LIST,
        },
    )
)


@given(st.text(), st.lists(st.text(), max_size=2))
def test_a_part_of_a_form_stays_one_part(value: str, some: list[str]) -> None:
    sent = {"note": value, "sp_oon": value, "where": {"from": value}, "scan": value, "tag": some}
    request = built(PARTS, **sent)
    assert built(PARTS, **sent) == request  # a repeat has the same bytes
    kind = headers(request)["Content-Type"]
    message = BytesParser(policy=HTTP).parsebytes(
        f"Content-Type: {kind}\r\n\r\n".encode() + (request.data or b"")
    )
    names = [part.get_param("name", header="content-disposition") for part in message.iter_parts()]
    assert names == ["note", "sp%22oon", "where", "scan", *("tag" for _ in some)]
    raw = (request.data or b"").split(f"--{kind.partition('=')[2]}".encode())[1:-1]
    contents = [each.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n").decode() for each in raw]
    assert [contents[0], contents[1], contents[3], *contents[4:]] == [value, value, value, *some]
    assert json.loads(contents[2]) == {"from": value}


@pytest.mark.parametrize(
    ("path", "arguments", "segments", "slash"),
    [
        ("/a%20b/{id}", {"id": "1"}, ("a%20b", "1"), False),
        ("/a b/{id}/", {"id": "1"}, ("a%20b", "1"), True),
        ("/v1/{name}:cancel", {"name": "a/b"}, ("v1", "a%2Fb:cancel"), False),
        ("/{id}.json", {"id": "../x"}, ("..%2Fx.json",), False),
        ("/", {}, (), True),
        ("/#X-Amz-Target=Make", {}, (), True),
    ],
)
def test_the_literal_parts_of_a_path_are_sent_as_they_are_meant(
    path: str, arguments: dict[str, str], segments: tuple[str, ...], *, slash: bool
) -> None:
    names = re.findall(r"\{(\w+)\}", path)
    request = built(operation(path, parameters=[parameter(name, "path") for name in names]), **arguments)
    assert (request.path, request.slash, request.quoted) == (segments, slash, True)


def test_what_a_path_says_of_the_query_is_always_sent() -> None:
    said = operation("/?Action=Make&Version=2", parameters=[parameter("Name", "query")])
    assert built(said, Name="x&Action=Drop").query == (
        ("Action", "Make"),
        ("Version", "2"),
        ("Name", "x&Action=Drop"),
    )


@pytest.mark.parametrize(
    ("more", "value", "query"),
    [
        ({"style": "form", "explode": False}, ["a", "b"], (("x", "a,b"),)),
        ({"style": "pipeDelimited", "explode": False}, ["a", "b"], (("x", "a|b"),)),
        ({"style": "spaceDelimited", "explode": False}, ["a", "b"], (("x", "a b"),)),
        ({"style": "form"}, ["a", "b"], (("x", "a"), ("x", "b"))),
        ({"style": "form", "explode": False}, {"from": 1, "to": 2}, (("x", "from,1,to,2"),)),
        ({"style": "form"}, {"from": 1, "to": True}, (("from", "1"), ("to", "true"))),
        (
            {"style": "deepObject"},
            {"from": {"a": [1, {"b": 2}]}},
            (("x[from][a][0]", "1"), ("x[from][a][1][b]", "2")),
        ),
    ],
)
def test_lists_and_objects_are_written_in_the_style_of_the_document(
    more: dict[str, Any], value: Any, query: tuple[tuple[str, str], ...]
) -> None:
    schema = LIST if isinstance(value, list) else PAIR
    assert built(operation(parameters=[parameter("x", "query", schema, **more)]), x=value).query == query


def test_a_parameter_with_content_is_json() -> None:
    said = {"name": "x", "in": "query", "content": {"application/json": {"schema": PAIR}}}
    assert built(operation(parameters=[said]), x={"from": "a"}).query == (("x", '{"from":"a"}'),)


@pytest.mark.parametrize(
    ("more", "value"),
    [
        ({"explode": False}, ["a,b"]),
        ({"style": "pipeDelimited", "explode": False}, ["a|b"]),
        ({"explode": False}, {"from": "a,b"}),
        ({}, {"admin": "true"}),
        ({"style": "deepObject"}, {"from": {"a]&b[": "c"}}),
    ],
)
def test_a_value_that_would_be_several_is_refused(more: dict[str, Any], value: Any) -> None:
    schema = LIST if isinstance(value, list) else PAIR
    with pytest.raises(FailedError) as refused:
        built(operation(parameters=[parameter("x", "query", schema, **more)]), x=value)
    assert refused.value.code == "invalid_argument"


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("application/json", b"{}"),
        ("application/vnd.shop+json", b"{}"),
        ("application/x-www-form-urlencoded", b""),
    ],
)
def test_a_required_body_is_sent_although_nothing_in_it_is_given(kind: str, data: bytes) -> None:
    request = built(operation(requestBody=body(kind, {"note": TEXT})))
    assert (request.data, headers(request)["Content-Type"]) == (data, kind)


def test_an_optional_body_is_not_sent_where_nothing_in_it_is_given() -> None:
    request = built(operation(requestBody={**body("application/json", {"note": TEXT}), "required": False}))
    assert request.data is None
    assert "Content-Type" not in headers(request)


@pytest.mark.parametrize(
    ("kind", "schema", "value", "data"),
    [
        ("application/json", LIST, ["a"], b'["a"]'),
        ("application/json", {"oneOf": [PAIR, TEXT]}, {"from": "a"}, b'{"from":"a"}'),
        ("text/csv", TEXT, "a,b\n1,ü", "a,b\n1,ü".encode()),
    ],
)
def test_a_body_that_is_no_object_is_one_argument(kind: str, schema: Any, value: Any, data: bytes) -> None:
    said = operation(requestBody={"required": True, "content": {kind: {"schema": schema}}})
    assert [each.argument for each in said.parameters] == ["body"]
    assert built(said, body=value).data == data


def test_fields_of_a_form_are_written_as_its_encoding_says() -> None:
    said = operation(
        requestBody=body(
            "application/x-www-form-urlencoded",
            {"card": PAIR, "where": PAIR, "tags": LIST},
            encoding={"card": {"style": "deepObject"}, "tags": {"explode": False, "style": "form"}},
        )
    )
    data = built(said, card={"from": "a&b"}, where={"to": "c"}, tags=["x", "y"]).data
    assert parse_qsl((data or b"").decode()) == [
        ("card[from]", "a&b"),
        ("where", '{"to":"c"}'),
        ("tags", "x,y"),
    ]
