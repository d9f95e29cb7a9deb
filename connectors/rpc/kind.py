"""The kinds `json-rpc` and `xml-rpc`: actions that are methods of a system, described in the configuration one by one."""

from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from pydantic import BaseModel, create_model

from connectors.action import Call
from connectors.connector import Connector
from connectors.errors import UnusableResultError
from connectors.kind import Kind, Place, SettingsError, SettingsMistake
from connectors.lint import close_match
from connectors.rpc.body import body_of
from connectors.rpc.client import Credentials, RpcClient, open_rpc
from connectors.rpc.dialect import Dialect, Odoo, Plain, RpcProtocol, Tryton
from connectors.rpc.settings import ReturnsSettings, RpcAction, RpcSettings
from connectors.rpc.template import filled, mistakes, says_key
from connectors.signature import DefinitionError

_TYPES: Final[Mapping[str, type]] = {
    "integer": int,
    "number": float,
    "string": str,
    "boolean": bool,
    "object": dict,
}
Perform = Callable[[Call[RpcClient], dict[str, Any]], Coroutine[Any, Any, Any]]


def build_rpc(protocol: RpcProtocol, name: str, settings: RpcSettings) -> Connector[RpcClient]:
    """Return the connector that a section describes; connects nowhere.

    Raises:
        SettingsError: everything that is wrong with the section.
    """
    wrong = [
        SettingsMistake(("actions", verb, *at), message, hint)
        for verb, action in settings.actions.items()
        for at, message, hint in _mistakes(name, protocol, action, settings)
    ]
    if wrong:
        raise SettingsError(wrong)
    made = Connector[RpcClient](
        name,
        "Remote procedures.",
        settings=RpcSettings,
        open=lambda own: open_section(protocol, own),
        rehearses=True,
    )
    for verb, action in settings.actions.items():
        finder = settings.actions[_verb(name, action.reconcile)] if action.look_first else None
        try:
            _declare(made, verb, action, finder)
        except DefinitionError as error:
            wrong.append(SettingsMistake(("actions", verb), str(error)))
    if wrong:
        raise SettingsError(wrong)
    return made


def open_section(protocol: RpcProtocol, settings: RpcSettings) -> AbstractAsyncContextManager[RpcClient]:
    """Return the client of a section."""
    dialect: Dialect
    login = None
    match settings.dialect:
        case "plain":
            path = tuple(filter(None, settings.path.split("/")))
            dialect = Plain(path, settings.version)
        case "tryton" | "odoo":
            assert settings.login is not None
            kind = Tryton if settings.dialect == "tryton" else Odoo
            dialect = kind(protocol, settings.database or "")
            login = Credentials(dialect, settings.login.user, settings.login.password)
    return open_rpc(settings, body_of(protocol, dialect), dialect, login=login, token=settings.token)


def _declare(connector: Connector[RpcClient], verb: str, action: RpcAction, finder: RpcAction | None) -> None:
    write = _calling(action)
    connector.declare(
        verb,
        action.description,
        arguments=action.arguments,
        perform=write if finder is None else _looking_first(_calling(finder), write),
        where=f"connectors.{connector.name}.actions.{verb}",
        effect=action.effect,
        result=action.returns and _result(verb, action.returns),
        **action.contract(),
    )


def _calling(action: RpcAction) -> Perform:
    changes = action.effect == "write"

    async def perform(call: Call[RpcClient], arguments: dict[str, Any]) -> Any:
        value = await call.client.call(
            action.method,
            *filled(action.parameters, arguments, call.key),
            keywords=filled(action.keywords, arguments, call.key),
            changes=changes,
            timeout_s=call.timeout_s,
        )
        return (
            value if action.returns is None else _named(value, action.returns, action.method, changes=changes)
        )

    return perform


def _looking_first(find: Perform, write: Perform) -> Perform:
    async def perform(call: Call[RpcClient], arguments: dict[str, Any]) -> Any:
        found = await find(call, arguments)
        return await write(call, arguments) if found is None else found

    return perform


def _named(value: Any, returns: ReturnsSettings, method: str, *, changes: bool) -> dict[str, Any] | None:
    if returns.first:
        if not isinstance(value, list):
            raise UnusableResultError(f"{method} returned no list", executed=changes)
        if not value:
            if changes:
                raise UnusableResultError(f"{method} returned an empty list", executed=True)
            return None
        value = value[0]
    wanted = _TYPES[returns.type]
    fits = isinstance(value, (int, wanted) if wanted is float else wanted)
    if not fits or (isinstance(value, bool) and wanted is not bool):
        raise UnusableResultError(f"{method} returned no {returns.type}", executed=changes)
    return {returns.name: value}


def _result(verb: str, returns: ReturnsSettings) -> type[BaseModel]:
    fields: dict[str, Any] = {returns.name: (_TYPES[returns.type], ...)}
    return create_model(f"{verb}_result", **fields)


def _mistakes(
    name: str, protocol: RpcProtocol, action: RpcAction, settings: RpcSettings
) -> list[tuple[Place, str, str]]:
    """Return where, what and what instead, of one action."""
    wrong: list[tuple[Place, str, str]] = []
    known = frozenset(action.arguments.get("properties", {}))
    for at, template in (("parameters", action.parameters), ("keywords", action.keywords)):
        wrong += [((at,), message, "name it in `arguments`") for message in mistakes(template, known)]
    by_name = settings.dialect == "odoo" or (settings.dialect == "plain" and protocol == "json-rpc")
    if action.keywords and not by_name:
        wrong.append((("keywords",), "this system takes parameters by position", "write `parameters`"))
    if action.keywords and action.parameters and settings.dialect == "plain":
        wrong.append((("keywords",), "parameters go by position or by name", "write one of the two"))
    if settings.dialect == "odoo" and "." not in action.method:
        wrong.append((("method",), "names no model", "write `model.method`, such as `res.partner.read`"))
    sent = [action.parameters, action.keywords]
    if action.idempotency == "provider-key" and not says_key(sent):
        wrong.append((("idempotency",), "the key is not sent", "put `{key: true}` where the system takes it"))
    if action.reconcile is not None:
        wrong += _finder_mistakes(name, action, settings)
    return wrong


def _finder_mistakes(name: str, action: RpcAction, settings: RpcSettings) -> list[tuple[Place, str, str]]:
    finder = settings.actions.get(_verb(name, action.reconcile))
    if finder is None:
        hint = close_match(action.reconcile or "", [f"{name}.{verb}" for verb in settings.actions]).strip()
        return [(("reconcile",), "names no action of this section", hint or f"write `{name}.<verb>`")]
    if finder.returns is None or not finder.returns.first:
        return [
            (
                ("reconcile",),
                "is a read that does not say when there is nothing",
                "give it `returns` with `first: true`: of an empty list it returns null",
            )
        ]
    if action.look_first and (finder.effect != "read" or action.returns is None):
        return [(("look_first",), "needs a read, and `returns` as that read has it", "")]
    if action.returns is not None and action.returns.name != finder.returns.name:
        return [(("returns",), f"is called otherwise than what {action.reconcile} finds", "use one name")]
    return []


def _verb(name: str, full_name: str | None) -> str:
    """Return the verb of an action of this section; an empty string for others."""
    connector, _, verb = (full_name or "").partition(".")
    return verb if connector == name else ""


json_rpc = Kind(
    "Methods of a JSON-RPC system, such as Tryton and Odoo, behind a session that is kept.",
    settings=RpcSettings,
    build=lambda name, settings: build_rpc("json-rpc", name, settings),
)
xml_rpc = Kind(
    "Methods of an XML-RPC system, such as Tryton and Odoo, behind a session that is kept.",
    settings=RpcSettings,
    build=lambda name, settings: build_rpc("xml-rpc", name, settings),
)
