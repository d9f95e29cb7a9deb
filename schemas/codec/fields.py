"""Typed reading of an envelope's payload: what is missing or of another kind makes the event unreadable."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

import orjson

from schemas.errors import UnreadableError

_TYPE_NAMES: Final[Mapping[type, str]] = {str: "text", int: "integer", list: "list", dict: "object"}


class Fields:
    """One payload, read field by field; each method raises UnreadableError that names the field."""

    def __init__(self, payload: Mapping[str, Any], what: str) -> None:
        """Read `payload`; `what` names it in messages."""
        self._payload = payload
        self._what = what

    def text(self, name: str) -> str:
        """Return a text."""
        return cast("str", self._typed(name, str))

    def optional_text(self, name: str) -> str | None:
        """Return a text, or None where the field is null or missing."""
        return None if self._payload.get(name) is None else self.text(name)

    def integer(self, name: str) -> int:
        """Return an integer."""
        return cast("int", self._typed(name, int))

    def optional_integer(self, name: str) -> int | None:
        """Return an integer, or None where the field is null or missing, as in what older versions wrote."""
        return None if self._payload.get(name) is None else self.integer(name)

    def number(self, name: str) -> float:
        """Return a number."""
        value = self._payload.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(name, "is no number")
        return float(value)

    def instant(self, name: str) -> datetime:
        """Return a point in time, in UTC."""
        try:
            at = datetime.fromisoformat(self.text(name))
        except ValueError as error:
            raise self.wrong(name, "is no ISO 8601 time") from error
        if at.tzinfo is None:
            raise self.wrong(name, "has no time zone")
        return at.astimezone(UTC)

    def json(self, name: str) -> Any:
        """Return the value of a text that holds JSON."""
        try:
            return orjson.loads(self.text(name))
        except orjson.JSONDecodeError as error:
            raise self.wrong(name, "holds no JSON") from error

    def json_object(self, name: str) -> dict[str, Any]:
        """Return the object of a text that holds a JSON object."""
        value = self.json(name)
        if not isinstance(value, dict):
            raise self.wrong(name, "holds no JSON object")
        return cast("dict[str, Any]", value)

    def optional_json_object(self, name: str) -> dict[str, Any]:
        """Return the object of a text, an empty one where the field is null or missing."""
        return {} if self._payload.get(name) is None else self.json_object(name)

    def part(self, name: str) -> "Fields":
        """Return an object."""
        return Fields(cast("dict[str, Any]", self._typed(name, dict)), f"{self._what}.{name}")

    def optional_part(self, name: str) -> "Fields | None":
        """Return an object, or None where the field is null or missing."""
        return None if self._payload.get(name) is None else self.part(name)

    def items(self, name: str) -> tuple["Fields", ...]:
        """Return a list of objects."""
        items = cast("list[object]", self._typed(name, list))
        if not all(isinstance(item, dict) for item in items):
            raise self.wrong(name, "holds something that is no object")
        return tuple(Fields(cast("dict[str, Any]", item), f"{self._what}.{name}") for item in items)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; empty where the field is null or missing, as in what older versions wrote."""
        if self._payload.get(name) is None:
            return ()
        items = cast("list[object]", self._typed(name, list))
        if not all(isinstance(item, str) for item in items):
            raise self.wrong(name, "holds something that is no text")
        return tuple(cast("list[str]", items))

    def wrong(self, name: str, problem: str) -> UnreadableError:
        """Return the error that says what is wrong with a field."""
        return UnreadableError(f"{self._what}: field {name} {problem}")

    def _typed(self, name: str, kind: type) -> object:
        value = self._payload.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.wrong(name, f"is no {_TYPE_NAMES[kind]}")
        return value
