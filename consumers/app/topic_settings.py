"""The configuration of input topics: what their records are, where that is to be said and not found out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from consumers.app.contradictions import Wrong, given, refuse
from consumers.app.section import Section
from schemas.codec.debezium.naming import DEFAULT_NAME, NAMES, unknown_names

Kind = Literal[
    "created", "updated", "deleted", "read", "truncated", "heartbeat", "transaction", "schema-change"
]
"""What a record of a Debezium connector may be, as `schemas.codec.debezium.naming.KINDS` lists it."""


class TopicSettings(Section):
    """What the records of one input topic are; a record that is something else is a dead letter."""

    format: Literal["confluent-avro", "cloudevents", "json", "debezium", "debezium-outbox"] | None = None
    """What each record has to be; found out from its headers and bytes where missing"""
    schema_file: Path | None = None
    """With `json` and `cloudevents`: what JSON values have to fit, a JSON Schema (`.json`) or an Avro schema (`.avsc`)"""
    event: str = Field(default=DEFAULT_NAME, min_length=1)
    """With `debezium`: the event's type, with `{table}`, `{change}`, `{schema}`, `{database}`, `{connector}`, `{name}`, `{op}`"""
    ignore: tuple[Kind, ...] = ()
    """With `debezium`: what is no event here: changes (`read` are the rows of a snapshot), or a connector's other records"""
    position: tuple[str, ...] | None = None
    """With `debezium`: the fields of `source` that tell a change's place in its log; those known of the connector if missing"""
    type_header: str = Field(default="type", min_length=1)
    """With `debezium-outbox`: the header that holds the event's type"""
    source: str | None = Field(default=None, min_length=1)
    """The source of events that name none, so that a copy of the topic holds the same events; the topic's name if missing"""

    @model_validator(mode="after")
    def _fits(self) -> "TopicSettings":
        refuse("TopicSettings", _mistakes(self))
        return self


def _mistakes(settings: TopicSettings) -> Iterator[Wrong]:
    if settings.format not in {"json", "cloudevents"}:
        for name in given(settings, ("schema_file",)):
            yield (
                name,
                "is for JSON: it goes with `format: json` or `cloudevents`; Avro names its schema itself",
            )
    if settings.format != "debezium":
        for name in {"event", "ignore", "position"} & settings.model_fields_set:
            yield name, "is for change events: it goes with `format: debezium`"
    if settings.format != "debezium-outbox" and "type_header" in settings.model_fields_set:
        yield "type_header", "is for the outbox: it goes with `format: debezium-outbox`"
    for name in unknown_names(settings.event):
        yield "event", f"`{{{name}}}` stands for nothing: there are {', '.join(NAMES)}"
    if settings.position == ():
        yield "position", "is empty: an event needs a place, or it has no id"
