"""What the guard lets through it has written anew: tables with their schema, names quoted, rows bounded."""

import json
from contextlib import suppress
from typing import Any, cast

import duckdb
import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import FailedError
from connectors.sql.functions import HARMLESS
from connectors.sql.guard import Guard
from connectors.sql.guard_nodes import NODES, TYPES
from connectors.sql.guard_rules import QueryRefusedError
from connectors.sql.statement_check import Dialect
from tests.connectors.sql.honest import HONEST
from tests.connectors.sql.hostile import HOSTILE

TABLES = frozenset((("sales", "orders"), ("sales", "customers")))
POSTGRES = Guard("postgres", TABLES, HARMLESS, rows=100)
DUCKDB = Guard("duckdb", TABLES, HARMLESS, rows=100)


@pytest.mark.parametrize(
    ("query", "made"),
    [
        ("select Total from Orders -- all", 'SELECT "total" FROM "sales"."orders" AS "orders" LIMIT 101'),
        ("SELECT o.total FROM orders o LIMIT 5", 'SELECT "o"."total" FROM "sales"."orders" AS "o" LIMIT 5'),
        ("SELECT 1 LIMIT 5000", "SELECT 1 LIMIT 101"),
        (
            "WITH orders AS (SELECT * FROM orders) SELECT * FROM orders",
            'WITH "orders" AS (SELECT * FROM "sales"."orders" AS "orders") SELECT * FROM "orders" LIMIT 101',
        ),
        (
            "SELECT session_users FROM orders",
            'SELECT "session_users" FROM "sales"."orders" AS "orders" LIMIT 101',
        ),
        ("SELECT 'a''b'", "SELECT 'a''b' LIMIT 101"),
    ],
)
def test_a_query_is_written_anew(query: str, made: str) -> None:
    assert POSTGRES.checked(query) == made
    assert POSTGRES.checked(made) == made


@pytest.mark.parametrize("query", [query for query, _ in HONEST])
@pytest.mark.parametrize("guard", [POSTGRES, DUCKDB], ids=["postgres", "duckdb"])
def test_what_was_written_is_let_through_again_unchanged(guard: Guard, query: str) -> None:
    made = guard.checked(query)
    assert guard.checked(made) == made


def test_a_table_that_two_schemas_have_must_be_written_with_one() -> None:
    guard = Guard("postgres", frozenset((("a", "t"), ("b", "t"))), HARMLESS, rows=1)
    with pytest.raises(FailedError, match="several tables t: write it with its schema"):
        guard.checked("SELECT * FROM t")
    assert guard.checked("SELECT * FROM b.t") == 'SELECT * FROM "b"."t" AS "t" LIMIT 2'


def test_the_case_of_a_name_counts_where_it_does_in_the_database() -> None:
    guard = Guard("postgres", frozenset((("s", "Mixed"),)), HARMLESS, rows=1)
    assert guard.checked('SELECT 1 AS x FROM s."Mixed"').startswith('SELECT 1 AS "x" FROM "s"."Mixed"')
    with pytest.raises(FailedError, match=r"s\.mixed is not on the list"):
        guard.checked("SELECT 1 AS x FROM s.Mixed")
    assert '"sales"."orders"' in DUCKDB.checked('SELECT 1 AS x FROM "SALES"."ORDERS"')


def test_a_function_of_the_list_may_be_called_and_no_other() -> None:
    with pytest.raises(FailedError, match="the function concat is not on the list"):
        POSTGRES.checked("SELECT concat('a', 'b')")
    guard = Guard("postgres", TABLES, HARMLESS | {"concat", "fancy"}, rows=1)
    assert guard.checked("SELECT concat('a', 'b') || 'c', FANCY(1)") == (
        "SELECT CONCAT('a', 'b') || 'c', FANCY(1) LIMIT 2"
    )


@pytest.mark.parametrize("dialect", ["postgres", "duckdb"])
def test_every_node_and_type_of_the_lists_is_one_that_the_parser_has(dialect: Dialect) -> None:
    from sqlglot import exp

    unknown = [name for name in NODES if not hasattr(exp, name)]
    assert unknown == []
    for name, parts in NODES.items():
        assert parts - getattr(exp, name).arg_types.keys() == set(), name
    assert [name for name in TYPES if not hasattr(exp.DataType.Type, name)] == []
    assert sqlglot.Dialect.get(dialect)


def _facts(tree: Any) -> list[tuple[str, str]]:
    """Return the tables and functions of a tree of DuckDB's own parser."""
    found: list[tuple[str, str]] = []
    if isinstance(tree, dict):
        node = cast("dict[str, Any]", tree)
        if node.get("type") == "BASE_TABLE":
            found.append(("table", f"{node['schema_name']}.{node['table_name']}".lower()))
        elif "table_name" in node and node.get("type") not in {"BASE_TABLE", "COLUMN_REF", None}:
            found.append(("source", str(node["type"])))
        found += [("with", f".{part['key']}") for part in node.get("cte_map", {}).get("map", ())]
        if node.get("function_name"):
            found.append(("function", str(node["function_name"])))
        for inner in node.values():
            found += _facts(inner)
    elif isinstance(tree, list):
        for inner in cast("list[Any]", tree):
            found += _facts(inner)
    return found


_WORDS = st.sampled_from(
    sorted(
        {word for query, _ in HONEST for word in query.split()}
        | {word for hostile in HOSTILE if len(hostile.query) < 200 for word in hostile.query.split()}
    )
)
_QUERIES = st.lists(_WORDS, min_size=1, max_size=14).map(lambda words: "SELECT " + " ".join(words))


_OTHER = duckdb.connect(config={"threads": "1"})


def _held(query: str) -> bool:
    """Say whether the guard let a query through; another parser must then find nothing in it that is not listed."""
    try:
        made = DUCKDB.checked(query)
    except FailedError:
        return False
    (text,) = cast("tuple[str]", _OTHER.execute("SELECT json_serialize_sql($1)", [made]).fetchone())
    tree = json.loads(text)
    if tree["error"]:
        return True  # DuckDB does not take it at all
    assert len(tree["statements"]) == 1
    facts = _facts(tree)
    parts = {name for kind, name in facts if kind == "with"}
    for kind, name in facts:
        if kind == "table":
            assert name in {"sales.orders", "sales.customers"} | parts, made
        elif kind == "function":
            assert name in HARMLESS | _OPERATORS, made
        elif kind == "source":
            assert name in {"SUBQUERY", "JOIN", "EMPTY"}, made
    return True


_OPERATORS = frozenset(("+", "-", "*", "/", "%", "~~", "~~*", "count_star", "row", "to_days"))


@pytest.mark.parametrize("query", [query for query, _ in HONEST])
def test_another_parser_finds_only_what_is_listed(query: str) -> None:
    assert _held(query)


@given(_QUERIES)
def test_whatever_is_let_through_holds_only_what_is_listed(query: str) -> None:
    _held(query)


@given(st.text(max_size=80))
def test_any_text_is_refused_or_written_anew(text: str) -> None:
    for start in ("", "SELECT ", "SELECT * FROM orders WHERE "):
        for guard in (POSTGRES, DUCKDB):
            with suppress(QueryRefusedError):
                assert "LIMIT" in guard.checked(start + text)
