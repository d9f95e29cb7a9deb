"""From the section `topics` to what the codec is told, and what is wrong with it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from connectors.lint import close_match
from consumers.app.config import Config
from consumers.app.config_file import ConfigFile, Location, Mistake
from consumers.app.reader_schemas import reader_schemas
from consumers.app.route_settings import RouteSettings
from consumers.app.topic_settings import TopicSettings
from consumers.errors import ConfigurationError
from schemas.codec.debezium.naming import CHANGES, change_named
from schemas.codec.declared_avro import AvroForJson
from schemas.codec.declared_json import SCHEMA_BYTES, JsonSchema
from schemas.codec.formats import UNDECLARED, Declared, Format, TopicFormat
from schemas.errors import SchemaError
from schemas.registry.avro_schema import avro_schema

_HINT: Final = "paths begin where the worker is started"


def topic_formats(config: Config) -> Mapping[str, TopicFormat]:
    """Return what is declared of each topic, and what its routes read records as; reads the files that are named.

    Raises:
        ConfigurationError: a file is missing or no schema; names it.
    """
    readers = reader_schemas(config)
    found = {name: _format(settings) for name, settings in config.topics.items()}
    return found | {name: replace(found.get(name, UNDECLARED), readers=of) for name, of in readers.items()}


def declared_types(config: Config) -> Mapping[str, Mapping[str, Any]]:
    """Return the types of payloads by topic, as JSON Schema, where a schema is declared that can be read."""
    found: dict[str, Mapping[str, Any]] = {}
    for name, settings in config.topics.items():
        try:
            declared = _declared(settings.schema_file)
        except ConfigurationError:
            continue  # found by `topic_mistakes`, with its line
        if declared is not None:
            found[name] = declared.types
    return found


def topic_mistakes(file: ConfigFile) -> Iterator[Mistake]:
    """Yield what is wrong with the declarations, beside the routes that read those topics."""
    config = file.config
    routed = {route.topic for route in config.routes}
    for name, settings in config.topics.items():
        at = ("topics", name)
        if name not in routed:
            hint = close_match(name, routed).strip() or "remove it, or add a route"
            yield Mistake(file.where(*at), f"topics.{name}: no route reads that topic", hint)
        try:
            _declared(settings.schema_file)
        except ConfigurationError as error:
            yield Mistake(file.where(*at, "schema_file"), f"topics.{name}.schema_file: {error}", _HINT)
    for index, route in enumerate(config.routes):
        settings = config.topics.get(route.topic)
        if settings is not None and settings.format == "debezium":
            yield from _never(file, ("routes", index, "event"), route, settings)


def _never(
    file: ConfigFile, at: Location, route: RouteSettings, settings: TopicSettings
) -> Iterator[Mistake]:
    """Find routes of changes that no change is called like."""
    found = change_named(settings.event, route.event)
    name = ".".join(map(str, at))
    if found is None:
        message = f"{name}: no change of {route.topic} is called {route.event}"
        hint = f"its topic says `event: {settings.event}`; {{change}} is one of {', '.join(CHANGES.values())}"
        yield Mistake(file.where(*at), message, hint)
    elif found in settings.ignore:
        message = f"{name}: {route.topic} ignores what is {found}"
        yield Mistake(file.where(*at), message, f"take `{found}` out of topics.{route.topic}.ignore")


def _format(settings: TopicSettings) -> TopicFormat:
    return TopicFormat(
        format=Format(settings.format) if settings.format else None,
        schema=_declared(settings.schema_file),
        event=settings.event,
        ignore=frozenset(settings.ignore),
        position=settings.position,
        type_header=settings.type_header,
        source=settings.source,
    )


def _declared(path: Path | None) -> Declared | None:
    if path is None:
        return None
    if path.suffix not in {".json", ".avsc"}:
        raise ConfigurationError(f"{path} is neither a JSON Schema (`.json`) nor an Avro schema (`.avsc`)")
    try:
        with path.open("rb") as opened:
            text = opened.read(4 * SCHEMA_BYTES + 1).decode()
        if path.suffix == ".avsc":
            return AvroForJson(path.name, avro_schema(text))
        return JsonSchema(path.name, text)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is no text in UTF-8") from error
    except SchemaError as error:
        raise ConfigurationError(f"{path}: {error}") from error
