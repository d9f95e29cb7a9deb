"""What a section says of its statements, of its free SELECT, and of the bounds on both."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.action import Effect
from connectors.sql.rows import RowLimits

ResultShape = Literal["one", "rows", "count"]
"""`one`: the one row, as an object. `rows`: `{rows: […], more: bool}`. `count`: `{count: n}`, the rows it changed."""


class SqlLimits(BaseModel):
    """Bounds on every action of a section.

    Attributes:
        rows: of one result; a read returns the first ones and says that there are more.
        bytes: of one result's rows as JSON; below the worker's `limits.result_bytes`.
        seconds: for one statement, held by the server as well where it can.
        changes: rows that one write may change; one that would change more is rolled back.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: Annotated[int, Field(ge=1, le=10_000)] = 100
    bytes: Annotated[int, Field(ge=1_000, le=10_000_000)] = 48_000
    seconds: Annotated[float, Field(gt=0, le=300)] = 10.0
    changes: Annotated[int, Field(ge=1)] = 1_000

    @property
    def of_rows(self) -> RowLimits:
        """The bounds on rows."""
        return RowLimits(self.rows, self.bytes)


class StatementSettings(BaseModel):
    """One statement, which is one action.

    Attributes:
        description: what it does, for the model and for people.
        sql: one statement, with its parameters as `:name`.
        effect: `read` or `write`.
        parameters: JSON Schema of each parameter by its name, with a description.
        optional: parameters that may be left out; NULL is bound then. One whose schema has a default may be as well.
        result: what of the answer is the action's result.
        returns: JSON Schema of each column that is returned; the statement must return these and no others. Rules are
            checked by it, and a compensation is called with it.
        idempotency: of a write: `ledger` records its key in the same transaction, `natural` means that repeating it
            changes nothing.
        compensate: full name of the action that undoes it.
        protected: parameters that must match a trusted value.
        outward: whether it reaches people or systems outside.
        constraints: rules in words, for the model.
        examples: example arguments.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: Annotated[str, Field(min_length=1)]
    sql: Annotated[str, Field(min_length=1, max_length=100_000)]
    effect: Effect
    parameters: dict[str, dict[str, Any]] = {}
    optional: tuple[str, ...] = ()
    result: ResultShape
    returns: dict[str, dict[str, Any]] = {}
    idempotency: Literal["ledger", "natural"] = "ledger"
    compensate: str | None = None
    protected: frozenset[str] = frozenset()
    outward: bool = False
    constraints: tuple[str, ...] = ()
    examples: tuple[dict[str, Any], ...] = ()


class SelectSettings(BaseModel):
    """The free SELECT of a section: what a query may read.

    Attributes:
        description: what can be asked, for the model.
        tables: what may be read, as `schema.table`, each with a text for the model: what a row is, and its columns.
        functions: what may be called beside `connectors.sql.functions.HARMLESS`.
        query_chars: longest query.
        tables_in_query: most tables and subqueries of one query.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: Annotated[str, Field(min_length=1)]
    tables: Annotated[dict[str, str], Field(min_length=1)]
    functions: tuple[str, ...] = ()
    query_chars: Annotated[int, Field(ge=100, le=10_000)] = 4_000
    tables_in_query: Annotated[int, Field(ge=1, le=50)] = 8


class SqlSettings(BaseModel):
    """What sections of every database have.

    Attributes:
        statements: actions by verb.
        select: what the action `select` may read; without it there is none.
        limits: bounds on both.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    statements: dict[str, StatementSettings] = {}
    select: SelectSettings | None = None
    limits: SqlLimits = SqlLimits()
