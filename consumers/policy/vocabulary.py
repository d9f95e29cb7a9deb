"""What a rule may speak of, with types: JSON Schemas told to CEL's type checker as protobuf messages. Pure.

CEL knows no JSON Schema, but protobuf (https://github.com/google/cel-spec/blob/master/doc/langdef.md#protocol-buffer-data-conversion):
an object with known members becomes a message, so that a misspelt member is an error; what may be null becomes one of
protobuf's wrappers; what a schema leaves open becomes `dyn`, which is checked when the rule is evaluated.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import descriptor_pb2, struct_pb2, timestamp_pb2, wrappers_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

JsonSchema = Mapping[str, Any]

_PACKAGE: Final = "rule"
_ANY: Final = ".google.protobuf.Value"
_TIMESTAMP: Final = ".google.protobuf.Timestamp"
_SCALARS: Final[Mapping[str, "FieldDescriptorProto.Type.ValueType"]] = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "integer": FieldDescriptorProto.TYPE_INT64,
    "number": FieldDescriptorProto.TYPE_DOUBLE,
    "boolean": FieldDescriptorProto.TYPE_BOOL,
}
_NULLABLE: Final[Mapping[str, str]] = {
    "string": ".google.protobuf.StringValue",
    "integer": ".google.protobuf.Int64Value",
    "number": ".google.protobuf.DoubleValue",
    "boolean": ".google.protobuf.BoolValue",
}
_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_DEPTH: Final = 16
"""Levels that are typed; what is deeper, or holds itself, is `dyn`."""
_MESSAGES: Final = 1000
"""Objects that are typed, of all that a rule may speak of."""

TIMESTAMP: Final[JsonSchema] = {"x-cel": "timestamp"}
"""The schema of a point in time that rules see as one, such as `event.time`."""


class Vocabulary:
    """Collects message types, one for each schema of an object, in a pool of its own.

    Attributes:
        labels: what each message stands for, as a rule would write it, such as `event.payload`.
        members: the names of its members.
    """

    def __init__(self) -> None:
        self.labels: dict[str, str] = {}
        self.members: dict[str, tuple[str, ...]] = {}
        self._file = FileDescriptorProto(name="rule.proto", package=_PACKAGE, syntax="proto3")
        self._imports = (struct_pb2, timestamp_pb2, wrappers_pb2)
        self._file.dependency.extend(module.DESCRIPTOR.name for module in self._imports)

    def message(self, label: str, schema: JsonSchema) -> str | None:
        """Add the message of an object's schema and return its full name; None where its members are not known."""
        return self._message(label, schema, schema.get("$defs", {}), 0)

    def pool(self) -> DescriptorPool:
        """Return all messages added so far, as the type checker wants them."""
        pool = DescriptorPool()
        for module in self._imports:
            copy = descriptor_pb2.FileDescriptorProto()
            module.DESCRIPTOR.CopyToProto(copy)
            pool.Add(copy)
        pool.Add(self._file)
        return pool

    def _message(self, label: str, schema: JsonSchema, definitions: JsonSchema, depth: int) -> str | None:
        properties = schema.get("properties")
        full = depth > _DEPTH or len(self._file.message_type) >= _MESSAGES
        if not properties or full or not all(map(_NAME.fullmatch, properties)):
            return None
        message = self._file.message_type.add(name=f"T{len(self._file.message_type)}")
        # `order_id` and `orderId` are two members, though protobuf would make one JSON name of both.
        message.options.deprecated_legacy_json_field_conflicts = True
        full_name = f"{_PACKAGE}.{message.name}"
        self.labels[full_name], self.members[full_name] = label, tuple(properties)
        for number, (name, inner) in enumerate(properties.items(), start=1):
            field = message.field.add(
                name=name, json_name=name, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL
            )
            self._field(field, f"{label}.{name}", _resolved(inner, definitions), definitions, depth)
        return full_name

    def _field(
        self, field: FieldDescriptorProto, label: str, schema: JsonSchema, definitions: JsonSchema, depth: int
    ) -> None:
        if schema.get("type") != "array":
            self._type(field, label, schema, definitions, depth)
            return
        self._type(field, f"{label}[]", _resolved(schema.get("items", {}), definitions), definitions, depth)
        if field.type_name == _ANY or field.type_name in _NULLABLE.values():
            _is(field, _ANY)
        else:
            field.label = FieldDescriptorProto.LABEL_REPEATED

    def _type(
        self, field: FieldDescriptorProto, label: str, schema: JsonSchema, definitions: JsonSchema, depth: int
    ) -> None:
        kind, nullable = _kind(schema, definitions)
        if schema == TIMESTAMP:
            _is(field, _TIMESTAMP)
        elif isinstance(kind, str) and not nullable:
            field.type = _SCALARS[kind]
        elif isinstance(kind, str):
            _is(field, _NULLABLE[kind])
        elif kind and (name := self._message(label, kind, definitions, depth + 1)):
            _is(field, f".{name}")
        else:
            _is(field, _ANY)


def _is(field: FieldDescriptorProto, type_name: str) -> None:
    field.type = FieldDescriptorProto.TYPE_MESSAGE
    field.type_name = type_name


def _resolved(schema: Any, definitions: JsonSchema) -> JsonSchema:
    """Return what a schema refers to, or itself; `true`, and a list of items as older drafts have it, say nothing."""
    if not isinstance(schema, Mapping):
        return {}
    reference = schema.get("$ref")
    return schema if reference is None else definitions.get(str(reference).rpartition("/")[2], {})


def _kind(schema: JsonSchema, definitions: JsonSchema) -> tuple[str | JsonSchema | None, bool]:
    """Return a scalar's type, an object's schema or None for anything, and whether it may be null."""
    branches = [_resolved(branch, definitions) for branch in schema.get("anyOf", schema.get("oneOf", ()))]
    types = schema.get("type")
    if isinstance(types, list):
        branches = [{**schema, "type": each} for each in types]
    if not branches:
        return _scalar_or_object(schema), False
    others = [branch for branch in branches if branch.get("type") != "null"]
    kind = _scalar_or_object(others[0]) if len(others) == 1 else None
    return kind, len(others) < len(branches)


def _scalar_or_object(schema: JsonSchema) -> str | JsonSchema | None:
    kind = schema.get("type")
    if kind is None and "const" in schema:
        kind = {bool: "boolean", int: "integer", str: "string"}.get(type(schema["const"]))
    if isinstance(kind, str) and kind in _SCALARS:
        return kind
    return schema if kind == "object" else None
