"""Records as Debezium's connectors write them, by connector: made up, in the shape of its documentation's examples."""

from collections.abc import Mapping
from typing import Any

import orjson

from schemas.record import Headers, Record

AT_MS = 1_772_442_900_123
"""When it was committed: 2026-03-02T09:15:00.123Z."""


def source(connector: str, **fields: Any) -> dict[str, Any]:
    return {
        "version": "3.3.1.Final",
        "connector": connector,
        "name": "shop",
        "ts_ms": AT_MS,
        "ts_us": AT_MS * 1000,
        "ts_ns": AT_MS * 1_000_000,
        "snapshot": "false",
        "db": "inventory",
        **fields,
    }


POSTGRESQL = source(
    "postgresql",
    sequence='["24023000","24023128"]',
    schema="public",
    table="orders",
    txId=555,
    lsn=24023128,
    xmin=None,
)
MYSQL = source(
    "mysql",
    sequence=None,
    table="orders",
    server_id=223344,
    gtid="24bc7850-2c16-11e6-a073-0242ac110002:17",
    file="mysql-bin.000003",
    pos=484,
    row=0,
    thread=7,
    query=None,
)
SQLSERVER = source(
    "sqlserver",
    schema="dbo",
    table="orders",
    change_lsn="00000027:00000758:0003",
    commit_lsn="00000027:00000758:0005",
    event_serial_no=1,
)
ORACLE = source(
    "oracle",
    schema="DEBEZIUM",
    table="ORDERS",
    txId="6.28.807",
    scn="2122185",
    commit_scn="2122186",
    lcr_position=None,
    rs_id="001234.00012345.0124",
    ssn=1,
    redo_thread=1,
    user_name="SHOP",
)
MONGODB = source(
    "mongodb",
    rs="rs0",
    collection="orders",
    ord=31,
    lsid=None,
    txnNumber=None,
    wallTime=AT_MS,
)
SOURCES = {
    "postgresql": POSTGRESQL,
    "mysql": MYSQL,
    "mariadb": {**MYSQL, "connector": "mariadb", "gtid": "0-1-17"},
    "sqlserver": SQLSERVER,
    "oracle": ORACLE,
    "mongodb": MONGODB,
}
ROW = {"id": 1001, "customer_id": "C-7", "total": 1250, "status": "open"}
DOCUMENT = '{"_id": {"$numberLong": "1001"}, "customer_id": "C-7", "total": {"$numberInt": "1250"}, "status": "open"}'


def change(op: str, whose: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    """Return the envelope of a change, as it is sent without its schema."""
    row: Any = DOCUMENT if whose["connector"] == "mongodb" else ROW
    rows = {
        "c": {"before": None, "after": row},
        "r": {"before": None, "after": row},
        "u": {"before": row, "after": row},
        "d": {"before": row, "after": None},
        "t": {"before": None, "after": None},
    }
    return {
        **rows.get(op, {"before": None, "after": row}),
        "source": dict(whose),
        "transaction": None,
        "op": op,
        "ts_ms": AT_MS + 142,
        **members,
    }


def record(
    value: Any, *, key: bytes | None = b'{"id":1001}', headers: Headers = (), topic: str = "shop.orders"
) -> Record:
    body = value if isinstance(value, bytes | None) else orjson.dumps(value)
    return Record(topic, 2, 77, AT_MS + 300, key, body, headers)


def copied(original: Record) -> Record:
    """Return what a mirror makes of a record: the same bytes, elsewhere and later."""
    return Record(
        "mirror.shop.orders", 9, 12_345, AT_MS + 999_999, original.key, original.value, original.headers
    )
