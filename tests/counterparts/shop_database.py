"""What the tests against PostgreSQL put into it, and the connector of the kind's own README."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import asyncpg
import yaml

from connectors.connector import Connector
from connectors.postgres.kind import build_postgres
from connectors.postgres.settings import PostgresSettings
from connectors.sql.client import SqlClient
from tests.connectors.sql.honest import CUSTOMERS, ORDERS

README = (Path(__file__).parents[2] / "connectors" / "postgres" / "README.md").read_text(encoding="utf-8")

TABLES = """
CREATE ROLE pointsman;
GRANT pointsman TO worker;
CREATE ROLE shop_reader;
GRANT shop_reader TO worker, reader;
CREATE SCHEMA sales;
GRANT USAGE ON SCHEMA sales TO pointsman, shop_reader;
CREATE TABLE sales.customers (customer_id int PRIMARY KEY, name text NOT NULL, country text NOT NULL);
CREATE TABLE sales.orders (
    order_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id int NOT NULL REFERENCES sales.customers,
    reference text UNIQUE NOT NULL,
    total numeric(10, 2) NOT NULL CHECK (total < 50000),
    status text NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE sales.salaries (name text, euro int);
INSERT INTO sales.salaries VALUES ('Ann', 100000);
GRANT SELECT, INSERT, UPDATE, DELETE ON sales.orders, sales.customers TO pointsman;
GRANT SELECT ON sales.orders, sales.customers TO shop_reader;
"""


def fenced(language: str) -> str:
    """Return the first block of a language in the kind's README."""
    found = re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert found is not None
    return found[1]


def section(shop: dict[str, Any], **changed: Any) -> PostgresSettings:
    """Return the section of the README, for a server that runs here."""
    said = cast("dict[str, Any]", yaml.safe_load(fenced("yaml"))["connectors"]["shop"])
    del said["use"]
    here = {"host": shop["host"], "port": shop["port"], "database": shop["database"], "tls": "off"}
    login = {"user": "worker", "password": shop["roles"]["worker"]}
    return PostgresSettings.model_validate(said | here | login | changed)


@asynccontextmanager
async def opened(settings: PostgresSettings) -> AsyncGenerator[tuple[Connector[SqlClient], SqlClient]]:
    """Yield the connector of a section, and its client."""
    connector = build_postgres("shop", settings)
    async with connector.open(settings) as client:
        yield connector, client


async def as_owner(shop: dict[str, Any]) -> asyncpg.Connection:
    """Return a connection of the owner, to be closed."""
    return await asyncpg.connect(
        host=shop["host"],
        port=shop["port"],
        database=shop["database"],
        user="owner",
        password=shop["roles"]["owner"],
        ssl=False,
    )


async def prepare(shop: dict[str, Any]) -> None:
    """Create the tables, and the ledger by the statements of the README."""
    owner = await as_owner(shop)
    try:
        await owner.execute(TABLES + fenced("sql"))
        for customer in CUSTOMERS:
            await owner.execute("INSERT INTO sales.customers VALUES ($1, $2, $3)", *customer)
        for _, customer_id, reference, total, status, placed_at in ORDERS:
            at = datetime.fromisoformat(placed_at)
            await owner.execute(
                "INSERT INTO sales.orders (customer_id, reference, total, status, placed_at) VALUES ($1, $2, $3, $4, $5)",
                *(customer_id, reference, Decimal(total), status, at),
            )
    finally:
        await owner.close()


async def value(shop: dict[str, Any], query: str, *arguments: Any) -> Any:
    """Return what the owner sees."""
    owner = await as_owner(shop)
    try:
        return await owner.fetchval(query, *arguments)
    finally:
        await owner.close()
