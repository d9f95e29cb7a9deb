"""The kind `openapi`: a connector whose actions are operations of a document, listed in the configuration one by one."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from connectors.connector import Connector
from connectors.http import HttpClient, open_http
from connectors.http_login import Login
from connectors.kind import Kind, SettingsError, SettingsMistake
from connectors.lint import close_match
from connectors.openapi.declared import declare_operation
from connectors.openapi.document import DocumentError, read_document
from connectors.openapi.oauth import ClientCredentialsLogin
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
            declare_operation(made, verb, own, document, known[own.id], where=where, withheld=withheld)
        except (OperationError, DefinitionError, SchemaLimitError) as error:
            mistakes.append(SettingsMistake(at, str(error)))
    if mistakes:
        raise SettingsError(mistakes)
    return made


@asynccontextmanager
async def open_openapi(settings: OpenApiSettings) -> AsyncGenerator[HttpClient]:
    """Open the client that operations are called with, and the one that fetches its tokens where there is one."""
    auth = settings.auth
    oauth = auth.oauth2_client_credentials if auth else None
    if oauth is None:
        async with _opened(settings, auth and auth.secret_login()) as client:
            yield client
        return
    async with (
        open_http(oauth.token_url, egress=settings.egress, timeout_s=settings.timeout_s) as tokens,
        _opened(settings, ClientCredentialsLogin(oauth, tokens)) as client,
    ):
        yield client


def _opened(settings: OpenApiSettings, login: Login | None) -> AbstractAsyncContextManager[HttpClient]:
    return open_http(
        settings.base_url,
        login=login,
        egress=settings.egress,
        timeout_s=settings.timeout_s,
        max_body_bytes=settings.answer_bytes,
    )


openapi = Kind("Operations of an OpenAPI 3.0 or 3.1 document.", settings=OpenApiSettings, build=build_openapi)
