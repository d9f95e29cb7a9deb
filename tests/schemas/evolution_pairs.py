"""Pairs of Avro schemas, reader and writer, by the rules of the specification's "Schema Resolution"."""

from dataclasses import dataclass
from typing import Any

from schemas.registry.misfits import Kind


@dataclass(frozen=True)
class Pair:
    """What a reader makes of a writer's records.

    Attributes:
        name: what the pair is about.
        reader: its schema.
        writer: its schema.
        kinds: what does not fit; empty means that the reader reads everything.
        fastavro: empty where fastavro does the same; else what it does instead, and why we do not follow it.
    """

    name: str
    reader: Any
    writer: Any
    kinds: tuple[Kind, ...] = ()
    fastavro: str = ""


def record(*fields: Any, name: str = "R", **more: Any) -> dict[str, Any]:
    """Return a record; a field is a type, or whole if it is a dict with a name and a type that is no type itself."""
    return {"type": "record", "name": name, "fields": list(fields), **more}


def field(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **more}


def of(name: str, reader: Any, writer: Any, *kinds: Kind, fastavro: str = "") -> Pair:
    """Return the pair of two records that hold these types."""
    return Pair(name, record(field("f", reader)), record(field("f", writer)), kinds, fastavro)


def enum(*symbols: str, name: str = "E", **more: Any) -> dict[str, Any]:
    return {"type": "enum", "name": name, "symbols": list(symbols), **more}


def fixed(size: int, name: str = "F", **more: Any) -> dict[str, Any]:
    return {"type": "fixed", "name": name, "size": size, **more}


def array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def map_of(values: Any) -> dict[str, Any]:
    return {"type": "map", "values": values}


def logical(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "logicalType": name, **more}


def decimal(precision: int, scale: int) -> dict[str, Any]:
    return logical("bytes", "decimal", precision=precision, scale=scale)


PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
PROMOTED = {
    *(("int", each) for each in ("long", "float", "double")),
    *(("long", each) for each in ("float", "double")),
    ("float", "double"),
    ("string", "bytes"),
    ("bytes", "string"),
}

SAME_AND_PROMOTED = [
    of(f"{writer} read as {reader}", reader, writer, *(() if fits else (Kind.TYPE,)))
    for writer in PRIMITIVES
    for reader in PRIMITIVES
    for fits in (writer == reader or (writer, reader) in PROMOTED,)
]
"""All 64 pairs of primitive types."""

INNER = record(field("a", "int"), name="Inner")
INNER_MORE = record(field("a", "int"), field("b", "string"), name="Inner")
INNER_DEFAULT = record(field("a", "int"), field("b", "string", default=""), name="Inner")
NODE = record(field("next", ["null", "R"]))
NODE_MORE = record(field("next", ["null", "R"]), field("b", "string"))

FIELDS = [
    Pair(
        "field added with a default",
        record(field("a", "int"), field("b", "int", default=1)),
        record(field("a", "int")),
    ),
    Pair(
        "field added without a default",
        record(field("a", "int"), field("b", "int")),
        record(field("a", "int")),
        (Kind.NO_DEFAULT,),
    ),
    Pair(
        "optional field added without a default",
        record(field("a", ["null", "int"])),
        record(),
        (Kind.NO_DEFAULT,),
    ),
    Pair("optional field added with null", record(field("a", ["null", "int"], default=None)), record()),
    Pair(
        "field removed",
        record(field("a", "int")),
        record(field("a", "int"), field("b", array(map_of("string")))),
    ),
    Pair(
        "fields in another order",
        record(field("b", "int"), field("a", "string")),
        record(field("a", "string"), field("b", "int")),
    ),
    Pair("field renamed", record(field("b", "int")), record(field("a", "int")), (Kind.NO_DEFAULT,)),
    Pair("field renamed with an alias", record(field("b", "int", aliases=["a"])), record(field("a", "int"))),
    Pair(
        "field renamed with an alias and another type",
        record(field("b", "string", aliases=["a"])),
        record(field("a", "int")),
        (Kind.TYPE,),
    ),
    Pair(
        "alias on the writer's side only",
        record(field("a", "int")),
        record(field("b", "int", aliases=["a"])),
        (Kind.NO_DEFAULT,),
    ),
    Pair(
        "alias that differs in case",
        record(field("b", "int", aliases=["A"])),
        record(field("a", "int")),
        (Kind.NO_DEFAULT,),
    ),
    Pair("second alias fits", record(field("c", "int", aliases=["b", "a"])), record(field("a", "int"))),
    Pair(
        "alias whose field has a namesake",
        record(field("a", "int"), field("b", "int", aliases=["a"], default=0)),
        record(field("a", "int")),
    ),
    Pair(
        "alias and name are both written, the name first",
        record(field("b", "int", aliases=["a"])),
        record(field("b", "int"), field("a", "int")),
        (Kind.ALIAS,),
    ),
    Pair(
        "alias and name are both written, the alias first",
        record(field("b", "int", aliases=["a"])),
        record(field("a", "int"), field("b", "int")),
        (Kind.ALIAS,),
        "takes the first written field and drops the other in silence; which is meant depends on an order that means nothing",
    ),
    Pair(
        "two fields with one alias",
        record(field("b", "int", aliases=["a"], default=0), field("c", "int", aliases=["a"], default=0)),
        record(field("a", "int")),
        (Kind.ALIAS, Kind.ALIAS),
        "gives it to the last field and the default to the other; nothing says which is meant",
    ),
    Pair("empty records", record(), record()),
    Pair(
        "default of another type is not looked at",
        record(field("a", ["int", "null"], default=None)),
        record(),
    ),
]

NAMES = [
    Pair("record renamed", record(field("a", "int"), name="S"), record(field("a", "int")), (Kind.NAME,)),
    Pair(
        "record renamed with an alias",
        record(field("a", "int"), name="S", aliases=["R"]),
        record(field("a", "int")),
    ),
    Pair(
        "record in another namespace",
        record(field("a", "int"), namespace="x"),
        record(field("a", "int"), namespace="y"),
    ),
    Pair("record that got a namespace", record(field("a", "int"), name="x.R"), record(field("a", "int"))),
    Pair(
        "record renamed with an alias in full",
        record(field("a", "int"), name="x.S", aliases=["y.R"]),
        record(field("a", "int"), name="y.R"),
    ),
    Pair(
        "record renamed with an alias in its own namespace",
        record(field("a", "int"), name="x.S", aliases=["R"]),
        record(field("a", "int"), name="x.R"),
    ),
    Pair(
        "record renamed and moved, with an alias in the new namespace",
        record(field("a", "int"), name="x.S", aliases=["R"]),
        record(field("a", "int"), name="y.R"),
        (Kind.NAME,),
        "takes an alias without namespace for any namespace; by the specification it is in that of its type",
    ),
    Pair(
        "alias in a third namespace",
        record(field("a", "int"), name="x.S", aliases=["z.R"]),
        record(field("a", "int"), name="y.R"),
        (Kind.NAME,),
    ),
    of("enum renamed", enum("A", name="E2"), enum("A"), Kind.NAME),
    of("enum renamed with an alias", enum("A", name="E2", aliases=["E"]), enum("A")),
    of("fixed renamed", fixed(4, "F2"), fixed(4), Kind.NAME),
    of("fixed renamed with an alias", fixed(4, "F2", aliases=["F"]), fixed(4)),
    of("inner record renamed", record(field("a", "int"), name="Other"), INNER, Kind.NAME),
    of("record read as an enum of its name", enum("A", name="Inner"), INNER, Kind.TYPE),
    of("enum read as a record of its name", record(name="E"), enum("A"), Kind.TYPE),
    of("enum read as a fixed of its name", fixed(4, "E"), enum("A"), Kind.TYPE),
    of(
        "fixed read as an enum of its name",
        enum("A", name="F"),
        fixed(4),
        Kind.TYPE,
        fastavro="compares names and not what is named, and hands out bytes where the reader's schema says a symbol",
    ),
    of(
        "fixed read as a record of its name",
        record(name="F"),
        fixed(4),
        Kind.TYPE,
        fastavro="the same: bytes where the reader's schema says a record",
    ),
    of("record read as a text", "string", INNER, Kind.TYPE),
    of("text read as a record", INNER, "string", Kind.TYPE),
]

SYMBOLS = [
    of("symbol added, on the reader's side", enum("A", "B"), enum("A")),
    of("symbol added, on the writer's side", enum("A"), enum("A", "B"), Kind.SYMBOLS),
    of("symbol added, with a default symbol", enum("A", default="A"), enum("A", "B")),
    of("symbols in another order", enum("B", "A"), enum("A", "B")),
    of("symbol renamed", enum("C"), enum("A"), Kind.SYMBOLS),
    of("default symbol of the writer only", enum("A"), enum("A", "B", default="A"), Kind.SYMBOLS),
    Pair(
        "default of the field is not one of the enum",
        record(field("f", enum("A"), default="A")),
        record(field("f", enum("A", "B"))),
        (Kind.SYMBOLS,),
    ),
    of("enum read as a text", "string", enum("A"), Kind.TYPE),
    of("text read as an enum", enum("A"), "string", Kind.TYPE),
]

SIZES = [
    of("fixed of the same size", fixed(4), fixed(4)),
    of("fixed of another size", fixed(8), fixed(4), Kind.SIZE),
    of("fixed read as bytes", "bytes", fixed(4), Kind.TYPE),
    of("bytes read as fixed", fixed(4), "bytes", Kind.TYPE),
]

HOLDERS = [
    of("items promoted", array("long"), array("int")),
    of("items narrowed", array("int"), array("long"), Kind.TYPE),
    of("values promoted", map_of("double"), map_of("float")),
    of("values narrowed", map_of("float"), map_of("double"), Kind.TYPE),
    of("array read as a map", map_of("int"), array("int"), Kind.TYPE),
    of("map read as an array", array("int"), map_of("int"), Kind.TYPE),
    of("one value read as an array", array("int"), "int", Kind.TYPE),
    of("array of records that got a field", array(INNER_MORE), array(INNER), Kind.NO_DEFAULT),
    of("array of records that got a field with a default", array(INNER_DEFAULT), array(INNER)),
    of("map of arrays of enums", map_of(array(enum("A"))), map_of(array(enum("A", "B"))), Kind.SYMBOLS),
    of("items that may be null now", array(["null", "int"]), array("int")),
    of("items that may not be null any more", array("int"), array(["null", "int"]), Kind.BRANCH),
]

UNIONS = [
    of("value made optional", ["null", "string"], "string"),
    of("optional value made required", "string", ["null", "string"], Kind.BRANCH),
    of("union of one", "string", ["string"]),
    of("branch added, on the reader's side", ["null", "int", "string"], ["null", "int"]),
    of("branch added, on the writer's side", ["null", "int"], ["null", "int", "string"], Kind.BRANCH),
    of(
        "two branches added, on the writer's side",
        ["null", "int"],
        ["null", "int", "string", "boolean"],
        Kind.BRANCH,
        Kind.BRANCH,
    ),
    of("branches in another order", ["string", "null"], ["null", "string"]),
    of("branch promoted", ["null", "double"], ["null", "int"]),
    of("branch narrowed", ["null", "int"], ["null", "double"], Kind.BRANCH),
    of("every branch promoted into one type", "double", ["int", "long", "float"]),
    of("first branch that matches is a promotion", ["string", "long", "int"], "int"),
    of("text read as bytes or null", ["null", "bytes"], "string"),
    of(
        "records by name in unions",
        ["null", INNER, record(name="Other")],
        ["null", record(name="Other"), INNER],
    ),
    of("record of a union that got a field", ["null", INNER_MORE], ["null", INNER], Kind.NO_DEFAULT),
    of(
        "record renamed in a union",
        ["null", record(field("a", "int"), name="Other")],
        ["null", INNER],
        Kind.NAME,
    ),
    of("fixed of another size in a union", ["null", fixed(8)], fixed(4), Kind.SIZE),
    of("enum of a union", ["null", enum("A")], enum("A", "B"), Kind.SYMBOLS),
    of("arrays in unions", ["null", array("long")], ["null", array("int")]),
    of("arrays in unions whose items do not match", ["null", array("int")], array("string"), Kind.BRANCH),
    of("array whose items may be null, in a union", ["null", array(["null", "int"])], array("int")),
    of("map beside an array", [array("int"), map_of("int")], map_of("int")),
    of(
        "first record that matches by its last name, and does not fit",
        [
            record(field("a", "int"), field("b", "int"), name="x.Inner"),
            record(field("a", "int"), name="y.Inner"),
        ],
        record(field("a", "int"), name="y.Inner"),
        Kind.NO_DEFAULT,
    ),
    of("required value of a union of nulls", "null", ["null"]),
]

TWICE_BY_NAME = record(field("a", INNER), field("b", "Inner"))
REFERENCES = [
    Pair("a type that is referred to", record(field("a", INNER_DEFAULT), field("b", "Inner")), TWICE_BY_NAME),
    Pair(
        "a type that is referred to and got a field, told once",
        record(field("a", INNER_MORE), field("b", "Inner")),
        TWICE_BY_NAME,
        (Kind.NO_DEFAULT,),
    ),
    Pair("a reference read by its definition", record(field("b", INNER)), TWICE_BY_NAME),
    Pair(
        "a definition read by a reference",
        record(field("b", INNER, default={"a": 1}), field("a", "Inner")),
        TWICE_BY_NAME,
    ),
    Pair(
        "a reference made optional", record(field("a", INNER), field("b", ["null", "Inner"])), TWICE_BY_NAME
    ),
    Pair(
        "a reference to another record",
        record(field("a", INNER), field("b", record(name="Other"))),
        TWICE_BY_NAME,
        (Kind.NAME,),
    ),
    Pair(
        "an optional reference",
        record(field("a", INNER), field("b", ["null", "Inner"])),
        record(field("a", INNER), field("b", ["null", "Inner"])),
    ),
    Pair(
        "a reference made optional where it is defined",
        record(field("b", ["null", INNER])),
        TWICE_BY_NAME,
        fastavro="fails with TypeError: it looks a definition up as if it were a name, where the writer has a name and the reader a union",
    ),
    Pair(
        "a definition made optional by a reference",
        record(field("b", INNER), field("a", ["null", "Inner"])),
        TWICE_BY_NAME,
        fastavro="fails with TypeError: it takes a name for a definition, where the writer has the definition and the reader a union",
    ),
]

RECURSIVE = [
    Pair("a record that holds itself", NODE, NODE),
    Pair("a record that holds itself and lost a field", NODE, NODE_MORE),
    Pair("a record that holds itself and got a field, told once", NODE_MORE, NODE, (Kind.NO_DEFAULT,)),
    Pair(
        "a tree",
        record(field("children", array("R"))),
        record(field("children", array("R")), field("v", "int")),
    ),
    Pair(
        "a tree of maps with another value",
        record(field("children", map_of("R")), field("v", "int")),
        record(field("children", map_of("R")), field("v", "string")),
        (Kind.TYPE,),
    ),
]

MILLIS, MICROS = logical("long", "timestamp-millis"), logical("long", "timestamp-micros")
BY_WRITER = "reads by the writer's logical type and does not look at the reader's; others take their own schema's word"
LOGICAL = [
    of("time of the same unit", MILLIS, MILLIS),
    of("time of another unit", MICROS, MILLIS, Kind.LOGICAL_TYPE, fastavro=BY_WRITER),
    of(
        "local time made absolute",
        MILLIS,
        logical("long", "local-timestamp-millis"),
        Kind.LOGICAL_TYPE,
        fastavro=BY_WRITER,
    ),
    of(
        "date read as time of day",
        logical("int", "time-millis"),
        logical("int", "date"),
        Kind.LOGICAL_TYPE,
        fastavro=BY_WRITER,
    ),
    of("date read as a time", MILLIS, logical("int", "date"), Kind.LOGICAL_TYPE, fastavro=BY_WRITER),
    of("number read as a time", MILLIS, "long"),
    of("time read as a number", "long", MILLIS),
    of("time read as a text", "string", MILLIS, Kind.TYPE),
    of("text read as a UUID", logical("string", "uuid"), "string"),
    of("logical type that nobody knows", logical("string", "colour"), logical("string", "taste")),
    of("logical type on the wrong type", logical("string", "timestamp-millis"), logical("string", "date")),
    of("decimal of the same digits", decimal(10, 2), decimal(10, 2)),
    of("decimal of another scale", decimal(10, 3), decimal(10, 2), Kind.DECIMAL, fastavro=BY_WRITER),
    of("decimal of more digits", decimal(12, 2), decimal(10, 2), Kind.DECIMAL, fastavro=BY_WRITER),
    of("decimal whose scale is left out", decimal(10, 0), logical("bytes", "decimal", precision=10)),
    of("bytes read as a decimal", decimal(10, 2), "bytes"),
    of(
        "decimal of another scale in a union",
        ["null", decimal(10, 3)],
        ["null", decimal(10, 2)],
        Kind.DECIMAL,
        fastavro=BY_WRITER,
    ),
    of(
        "decimal in a fixed read as one in bytes",
        decimal(4, 2),
        fixed(4, logicalType="decimal", precision=4, scale=2),
        Kind.TYPE,
    ),
    of(
        "time of another unit inside arrays",
        array(MICROS),
        array(MILLIS),
        Kind.LOGICAL_TYPE,
        fastavro=BY_WRITER,
    ),
]

PAIRS = [
    *SAME_AND_PROMOTED,
    *FIELDS,
    *NAMES,
    *SYMBOLS,
    *SIZES,
    *HOLDERS,
    *UNIONS,
    *REFERENCES,
    *RECURSIVE,
    *LOGICAL,
]
