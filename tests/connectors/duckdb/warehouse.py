"""A DuckDB file with the rows of the honest queries, and a section for it."""

from pathlib import Path
from typing import Any

import duckdb

from connectors.duckdb.settings import DuckDbSettings
from tests.connectors.sql.honest import CUSTOMERS, ORDERS

TABLES = """
CREATE SCHEMA sales;
CREATE TABLE sales.customers (customer_id int PRIMARY KEY, name text, country text);
CREATE TABLE sales.orders (
    order_id int, customer_id int, reference text, total decimal(10, 2), status text, placed_at timestamp
);
CREATE TABLE sales.salaries (name text, euro int);
INSERT INTO sales.salaries VALUES ('Ann', 100000);
"""


def made(path: Path) -> Path:
    """Make the file."""
    with duckdb.connect(path) as connection:
        connection.execute(TABLES)
        connection.executemany("INSERT INTO sales.customers VALUES (?, ?, ?)", CUSTOMERS)
        connection.executemany("INSERT INTO sales.orders VALUES (?, ?, ?, ?, ?, ?)", ORDERS)
    return path


def section(path: Path, **changed: Any) -> DuckDbSettings:
    """Return a section that reads the file."""
    said = {
        "path": path,
        "statements": {
            "find_order": {
                "description": "Look up an order.",
                "sql": "SELECT order_id, status, total FROM sales.orders WHERE reference = :reference",
                "effect": "read",
                "result": "one",
                "parameters": {"reference": {"type": "string", "description": "which"}},
            }
        },
        "select": {
            "description": "Ask for figures.",
            "tables": {"sales.orders": "orders", "sales.customers": "customers"},
        },
    }
    return DuckDbSettings.model_validate(said | changed)
