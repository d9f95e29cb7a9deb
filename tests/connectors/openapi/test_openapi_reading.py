"""What is read of a document: which operations there are, what each takes, and what is refused with which reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.openapi.document import BYTES_LIMIT, DocumentError, parse, read_document
from connectors.openapi.operations import Operation, names, read_operation
from connectors.openapi.references import OperationError

TEXT: dict[str, Any] = {"type": "string"}


def operation(path: str = "/things", more: dict[str, Any] | None = None, **said: Any) -> Operation:
    return read_operation({"paths": {path: {"post": said}}, **(more or {})}, "post", path)


def parameter(name: str, place: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": TEXT, **more}


def arguments(operation: Operation) -> list[str]:
    return [each.argument for each in operation.parameters]


def refusal(**said: Any) -> OperationError:
    with pytest.raises(OperationError) as raised:
        operation(**said)
    return raised.value


def test_an_operation_is_called_by_its_id_or_by_method_and_path() -> None:
    paths = {
        "/a": {"get": {"operationId": "list"}, "post": {}},
        "/b": {"get": {"operationId": "twice"}, "put": {"operationId": "twice"}, "trace": {}},
        "/c": {"$ref": "#/components/pathItems/c"},
        "/broken": {"$ref": "elsewhere.yaml"},
    }
    document = {"paths": paths, "components": {"pathItems": {"c": {"delete": {"operationId": "drop"}}}}}
    assert names(document) == {
        "GET /a": ("get", "/a"),
        "POST /a": ("post", "/a"),
        "GET /b": ("get", "/b"),
        "PUT /b": ("put", "/b"),
        "DELETE /c": ("delete", "/c"),
        "list": ("get", "/a"),
        "drop": ("delete", "/c"),
    }


def test_arguments_have_names_of_their_own_in_the_order_of_their_places() -> None:
    body = {"content": {"application/json": {"schema": {"properties": {"id": TEXT, "a-b": TEXT}}}}}
    said = operation(
        "/things/{id}",
        parameters=[parameter("X-Id", "header"), parameter("id", "query"), parameter("id", "path")],
        requestBody=body,
    )
    assert arguments(said) == ["id", "id_in_query", "X_Id", "id_in_body", "a_b"]
    assert [each.name for each in said.parameters] == ["id", "id", "X-Id", "id", "a-b"]


def test_an_operations_parameter_counts_more_than_its_paths() -> None:
    item = {"parameters": [parameter("a", "query"), parameter("b", "query")]}
    own = {"parameters": [parameter("a", "query", required=True)]}
    said = read_operation({"paths": {"/": {**item, "get": own}}}, "get", "/")
    assert [(each.argument, each.required) for each in said.parameters] == [("a", True), ("b", False)]


def test_references_are_followed_inside_the_document() -> None:
    components = {
        "parameters": {"a": parameter("a", "query")},
        "requestBodies": {
            "b": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/c"}}}}
        },
        "schemas": {"c": {"allOf": [{"properties": {"x": TEXT}}, {"properties": {"y": TEXT}}]}},
    }
    said = operation(
        more={"components": components},
        parameters=[{"$ref": "#/components/parameters/a"}],
        requestBody={"$ref": "#/components/requestBodies/b"},
    )
    assert arguments(said) == ["a", "x", "y"]


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "Content-Length",
        "authorization",
        "ACCEPT",
        "Transfer-Encoding",
        "Cookie",
        "X-HTTP-Method-Override",
        "X-Idempotency-Key",
    ],
)
def test_no_argument_sets_a_header_that_is_not_an_operations(name: str) -> None:
    assert arguments(operation(parameters=[parameter(name, "header")])) == []


@pytest.mark.parametrize(
    "name", ["Transfer-Encoding", "Cookie", "Connection", "X-Method-Override", "Idempotency-Key", "a b", "ä"]
)
def test_an_operation_that_needs_such_a_header_is_refused(name: str) -> None:
    error = refusal(parameters=[parameter(name, "header", required=True)])
    assert error.reason == "parameter"


def test_what_the_login_sends_is_no_argument() -> None:
    parameters = [
        parameter("X-Key", "header", required=True),
        parameter("KEY", "query"),
        parameter("q", "query"),
    ]
    document = {"paths": {"/": {"get": {"parameters": parameters}}}}
    withheld = frozenset((("header", "x-key"), ("query", "key")))
    assert arguments(read_operation(document, "get", "/", withheld=withheld)) == ["q"]


def test_a_path_parameter_that_nobody_described_is_a_text() -> None:
    said = operation("/things/{thingId}/{part}", parameters=[parameter("part", "path")])
    assert [(each.argument, each.place, each.required) for each in said.parameters] == [
        ("thingId", "path", True),
        ("part", "path", True),
    ]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"path": "/a//b"}, "path"),
        ({"path": "/a/../b"}, "path"),
        ({"path": "/a/%2e%2E/b"}, "path"),
        ({"path": "/a?b={c}"}, "path"),
        ({"parameters": [{"$ref": "other.yaml#/a"}]}, "reference"),
        ({"parameters": [{"$ref": "#/components/parameters/none"}]}, "reference"),
        ({"parameters": [parameter("s", "cookie", required=True)]}, "parameter"),
        ({"path": "/{a}", "parameters": [parameter("a", "path", style="matrix")]}, "parameter"),
        ({"parameters": [parameter("a", "query", schema={"type": "object"})]}, "parameter"),
        (
            {
                "parameters": [
                    parameter("a", "query", schema={"properties": {"B": TEXT}}),
                    parameter("b", "query"),
                ]
            },
            "parameter",
        ),
        ({"requestBody": {"required": True, "content": {"image/png": {}}}}, "body"),
        ({"requestBody": {"content": {"application/json": {"schema": {"properties": {"": TEXT}}}}}}, "body"),
        ({"requestBody": {"content": {"multipart/form-data": {"schema": {"type": "object"}}}}}, "body"),
        (
            {"requestBody": {"content": {"application/json": {"schema": {"type": "nonsense"}}}}},
            "invalid",
        ),
    ],
)
def test_an_operation_that_cannot_be_called_is_refused_with_the_reason(
    said: dict[str, Any], reason: str
) -> None:
    assert refusal(**said).reason == reason


def test_json_is_preferred_to_a_form_and_a_body_that_nobody_can_write_is_left_out() -> None:
    form, own = {"schema": {"properties": {"f": TEXT}}}, {"schema": {"properties": {"j": TEXT}}}
    content = {"multipart/form-data": form, "application/json; charset=utf-8": own}
    assert arguments(operation(requestBody={"content": content})) == ["j"]
    assert arguments(operation(requestBody={"content": {"image/png": {}}})) == []


@pytest.mark.parametrize("version", ["3.0", "3.0.3", "3.1.0", "3.1"])
@pytest.mark.parametrize("form", ["json", "yaml", "flow"])
def test_a_document_is_json_or_yaml(tmp_path: Path, version: str, form: str) -> None:
    file = tmp_path / "document"
    text = {
        "json": json.dumps({"openapi": version, "paths": {"/a": {"get": {"responses": {"200": {}}}}}}),
        "yaml": f"openapi: {version}\npaths:\n  /a: {{get: {{responses: {{200: {{}}}}}}}}\n",
        "flow": f"{{openapi: {version}, paths: {{/a: {{get: {{responses: {{200: {{}}}}}}}}}}}}",
    }[form]
    file.write_text(text, encoding="utf-8-sig" if form == "yaml" else "utf-8")
    assert read_document(file)["paths"] == {"/a": {"get": {"responses": {"200": {}}}}}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"swagger": "2.0"}', "no OpenAPI 3.0 or 3.1"),
        ('{"openapi": "3.10.0"}', "no OpenAPI 3.0 or 3.1"),
        ("[1]", "no OpenAPI 3.0 or 3.1"),
        ("a: [1", "neither JSON nor YAML"),
        ("openapi: 3.0.0\n---\nopenapi: 3.0.0", "several YAML documents"),
    ],
)
def test_a_file_that_is_no_such_document_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "document"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DocumentError, match=says):
        read_document(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"none\.yaml cannot be read"):
        read_document(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: &a [1]\nb: *nowhere", "leads nowhere"),
        ("[" * 201 + "]" * 201, "nested deeper than 200 levels"),
        ("a: &a [" + "x," * 2_000 + "]\nb: &b [" + "*a," * 2_000 + "]\n", "unfolds to more than"),
        ("a: 1\na: 2", "there twice"),
        ("a: &a {b: *a}", "what it is inside of"),
        ("a: &a {x: 1}\nb: {<<: *a}", "a merge"),
    ],
    ids=["unknown alias", "deep", "bomb", "twice", "circle", "merge"],
)
def test_a_document_that_unfolds_or_says_two_things_is_refused(text: str, says: str) -> None:
    with pytest.raises(DocumentError, match=says):
        parse(text.encode())


def test_a_document_above_the_limit_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "huge.json"
    with file.open("wb") as sparse:
        sparse.truncate(BYTES_LIMIT + 1)
    with pytest.raises(DocumentError, match="is larger than"):
        read_document(file)


def test_words_of_yaml_are_those_of_its_core_and_keys_are_texts() -> None:
    text = "a: no\nb: 2024-01-01\nc: 0x10\nd: 1.5\ne: ~\nf: true\n200: '1'\nno: !!python/none x\n"
    assert parse(text.encode()) == {
        "a": "no",
        "b": "2024-01-01",
        "c": "0x10",
        "d": 1.5,
        "e": None,
        "f": True,
        "200": "1",
        "no": "x",
    }
