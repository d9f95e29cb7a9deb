"""From an operation and what the configuration says of it to an action of a connector."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from connectors.action import Call
from connectors.connector import Connector
from connectors.errors import UnusableResultError
from connectors.http import HttpAnswer, HttpClient
from connectors.http_auth import Withheld
from connectors.json_schema import arguments_from_schema
from connectors.openapi.answers import read_result
from connectors.openapi.api import Api
from connectors.openapi.operations import Operation, described, read_operation
from connectors.openapi.pages import read_pages
from connectors.openapi.parameters import Parameter
from connectors.openapi.references import JsonObject, OperationError
from connectors.openapi.request import build_request
from connectors.openapi.result_model import Result, items_schema
from connectors.openapi.results import only_item, steps_of, trimmed
from connectors.openapi.settings import OperationSettings
from connectors.perform import argument_values

_READS = frozenset(("GET", "HEAD"))


def declare_operation(
    connector: Connector[HttpClient],
    verb: str,
    own: OperationSettings,
    api: Api,
    place: tuple[str, str],
    *,
    where: str,
    withheld: Withheld = frozenset(),
) -> None:
    """Declare one operation as the action `verb` of a connector.

    Args:
        connector: gets it.
        verb: the action is `<connector>.<verb>`.
        own: what the configuration says of it.
        api: describes it.
        place: its method and path there.
        where: the document, for messages.
        withheld: what the login sends.

    Raises:
        OperationError: it cannot be called, or the settings name an argument that it does not have.
        DefinitionError: its arguments cannot be said in a strict schema; the message names place and reason.
    """
    if own.key_header is not None:
        withheld |= {("header", own.key_header.lower())}
    if own.pages is not None and own.pages.parameter is not None:
        withheld |= {("query", own.pages.parameter.lower())}
    document = api.said
    operation = read_operation(document, *place, withheld=withheld)
    effect = own.effect or ("read" if operation.method in _READS else None)
    if effect is None:
        raise OperationError(f"say whether {own.id} is a read or a write: effect: write")
    if own.pages is not None and own.pages.by in {"link", "link-header"} and operation.method != "GET":
        raise OperationError(f"{own.id} is no GET, and links to pages are followed by GET alone")
    operation, fixed = _overridden(operation, own, api)
    shown = [each for each in operation.parameters if each.argument not in fixed | _key(own, "")]
    result = _result(operation, own, api)
    connector.declare(
        verb,
        own.description or operation.description,
        arguments=_schema(document, shown),
        document=api.schemas,
        perform=_performs(operation, own, fixed, withheld, changes=effect == "write"),
        where=f"{where}: {operation.method} {operation.path}",
        effect=effect,
        result=result.model,
        returns=result.returns,
        **own.contract(),
    )


def _overridden(operation: Operation, own: OperationSettings, api: Api) -> tuple[Operation, dict[str, Any]]:
    """Return the operation as the configuration wants it, and the arguments that are not the model's to set."""
    known = [each.argument for each in operation.parameters]
    unknown = {*own.arguments, *_key(own, "")} - set(known)
    if unknown:
        has = ", ".join(known) or "none"
        raise OperationError(f"{own.id} has no argument {', '.join(sorted(unknown))}; it has {has}")
    fixed: dict[str, Any] = {}
    kept: list[Parameter] = []
    for each in operation.parameters:
        said = own.arguments.get(each.argument)
        if said is None:
            kept.append(each)
        elif said.hidden:
            if each.required:
                raise OperationError(f"{each.argument} is required: give it a value in place of hiding it")
        elif said.value is not None:
            fixed[each.argument] = _checked(own.id, each, said.value, api)
            kept.append(each)
        else:
            schema = (
                {"allOf": [each.schema], "description": said.description} if said.description else each.schema
            )
            name, required = said.name or each.argument, each.required or said.required
            kept.append(replace(each, argument=name, schema=schema, required=required))
    if len({each.argument for each in kept}) < len(kept):
        raise OperationError(f"{own.id}: two of its arguments would have one name")
    return replace(operation, parameters=tuple(kept)), fixed


def _checked(operation: str, parameter: Parameter, value: Any, api: Api) -> Any:
    """Return a fixed value as its schema wants it; one that the schema refuses is a mistake of the configuration."""
    model = arguments_from_schema(operation, _schema(api.said, [parameter]), document=api.schemas)
    try:
        return argument_values(model.model_validate({parameter.argument: value}))[parameter.argument]
    except ValidationError as error:
        problem = error.errors(include_input=False)[0]["msg"]
        raise OperationError(f"{operation}: value of {parameter.argument}: {problem}") from None


def _schema(document: JsonObject, parameters: list[Parameter]) -> JsonObject:
    return {
        "type": "object",
        "properties": {each.argument: described(document, each) for each in parameters},
        "required": [each.argument for each in parameters if each.required],
    }


def _key(own: OperationSettings, key: str) -> dict[str, str]:
    """Return the argument that carries the idempotency key, if one does."""
    return {} if own.key_argument is None else {own.key_argument: key}


def _result(operation: Operation, own: OperationSettings, api: Api) -> Result:
    schema = operation.answers.schema
    inside = own.only_item if own.pages is None else own.pages.items
    if inside is not None and schema is not None:
        schema = items_schema(api.said, schema, steps_of(inside))
    return api.results.result(schema, own.result_fields, paged=own.pages is not None)


def _performs(
    operation: Operation, own: OperationSettings, fixed: dict[str, Any], withheld: Withheld, *, changes: bool
) -> Callable[[Call[HttpClient], dict[str, Any]], Coroutine[Any, Any, Any]]:
    unlinked = frozenset(name for place, name in withheld if place == "query")

    def read(answer: HttpAnswer) -> Any:
        return read_result(operation.answers, answer, changes=changes)

    def shown(answer: HttpAnswer) -> Any:
        said = read(answer)
        try:
            if own.only_item is not None:
                said = only_item(said, steps_of(own.only_item))
            return trimmed(said, own.result_fields)
        except RecursionError:
            # What a system answers must not turn what it did into doubt.
            raise UnusableResultError("the answer is nested too deeply", executed=changes) from None

    async def performs(call: Call[HttpClient], arguments: dict[str, Any]) -> Any:
        header = (own.key_header, call.key) if own.key_header is not None else None
        sent = {**arguments, **fixed, **_key(own, call.key)}
        request = build_request(operation, sent, changes=changes, key=header)
        if own.pages is not None:
            found = await read_pages(
                call.client, request, own.pages, read, withheld=unlinked, timeout_s=call.timeout_s
            )
            return {**found, "items": trimmed(found["items"], own.result_fields)}
        answer = await call.client.exchange(request, timeout_s=call.timeout_s)
        return None if answer.status in own.absent else shown(answer)

    return performs
