"""Queries that a free SELECT must not let through, with a piece of the reason that the model is told.

`open_in` names the databases whose own walls let a query pass where there is no guard: what only the guard holds there.
"""

from dataclasses import dataclass
from typing import Final

PG: Final = "postgres"
DUCK: Final = "duckdb"
BOTH: Final = frozenset((PG, DUCK))
_NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Hostile:
    """One query."""

    query: str
    why: str
    open_in: frozenset[str] = _NONE


def _doubled(times: int) -> str:
    """Return a query that doubles a text so often, with WITH for each time."""
    steps = ", ".join(f"x{n} AS (SELECT t || t AS t FROM x{n - 1})" for n in range(1, times))
    return f"WITH x0 AS (SELECT 'a' || 'a' AS t), {steps} SELECT t FROM x{times - 1}"


def _grown(steps: int, uses: int) -> str:
    """Return a query each of whose steps uses the column of the last one so often, as a WITH or as subqueries."""
    used = " + ".join(["t"] * uses)
    made = ", ".join(f"x{n} AS (SELECT {used} AS t FROM x{n - 1})" for n in range(1, steps))
    return f"WITH x0 AS (SELECT total AS t FROM sales.orders), {made} SELECT t FROM x{steps - 1}"


def _nested(steps: int, uses: int) -> str:
    query = "SELECT total AS t FROM sales.orders"
    for n in range(steps):
        query = f"SELECT {' + '.join(['t'] * uses)} AS t FROM ({query}) AS x{n}"
    return query


STATEMENTS: Final = (
    Hostile("INSERT INTO sales.orders VALUES (9)", "only SELECT"),
    Hostile("UPDATE sales.orders SET status = 'x'", "only SELECT"),
    Hostile("DELETE FROM sales.orders", "only SELECT"),
    Hostile("TRUNCATE sales.orders", "only SELECT"),
    Hostile("DROP TABLE sales.orders", "only SELECT"),
    Hostile("CREATE TABLE evil (a int)", "only SELECT"),
    Hostile("ALTER TABLE sales.orders ADD COLUMN a int", "only SELECT"),
    Hostile(
        "MERGE INTO sales.orders o USING sales.customers c ON true WHEN MATCHED THEN DELETE", "only SELECT"
    ),
    Hostile("GRANT ALL ON sales.orders TO PUBLIC", "only SELECT"),
    Hostile("COPY sales.orders TO '/tmp/stolen'", "only SELECT"),
    Hostile("COPY sales.orders FROM PROGRAM 'id'", "only SELECT"),
    Hostile("SET statement_timeout = 0", "only SELECT", frozenset((PG,))),
    Hostile("RESET ALL", "only SELECT", frozenset((PG,))),
    Hostile("SHOW ALL", "only SELECT", BOTH),
    Hostile("EXPLAIN SELECT 1", "only SELECT", BOTH),
    Hostile("DO $$ BEGIN PERFORM pg_sleep(9); END $$", "only SELECT"),
    Hostile("CALL sales.anything()", "only SELECT"),
    Hostile("VACUUM", "only SELECT", frozenset((DUCK,))),
    Hostile("LISTEN secrets", "only SELECT", frozenset((PG,))),
    Hostile("ATTACH '/tmp/other.db' AS other", "only SELECT"),
    Hostile("PRAGMA database_list", "only SELECT", frozenset((DUCK,))),
    Hostile("INSTALL httpfs", "only SELECT"),
    Hostile("LOAD httpfs", "only SELECT"),
    Hostile("EXPORT DATABASE '/tmp/stolen'", "only SELECT"),
    Hostile("FROM sales.orders", "only SELECT", frozenset((DUCK,))),
    Hostile("SUMMARIZE sales.orders", "only SELECT", frozenset((DUCK,))),
    Hostile("VALUES (1)", "only SELECT", BOTH),
    Hostile("TABLE sales.salaries", "only SELECT", frozenset((DUCK,))),
    Hostile("SELECT 1; DELETE FROM sales.orders", "statements"),
    Hostile("SELECT 1; SELECT 2", "statements", frozenset((DUCK,))),
    Hostile("SELECT 1 /* ; */ ; COMMIT; DELETE FROM sales.orders; --", "statements"),
)

WRITES_INSIDE: Final = (
    Hostile("WITH gone AS (DELETE FROM sales.orders RETURNING *) SELECT * FROM gone", "DELETE"),
    Hostile("WITH made AS (INSERT INTO sales.orders VALUES (9) RETURNING *) SELECT 1", "INSERT"),
    Hostile("WITH x AS (UPDATE sales.orders SET status = 'x' RETURNING *) SELECT * FROM x", "UPDATE"),
    Hostile("WITH x AS (SELECT 1) DELETE FROM sales.orders", "only SELECT"),
    Hostile("SELECT * INTO evil FROM sales.orders", "INTO"),
    Hostile("SELECT * FROM sales.orders FOR UPDATE", "LOCKS"),
    Hostile("SELECT * FROM sales.orders FOR KEY SHARE SKIP LOCKED", "LOCKS"),
)

TABLES: Final = (
    Hostile("SELECT * FROM sales.salaries", "sales.salaries is not on the list", frozenset((DUCK,))),
    Hostile("SELECT * FROM salaries", "salaries is not on the list"),
    Hostile('SELECT * FROM "sales"."salaries"', "not on the list", frozenset((DUCK,))),
    Hostile("SELECT * FROM SaLaRiEs", "not on the list"),
    Hostile("SELECT * FROM sales . /* */ salaries", "not on the list", frozenset((DUCK,))),
    Hostile("SELECT * FROM shop.sales.orders", "CATALOG", BOTH),
    Hostile("SELECT * FROM pg_catalog.pg_shadow", "pg_shadow"),
    Hostile("SELECT * FROM pg_authid", "pg_authid"),
    Hostile("SELECT usename FROM pg_user", "pg_user", frozenset((PG,))),
    Hostile("SELECT * FROM information_schema.tables", "information_schema", BOTH),
    Hostile("SELECT * FROM pg_settings", "pg_settings", BOTH),
    Hostile("SELECT * FROM pg_stat_activity", "pg_stat_activity", frozenset((PG,))),
    Hostile("SELECT 1 WHERE EXISTS (SELECT 1 FROM sales.salaries)", "not on the list", frozenset((DUCK,))),
    Hostile("SELECT (SELECT max(euro) FROM sales.salaries)", "not on the list", frozenset((DUCK,))),
    Hostile(
        "SELECT name FROM sales.customers UNION SELECT name FROM sales.salaries", "not on", frozenset((DUCK,))
    ),
    Hostile("WITH a AS (SELECT * FROM b), b AS (SELECT 1 AS x) SELECT * FROM a", "b is not on the list"),
    Hostile("SELECT * FROM orders o JOIN sales.salaries s ON o.order_id = s.euro", "not on the list"),
    Hostile("SELECT * FROM (WITH salaries AS (SELECT 1 AS x) SELECT * FROM salaries) q", "WITH", BOTH),
    Hostile("SELECT * FROM ONLY sales.orders", "ONLY", frozenset((PG,))),
    Hostile("SELECT * FROM sales.orders TABLESAMPLE SYSTEM (100)", "SAMPLE", BOTH),
)

FUNCTIONS: Final = tuple(
    Hostile(f"SELECT {call}", "", open_in)
    for call, open_in in (
        ("pg_sleep(0.01)", BOTH),
        ("pg_catalog.pg_sleep(0.01)", BOTH),
        ('"pg_sleep"(0.01)', BOTH),
        ("pg_read_file('/etc/passwd')", _NONE),
        ("pg_ls_dir('/')", _NONE),
        ("lo_import('/etc/passwd')", _NONE),
        ("pg_terminate_backend(1)", frozenset((PG,))),
        ("pg_advisory_lock(7)", frozenset((PG,))),
        ("set_config('statement_timeout', '0', false)", frozenset((PG,))),
        ("current_setting('is_superuser')", frozenset((PG,))),
        ("setval('sales.orders_order_id_seq', 1)", _NONE),
        ("nextval('sales.orders_order_id_seq')", _NONE),
        ("query_to_xml('SELECT * FROM sales.salaries', true, true, '')", _NONE),
        ("database_to_xml(true, true, '')", frozenset((PG,))),
        ("dblink('host=127.0.0.1', 'SELECT 1')", _NONE),
        ("txid_current()", BOTH),
        ("version()", BOTH),
        ("current_user", BOTH),
        ("session_user", BOTH),
        ("current_database()", BOTH),
        ("inet_server_addr()", BOTH),
        ("has_table_privilege('sales.salaries', 'SELECT')", BOTH),
        ("'sales.salaries'::regclass", frozenset((PG,))),
        ("to_regclass('sales.salaries')", frozenset((PG,))),
        ("getenv('HOME')", _NONE),
        ("read_text('/etc/passwd')", _NONE),
        ("repeat('x', 1000)", BOTH),
        ("'a' || 'b'", BOTH),
        ("lpad('x', 1000)", frozenset((PG,))),
        ("generate_series(1, 10)", BOTH),
        ("unnest(ARRAY[1, 2])", BOTH),
        ("regexp_replace('aaa', '(a*)*b', 'x')", BOTH),
        ("json_build_object('a', 1)", frozenset((PG,))),
        ("(SELECT c FROM (SELECT 1 AS c) q).c", _NONE),
        ("COLUMNS('.*') FROM sales.customers", frozenset((DUCK,))),
        ("list_transform([1], x -> x)", _NONE),
        ("ARRAY(SELECT 1)", BOTH),
        ("2 ^ 10", BOTH),
        ("1 OPERATOR(pg_catalog.+) 1", frozenset((PG,))),
        ("CAST('x' AS sales.orders)", _NONE),
    )
)

SOURCES: Final = (
    Hostile("SELECT * FROM generate_series(1, 1000000000)", "no functions", frozenset((DUCK,))),
    Hostile("SELECT * FROM range(10)", "no functions", frozenset((DUCK,))),
    Hostile("SELECT * FROM read_csv('/etc/passwd')", "no functions"),
    Hostile("SELECT * FROM read_csv_auto('/etc/passwd')", "no functions"),
    Hostile("SELECT * FROM read_parquet('s3://bucket/x')", "no functions"),
    Hostile("SELECT * FROM glob('/*')", ""),
    Hostile("SELECT * FROM duckdb_settings()", "no functions", frozenset((DUCK,))),
    Hostile("SELECT * FROM pragma_database_list()", "no functions"),
    Hostile("SELECT * FROM query('SELECT 1')", "no functions", frozenset((DUCK,))),
    Hostile("SELECT * FROM query_table('sales.salaries')", "no functions", frozenset((DUCK,))),
    Hostile("SELECT * FROM '/etc/passwd'", ""),
    Hostile("SELECT * FROM '/tmp/data.parquet'", ""),
    Hostile('SELECT * FROM "/etc/passwd"', "not on the list"),
    Hostile("SELECT * FROM 'https://example.com/x.csv'", ""),
    Hostile("SELECT * FROM HOSTILE", "not on the list"),
    Hostile("SELECT * FROM pg_ls_dir('/')", "no functions"),
    Hostile("SELECT * FROM ROWS FROM (pg_ls_dir('/')) AS x", ""),
    Hostile("SELECT x.name FROM sales.customers c, LATERAL (SELECT c.name) x", "", BOTH),
    Hostile(
        "SELECT x.name FROM sales.customers c JOIN LATERAL (SELECT c.name) x ON c.name = x.name", "", BOTH
    ),
    Hostile("SELECT * FROM unnest(ARRAY[1]) AS x(a)", "", BOTH),
    Hostile("SELECT * FROM (VALUES (1)) AS x(a)", "", BOTH),
    Hostile("SELECT * FROM sales.customers PIVOT (count(*) FOR country IN ('DE'))", "", frozenset((DUCK,))),
)

SIZE: Final = (
    Hostile(
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
        "RECURSIVE",
    ),
    Hostile("SELECT count(*) FROM sales.orders a CROSS JOIN sales.orders b", "CROSS", BOTH),
    Hostile("SELECT count(*) FROM sales.orders a, sales.orders b", "every JOIN needs ON", BOTH),
    Hostile("SELECT count(*) FROM sales.orders a JOIN sales.orders b ON true", "every JOIN needs ON", BOTH),
    Hostile("SELECT count(*) FROM sales.orders a JOIN sales.orders b ON 1 = 1", "every JOIN needs ON", BOTH),
    Hostile("SELECT * FROM sales.orders NATURAL JOIN sales.customers", "METHOD", BOTH),
    Hostile("SELECT name FROM sales.orders POSITIONAL JOIN sales.customers", "", frozenset((DUCK,))),
    Hostile("SELECT " + ", ".join(f"(SELECT 1) AS x{n}" for n in range(9)), "more than 8 tables", BOTH),
    Hostile("SELECT country, count(*) FROM sales.customers GROUP BY CUBE (country, name)", "CUBE", BOTH),
    Hostile("SELECT country, count(*) FROM sales.customers GROUP BY GROUPING SETS ((country), ())", "", BOTH),
    Hostile("SELECT " + "(" * 60 + "1" + ")" * 60, "brackets", BOTH),
    Hostile("SELECT " + "NOT " * 900 + "true", "nested too deep", BOTH),
    Hostile("SELECT " + "1+" * 1_500 + "1", "parts", frozenset((PG,))),
    Hostile("SELECT '" + "x" * 5_000 + "'", "longer than", BOTH),
    Hostile("SELECT * FROM sales.orders LIMIT (SELECT 1000000)", "whole numbers", BOTH),
    Hostile("SELECT * FROM sales.orders LIMIT ALL", "", BOTH),
    Hostile("SELECT * FROM sales.orders OFFSET 1e9", "whole numbers", BOTH),
)

GROWTH: Final = (
    Hostile(_doubled(40), "|| is not allowed"),
    Hostile(_grown(5, 12), "used too often"),
    Hostile(_nested(5, 12), "used too often"),
    Hostile(_grown(7, 8), "used too often"),
    Hostile(_nested(7, 8), "used too often"),
)
"""Texts that are short and become huge inside a planner, which no limit of time stops. They are not tried without the guard:
a server would go on working on them after the test."""

SPELLINGS: Final = (
    Hostile("/* SELECT */ DELETE FROM sales.orders", "only SELECT"),
    Hostile("-- SELECT\nDELETE FROM sales.orders", "only SELECT"),
    Hostile("SELECT/**/*/**/FROM/**/sales.salaries", "not on the list", frozenset((DUCK,))),
    Hostile("SELECT 1 --\n; DROP TABLE sales.orders", "statements"),
    Hostile("SELECT '\\'; DROP TABLE sales.orders; --'", ""),
    Hostile("SELECT * FROM sales.salar\u200bies", "invisible"),
    Hostile("SELECT\u00a0* FROM sales.orders", "invisible", frozenset((DUCK,))),
    Hostile("SELECT 1\x00; DROP TABLE sales.orders", "control"),
    Hostile("SELECT * FROM sales.\u017falaries", "not on the list"),
    Hostile("SELECT * FROM \uff53ales.salaries", "not on the list"),
    Hostile('SELECT * FROM U&"s\\0061laries"', ""),
    Hostile("SELECT U&'\\0061'", "", frozenset((PG,))),
    Hostile("SELECT E'\\x61'", "", BOTH),
    Hostile("SELECT $$; DROP TABLE x$$", "", BOTH),
    Hostile("SELECT $1", ""),
    Hostile("SELECT ?", ""),
    Hostile("SELECT :name", ""),
    Hostile("SELECT x'41'", "", BOTH),
    Hostile("", "only SELECT", frozenset((PG,))),
    Hostile("DELETE", "only SELECT"),
    Hostile("SELECT", "", frozenset((PG,))),
    Hostile(")SELECT 1(", "only SELECT"),
)

CATALOGUE: Final = {
    "statements": STATEMENTS,
    "writes inside": WRITES_INSIDE,
    "tables": TABLES,
    "functions": FUNCTIONS,
    "sources": SOURCES,
    "size": SIZE,
    "spellings": SPELLINGS,
}
"""By kind; each is tried without the guard as well."""
HOSTILE: Final = (*(hostile for kind in CATALOGUE.values() for hostile in kind), *GROWTH)
