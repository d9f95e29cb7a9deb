"""The topics of a configuration as an AsyncAPI 3 document: who may publish what, and what subscribers get. Pure.

https://www.asyncapi.com/docs/reference/specification/v3.1.0, with the Kafka bindings 0.5.0. The document speaks for Pointsman:
it `receive`s events and `send`s outcomes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, cast

import orjson

from consumers.app.config import Config
from consumers.app.topic_settings import TopicSettings
from consumers.cli.declared_messages import declared_message, is_declared
from consumers.cli.topic_plan import PlannedTopic, Role, plan
from schemas.dead_letter import PREFIX
from schemas.registry.avro_schema import AvroSchema

_AVRO: Final = "application/vnd.apache.avro+json;version=1.9.0"
"""How AsyncAPI calls a schema in Avro; ours use nothing newer."""
_BINDING: Final = "0.5.0"
_NAME: Final = re.compile(r"[^A-Za-z0-9_-]+")
_TEXT: Final = {"type": "string"}
_ATTRIBUTES: Final[Mapping[str, str]] = {
    "ce_specversion": "CloudEvents, always 1.0.",
    "ce_id": "De-duplicate on it: the same event always has the same id.",
    "ce_source": "Who published it; the id is unique in it.",
    "ce_type": "The event type.",
    "ce_time": "RFC 3339.",
    "ce_sessionid": "Events of one session are worked in order.",
    "content-type": "application/avro, or application/json.",
}
_WHY: Final[Mapping[str, str]] = {
    "reason": "One word, such as unreadable.",
    "error": "What happened.",
    "topic": "Where it came from, with partition and offset beside it.",
}
_REQUIRED: Final = ("ce_specversion", "ce_id", "ce_source", "ce_type")
_RECEIVED: Final[frozenset[Role]] = frozenset({"input", "approvals", "redrive"})
_SENT: Final[frozenset[Role]] = frozenset(
    {"outcomes", "steps", "approvals", "dead-letters", "parked", "differences", "redrive"}
)


@dataclass(frozen=True, slots=True)
class Described:
    """A configuration and the schemas of its events.

    Attributes:
        config: whose topics are described.
        schemas: the latest schema of each event type that a file holds.
        version: of Pointsman.
    """

    config: Config
    schemas: Mapping[str, AvroSchema]
    version: str


def asyncapi(described: Described) -> dict[str, Any]:
    """Return the document, JSON-like; the same configuration always gives the same one."""
    topics = plan(described.config)
    told = described.config.topics
    carried = sorted(
        {name for topic in topics if not is_declared(told.get(topic.name)) for name in topic.carries}
    )
    messages = {_id(name): _message(name, described.schemas.get(name)) for name in carried}
    for topic in topics:
        if is_declared(told.get(topic.name)):
            messages |= {
                _key(topic, name, told): declared_message(name, told[topic.name]) for name in topic.carries
            }
    if any(not topic.carries for topic in topics):
        messages["record"] = _original()
    kafka = described.config.kafka
    secure = kafka.security.protocol.endswith("SSL")
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": f"Pointsman, group {kafka.group}",
            "version": described.version,
            "description": "Events that it works, and what it publishes of them.",
        },
        "defaultContentType": "application/avro",
        "servers": {
            "kafka": {
                "host": kafka.bootstrap.partition(",")[0],
                "protocol": "kafka-secure" if secure else "kafka",
                "description": f"Spoken to by {kafka.security.protocol}.",
            }
        },
        "channels": {_id(topic.name): _channel(topic, told) for topic in topics},
        "operations": _operations(topics),
        "components": {"messages": messages},
    }


def _key(topic: PlannedTopic, name: str, told: Mapping[str, TopicSettings]) -> str:
    """Return where a message stands in the document: one that a topic declares is that topic's own."""
    return _id(f"{topic.name} {name}" if is_declared(told.get(topic.name)) else name)


def _channel(topic: PlannedTopic, told: Mapping[str, TopicSettings]) -> dict[str, Any]:
    names = [_key(topic, name, told) for name in topic.carries] or ["record"]
    binding: dict[str, Any] = {"topic": topic.name, "partitions": topic.partitions}
    if topic.settings:
        binding["topicConfiguration"] = {
            name: [value] if name == "cleanup.policy" else int(value)
            for name, value in topic.settings.items()
        }
    return {
        "address": topic.name,
        "description": topic.why,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"kafka": {**binding, "bindingVersion": _BINDING}},
    }


def _operations(topics: Sequence[PlannedTopic]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for topic in topics:
        name = _id(topic.name)
        for action, roles in (("receive", _RECEIVED), ("send", _SENT)):
            if topic.role in roles:
                found[f"{action}-{name}"] = {"action": action, "channel": {"$ref": f"#/channels/{name}"}}
    return found


def _message(name: str, schema: AvroSchema | None) -> dict[str, Any]:
    properties = {header: {**_TEXT, "description": said} for header, said in _ATTRIBUTES.items()}
    properties["ce_type"] = {"const": name, **properties["ce_type"]}
    message: dict[str, Any] = {
        "name": name,
        "title": name,
        "contentType": "application/avro",
        "headers": {"type": "object", "required": list(_REQUIRED), "properties": properties},
        "bindings": {"kafka": {"key": {**_TEXT, "description": "The session."}, "bindingVersion": _BINDING}},
    }
    if schema is not None:
        told = cast("dict[str, Any]", orjson.loads(schema.text))
        message["summary"] = told.get("doc", "")
        message["payload"] = {"schemaFormat": _AVRO, "schema": told}
    if examples := _examples(name):
        message["examples"] = examples
    return message


def _original() -> dict[str, Any]:
    return {
        "name": "record",
        "title": "A record as it was",
        "summary": "Key, value and headers of a record of another topic, byte for byte, and why it is here.",
        "contentType": "application/octet-stream",
        "headers": {
            "type": "object",
            "properties": {f"{PREFIX}{name}": {**_TEXT, "description": said} for name, said in _WHY.items()},
        },
    }


def _examples(name: str) -> list[dict[str, Any]]:
    """Return the packaged examples of an event type: their attributes as headers, their data as payload."""
    folder = resources.files("schemas") / "examples"
    found: list[dict[str, Any]] = []
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        story = file.name.removesuffix(".json").rpartition(".")
        if story[0] == name:
            event = cast("dict[str, Any]", orjson.loads(file.read_bytes()))
            data = event.pop("data")
            event.pop("datacontenttype", None)
            headers = {f"ce_{attribute}": value for attribute, value in event.items()}
            found.append({"name": story[2], "headers": headers, "payload": data})
    return found


def _id(name: str) -> str:
    """Return a name as the document's keys may be spelled."""
    return _NAME.sub("-", name)
