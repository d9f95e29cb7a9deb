"""Avro bodies made straight from a schema, without any library's writer: between them they take every branch and symbol."""

import struct
from collections.abc import Mapping
from itertools import chain
from typing import Any

UUID = b"12345678-1234-5678-1234-567812345678"


def bodies(schema: Any) -> list[bytes]:
    """Return bodies of a parsed schema that hold, between them, every branch of every union and every symbol of every enum.

    Lists and maps are never empty, except inside of a record that holds itself, and texts and bytes are ASCII.
    """
    return _bodies(schema, _names(schema), ())


def _bodies(node: Any, names: Mapping[str, Any], within: tuple[str, ...]) -> list[bytes]:
    again = len(set(within)) < len(within)  # inside of a record that is inside of itself
    if isinstance(node, list):
        there = list(enumerate(node))
        if again and "null" in node:
            there = [(node.index("null"), "null")]
        return [_long(place) + body for place, branch in there for body in _bodies(branch, names, within)]
    if isinstance(node, str):
        return _bodies(names[node], names, within) if node in names else _PRIMITIVES[node]
    kind = node["type"]
    if kind == "record":
        inside = (*within, node["name"])
        return _records([_bodies(each["type"], names, inside) for each in node["fields"]])
    if kind in {"array", "map"}:
        if again:
            return [b"\x00"]
        parts = _bodies(node["items" if kind == "array" else "values"], names, within)
        keys = [_text(f"k{place}".encode()) if kind == "map" else b"" for place in range(len(parts))]
        written = chain.from_iterable(zip(keys, parts, strict=True))
        return [_long(len(parts)) + b"".join(written) + b"\x00"]
    if kind == "enum":
        return [_long(place) for place in range(len(node["symbols"]))]
    if kind == "fixed":
        return [b"\x01" * node["size"]]
    return [_text(UUID)] if node.get("logicalType") == "uuid" else _PRIMITIVES[kind]


def _records(fields: list[list[bytes]]) -> list[bytes]:
    """Return as many records as the field with the most bodies has, and each body at least once."""
    most = max((len(each) for each in fields), default=1)
    return [b"".join(each[place % len(each)] for each in fields) for place in range(most)]


def _names(node: Any) -> dict[str, Any]:
    if isinstance(node, list):
        return {name: found for each in node for name, found in _names(each).items()}
    if not isinstance(node, dict):
        return {}
    own = {node["name"]: node} if node["type"] in {"record", "enum", "fixed"} else {}
    inside = [*(each["type"] for each in node.get("fields", [])), node.get("items"), node.get("values")]
    return own | _names(inside)


def _long(value: int) -> bytes:
    zigzag = (value << 1) ^ (value >> 63)
    written = bytearray()
    while zigzag > 0x7F:
        written.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    written.append(zigzag)
    return bytes(written)


def _text(text: bytes) -> bytes:
    return _long(len(text)) + text


_PRIMITIVES = {
    "null": [b""],
    "boolean": [b"\x00", b"\x01"],
    "int": [_long(0), _long(-1), _long(1_000_000)],
    "long": [_long(0), _long(-1), _long(10**12)],
    "float": [struct.pack("<f", 1.5)],
    "double": [struct.pack("<d", 1e100)],
    "bytes": [_text(b""), _text(b"\x01abc")],
    "string": [_text(b""), _text(b"abc")],
}
