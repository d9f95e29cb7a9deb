"""What is wrong with a statement is found before anything is opened."""

from typing import Any

import pytest

from connectors.sql.settings import StatementSettings
from connectors.sql.statement_check import statement_mistakes

A = {"a": {"type": "integer", "description": "an a"}}


def mistakes(sql: str, **said: Any) -> list[str]:
    settings = StatementSettings.model_validate(
        {"description": "d", "sql": sql, "effect": "write", "result": "one"} | said
    )
    return [
        f"{'.'.join(map(str, found.at))}: {found.message}"
        for found in statement_mistakes("verb", settings, "postgres")
    ]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT a FROM t WHERE a = :a", {"effect": "read", "parameters": A}),
        ("SELECT a FROM t WHERE a = :a", {"effect": "write", "parameters": A}),
        ("WITH x AS (SELECT 1 AS n) SELECT n FROM x UNION SELECT 2", {"effect": "read", "result": "rows"}),
        ("INSERT INTO t (a) VALUES (:a) ON CONFLICT (a) DO UPDATE SET b = 1 RETURNING a", {"parameters": A}),
        ("UPDATE t SET b = 1 WHERE a = :a", {"parameters": A, "result": "count"}),
        ("UPDATE t SET b = 1 WHERE true", {"result": "count"}),
        ("DELETE FROM t USING u WHERE t.a = u.a RETURNING t.a;", {}),
        ("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN UPDATE SET b = 1", {"result": "count"}),
    ],
)
def test_a_statement_that_can_be_an_action_has_no_mistake(sql: str, said: dict[str, Any]) -> None:
    assert mistakes(sql, **said) == []


@pytest.mark.parametrize(
    ("sql", "said", "found"),
    [
        ("DELETE FROM t WHERE true", {"effect": "read"}, "verb.sql: is declared a read and holds DELETE"),
        (
            "WITH x AS (UPDATE t SET a = 1 WHERE b RETURNING *) SELECT * FROM x",
            {"effect": "read"},
            "holds UPDATE",
        ),
        ("SELECT * INTO x FROM t", {"effect": "read"}, "holds SELECT INTO"),
        ("SELECT * FROM t FOR UPDATE", {"effect": "read"}, "holds FOR UPDATE or FOR SHARE"),
        ("UPDATE t SET a = 1", {}, "changes every row"),
        ("WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", {}, "changes every row"),
        ("SELECT 1; SELECT 2", {}, "has 2 statements"),
        ("-- nothing", {}, "has 0 statements"),
        ("SELEC 1", {}, "cannot be parsed"),
        ("TRUNCATE t", {}, "is no SELECT, INSERT"),
        ("CALL p()", {}, "is no SELECT, INSERT"),
        ("COMMIT", {}, "is no SELECT, INSERT"),
        ("COPY t FROM '/x'", {}, "is no SELECT, INSERT"),
        ("CREATE TABLE t (a int)", {}, "is no SELECT, INSERT"),
        ("SELECT :a", {}, "verb.sql: uses :a, which is no parameter"),
        ("SELECT 1", {"parameters": A}, "verb.parameters: a is not used"),
        ("SELECT ':a'", {"parameters": A}, "verb.parameters: a is not used"),
        ("SELECT 1", {"optional": ["b"]}, "verb.optional: b is no parameter"),
        ("SELECT $1", {}, "verb.sql: uses $1"),
        ("SELECT 1", {"result": "count"}, "changes no rows to be counted"),
        ("SELECT 1", {"result": "count", "effect": "read"}, "verb.result: count is"),
        ("DELETE FROM t WHERE true RETURNING a", {"result": "count"}, "returns rows that are not counted"),
        ("DELETE FROM t WHERE true", {"result": "count", "returns": A}, "verb.returns:"),
        ("DELETE FROM t WHERE true", {"result": "one"}, "returns no row"),
        (
            "DELETE FROM t WHERE true",
            {"effect": "read", "compensate": "x.y"},
            "verb.compensate: is for a write",
        ),
    ],
)
def test_each_mistake_is_named(sql: str, said: dict[str, Any], found: str) -> None:
    assert any(found in each for each in mistakes(sql, **said)), mistakes(sql, **said)
