"""The allow-list of the guard: each kind of node of sqlglot's tree that a free SELECT may hold, with the parts that it may have. Pure.

Whatever is not named here is refused: nodes that sqlglot will have tomorrow, and parts of known nodes that mean more than they seem
to (`SELECT … INTO`, `NATURAL`, `ONLY`, `* EXCLUDE`). Functions are judged by the name they are written as, not by their node.
"""

from collections.abc import Mapping
from typing import Final

_BINARY: Final = ("this", "expression")

NODES: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(parts)
    for names, parts in (
        # The query
        (
            ("Select",),
            (
                *("expressions", "distinct", "from_", "joins", "where", "group", "having", "qualify"),
                *("windows", "order", "limit", "offset", "with_"),
            ),
        ),
        (("Union", "Intersect", "Except"), (*_BINARY, "distinct", "order", "limit", "offset", "with_")),
        (("With",), ("expressions",)),
        (("CTE",), ("this", "alias")),
        (("Subquery",), ("this", "alias")),
        (("From", "Where", "Having", "Qualify"), ("this",)),
        (("Join",), ("this", "on", "using", "side", "kind")),
        (("Table",), ("this", "db", "alias")),
        (("TableAlias",), ("this", "columns")),
        (("Group",), ("expressions",)),
        (("Order",), ("expressions", "this")),
        (("Ordered",), ("this", "desc", "nulls_first")),
        (("Limit", "Offset"), ("expression",)),
        (("Distinct",), ("expressions", "on")),
        # Values
        (("Identifier",), ("this", "quoted")),
        (("Column",), ("this", "table")),
        (("Alias",), ("this", "alias")),
        (("Star", "Null"), ()),
        (("Boolean", "Var"), ("this",)),
        (("Literal",), ("this", "is_string")),
        (("Interval",), ("this", "unit")),
        (("Paren", "Neg", "Not"), ("this",)),
        (("Tuple",), ("expressions",)),
        (("AtTimeZone",), ("this", "zone")),
        (("Cast",), ("this", "to")),
        (("DataType",), ("this", "expressions", "nested")),
        (("DataTypeParam",), ("this",)),
        # Operators
        (("And", "Or", "EQ", "NEQ", "GT", "GTE", "LT", "LTE"), _BINARY),
        (("Is",), (*_BINARY, "negate")),
        (("NullSafeEQ", "NullSafeNEQ"), _BINARY),
        (("Add", "Sub", "Mul"), _BINARY),
        (("Div",), (*_BINARY, "typed", "safe")),
        (("IntDiv", "Mod"), _BINARY),
        (("DPipe",), (*_BINARY, "safe")),
        (("Like", "ILike", "Escape"), _BINARY),
        (("In",), ("this", "expressions", "query")),
        (("Between",), ("this", "low", "high")),
        (("Exists",), ("this",)),
        (("Case",), ("this", "ifs", "default")),
        (("If",), ("this", "true", "false")),
        # Windows
        (("Window",), ("this", "partition_by", "order", "spec", "over", "alias")),
        (("WindowSpec",), ("kind", "start", "start_side", "end", "end_side")),
        (("Filter",), _BINARY),
        (("WithinGroup",), _BINARY),
    )
    for name in names
}

JOINS: Final = frozenset(("", "INNER", "OUTER"))
"""Kinds of join; CROSS, SEMI, ASOF, POSITIONAL and the like are none of them."""

TYPES: Final = frozenset(
    (
        *("BOOLEAN", "SMALLINT", "INT", "BIGINT", "DECIMAL", "FLOAT", "DOUBLE"),
        *(
            "TEXT",
            "VARCHAR",
            "CHAR",
            "DATE",
            "TIME",
            "TIMESTAMP",
            "TIMESTAMPNTZ",
            "TIMESTAMPTZ",
            "INTERVAL",
            "UUID",
        ),
    )
)
"""Types that a value may be cast to. Not `regclass` and its kin, which look names up."""
