"""The kind `openapi`: a connector whose actions are operations of a document, listed in the configuration one by one."""

from contextlib import AbstractAsyncContextManager

from connectors.connector import Connector
from connectors.http import HttpClient
from connectors.http_oauth import open_authorised
from connectors.kind import Kind, SettingsError, SettingsMistake
from connectors.lint import close_match
from connectors.openapi.api import Api
from connectors.openapi.declared import declare_operation
from connectors.openapi.document import DocumentError, read_document
from connectors.openapi.operations import names
from connectors.openapi.references import OperationError, object_or_nothing
from connectors.openapi.settings import OpenApiSettings
from connectors.signature import DefinitionError
from connectors.strict_schema import SchemaLimitError


def build_openapi(name: str, settings: OpenApiSettings) -> Connector[HttpClient]:
    """Return the connector that a section describes; reads its document, connects nowhere.

    Raises:
        SettingsError: everything that is wrong with the section.
    """
    try:
        document = read_document(settings.document)
    except DocumentError as error:
        raise SettingsError([SettingsMistake(("document",), str(error))]) from error
    title = " ".join(str(object_or_nothing(document, document.get("info")).get("title") or name).split())
    made = Connector[HttpClient](name, title, settings=OpenApiSettings, open=open_openapi, rehearses=True)
    known = names(document)
    api = Api(name, document)
    withheld = frozenset[tuple[str, str]]() if settings.auth is None else settings.auth.withheld
    mistakes: list[SettingsMistake] = []
    for verb, own in settings.operations.items():
        at = ("operations", verb)
        where = str(settings.document)
        if own.id not in known:
            hint = close_match(own.id, known).strip() or "write its operationId, or `GET /path`"
            mistakes.append(SettingsMistake((*at, "id"), f"no operation {own.id} in {where}", hint))
            continue
        try:
            declare_operation(made, verb, own, api, known[own.id], where=where, withheld=withheld)
        except (OperationError, DefinitionError, SchemaLimitError) as error:
            mistakes.append(SettingsMistake(at, str(error)))
    if mistakes:
        raise SettingsError(mistakes)
    return made


def open_openapi(settings: OpenApiSettings) -> AbstractAsyncContextManager[HttpClient]:
    """Return the client that operations are called with."""
    return open_authorised(settings, settings.auth, answer_bytes=settings.answer_bytes)


openapi = Kind("Operations of an OpenAPI 3.0 or 3.1 document.", settings=OpenApiSettings, build=build_openapi)
