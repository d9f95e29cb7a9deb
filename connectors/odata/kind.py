"""The kind `odata`: a connector whose actions are entities and operations of a service, listed in the configuration."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from connectors.connector import Connector
from connectors.kind import Kind, SettingsError, SettingsMistake
from connectors.lint import close_match
from connectors.odata.calls import declare_operation
from connectors.odata.change import declare_delete, declare_update
from connectors.odata.client import ODataClient, open_odata
from connectors.odata.create import declare_create
from connectors.odata.edm import EdmError
from connectors.odata.entity import Exposed, expose
from connectors.odata.metadata import Metadata
from connectors.odata.reads import declare_get, declare_query
from connectors.odata.section import Section
from connectors.odata.settings import CallOn, Create, Delete, EntityAction, Get, ODataSettings, Query, Update
from connectors.signature import DefinitionError


def build_odata(name: str, settings: ODataSettings) -> Connector[ODataClient]:
    """Return the connector that a section describes; reads its metadata, connects nowhere.

    Raises:
        SettingsError: everything that is wrong with the section.
    """
    metadata = _metadata(settings)
    connector = Connector[ODataClient](
        name,
        f"Entities and operations of the service {name}.",
        settings=ODataSettings,
        open=open_odata,
        rehearses=True,
    )
    section = Section(connector, metadata, settings.version, str(settings.metadata))
    mistakes: list[SettingsMistake] = []
    exposed = _exposed(settings, metadata, mistakes)
    returned = {each.kind.name: each for each in exposed.values()}
    for set_name, each in exposed.items():
        for verb, action in settings.entities[set_name].actions.items():
            with _mistakes_at(mistakes, "entities", set_name, "actions", verb):
                _declare(section, each, verb, action, returned)
    for verb, own in settings.operations.items():
        with _mistakes_at(mistakes, "operations", verb):
            declare_operation(section, verb, own, None, returned)
    if mistakes:
        raise SettingsError(mistakes)
    return connector


@contextmanager
def _mistakes_at(mistakes: list[SettingsMistake], *at: str) -> Generator[None]:
    try:
        yield
    except (EdmError, DefinitionError) as error:
        mistakes.append(SettingsMistake(at, str(error)))


def _exposed(
    settings: ODataSettings, metadata: Metadata, mistakes: list[SettingsMistake]
) -> dict[str, Exposed]:
    made: dict[str, Exposed] = {}
    for set_name, own in settings.entities.items():
        at = ("entities", set_name)
        if set_name not in metadata.sets:
            hint = close_match(set_name, metadata.sets).strip()
            mistakes.append(SettingsMistake(at, f"no entity set {set_name} in {settings.metadata}", hint))
            continue
        with _mistakes_at(mistakes, *at):
            made[set_name] = expose(metadata, set_name, own, settings.version)
    return made


def _metadata(settings: ODataSettings) -> Metadata:
    try:
        return Metadata(settings.metadata.read_bytes())
    except OSError as error:
        message = f"{settings.metadata}: {error.strerror or 'cannot be read'}"
        hint = "fetch it once with curl and keep it beside the configuration"
        raise SettingsError([SettingsMistake(("metadata",), message, hint)]) from error
    except EdmError as error:
        raise SettingsError([SettingsMistake(("metadata",), f"{settings.metadata} {error}")]) from error


def _declare(
    section: Section, exposed: Exposed, verb: str, own: EntityAction, returned: dict[str, Exposed]
) -> None:
    match own:
        case Get():
            declare_get(section, exposed, verb, own)
        case Query():
            declare_query(section, exposed, verb, own)
        case Create():
            declare_create(section, exposed, verb, own)
        case Update():
            declare_update(section, exposed, verb, own)
        case Delete():
            declare_delete(section, exposed, verb, own)
        case CallOn():
            declare_operation(section, verb, own, exposed, returned)


odata: Kind[Any] = Kind(
    "Entities and operations of an OData v4 or v2 service.", settings=ODataSettings, build=build_odata
)
"""What the entry point names."""
