"""From `read_as` of the routes to the schemas that records are resolved to, and what is wrong with them."""

from collections.abc import Iterator, Mapping
from typing import Final

from connectors.lint import close_match
from consumers.app.config import Config
from consumers.app.config_file import ConfigFile, Mistake
from consumers.app.route_settings import RouteSettings
from consumers.app.schema_history import own_files
from consumers.errors import ConfigurationError
from schemas.errors import SchemaError
from schemas.registry.avro_schema import AvroSchema
from schemas.registry.files import latest

NEWEST: Final = "newest"
"""As `read_as`: the file of the route's event with the highest version."""


def reader_schemas(config: Config) -> Mapping[str, Mapping[str, AvroSchema]]:
    """Return by topic and event type what records are resolved to, where a route says so.

    Raises:
        ConfigurationError: there is no such schema file, or files are wrong.
    """
    found: dict[str, dict[str, AvroSchema]] = {}
    files = _Files(config)
    for route in config.routes:
        if route.read_as is not None:
            found.setdefault(route.topic, {})[route.event] = files.schema_of(route)
    return found


def reader_mistakes(file: ConfigFile) -> Iterator[Mistake]:
    """Yield routes that are to be read as something that is not there, or whose records name no schema."""
    files = _Files(file.config)
    for index, route in enumerate(file.config.routes):
        if route.read_as is None:
            continue
        where, name = file.where("routes", index, "read_as"), f"routes.{index}.read_as"
        try:
            files.schema_of(route)
        except ConfigurationError as error:
            hint = (
                close_match(route.read_as, files.names).strip()
                or "name a file without its ending, or `newest`"
            )
            yield Mistake(where, f"{name}: {error}", hint)
        topic = file.config.topics.get(route.topic)
        if topic is not None and topic.format not in {None, "confluent-avro", "cloudevents"}:
            message = f"{name}: is for Avro with a schema's id, and {route.topic} is declared `format: {topic.format}`"
            yield Mistake(
                where, message, "remove it; what JSON has to fit is said by `schema_file` of the topic"
            )


class _Files:
    """The schema files of a configuration by name; none where they are wrong, which is reported elsewhere."""

    def __init__(self, config: Config) -> None:
        try:
            files = own_files(config)
        except SchemaError as error:
            files, self._problem = (), str(error)
        else:
            self._problem = ""
        self._named = {f"{each.type}.v{each.version}": each.schema for each in files}
        self._latest = latest(files)

    @property
    def names(self) -> tuple[str, ...]:
        return (*self._named, NEWEST)

    def schema_of(self, route: RouteSettings) -> AvroSchema:
        if self._problem:
            raise ConfigurationError(self._problem)
        found = (
            self._latest.get(route.event) if route.read_as == NEWEST else self._named.get(str(route.read_as))
        )
        if found is None:
            what = f"{route.event}.v….avsc" if route.read_as == NEWEST else f"{route.read_as}.avsc"
            raise ConfigurationError(f"there is no schema file {what}")
        return found
