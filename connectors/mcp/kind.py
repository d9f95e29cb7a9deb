"""The kind `mcp`: a connector whose actions are tools of an MCP server, listed in the configuration one by one."""

from collections.abc import Callable, Coroutine
from typing import Any, cast

from connectors.action import Call, Effect, Idempotency
from connectors.connector import Connector
from connectors.extra import require_extra
from connectors.kind import Kind, Place, SettingsError, SettingsMistake
from connectors.lint import close_match
from connectors.mcp.arguments import ArgumentError, sent_arguments, shown_schema
from connectors.mcp.client import McpClient, open_mcp
from connectors.mcp.definitions import Definition, PinError, Snapshot, read_snapshot
from connectors.mcp.results import result_model, value_of
from connectors.mcp.settings import McpSettings, ToolSettings
from connectors.signature import DefinitionError


def build_mcp(name: str, settings: McpSettings) -> Connector[McpClient]:
    """Return the connector that a section describes; reads its pinned definitions, connects nowhere.

    Raises:
        SettingsError: everything that is wrong with the section.
    """
    require_extra("mcp", "mcp")
    snapshot = _read(settings)
    called = {own.tool for own in settings.tools.values()}
    pinned = {tool: definition for tool, definition in snapshot.tools.items() if tool in called}
    made = Connector[McpClient](
        name,
        f"Tools of the MCP server {snapshot.server or name}.",
        settings=McpSettings,
        open=lambda own: open_mcp(name, own, pinned),
        rehearses=True,
    )
    mistakes: list[SettingsMistake] = []
    for verb, own in settings.tools.items():
        at: Place = ("tools", verb)
        definition = pinned.get(own.tool)
        if definition is None:
            hint = close_match(own.tool, snapshot.tools).strip() or "pin the definitions again"
            mistakes.append(
                SettingsMistake((*at, "tool"), f"no tool {own.tool} in {settings.definitions}", hint)
            )
            continue
        try:
            _declare(made, verb, own, definition, settings)
        except ArgumentError as error:
            mistakes.append(SettingsMistake((*at, *error.at), str(error), error.hint))
        except (SettingsError, DefinitionError) as error:
            mistakes += _located(at, error)
    if mistakes:
        raise SettingsError(mistakes)
    return made


def _read(settings: McpSettings) -> Snapshot:
    try:
        return read_snapshot(settings.definitions.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = f"{settings.definitions} cannot be read ({type(error).__name__})"
    except PinError as error:
        why = f"{settings.definitions} {error}"
    hint = "`python -m connectors.mcp --help` tells how to pin a server's definitions"
    raise SettingsError([SettingsMistake(("definitions",), why, hint)])


def _declare(
    connector: Connector[McpClient],
    verb: str,
    own: ToolSettings,
    definition: Definition,
    settings: McpSettings,
) -> None:
    effect, idempotency = _effect(own, definition, trusted=settings.trusted)
    connector.declare(
        verb,
        own.description or str(definition.get("description", "")),
        arguments=shown_schema(definition, own),
        perform=_performs(own, changes=effect == "write"),
        where=f"{settings.definitions}: {own.tool}",
        effect=effect,
        result=result_model(f"{connector.name}.{verb}", own.fields),
        **own.model_copy(update={"idempotency": idempotency}).contract(),
    )


def _effect(own: ToolSettings, definition: Definition, *, trusted: bool) -> tuple[Effect, Idempotency]:
    """Return what the configuration says, and where it says nothing, what a trusted server hints at.

    Raises:
        SettingsError: nobody who may says what the tool does.
    """
    hints = cast("dict[str, Any]", definition.get("annotations", {})) if trusted else {}
    effect = own.effect
    if effect is None and isinstance(hints.get("readOnlyHint"), bool):
        effect = "read" if hints["readOnlyHint"] else "write"
    if effect is None:
        hint = (
            "say `effect: read` or `effect: write`; hints are believed of a server with `trusted: true` only"
        )
        raise SettingsError(
            [SettingsMistake(("effect",), f"nobody says whether {own.tool} is a read or a write", hint)]
        )
    if "idempotency" in own.model_fields_set:
        return effect, own.idempotency
    return effect, "natural" if effect == "write" and hints.get("idempotentHint") is True else "none"


def _performs(
    own: ToolSettings, *, changes: bool
) -> Callable[[Call[McpClient], dict[str, Any]], Coroutine[Any, Any, Any]]:
    async def performs(call: Call[McpClient], arguments: dict[str, Any]) -> Any:
        answer = await call.client.call(
            own.tool,
            sent_arguments(own, arguments, call.key),
            changes=changes,
            refused=own.errors == "refused",
            timeout_s=call.timeout_s,
        )
        value = value_of(answer, own.fields)
        # A read that finds nothing says so by null, as those who reconcile by it expect; a write has been done.
        found = changes or own.fields is None or any(each is not None for each in value.values())
        return value if found else None

    return performs


def _located(at: Place, error: SettingsError | DefinitionError) -> list[SettingsMistake]:
    if isinstance(error, DefinitionError):
        return [SettingsMistake(at, str(error))]
    return [SettingsMistake((*at, *each.at), each.message, each.hint) for each in error.mistakes]


mcp = Kind("Tools of an MCP server, pinned by their definitions.", settings=McpSettings, build=build_mcp)
"""What the entry point names."""
