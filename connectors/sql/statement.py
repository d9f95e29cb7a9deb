"""A statement as an action carries it out, and the schemas of what it takes and returns. Pure."""

from dataclasses import dataclass
from typing import Any

from connectors.sql.placeholders import numbered
from connectors.sql.settings import ResultShape, StatementSettings

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, ready to be bound.

    Attributes:
        action: full name of its action.
        sql: the operator's text with `$1`, `$2`, … for parameters.
        names: the arguments in the order of these numbers.
        result: what of the answer is the result.
        columns: what it must return, or an empty set for anything.
        ledger: whether a write's key is recorded in its transaction.
    """

    action: str
    sql: str
    names: tuple[str, ...]
    result: ResultShape
    columns: frozenset[str]
    ledger: bool

    def bound(self, arguments: JsonObject) -> list[Any]:
        """Return the values of the parameters by number; what was left out is None, which is NULL."""
        return [arguments.get(name) for name in self.names]

    def shown(self, arguments: JsonObject) -> str:
        """Return the statement and what is bound to its parameters, for people."""
        values = (f"${number} = {value!r}" for number, value in enumerate(self.bound(arguments), start=1))
        return "\n".join((self.sql.strip(), *values))


def statement_of(action: str, settings: StatementSettings) -> Statement:
    """Return what a section says of a statement; it has been checked (`connectors.sql.statement_check`)."""
    made = numbered(settings.sql)
    return Statement(
        action,
        made.sql,
        made.names,
        settings.result,
        frozenset(settings.returns),
        ledger=settings.effect == "write" and settings.idempotency == "ledger",
    )


def arguments_schema(settings: StatementSettings) -> JsonObject:
    """Return the JSON Schema of a statement's arguments."""
    required = [
        name
        for name, schema in settings.parameters.items()
        if name not in settings.optional and "default" not in schema
    ]
    return _closed(settings.parameters, required)


def result_schema(settings: StatementSettings) -> JsonObject | None:
    """Return the JSON Schema of a statement's result, or None where its columns are not told."""
    if settings.result == "count":
        return _closed({"count": {"type": "integer", "description": "how many rows were changed"}})
    if not settings.returns:
        return None
    row = _closed(settings.returns)
    if settings.result == "one":
        return row
    more = {"type": "boolean", "description": "whether there are more rows than these"}
    return _closed({"rows": {"type": "array", "items": row}, "more": more})


def _closed(properties: dict[str, JsonObject], required: list[str] | None = None) -> JsonObject:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }
