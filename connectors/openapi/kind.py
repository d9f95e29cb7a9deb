"""The kind `openapi`: a connector whose actions are operations of a document, listed in the configuration one by one."""

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from pydantic import BaseModel, create_model

from connectors.action import Call
from connectors.connector import Connector
from connectors.egress import origin_of
from connectors.http import HttpClient, open_http
from connectors.http_login import Login, SecretLogin
from connectors.kind import Kind, SettingsError, SettingsMistake
from connectors.lint import close_match
from connectors.openapi.document import DocumentError, read_document
from connectors.openapi.oauth import ClientCredentialsLogin
from connectors.openapi.operations import (
    JsonObject,
    Operation,
    OperationError,
    Parameter,
    names,
    read_operation,
)
from connectors.openapi.request import build_request
from connectors.openapi.results import trimmed
from connectors.openapi.settings import Auth, OpenApiSettings, OperationSettings
from connectors.signature import DefinitionError


def build_openapi(name: str, settings: OpenApiSettings) -> Connector[HttpClient]:
    """Return the connector that a section describes; reads its document, connects nowhere.

    Raises:
        SettingsError: everything that is wrong with the section.
    """
    try:
        document = read_document(settings.document)
    except DocumentError as error:
        raise SettingsError([SettingsMistake(("document",), str(error))]) from error
    info = document.get("info")
    title = str(info.get("title", name) if isinstance(info, dict) else name)
    made = Connector[HttpClient](name, " ".join(title.split()), settings=OpenApiSettings, open=open_openapi)
    known = names(document)
    mistakes: list[SettingsMistake] = []
    for verb, own in settings.operations.items():
        at = ("operations", verb)
        if own.id not in known:
            hint = close_match(own.id, known).strip() or "write its operationId, or `GET /path`"
            mistakes.append(
                SettingsMistake((*at, "id"), f"no operation {own.id} in {settings.document}", hint)
            )
            continue
        try:
            declare_operation(made, verb, own, document, known[own.id], where=str(settings.document))
        except (OperationError, DefinitionError) as error:
            mistakes.append(SettingsMistake(at, str(error)))
    if mistakes:
        raise SettingsError(mistakes)
    return made


def declare_operation(
    connector: Connector[HttpClient],
    verb: str,
    own: OperationSettings,
    document: JsonObject,
    place: tuple[str, str],
    *,
    where: str,
) -> None:
    """Declare one operation as an action.

    Raises:
        OperationError: it cannot be called, or the settings name an argument that it does not have.
        DefinitionError: its arguments cannot be said in a strict schema; the message names place and reason.
    """
    operation = read_operation(document, *place)
    effect = own.effect or ("read" if operation.method == "GET" else None)
    if effect is None:
        raise OperationError(f"say whether {own.id} is a read or a write: effect: write")
    operation, fixed = _overridden(operation, own)
    shown = [each for each in operation.parameters if each.argument not in fixed]
    arguments = {
        "type": "object",
        "properties": {each.argument: _described(each) for each in shown},
        "required": [each.argument for each in shown if each.required],
    }
    connector.declare(
        verb,
        own.description or operation.description,
        arguments=arguments,
        document=document,
        perform=_performs(operation, own, fixed, changes=effect == "write"),
        where=f"{where}: {operation.method} {operation.path}",
        effect=effect,
        result=_result(f"{connector.name}_{verb}", own),
        idempotency=own.idempotency,
        window=own.window,
        compensate=own.compensate,
        reconcile=own.reconcile,
        protected=own.protected,
        outward=own.outward,
        constraints=own.constraints,
        examples=own.examples,
    )


def _overridden(operation: Operation, own: OperationSettings) -> tuple[Operation, dict[str, Any]]:
    """Return the operation as the configuration wants it, and the arguments that are not the model's to set."""
    known = [each.argument for each in operation.parameters]
    unknown = own.arguments.keys() - set(known)
    if unknown:
        raise OperationError(
            f"{own.id} has no argument {', '.join(sorted(unknown))}; it has {', '.join(known)}"
        )
    fixed: dict[str, Any] = {}
    kept: list[Parameter] = []
    for each in operation.parameters:
        said = own.arguments.get(each.argument)
        if each.place == "header" and each.name.lower() == str(own.key_header).lower():
            continue  # the key is never the model's to set
        if said is not None and said.hidden:
            if each.required:
                raise OperationError(f"{each.argument} is required: give it a value in place of hiding it")
            continue
        name = each.argument if said is None or said.name is None else said.name
        schema = each.schema
        if said is not None and said.description is not None:
            schema = {"allOf": [schema], "description": said.description}
        kept.append(Parameter(name, each.name, each.place, schema, each.required, each.style, each.explode))
        if said is not None and said.value is not None:
            fixed[name] = said.value
    if len({each.argument for each in kept}) < len(kept):
        raise OperationError(f"{own.id}: two of its arguments would have one name")
    made = Operation(
        operation.method, operation.path, operation.description, tuple(kept), operation.content_type
    )
    return made, fixed


def _described(parameter: Parameter) -> Any:
    """Return a schema with a description: of a document that has none, the name in words, and its place."""
    schema = parameter.schema
    if isinstance(schema, dict) and ("description" in schema or "$ref" in schema or "allOf" in schema):
        return schema
    words = f"{parameter.argument.replace('_', ' ')} ({parameter.place})"
    return {"allOf": [schema], "description": words}


def _result(name: str, own: OperationSettings) -> type[BaseModel] | None:
    """Return a model of what is kept, so that a compensation can be told what it is called with."""
    if own.result_fields is None:
        return None
    found = [path.partition(".")[0] for path in own.result_fields]
    fields: dict[str, Any] = dict.fromkeys(found, (Any, None))
    return create_model(f"{name}_result", **fields)


def _performs(
    operation: Operation, own: OperationSettings, fixed: dict[str, Any], *, changes: bool
) -> Callable[[Call[HttpClient], dict[str, Any]], Coroutine[Any, Any, Any]]:
    async def performs(call: Call[HttpClient], arguments: dict[str, Any]) -> Any:
        key = (own.key_header, call.key) if own.key_header is not None else None
        request = build_request(operation, {**arguments, **fixed}, changes=changes, key=key)
        return trimmed(await call.client.send(request, timeout_s=call.timeout_s), own.result_fields)

    return performs


@asynccontextmanager
async def open_openapi(settings: OpenApiSettings) -> AsyncGenerator[HttpClient]:
    """Open the client that operations are called with, and the one that fetches its tokens where there is one."""
    auth = settings.auth
    oauth = auth.oauth2_client_credentials if auth else None
    if oauth is None:
        async with _opened(settings, auth and _secret_login(auth)) as client:
            yield client
        return
    origin_of(oauth.token_url)
    async with (
        open_http(oauth.token_url, egress=settings.egress, timeout_s=settings.timeout_s) as tokens,
        _opened(settings, ClientCredentialsLogin(oauth, tokens)) as client,
    ):
        yield client


def _opened(settings: OpenApiSettings, login: Login | None) -> Any:
    return open_http(settings.base_url, login=login, egress=settings.egress, timeout_s=settings.timeout_s)


def _secret_login(auth: Auth) -> SecretLogin | None:
    if auth.bearer is not None:
        return SecretLogin(auth.bearer)
    if auth.basic is not None:
        return SecretLogin(auth.basic.password, "basic", auth.basic.user)
    if auth.api_key is not None:
        return SecretLogin(auth.api_key.value, auth.api_key.place, auth.api_key.name)
    return None


openapi = Kind("Operations of an OpenAPI 3.0 or 3.1 document.", settings=OpenApiSettings, build=build_openapi)
"""What the entry point names."""
