"""One row with a column of every type, as both converters write it: Connect's JSON with its schema, and Confluent's Avro."""

import base64
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import fastavro
import orjson

from schemas.codec import avro
from schemas.registry.avro_schema import AvroSchema, avro_schema
from tests.schemas.debezium.records import AT_MS, POSTGRESQL

CONNECT = "org.apache.kafka.connect.data"
DEBEZIUM = "io.debezium.time"


@dataclass(frozen=True)
class Column:
    """A column, its type in both worlds, its value as sent, and what that means."""

    name: str
    kind: str
    avro: Any
    logical: str
    sent: Any
    means: Any
    parameters: dict[str, str] | None = None

    @property
    def in_json(self) -> Any:
        if isinstance(self.sent, bytes):
            return base64.b64encode(self.sent).decode()
        if isinstance(self.sent, dict):
            return {**self.sent, "value": base64.b64encode(self.sent["value"]).decode()}
        return self.sent

    @property
    def json_type(self) -> dict[str, Any]:
        said: dict[str, Any] = {"type": self.kind, "optional": True, "field": self.name}
        if self.logical:
            said |= {"name": self.logical, "version": 1}
        if self.parameters:
            said["parameters"] = self.parameters
        if self.kind == "struct":
            said["fields"] = [
                {"type": "int32", "optional": False, "field": "scale"},
                {"type": "bytes", "optional": False, "field": "value"},
            ]
        return said

    @property
    def avro_type(self) -> list[Any]:
        said = dict(self.avro) if isinstance(self.avro, dict) else {"type": self.avro}
        if self.logical:
            said |= {"connect.version": 1, "connect.name": self.logical}
        if self.parameters:
            said["connect.parameters"] = self.parameters
        return ["null", said]


VARIABLE = {
    "type": "record",
    "name": "VariableScaleDecimal",
    "namespace": "io.debezium.data",
    "fields": [{"name": "scale", "type": "int"}, {"name": "value", "type": "bytes"}],
}
MICROS = 1_772_442_900_123_456
COLUMNS = (
    Column("id", "int32", "int", "", 1001, 1001),
    Column("name", "string", "string", "", "Anne", "Anne"),
    Column("paid", "boolean", "boolean", "", True, True),
    Column("weight", "double", "double", "", 1.5, 1.5),
    Column("scan", "bytes", "bytes", "", b"\x00\xff", "AP8="),
    Column(
        "total",
        "bytes",
        {"type": "bytes", "scale": 2, "precision": 12, "logicalType": "decimal"},
        f"{CONNECT}.Decimal",
        b"\x04\xe2",
        "12.50",
        {"scale": "2", "connect.decimal.precision": "12"},
    ),
    Column(
        "debt",
        "bytes",
        {"type": "bytes", "scale": 2, "precision": 12, "logicalType": "decimal"},
        f"{CONNECT}.Decimal",
        b"\xff",
        "-0.01",
        {"scale": "2"},
    ),
    Column(
        "any_scale",
        "struct",
        VARIABLE,
        "io.debezium.data.VariableScaleDecimal",
        {"scale": 3, "value": b"\x04\xe2"},
        "1.250",
    ),
    Column("day", "int32", "int", f"{DEBEZIUM}.Date", 20514, "2026-03-02"),
    Column(
        "connect_day", "int32", {"type": "int", "logicalType": "date"}, f"{CONNECT}.Date", 20514, "2026-03-02"
    ),
    Column("clock", "int32", "int", f"{DEBEZIUM}.Time", 33_300_123, "09:15:00.123000"),
    Column("micro_clock", "int64", "long", f"{DEBEZIUM}.MicroTime", 33_300_123_456, "09:15:00.123456"),
    Column("nano_clock", "int64", "long", f"{DEBEZIUM}.NanoTime", 33_300_123_456_789, "09:15:00.123456"),
    Column("midnight", "int64", "long", f"{DEBEZIUM}.MicroTime", 86_400_000_000, "24:00:00"),
    Column(
        "connect_clock",
        "int32",
        {"type": "int", "logicalType": "time-millis"},
        f"{CONNECT}.Time",
        33_300_123,
        "09:15:00.123000",
    ),
    Column("made", "int64", "long", f"{DEBEZIUM}.Timestamp", AT_MS, "2026-03-02T09:15:00.123000"),
    Column("micro_made", "int64", "long", f"{DEBEZIUM}.MicroTimestamp", MICROS, "2026-03-02T09:15:00.123456"),
    Column(
        "nano_made",
        "int64",
        "long",
        f"{DEBEZIUM}.NanoTimestamp",
        MICROS * 1000 + 7,
        "2026-03-02T09:15:00.123456",
    ),
    Column(
        "connect_made",
        "int64",
        {"type": "long", "logicalType": "timestamp-millis"},
        f"{CONNECT}.Timestamp",
        AT_MS,
        "2026-03-02T09:15:00.123000Z",
    ),
    Column(
        "zoned",
        "string",
        "string",
        f"{DEBEZIUM}.ZonedTimestamp",
        "2026-03-02T09:15:00.123456Z",
        "2026-03-02T09:15:00.123456Z",
    ),
    Column(
        "uuid",
        "string",
        "string",
        "io.debezium.data.Uuid",
        "4d47e190-0402-4048-bc2c-89dd54343cdc",
        "4d47e190-0402-4048-bc2c-89dd54343cdc",
    ),
    Column("document", "string", "string", "io.debezium.data.Json", '{"a": 1}', '{"a": 1}'),
    Column("state", "string", "string", "io.debezium.data.Enum", "open", "open", {"allowed": "open,paid"}),
    Column("year", "int32", "int", f"{DEBEZIUM}.Year", 2026, 2026),
    Column("took", "int64", "long", f"{DEBEZIUM}.MicroDuration", 5, 5),
    Column("gone", "int64", "long", f"{DEBEZIUM}.MicroTimestamp", None, None),
)
MEANING = {column.name: column.means for column in COLUMNS}


def connect_json(columns: tuple[Column, ...] = COLUMNS) -> dict[str, Any]:
    """Return the value of a creation as the JSON converter writes it with `schemas.enable`."""
    row = {"type": "struct", "optional": True, "name": "shop.public.orders.Value"}
    fields = [column.json_type for column in columns]
    return {
        "schema": {
            "type": "struct",
            "optional": False,
            "name": "shop.public.orders.Envelope",
            "fields": [
                {**row, "fields": fields, "field": "before"},
                {**row, "fields": fields, "field": "after"},
                {
                    "type": "struct",
                    "field": "source",
                    "name": "io.debezium.connector.postgresql.Source",
                    "fields": [
                        {
                            "type": "int64" if isinstance(value, int) else "string",
                            "optional": True,
                            "field": name,
                        }
                        for name, value in POSTGRESQL.items()
                    ],
                },
                {"type": "string", "optional": False, "field": "op"},
                {"type": "int64", "optional": True, "field": "ts_ms"},
            ],
        },
        "payload": {
            "before": None,
            "after": {column.name: column.in_json for column in columns},
            "source": POSTGRESQL,
            "op": "c",
            "ts_ms": AT_MS,
        },
    }


def avro_envelope(columns: tuple[Column, ...] = COLUMNS) -> AvroSchema:
    """Return the schema that Confluent's converter registers for such changes."""
    row = {
        "type": "record",
        "name": "Value",
        "fields": [{"name": c.name, "type": c.avro_type} for c in columns],
    }
    whose = [
        {"name": name, "type": ["null", "long" if isinstance(value, int) else "string"], "default": None}
        for name, value in POSTGRESQL.items()
    ]
    origin = {
        "type": "record",
        "name": "Source",
        "namespace": "io.debezium.connector.postgresql",
        "fields": whose,
    }
    envelope = {
        "type": "record",
        "name": "Envelope",
        "namespace": "shop.public.orders",
        "connect.name": "shop.public.orders.Envelope",
        "fields": [
            {"name": "before", "type": ["null", row], "default": None},
            {"name": "after", "type": ["null", "Value"], "default": None},
            {"name": "source", "type": origin},
            {"name": "op", "type": "string"},
            {"name": "ts_ms", "type": ["null", "long"], "default": None},
        ],
    }
    return avro_schema(orjson.dumps(envelope).decode())


def avro_body(schema: AvroSchema, schema_id: int, columns: tuple[Column, ...] = COLUMNS) -> bytes:
    """Return the value of a creation as Confluent's converter writes it."""
    said = connect_json(columns)["payload"]
    row = {column.name: _native(column) for column in columns}
    stream = BytesIO()
    stream.write(avro.prefix(schema_id))
    fastavro.schemaless_writer(stream, dict(schema.parsed), {**said, "after": row})
    return stream.getvalue()


def _native(column: Column) -> Any:
    """Return a value as fastavro wants it, which has types of its own for Avro's logical ones."""
    said: Any = column.avro.get("logicalType") if isinstance(column.avro, dict) else None
    match said:
        case _ if column.sent is None:
            return None
        case "decimal":
            return Decimal(int.from_bytes(column.sent, signed=True)).scaleb(-2)
        case "date":
            return date(1970, 1, 1) + timedelta(days=column.sent)
        case "time-millis":
            return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=column.sent)).time()
        case "timestamp-millis":
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=column.sent)
        case _:
            return column.sent
