"""`pointsman check`: every mistake in a configuration at once, and what a right one says. Starts nothing."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from pydantic import BaseModel

from connectors.lint import close_match
from consumers.adapters.tls_files import TlsFileError
from consumers.app.config import Config, SecretRef
from consumers.app.config_file import ConfigFile, InvalidConfigError, Location, Mistake
from consumers.app.kafka_login import security_options
from consumers.app.redis_login import tls_of
from consumers.app.registry_login import endpoint_of
from consumers.app.resolve import Resolved, resolve
from consumers.app.schema_history import in_files
from consumers.errors import ConfigurationError
from schemas.errors import SchemaError
from schemas.registry.files import schemas_in
from schemas.registry.versions import Mode


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found.

    Attributes:
        resolved: the configuration with everything it names, or None where that is wrong.
        mistakes: all of them, in the order of their lines; empty means `pointsman run` would start.
        warnings: what it starts with all the same, and others may stumble over.
    """

    resolved: Resolved | None
    mistakes: tuple[Mistake, ...]
    warnings: tuple[Mistake, ...] = ()


def check_config(file: ConfigFile, *, existing_topics: AbstractSet[str] | None = None) -> Checked:
    """Check a file that could be read.

    Args:
        file: as `read_config` returned it.
        existing_topics: the topics on the cluster; None leaves them unchecked.
    """
    mistakes = [*_missing_secrets(file), *_security(file), *_schemas(file), *_loops(file), *_patience(file)]
    if existing_topics is not None:
        mistakes += _missing_topics(file, existing_topics)
    resolved = None
    try:
        resolved = resolve(file)
    except InvalidConfigError as error:
        mistakes += error.mistakes
    unique = dict.fromkeys(mistakes)
    return Checked(resolved, tuple(sorted(unique, key=_line)), tuple(_evolution(file)))


def own_topics(config: Config) -> dict[str, Location]:
    """Return Pointsman's own topics, outcomes aside, and where the file may name them."""
    kafka = config.kafka
    return {
        kafka.steps_topic: ("kafka", "steps_topic"),
        kafka.approvals_topic: ("kafka", "approvals_topic"),
        kafka.dead_letters_topic: ("kafka", "dead_letters_topic"),
    }


def _missing_secrets(file: ConfigFile) -> Iterator[Mistake]:
    for location, reference in _references(file.config, ()):
        try:
            reference.read()
        except LookupError as error:
            yield Mistake(
                file.where(*location), f"{_name(location)}: {error}", "set it before `pointsman run`"
            )


def _references(section: BaseModel, at: Location) -> Iterator[tuple[Location, SecretRef]]:
    """Yield every secret reference of our own sections; `resolve` reads those of connectors."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, SecretRef):
            yield (*at, name), value
        elif isinstance(value, BaseModel):
            yield from _references(value, (*at, name))
        elif isinstance(value, tuple):
            for number, each in enumerate(value):
                if isinstance(each, SecretRef):
                    yield (*at, name, number), each
                elif isinstance(each, BaseModel):
                    yield from _references(each, (*at, name, number))


def _security(file: ConfigFile) -> Iterator[Mistake]:
    """Find files of certificates or keys that cannot be used; a section's next one shows once the first is mended."""
    config = file.config
    for read in (
        lambda: security_options(config.kafka.security),
        lambda: tls_of(config.redis),
        lambda: endpoint_of(config.registry),
    ):
        try:
            read()
        except TlsFileError as error:
            where = file.where(*error.setting.split("."))
            yield Mistake(where, f"{error.setting}: {error.problem}", error.fix)
        except ConfigurationError:
            # A secret that is not there, found above; with it, there may be more to find here.
            continue


def _schemas(file: ConfigFile) -> Iterator[Mistake]:
    folder = file.config.registry.folder
    try:
        if folder is not None:
            schemas_in(folder)
    except SchemaError as error:
        yield Mistake(
            file.where("registry", "folder"), f"registry.folder: {error}", "mend the file or the path"
        )


def _evolution(file: ConfigFile) -> Iterator[Mistake]:
    """Find newest schemas of the folder that cannot read what was written with earlier ones. A registry is not asked."""
    registry = file.config.registry
    if registry.folder is None or registry.url is not None:
        return
    try:
        subjects = in_files(file.config)
    except SchemaError:
        return  # a mistake, found above
    # Not a mistake: Pointsman reads each record with the schema that it was written with.
    for subject in subjects:
        for each in subject.breaks(Mode.BACKWARD_TRANSITIVE):
            message = f"registry.folder: {each.whom} fails: {'; '.join(map(str, each.problems))}"
            hint = (
                "mend the new version before anybody writes with it; `pointsman topics check` shows the same"
            )
            yield Mistake(file.where("registry", "folder"), message, hint)


def _loops(file: ConfigFile) -> Iterator[Mistake]:
    """Find routes that would be fed by what Pointsman itself publishes."""
    own = own_topics(file.config)
    for index, route in enumerate(file.config.routes):
        at = ("routes", index)
        if route.topic in own:
            message = f"routes.{index}: {route.topic} is one of Pointsman's own topics"
            yield Mistake(file.where(*at, "topic"), message, "a route's topic carries business events")
        if route.topic == route.output:
            message = f"routes.{index}: outcomes go to {route.output}, where the events come from"
            yield Mistake(file.where(*at, "output"), message, "give the outcomes a topic of their own")


def _patience(file: ConfigFile) -> Iterator[Mistake]:
    """Find models that may take so long, one after the other, that the worker would count as wedged."""
    models = file.config.model.deployments() if file.config.model else ()
    longest_s = sum(each.timeout_s for each in models)
    stalled_s = file.config.limits.stalled_s
    if longest_s >= stalled_s:
        message = f"model: all deployments together may take {longest_s:g} s for one answer (timeout_s)"
        hint = f"a step that takes limits.stalled_s, {stalled_s:g} s, ends the worker: shorten the one or raise the other"
        yield Mistake(file.where("model", "timeout_s"), message, hint)


def _missing_topics(file: ConfigFile, existing: AbstractSet[str]) -> Iterator[Mistake]:
    for topic, location in _named_topics(file.config):
        if topic not in existing:
            hint = f"`pointsman topics create` makes it.{close_match(topic, existing)}"
            yield Mistake(file.where(*location), f"{_name(location)}: no topic {topic} on the cluster", hint)


def _named_topics(config: Config) -> Iterable[tuple[str, Location]]:
    named = own_topics(config)
    for index, route in enumerate(config.routes):
        named.setdefault(route.topic, ("routes", index, "topic"))
        named.setdefault(route.output, ("routes", index, "output"))
    return named.items()


def _name(location: Location) -> str:
    return ".".join(map(str, location))


def _line(mistake: Mistake) -> tuple[str, int]:
    name, _, line = mistake.where.rpartition(":")
    return (name, int(line)) if line.isdigit() else (mistake.where, 0)
