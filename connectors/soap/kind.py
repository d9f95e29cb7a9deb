"""The kind `soap`: a connector whose actions are operations of a WSDL, listed in the configuration one by one."""

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from connectors.action import Call
from connectors.connector import Connector
from connectors.extra import require_extra
from connectors.http_oauth import open_authorised
from connectors.kind import Kind, SettingsError, SettingsMistake
from connectors.signature import DefinitionError
from connectors.soap.arguments import ArgumentsError, ArgumentsReader, completed
from connectors.soap.client import SoapCall, SoapClient, UsernameToken, split
from connectors.soap.documents import DocumentError
from connectors.soap.faults import FaultRules
from connectors.soap.ports import OperationError, Wanted
from connectors.soap.results import kept_of, result_model, result_schema
from connectors.soap.settings import OperationSettings, SoapSettings
from connectors.soap.wsdl import Operation, Wsdl, read_wsdl
from connectors.soap.xml_types import TypesError


def build_soap(name: str, settings: SoapSettings) -> Connector[SoapClient]:
    """Return the connector that a section describes; reads its WSDL, connects nowhere.

    Raises:
        SettingsError: everything that is wrong with the section.
    """
    require_extra("soap", "zeep", "lxml")
    wanted = {
        verb: Wanted(each.operation, each.service, each.port) for verb, each in settings.operations.items()
    }
    try:
        wsdl = read_wsdl(settings.wsdl, wanted)
    except DocumentError as error:
        raise SettingsError([SettingsMistake(("wsdl",), str(error))]) from error
    made = Connector[SoapClient](
        name, f"Operations of {settings.wsdl.name}.", settings=SoapSettings, open=open_soap, rehearses=True
    )
    mistakes: list[SettingsMistake] = []
    for verb, own in settings.operations.items():
        found = wsdl.operations[verb]
        try:
            if isinstance(found, OperationError):
                raise found
            _declare(made, verb, own, wsdl, found, where=f"{settings.wsdl}: {own.operation}")
        except (OperationError, ArgumentsError, TypesError, DefinitionError) as error:
            mistakes.append(SettingsMistake(("operations", verb), str(error)))
    if mistakes:
        raise SettingsError(mistakes)
    return made


def _declare(
    connector: Connector[SoapClient],
    verb: str,
    own: OperationSettings,
    wsdl: Wsdl,
    operation: Operation,
    *,
    where: str,
) -> None:
    if operation.reply is None and own.effect == "read":
        raise OperationError(f"{own.operation} has no reply, so it reads nothing: effect: write")
    reader = ArgumentsReader(wsdl.types, own.arguments, own.key_element)
    arguments = reader.schema(operation.request.fields, own.inside)
    result = None
    if operation.reply is not None:
        schema = result_schema(wsdl.types, operation.reply.fields)
        try:
            result = result_model(f"{connector.name}_{verb}", schema, own.result, own.result_fields)
        except ValueError as error:
            raise OperationError(str(error)) from error
    connector.declare(
        verb,
        own.description or operation.said,
        arguments=arguments,
        perform=_performs(own, wsdl, operation, reader),
        where=where,
        effect=own.effect,
        result=result,
        **own.contract(),
    )


def _performs(
    own: OperationSettings, wsdl: Wsdl, operation: Operation, reader: ArgumentsReader
) -> Callable[[Call[SoapClient], dict[str, Any]], Coroutine[Any, Any, Any]]:
    rules = FaultRules(own.refusals, own.busy, own.absent)
    what = SoapCall(wsdl, operation, own.effect == "write", rules, own.key_header)

    async def performs(call: Call[SoapClient], arguments: dict[str, Any]) -> Any:
        key = {} if own.key_element is None else {own.key_element: call.key[: reader.key_length]}
        sent = completed(arguments, own.inside, {**reader.always, **key}, reader.fixed)
        result = await call.client.call(what, call, sent)
        return kept_of(result, own.result, own.result_fields)

    return performs


@asynccontextmanager
async def open_soap(settings: SoapSettings) -> AsyncGenerator[SoapClient]:
    """Open the client that operations are called with; connects with the first call."""
    origin, path = split(settings.base_url)
    security = settings.ws_security
    token = security and UsernameToken(security.user, security.password, security.digest)
    async with open_authorised(
        settings, settings.auth, base_url=origin, answer_bytes=settings.reply_bytes
    ) as http:
        yield SoapClient(http, path, tuple(settings.query.items()), token)


soap = Kind("Operations of a SOAP service, by its WSDL.", settings=SoapSettings, build=build_soap)
"""What the entry point names."""
