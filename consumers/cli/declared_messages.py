"""Messages of input topics that are declared to hold no CloudEvents, for the AsyncAPI document. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from consumers.app.topic_settings import TopicSettings

_TEXT: Final = {"type": "string"}
_ID: Final = {**_TEXT, "description": "The event's id: the same for every attempt to send it."}
_KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "confluent-avro": ("application/avro", "Avro, with the id of its schema in front or in a header."),
    "json": ("application/json", "A JSON object."),
    "debezium": (
        "application/json",
        "A change of a row by Debezium, in JSON or in Avro with its schema's id.",
    ),
    "debezium-outbox": (
        "application/json",
        "An event of Debezium's outbox, in JSON or in Avro with its schema's id.",
    ),
}


def is_declared(settings: TopicSettings | None) -> bool:
    """Return whether a topic's messages are other than those of a topic that nothing is declared of."""
    return settings is not None and settings.format in _KINDS


def declared_message(name: str, settings: TopicSettings) -> dict[str, Any]:
    """Return the message of an event type on a declared topic; the id is in a header only where it has to be."""
    content_type, summary = _KINDS[str(settings.format)]
    if settings.schema_file is not None:
        summary = f"{summary} It fits {settings.schema_file.name}."
    properties: dict[str, Any] = {"id": _ID}
    required: list[str] = []
    if settings.format == "debezium-outbox":
        required = ["id"]
        properties[settings.type_header] = {**_TEXT, "description": f"The event's type, {name}."}
    return {
        "name": name,
        "title": name,
        "summary": summary,
        "contentType": content_type,
        "headers": {"type": "object", "required": required, "properties": properties}
        if required
        else {"type": "object", "properties": properties},
    }
