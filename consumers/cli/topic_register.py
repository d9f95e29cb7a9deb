"""`pointsman topics register`: our newest schemas into the registry. The only thing that registers any."""

from pathlib import Path
from typing import Any

import typer

from consumers.app.config import Config
from consumers.app.connections import registry
from consumers.app.schema_history import Subject, in_registry
from consumers.cli.exits import FAILED, end_with, load, perform
from consumers.cli.screen import out, print_json, styled
from consumers.cli.topic_check import named, show_breaks, subject_in_registry
from consumers.errors import ConfigurationError
from schemas.errors import SchemaError
from schemas.registry.confluent import ConfluentRegistry
from schemas.registry.versions import Mode, Version


def register(config: Path, names: list[str], *, mode: str, dry_run: bool, as_json: bool) -> None:
    """Register what the registry does not have yet; nothing at all where one of them breaks something."""
    by = Mode(mode)
    subjects, done = perform(_register(load(config).config, names, by, dry_run=dry_run))
    broken = [(each, found) for each in subjects if (found := each.breaks(by))]
    if as_json:
        print_json(
            {"ok": not broken, "subjects": [_document(each, done.get(each.name)) for each in subjects]}
        )
    elif broken:
        show_breaks(broken, by)
        out().print(styled("nothing was registered", "red"))
    else:
        for each in subjects:
            _show(each, done.get(each.name))
    if broken:
        raise typer.Exit(FAILED)


async def _register(
    config: Config, names: list[str], mode: Mode, *, dry_run: bool
) -> tuple[list[Subject], dict[str, tuple[int, str]]]:
    """Return what was looked at, and of what is registered now the id and the digest that a pin would have."""
    source = _registry(config)
    try:
        of_records = [each for each in await in_registry(config, source) if _is_ours(each)]
        subjects = named(of_records, names)
        if any(each.breaks(mode) for each in subjects):
            return subjects, {}
        done = {each.name: await _registered(each, source, dry_run=dry_run) for each in subjects}
    finally:
        await source.close()
    return subjects, {name: said for name, said in done.items() if said is not None}


async def _registered(
    subject: Subject, source: ConfluentRegistry, *, dry_run: bool
) -> tuple[int, str] | None:
    new = _new(subject)
    schema_id = subject.registered
    if schema_id is None:
        if dry_run:
            return None
        schema_id = await source.register(subject.name, new.schema)
    there = (await source.schema_of(schema_id)).schema
    if there.canonical != new.schema.canonical:
        raise SchemaError(
            f"subject {subject.name}: the registry gives another schema for id {schema_id} than was registered; do not write with it"
        )
    return schema_id, there.digest


def _registry(config: Config) -> ConfluentRegistry:
    try:
        source = registry(config)
    except (ConfigurationError, SchemaError) as error:
        end_with(error)
    if not isinstance(source, ConfluentRegistry):
        end_with(ConfigurationError("there is no registry to register at: set `registry.url`"))
    return source


def _is_ours(subject: Subject) -> bool:
    """Tell the subject that is named after our record, under which we write, from those of publishers."""
    return (
        subject.new is not None
        and subject.new.schema.name == subject.name
        and subject_in_registry(subject) is not None
    )


def _new(subject: Subject) -> Version:
    assert subject.new is not None  # `_is_ours` holds
    return subject.new


def _did(subject: Subject, said: tuple[int, str] | None) -> str:
    if subject.registered is not None:
        return "already there"
    return "registered" if said else "not registered"


def _show(subject: Subject, said: tuple[int, str] | None) -> None:
    did = _did(subject, said)
    number = f" as id {said[0]}" if said else ""
    text = f" {subject.name} ({_new(subject).name}){number}"
    out().print(
        styled(f"{did:<14}", "dim" if subject.registered is not None else "green"), styled(text), sep=""
    )


def _document(subject: Subject, said: tuple[int, str] | None) -> dict[str, Any]:
    return {
        "subject": subject.name,
        "version": _new(subject).name,
        "did": _did(subject, said),
        "id": said[0] if said else None,
        "sha256": said[1] if said else None,
        "registry": subject_in_registry(subject),
    }
