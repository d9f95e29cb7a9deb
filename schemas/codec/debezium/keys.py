"""What a record's key says: which row of which table changed. Pure."""

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

import orjson

from schemas.canonical import canonical_json
from schemas.codec.debezium.connect import unwrapped
from schemas.codec.json import read_object
from schemas.codec.limits import Limits
from schemas.errors import UnreadableError

Key = Mapping[str, Any] | str | None
"""A record's key: its fields, its text, or none."""


def json_key(key: bytes, limits: Limits) -> Key:
    """Return a key that is no Avro: its fields, or its text where it is no object.

    Raises:
        UnreadableError: it is longer than a key may be, or an object that is no JSON we accept.
    """
    if len(key) > limits.header_bytes:
        raise UnreadableError(
            f"the key has {len(key)} bytes, the limit `header_bytes` is {limits.header_bytes}"
        )
    if key[:1] == b"{":
        value = unwrapped(read_object(key))
        if value is None or isinstance(value, Mapping):
            return cast("Mapping[str, Any] | None", value)
        return _value(value)
    try:
        text = key.decode()
    except UnicodeDecodeError as error:
        raise UnreadableError("the key is neither Avro nor text") from error
    return _text(text)


def key_text(key: Mapping[str, Any] | str) -> str:
    """Return a key as text: its own, or the value of its only field, or all of it as JSON."""
    if isinstance(key, str):
        return key
    return _value(next(iter(key.values()))) if len(key) == 1 else _value(key)


def row_of(table: str, key: Mapping[str, Any] | str) -> str:
    """Return the name of a row: its table, and the values of its key, in the key's order, such as `shop.orders/1001`."""
    values = [key] if isinstance(key, str) else [_value(value) for value in key.values()]
    # Quoted, so that no value reads like two.
    return f"{table}/{','.join(quote(value, safe=' :-_@+') for value in values)}"


def _text(text: str) -> str:
    """Return the text of a key that the JSON converter may have put in quotes."""
    try:
        value: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return value if isinstance(value, str) else text


def _value(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value).decode()
