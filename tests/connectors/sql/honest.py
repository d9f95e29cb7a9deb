"""Queries that a free SELECT must let through, and what they return, over the same few rows in every database."""

from typing import Any, Final

CUSTOMERS: Final = ((1, "Alder", "GB"), (2, "Birch", "DE"), (3, "Cedar", "DE"))
ORDERS: Final = (
    (1, 1, "R-1", "10.50", "open", "2024-05-01T10:00:00Z"),
    (2, 2, "R-2", "20.00", "shipped", "2024-05-20T10:00:00Z"),
    (3, 2, "R-3", "5.25", "open", "2024-06-02T10:00:00Z"),
)
"""order_id, customer_id, reference, total, status, placed_at."""

HONEST: Final[tuple[tuple[str, list[dict[str, Any]]], ...]] = (
    ("SELECT name FROM customers ORDER BY name", [{"name": "Alder"}, {"name": "Birch"}, {"name": "Cedar"}]),
    ("select count(*) as n from sales.orders", [{"n": 3}]),
    ("SELECT 1 AS one /* not /* a */ comment; DROP TABLE x */", [{"one": 1}]),
    ("SELECT 'it''s; DROP TABLE x --' AS text;", [{"text": "it's; DROP TABLE x --"}]),
    (r"SELECT 'a\' AS text", [{"text": "a\\"}]),
    ('SELECT "name" FROM "sales"."customers" WHERE "country" = \'GB\'', [{"name": "Alder"}]),
    ("SELECT Name FROM Sales.Customers WHERE CUSTOMER_ID = 1", [{"name": "Alder"}]),
    ("SELECT sum(total) AS total FROM orders", [{"total": "35.75"}]),
    (
        "SELECT CAST(round(avg(total), 1) AS text) AS mean FROM orders WHERE status = 'open'",
        [{"mean": "7.9"}],
    ),
    (
        "SELECT country, count(*) AS n FROM customers GROUP BY country ORDER BY n DESC",
        [{"country": "DE", "n": 2}, {"country": "GB", "n": 1}],
    ),
    ("SELECT country FROM customers GROUP BY 1 HAVING count(*) > 1", [{"country": "DE"}]),
    (
        "SELECT c.name, o.reference FROM customers c JOIN orders o ON o.customer_id = c.customer_id ORDER BY 2",
        [
            {"name": "Alder", "reference": "R-1"},
            {"name": "Birch", "reference": "R-2"},
            {"name": "Birch", "reference": "R-3"},
        ],
    ),
    (
        "SELECT c.name FROM customers c LEFT JOIN orders o USING (customer_id) WHERE o.order_id IS NULL",
        [{"name": "Cedar"}],
    ),
    (
        "SELECT name, (SELECT count(*) FROM orders o WHERE o.customer_id = c.customer_id) AS n FROM customers c ORDER BY 1",
        [{"name": "Alder", "n": 1}, {"name": "Birch", "n": 2}, {"name": "Cedar", "n": 0}],
    ),
    (
        "WITH open AS (SELECT * FROM orders WHERE status = 'open'), n AS (SELECT count(*) AS n FROM open) SELECT n FROM n",
        [{"n": 2}],
    ),
    ("WITH orders AS (SELECT * FROM orders WHERE total > 10) SELECT count(*) AS n FROM orders", [{"n": 2}]),
    ("SELECT max(t) AS t FROM (SELECT total AS t FROM orders) AS q", [{"t": "20.00"}]),
    (
        "SELECT name FROM customers WHERE customer_id IN (SELECT customer_id FROM orders) ORDER BY 1 LIMIT 1",
        [{"name": "Alder"}],
    ),
    (
        "SELECT name FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.customer_id)",
        [{"name": "Cedar"}],
    ),
    (
        "SELECT CASE WHEN total >= 10 THEN 'large' ELSE 'small' END AS size, count(*) AS n FROM orders GROUP BY 1 ORDER BY 1",
        [{"size": "large", "n": 2}, {"size": "small", "n": 1}],
    ),
    (
        "SELECT reference FROM orders WHERE total BETWEEN 6 AND 15 AND reference LIKE 'R-%'",
        [{"reference": "R-1"}],
    ),
    (
        "SELECT name FROM customers WHERE name ILIKE 'b%' OR name IN ('Alder') ORDER BY name",
        [{"name": "Alder"}, {"name": "Birch"}],
    ),
    (
        "SELECT upper(name) AS name, length(name) AS n, substring(name from 1 for 2) AS s FROM customers WHERE customer_id = 1",
        [{"name": "ALDER", "n": 5, "s": "Al"}],
    ),
    (
        "SELECT coalesce(nullif(name, 'Alder'), '-') AS name FROM customers ORDER BY customer_id LIMIT 2",
        [{"name": "-"}, {"name": "Birch"}],
    ),
    (
        "SELECT CAST(date_trunc('month', placed_at) AS date) AS month, count(*) AS n FROM orders GROUP BY 1 ORDER BY 1",
        [{"month": "2024-05-01", "n": 2}, {"month": "2024-06-01", "n": 1}],
    ),
    (
        "SELECT CAST(extract(year from placed_at) AS int) AS y FROM orders WHERE placed_at >= '2024-06-01'",
        [{"y": 2024}],
    ),
    (
        "SELECT reference FROM orders WHERE placed_at < timestamp '2024-05-31 00:00:00' - interval '20 days'",
        [{"reference": "R-1"}],
    ),
    (
        "SELECT reference, row_number() OVER (PARTITION BY customer_id ORDER BY total DESC) AS place FROM orders ORDER BY 1",
        [
            {"reference": "R-1", "place": 1},
            {"reference": "R-2", "place": 1},
            {"reference": "R-3", "place": 2},
        ],
    ),
    (
        "SELECT reference, sum(total) OVER (ORDER BY order_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS so_far FROM orders ORDER BY 1 LIMIT 2",
        [{"reference": "R-1", "so_far": "10.50"}, {"reference": "R-2", "so_far": "30.50"}],
    ),
    (
        "SELECT count(*) FILTER (WHERE status = 'open') AS open, count(DISTINCT customer_id) AS customers FROM orders",
        [{"open": 2, "customers": 2}],
    ),
    (
        "SELECT name FROM customers WHERE country = 'GB' UNION ALL SELECT reference FROM orders WHERE order_id = 3 ORDER BY 1",
        [{"name": "Alder"}, {"name": "R-3"}],
    ),
    ("SELECT country FROM customers EXCEPT SELECT 'GB'", [{"country": "DE"}]),
    (
        "SELECT DISTINCT ON (customer_id) customer_id, reference FROM orders ORDER BY customer_id, total DESC",
        [{"customer_id": 1, "reference": "R-1"}, {"customer_id": 2, "reference": "R-2"}],
    ),
    (
        "SELECT total * 2 - 1 AS x, -total AS y, order_id % 2 AS z FROM orders WHERE NOT (order_id <> 1)",
        [{"x": "20.00", "y": "-10.50", "z": 1}],
    ),
    (
        "SELECT o.* FROM orders o WHERE (o.customer_id, o.status) IN ((2, 'open'), (9, 'open')) AND o.placed_at IS NULL",
        [],
    ),
    ("SELECT name FROM customers ORDER BY name DESC NULLS LAST LIMIT 1 OFFSET 1", [{"name": "Birch"}]),
)
