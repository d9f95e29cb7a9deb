"""The body of an operation: its type, and which of its parts are arguments. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from connectors.openapi.parameters import Parameter, new_argument
from connectors.openapi.references import JsonObject, OperationError, object_of, object_or_nothing
from connectors.plain_schema import JsonSchemaError, Plain, Reader

FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")
_FORM_STYLES: Final = ("form", "spaceDelimited", "pipeDelimited", "deepObject")


@dataclass(frozen=True, slots=True)
class Body:
    """How a body is written.

    Attributes:
        content_type: without parameters.
        required: whether a request without arguments for it has an empty one all the same.
    """

    content_type: str
    required: bool


def read_body(document: JsonObject, said: Any, taken: dict[str, None]) -> tuple[list[Parameter], Body | None]:
    """Return the arguments that a body is made of, and how; a JSON body is preferred to a form, a form to a text.

    Raises:
        OperationError: it is required, and cannot be written.
    """
    if said is None:
        return [], None
    described = object_of(document, said)
    content = object_or_nothing(document, described.get("content") or {})
    required = described.get("required") is True
    known = sorted((rank, key, kind) for key in content for rank, kind in _writable(key))
    if not known:
        if required:
            raise OperationError(
                f"its body is {', '.join(content) or 'nothing'}; JSON, forms and texts can be written", "body"
            )
        return [], None
    _, key, kind = known[0]
    media = object_of(document, content[key])
    schema: Any = media.get("schema") or {}
    body = Body(kind, required)
    if not is_json(kind) and kind not in {FORM, MULTIPART}:
        words = {"type": "string", "description": f"The body, {kind}."}
        return [Parameter(new_argument("body", "body", taken), "", "body", words, required)], body
    reader = Reader(document)
    try:
        plain = reader.read(schema, "body")
        properties = plain.said.get("properties")
        if plain.kinds == ("object",) and properties and not plain.said.keys() & {"anyOf", "oneOf", "enum"}:
            return _fields(reader, kind, plain, media.get("encoding"), taken), body
    except JsonSchemaError as error:
        raise OperationError(str(error), error.reason) from error
    if not is_json(kind):
        raise OperationError("a form whose fields nobody declared cannot be written", "body")
    return [Parameter(new_argument("body", "body", taken), "", "body", schema, required, "json")], body


def is_json(content_type: str) -> bool:
    """Whether a content type, without parameters, is JSON's."""
    return content_type == "application/json" or content_type.endswith("+json")


def is_text(content_type: str) -> bool:
    """Whether a content type, without parameters, is a text that a model can read; what browsers show is not."""
    if content_type == "text/html":
        return False
    return content_type.startswith("text/") or content_type in {"application/xml", "application/yaml"}


def _writable(said: str) -> list[tuple[int, str]]:
    """Return rank and type, if a body of this type can be written."""
    kind = said.partition(";")[0].strip().lower()
    if kind in {"*/*", "application/*"}:
        return [(1, "application/json")]
    if not _TYPE.fullmatch(kind):
        return []
    if is_json(kind):
        return [(0, kind)]
    if kind in {FORM, MULTIPART}:
        return [(2 if kind == FORM else 3, kind)]
    return [(4, kind)] if is_text(kind) else []


def _fields(
    reader: Reader, kind: str, plain: Plain, encoding: Any, taken: dict[str, None]
) -> list[Parameter]:
    needed = plain.said.get("required", ())
    found: list[Parameter] = []
    for name, schema in plain.said["properties"].items():
        if isinstance(schema, dict) and cast("dict[str, Any]", schema).get("readOnly") is True:
            continue
        if not name:
            raise OperationError("a property of its body has no name", "body")
        own: Any = cast("JsonObject", encoding).get(name) if isinstance(encoding, Mapping) else None
        style, explode = ("json", False) if is_json(kind) else _form_style(reader, kind, name, schema, own)
        argument = new_argument(name, "body", taken)
        found.append(Parameter(argument, name, "body", schema, name in needed, style, explode))
    return found


def _form_style(reader: Reader, kind: str, name: str, schema: Any, own: Any) -> tuple[str, bool]:
    """Return how a field of a form is written: lists as several fields, objects as JSON, unless the document says else."""
    said: JsonObject = own if isinstance(own, Mapping) else {}
    if kind == MULTIPART:
        plain = reader.read(schema, name)
        items = plain.said.get("items")
        while plain.kinds == ("array",) and items is not None:
            plain = reader.read(items, name, plain.inside, plain.depth + 1)
            items = plain.said.get("items")
        return ("file" if plain.said.get("format") == "binary" else "form"), True
    if is_json(str(said.get("contentType", "")).partition(";")[0].strip().lower()):
        return "json", False
    if "style" not in said:
        return "form", bool(said.get("explode", True))
    style = str(said["style"])
    if style not in _FORM_STYLES:
        raise OperationError(f"field {name} has style {style}; known are {', '.join(_FORM_STYLES)}", "body")
    return style, bool(said.get("explode", style in {"form", "deepObject"}))
