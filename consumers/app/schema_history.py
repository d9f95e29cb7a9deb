"""Schemas of a configuration beside their earlier versions: of files, of a git revision, of a registry."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from consumers.app.config import Config
from consumers.errors import ConfigurationError
from schemas.errors import UnknownSchemaError
from schemas.registry.compatibility import Incompatibility
from schemas.registry.confluent import ConfluentRegistry
from schemas.registry.files import SchemaFile, packaged_schemas, schemas_in
from schemas.registry.misfits import Kind
from schemas.registry.registered import RegisteredVersion, Verdict
from schemas.registry.revision import is_tracked, schemas_at
from schemas.registry.versions import Break, Mode, Version, breaks, compared


@dataclass(frozen=True, slots=True)
class Subject:
    """One schema, and the versions before it.

    Attributes:
        name: the subject of a registry, or the event type of files.
        new: the version that is checked; None where there is none that could be.
        earlier: those it is compared with, the oldest first; in a registry they may be newer than what is here.
        unusable: versions that break whatever the new one says: files that are gone, schemas that Pointsman refuses.
        registered: the id of the new version where the registry has it under this name; None where it has not, or is not asked.
        verdict: whether the registry would take the new version; None where it has it, or is not asked.
    """

    name: str
    new: Version | None
    earlier: tuple[Version, ...] = ()
    unusable: tuple[Break, ...] = ()
    registered: int | None = None
    verdict: Verdict | None = None

    def breaks(self, mode: Mode) -> tuple[Break, ...]:
        """Return all that breaks, by one mode, and what the registry would not take, by its own."""
        by_mode = breaks(self.new, self.earlier, mode) if self.new else ()
        return (*self.unusable, *by_mode, *_not_taken(self.new, self.verdict))

    def compared(self, mode: Mode) -> tuple[str, ...]:
        """Return the names of the versions that the new one is compared with."""
        return tuple(each.name for each in (compared(self.new, self.earlier, mode) if self.new else ()))


def own_files(config: Config) -> tuple[SchemaFile, ...]:
    """Return the packaged schema files and those of the configuration's folder, of one name the latter.

    Raises:
        SchemaError: the folder is missing, or a file is misnamed or no schema we accept.
    """
    folder = config.registry.folder
    files = {_name(file): file for file in (*packaged_schemas(), *(schemas_in(folder) if folder else ()))}
    return tuple(files.values())


def in_files(config: Config) -> list[Subject]:
    """Return each event type with its newest file and those before it: all of the folder, or all packaged ones without a folder.

    Raises:
        SchemaError: as `own_files` raises it.
    """
    folder = config.registry.folder
    shown = {file.type for file in (schemas_in(folder) if folder else packaged_schemas())}
    subjects: list[Subject] = []
    for event_type, versions in _by_type(own_files(config)).items():
        *earlier, new = [Version(_name(file), file.schema) for file in versions]
        if event_type in shown:
            subjects.append(Subject(event_type, new, tuple(earlier)))
    return subjects


def since_revision(config: Config, revision: str) -> list[Subject]:
    """Return each event type with its newest file, and the files that git had at a revision. Blocks.

    Of files, ids are digests; so where no registry gives out ids, a file that is gone or says something else is a break by itself.

    Raises:
        ConfigurationError: git keeps no schema files of this configuration.
        SchemaError: as `schemas_at` raises it, or a file here is wrong.
    """
    folder, here = _tracked(config)
    now, then = _by_type(here), _by_type(schemas_at(folder, revision))
    ids = {file.schema.fingerprint for file in own_files(config)}
    subjects: list[Subject] = []
    for event_type in sorted(now.keys() | then.keys()):
        versions, earlier = now.get(event_type, []), then.get(event_type, [])
        subjects.append(
            Subject(
                event_type,
                Version(_name(versions[-1]), versions[-1].schema) if versions else None,
                tuple(Version(f"{_name(file)} at {revision}", file.schema) for file in earlier),
                tuple([] if config.registry.url else _lost(earlier, ids, revision)),
            )
        )
    return subjects


async def in_registry(config: Config, registry: ConfluentRegistry) -> list[Subject]:
    """Return each subject that the registry has of this configuration's events, beside our newest file.

    Changes nothing there. It is asked for its own verdict on each file that it does not have yet.

    Raises:
        SchemaError: as `ConfluentRegistry.versions_of` and `verdict` raise it, or a file here is wrong.
    """
    newest = {kind: files[-1] for kind, files in _by_type(own_files(config)).items()}
    subjects: list[Subject] = []
    for name, event_type in _subject_names(config, newest).items():
        there = await registry.versions_of(name)
        file = newest.get(event_type)
        if there or (file and name == file.schema.name):
            subject = _registered(name, there, file)
            subjects.append(await _judged(subject, file, registry) if file else subject)
    return subjects


async def _judged(subject: Subject, file: SchemaFile, registry: ConfluentRegistry) -> Subject:
    try:
        return replace(subject, registered=await registry.id_of(subject.name, file.schema))
    except UnknownSchemaError:
        return replace(subject, verdict=await registry.verdict(subject.name, file.schema))


def _not_taken(new: Version | None, verdict: Verdict | None) -> Iterator[Break]:
    if new is None or verdict is None or verdict.compatible:
        return
    said = f": {'; '.join(verdict.reasons)}" if verdict.reasons else ""
    message = f"the registry would not take it by its level {verdict.level}{said}"
    yield Break("the registry", new.name, _only(Kind.NOT_TAKEN, message), others="who registers it")


def _subject_names(config: Config, newest: Mapping[str, SchemaFile]) -> dict[str, str]:
    """Return the event type of each subject: named after the record, the topic, or both, as registries' clients do."""
    names = {file.schema.name: event_type for event_type, file in newest.items()}
    for route in config.routes:
        types = {each.event for each in config.routes if each.topic == route.topic}
        if len(types) == 1:  # of a topic with several, `-value` is one of them, and nobody says which
            names[f"{route.topic}-value"] = route.event
        if route.event in newest:
            names[f"{route.topic}-{newest[route.event].schema.name}"] = route.event
    return names


def _registered(name: str, there: tuple[RegisteredVersion, ...], file: SchemaFile | None) -> Subject:
    usable = [Version(f"version {each.number} in the registry", each.schema) for each in there if each.schema]
    refused = [
        Break("Pointsman", f"version {each.number} in the registry", _only(Kind.REFUSED, each.problem))
        for each in there
        if each.schema is None
    ]
    if file:
        return Subject(name, Version(_name(file), file.schema), tuple(usable), tuple(refused))
    return Subject(name, usable[-1] if usable else None, tuple(usable[:-1]), tuple(refused))


def _tracked(config: Config) -> tuple[Path, tuple[SchemaFile, ...]]:
    """Return the folder of the configuration; without one, the packaged one of a working copy of Pointsman."""
    own, packaged = config.registry.folder, Path(str(resources.files("schemas") / "avro"))
    if own:
        return own, schemas_in(own)
    if packaged.is_dir() and is_tracked(packaged):
        return packaged, packaged_schemas()
    raise ConfigurationError(
        "git keeps no schema files of this configuration: name their folder in `registry.folder`"
    )


def _lost(then: list[SchemaFile], ids: AbstractSet[bytes], revision: str) -> list[Break]:
    message = "the file is gone or says something else, and with it the id that records name: keep it, and add a version"
    return [
        Break("any version", f"{_name(file)} at {revision}", _only(Kind.LOST, message))
        for file in then
        if file.schema.fingerprint not in ids
    ]


def _only(kind: Kind, message: str) -> tuple[Incompatibility, ...]:
    return (Incompatibility("", kind, message),)


def _by_type(files: Iterable[SchemaFile]) -> dict[str, list[SchemaFile]]:
    found: dict[str, list[SchemaFile]] = {}
    for file in sorted(files, key=lambda file: (file.type, file.version)):
        found.setdefault(file.type, []).append(file)
    return found


def _name(file: SchemaFile) -> str:
    return f"{file.type}.v{file.version}"
