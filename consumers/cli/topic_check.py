"""`pointsman topics check`: which versions of a schema cannot read which others, as a table and as JSON."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import typer

from connectors.lint import close_match
from consumers.app.config import Config
from consumers.app.connections import registry
from consumers.app.schema_history import Subject, in_files, in_registry, since_revision
from consumers.cli.exits import FAILED, end_with, load, perform, refuse
from consumers.cli.screen import out, print_json, styled, table
from consumers.errors import ConfigurationError
from schemas.errors import SchemaError
from schemas.registry.confluent import ConfluentRegistry
from schemas.registry.versions import Break, Mode


def check(config: Path, names: list[str], *, against: str | None, mode: str, as_json: bool) -> None:
    """Print what each schema breaks, or each of these names, and for whom; ends with FAILED if anything."""
    by = Mode(mode)
    subjects = named(_subjects(load(config).config, against), names)
    found = [(subject, subject.breaks(by)) for subject in subjects]
    count = sum(len(breaks) for _, breaks in found)
    if as_json:
        print_json(
            {
                "ok": not count,
                "mode": by,
                "against": against,
                "subjects": [_document(subject, breaks, by) for subject, breaks in found],
            }
        )
    else:
        show_breaks(found, by)
        said = f"{count} break{'s' * (count != 1)}" if count else "nothing breaks"
        out().print(styled(f"{said} ({by})", "red" if count else "green"))
    if count:
        raise typer.Exit(FAILED)


REGISTRY: Final = "registry"
"""As the value of `--against`; a branch of that name is `refs/heads/registry`."""


def _subjects(config: Config, against: str | None) -> list[Subject]:
    try:
        if against is not None and against != REGISTRY:
            return since_revision(config, against)
        source = registry(config)
        if not isinstance(source, ConfluentRegistry) and against is None:
            return in_files(config)
    except (ConfigurationError, SchemaError) as error:
        end_with(error)
    if not isinstance(source, ConfluentRegistry):
        end_with(ConfigurationError("there is no registry to compare with: set `registry.url`"))
    return perform(_registered(config, source))


def named(subjects: list[Subject], names: list[str]) -> list[Subject]:
    """Return the subjects of these names, all for none; a name that is not there ends the process."""
    there = {each.name for each in subjects}
    for name in names:
        if name not in there:
            refuse(f"no subject {name}; there are {', '.join(sorted(there))}.{close_match(name, there)}")
    return [each for each in subjects if not names or each.name in names]


async def _registered(config: Config, source: ConfluentRegistry) -> list[Subject]:
    try:
        return await in_registry(config, source)
    finally:
        await source.close()


def show_breaks(found: Sequence[tuple[Subject, tuple[Break, ...]]], mode: Mode) -> None:
    """Print a table of subjects and what breaks in each."""
    made = table("subject", "version", "against", "what breaks", "for whom")
    for subject, breaks in found:
        name = styled(subject.name, "bold")
        version = styled(subject.new.name if subject.new else "none")
        against = styled(", ".join(subject.compared(mode)) or "-")
        if not breaks:
            made.add_row(name, version, against, styled("nothing", "green"), "")
        for each in breaks:
            problems = "\n".join(map(str, each.problems))
            made.add_row(name, version, against, styled(problems, "red"), styled(each.whom))
            name, version, against = (styled(""),) * 3
    out().print(made)


def subject_in_registry(subject: Subject) -> dict[str, Any] | None:
    """Return what the registry says of the new version, or None where it was not asked."""
    if subject.registered is None and subject.verdict is None:
        return None
    verdict = subject.verdict
    return {
        "id": subject.registered,
        "level": verdict.level if verdict else None,
        "would_take_it": verdict.compatible if verdict else True,
    }


def _document(subject: Subject, breaks: tuple[Break, ...], mode: Mode) -> dict[str, Any]:
    return {
        "subject": subject.name,
        "version": subject.new.name if subject.new else None,
        "compared": subject.compared(mode),
        "registry": subject_in_registry(subject),
        "breaks": [
            {
                "reader": each.reader,
                "writer": each.writer,
                "problems": [
                    {"path": problem.path, "kind": problem.kind, "message": problem.message}
                    for problem in each.problems
                ],
            }
            for each in breaks
        ],
    }
