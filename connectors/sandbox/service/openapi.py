"""The service's OpenAPI document, made from the table of operations. Pure."""

from typing import Any

from pydantic.json_schema import models_json_schema

from connectors.sandbox.service.operations import OPERATIONS, Operation
from connectors.sandbox.service.requests import Nothing

_REFERENCE = "#/components/schemas/{model}"
_PROBLEM = {
    "description": "Refused; nothing was done.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["title", "status", "code", "detail"],
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Machine-readable reason, such as out_of_stock."},
        "detail": {"type": "string"},
    },
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Same key and same request: the first answer again, and no second effect.",
    "schema": {"type": "string", "maxLength": 200},
}


def openapi_document() -> dict[str, Any]:
    """Return the document, OpenAPI 3.1."""
    bodies = {operation.body for operation in OPERATIONS if operation.body is not Nothing}
    answers = {operation.answer for operation in OPERATIONS}
    models = sorted(bodies | answers, key=lambda model: model.__name__)
    _, definitions = models_json_schema([(model, "validation") for model in models], ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pointsman sandbox", "version": "1", "description": "A small ERP and CRM."},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {**definitions["$defs"], "Problem": _PROBLEM_SCHEMA},
        },
    }


def _described(operation: Operation) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = []
    if "{subject}" in operation.path:
        parameters.append({"name": "subject", "in": "path", "required": True, "schema": {"type": "string"}})
    if operation.method == "POST":
        parameters.append(_KEY)
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": "Done.", "content": _json(operation.answer.__name__)},
            "4XX": _PROBLEM,
        },
    }
    if operation.body is not Nothing:
        described["requestBody"] = {"required": True, "content": _json(operation.body.__name__)}
    return described


def _json(model: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(model=model)}}}
