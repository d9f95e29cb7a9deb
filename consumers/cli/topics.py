"""`pointsman topics`: what the configuration needs beside what the cluster has."""

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import typer
import yaml

from consumers.adapters.kafka_reader import Span, topic_reader
from consumers.app.config import Config
from consumers.app.connections import kafka_connection
from consumers.cli import topic_asyncapi
from consumers.cli.exits import FAILED, end_with, fail, load, perform
from consumers.cli.screen import out, print_json, print_text, styled, table
from consumers.cli.topic_admin import topic_admin
from consumers.cli.topic_asyncapi import Described
from consumers.cli.topic_plan import ActualTopic, PlannedTopic, differences, plan
from schemas.errors import SchemaError
from schemas.registry.files import latest, packaged_schemas, schemas_in


def list_topics(config: Path, *, as_json: bool) -> None:
    """Print the topics of the configuration."""
    settings = load(config).config
    actual = perform(_actual(settings))
    rows = [(planned, actual.get(planned.name)) for planned in plan(settings)]
    if as_json:
        print_json([_document(planned, there) for planned, there in rows])
        return
    made = table("topic", "role", "partitions", "carries", "state", right=["partitions"])
    for planned, there in rows:
        made.add_row(
            styled(planned.name, "bold"),
            planned.role,
            str(there.partitions) if there else "-",
            styled(", ".join(planned.carries) or "records of other topics"),
            _state(planned, there),
        )
    out().print(made)


def diff(config: Path, *, as_json: bool) -> None:
    """Print what the cluster has otherwise than planned; the exit code says whether there is anything."""
    settings = load(config).config
    actual = perform(_actual(settings))
    rows = [(planned, actual.get(planned.name)) for planned in plan(settings)]
    wrong = [row for row in rows if row[1] is None or differences(row[0], row[1])]
    if as_json:
        print_json([_document(planned, there) for planned, there in wrong])
    elif wrong:
        made = table("topic", "role", "difference")
        for planned, there in wrong:
            made.add_row(styled(planned.name, "bold"), planned.role, _state(planned, there))
        out().print(made)
    else:
        out().print(styled(f"all {len(rows)} topics are as planned", "green"))
    if wrong:
        raise typer.Exit(FAILED)


def asyncapi(config: Path, *, as_json: bool) -> None:
    """Print the AsyncAPI document of the configuration's topics."""
    settings = load(config).config
    folder = settings.registry.folder
    try:
        schemas = latest(packaged_schemas()) | latest(schemas_in(folder) if folder else ())
    except SchemaError as error:
        end_with(error)
    document = topic_asyncapi.asyncapi(Described(settings, schemas, version("pointsman")))
    if as_json:
        print_json(document)
    else:
        print_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100))


def create(config: Path, *, partitions: int, replicas: int | None, dry_run: bool, as_json: bool) -> None:
    """Create what is missing and say so; what exists is left as it is."""
    settings = load(config).config
    planned = plan(settings, input_partitions=partitions)
    before = perform(_create(settings, planned, replicas=replicas, dry_run=dry_run))
    if as_json:
        print_json([_done(each, before.get(each.name), dry_run=dry_run) for each in planned])
        return
    for each in planned:
        done = _done(each, before.get(each.name), dry_run=dry_run)
        style = "dim" if each.name in before else "green"
        out().print(styled(f"{done['did']:<13}", style), styled(each.name), styled(f"({each.role})", "dim"))
        for difference in done["differences"]:
            out().print(styled(f"              {difference}; change it with Kafka's own tools", "yellow"))


def describe(config: Path, topic: str, *, as_json: bool) -> None:
    """Print one topic with its settings and offsets."""
    settings = load(config).config
    actual, spans = perform(_describe(settings, topic))
    planned = next((each for each in plan(settings) if each.name == topic), None)
    offsets = [{"partition": number, "first": s.first, "end": s.end} for number, s in spans.items()]
    if as_json:
        shown: dict[str, Any] = _document(planned, actual) if planned else {"topic": topic}
        print_json({**shown, "settings": actual.settings, "offsets": offsets})
        return
    made = table(
        "partition", "first offset", "end offset", "records", right=["first offset", "end offset", "records"]
    )
    for number, span in spans.items():
        made.add_row(str(number), str(span.first), str(span.end), str(span.end - span.first))
    console = out()
    console.print(
        styled(topic, "bold"), styled(planned.why if planned else "no topic of this configuration", "dim")
    )
    console.print(made)
    for name in ("cleanup.policy", "retention.ms", "min.insync.replicas", "max.message.bytes"):
        console.print(styled(f"{name:<20} {actual.settings.get(name, 'unknown')}"))


async def _actual(config: Config) -> Mapping[str, ActualTopic]:
    names = {each.name for each in plan(config)}
    async with topic_admin(kafka_connection(config.kafka)) as admin:
        there = {name: topic for name, topic in (await admin.topics()).items() if name in names}
        settings = await admin.settings(there)
    return {name: replace(topic, settings=settings.get(name, {})) for name, topic in there.items()}


async def _create(
    config: Config, planned: tuple[PlannedTopic, ...], *, replicas: int | None, dry_run: bool
) -> Mapping[str, ActualTopic]:
    """Create what is missing; return what was there before."""
    before = await _actual(config)
    missing = [each for each in planned if each.name not in before]
    if missing and not dry_run:
        async with topic_admin(kafka_connection(config.kafka)) as admin:
            await admin.create(missing, replicas=replicas)
    return before


async def _describe(config: Config, topic: str) -> tuple[ActualTopic, Mapping[int, Span]]:
    connection = kafka_connection(config.kafka)
    async with topic_admin(connection) as admin:
        found = (await admin.topics()).get(topic)
        if found is None:
            fail(f"no topic {topic} on the cluster; `pointsman topics create` makes those of the routes")
        settings = (await admin.settings([topic]))[topic]
    async with topic_reader(connection) as reader:
        spans = await reader.spans([topic])
    return replace(found, settings=settings), {tp.partition: span for tp, span in spans.items()}


def _state(planned: PlannedTopic, there: ActualTopic | None) -> Any:
    if there is None:
        return styled("missing", "red")
    different = differences(planned, there)
    return styled("; ".join(different), "yellow") if different else styled("there", "green")


def _done(planned: PlannedTopic, there: ActualTopic | None, *, dry_run: bool) -> dict[str, Any]:
    if there:
        return {"topic": planned.name, "did": "already there", "differences": differences(planned, there)}
    return {"topic": planned.name, "did": "would create" if dry_run else "created", "differences": []}


def _document(planned: PlannedTopic, there: ActualTopic | None) -> dict[str, Any]:
    return {
        "topic": planned.name,
        "role": planned.role,
        "carries": planned.carries,
        "why": planned.why,
        "exists": there is not None,
        "partitions": there.partitions if there else None,
        "replicas": there.replicas if there else None,
        "differences": differences(planned, there) if there else [],
    }
