"""The id of a change comes from its database's log: a copy of the record is the same event, and another change is another."""

from typing import Any

import pytest

from schemas.errors import UnreadableError
from tests.schemas.debezium.conftest import Decode
from tests.schemas.debezium.records import (
    MONGODB,
    MYSQL,
    ORACLE,
    POSTGRESQL,
    SOURCES,
    SQLSERVER,
    change,
    copied,
    record,
)


@pytest.mark.parametrize("connector", SOURCES)
async def test_a_copy_elsewhere_is_the_same_event(decode: Decode, connector: str) -> None:
    original = record(change("u", SOURCES[connector]))
    first, again = await decode(original), await decode(copied(original))
    assert (first.id, first.source, first.run_id) == (again.id, again.source, again.run_id)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "3.4.0.Final"},
        {"snapshot": "last"},
        {"sequence": '["1","2"]'},
        {"ts_us": None, "ts_ns": None},
        {"xmin": 12},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_reading_the_log_again_gives_the_same_event(decode: Decode, changes: dict[str, Any]) -> None:
    first = await decode(record(change("u", POSTGRESQL)))
    again = await decode(record(change("u", POSTGRESQL | changes, ts_ms=1)))
    assert first.id == again.id


@pytest.mark.parametrize(
    ("whose", "changes"),
    [
        (POSTGRESQL, {"lsn": 24023129}),
        (POSTGRESQL, {"txId": 556}),
        (POSTGRESQL, {"ts_ms": 1_772_442_900_124}),
        (POSTGRESQL, {"db": "other"}),
        (POSTGRESQL, {"schema": "other"}),
        (POSTGRESQL, {"table": "lines"}),
        (POSTGRESQL, {"name": "other"}),
        (MYSQL, {"pos": 485}),
        (MYSQL, {"row": 1}),
        (MYSQL, {"file": "mysql-bin.000004"}),
        (MYSQL, {"gtid": "24bc7850-2c16-11e6-a073-0242ac110002:18"}),
        (SQLSERVER, {"change_lsn": "00000027:00000758:0004"}),
        (SQLSERVER, {"commit_lsn": "00000027:00000758:0006"}),
        (SQLSERVER, {"event_serial_no": 2}),
        (ORACLE, {"scn": "2122187"}),
        (ORACLE, {"ssn": 2}),
        (MONGODB, {"ord": 32}),
        (MONGODB, {"lsid": '{"id": 1}', "txnNumber": 1}),
    ],
    ids=str,
)
async def test_another_place_in_the_log_is_another_event(
    decode: Decode, whose: dict[str, Any], changes: dict[str, Any]
) -> None:
    first = await decode(record(change("u", whose)))
    other = await decode(record(change("u", whose | changes)))
    assert (first.source, first.id) != (other.source, other.id)
    assert first.run_id != other.run_id


async def test_rows_that_share_a_place_are_told_apart_by_operation_and_key(decode: Decode) -> None:
    ids = [
        (await decode(record(change(op, POSTGRESQL), key=key))).id
        for op in "cud"
        for key in (b'{"id":1}', b'{"id":2}', b'{"other":1}')
    ]
    assert len(set(ids)) == len(ids)


async def test_rows_without_a_key_are_told_apart_by_what_they_hold(decode: Decode) -> None:
    first = await decode(record(change("c", POSTGRESQL, after={"a": 1}), key=None))
    other = await decode(record(change("c", POSTGRESQL, after={"a": 2}), key=None))
    assert first.id != other.id


async def test_updates_of_a_document_in_one_transaction_are_told_apart(decode: Decode) -> None:
    def updated(total: int) -> dict[str, Any]:
        update = {"removedFields": None, "updatedFields": f'{{"total": {total}}}', "truncatedArrays": None}
        return change("u", MONGODB, before=None, after=None, updateDescription=update)

    first, other = await decode(record(updated(1))), await decode(record(updated(2)))
    assert first.id != other.id


async def test_a_document_that_was_looked_up_later_is_the_same_event(decode: Decode) -> None:
    # The whole document is looked up when the change is read; what was updated is in the log.
    update = {"removedFields": None, "updatedFields": '{"total": 7}', "truncatedArrays": None}
    first = await decode(record(change("u", MONGODB, updateDescription=update)))
    later = await decode(
        record(change("u", MONGODB, updateDescription=update, after='{"_id": 1, "total": 8}'))
    )
    assert first.id == later.id


async def test_the_position_stands_in_front_for_people(decode: Decode) -> None:
    assert (await decode(record(change("u", POSTGRESQL)))).id.startswith("lsn=24023128,txId=555/")
    long = POSTGRESQL | {"lsn": "x" * 500}
    assert len((await decode(record(change("u", long)))).id) == 32


async def test_a_row_of_an_incremental_snapshot_needs_no_position(decode: Decode) -> None:
    whose = POSTGRESQL | {"lsn": None, "txId": None, "snapshot": "incremental"}
    first = await decode(record(change("r", whose)))
    other = await decode(record(change("r", whose), key=b'{"id":1002}'))
    assert first.id != other.id


async def test_a_change_without_a_position_is_refused_and_no_id_invented(decode: Decode) -> None:
    with pytest.raises(UnreadableError, match="`source` has none of lsn, txId; ids are never invented"):
        await decode(record(change("u", POSTGRESQL | {"lsn": None, "txId": None})))


async def test_a_connector_nobody_told_of_needs_its_position_declared(decode: Decode) -> None:
    whose = POSTGRESQL | {"connector": "vitess", "vgtid": "[…]", "shard": "-80"}
    with pytest.raises(UnreadableError, match="by the connector 'vitess' is not known; name the fields"):
        await decode(record(change("u", whose)))
    event = await decode(record(change("u", whose)), position=("vgtid", "shard"))
    assert event.id.startswith("vgtid=[…],shard=-80/")
    assert event.source == "/debezium/vitess/shop"
