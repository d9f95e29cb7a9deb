"""Schemas from files."""

from pathlib import Path

import pytest

from schemas.errors import SchemaError, UnknownSchemaError
from schemas.registry.avro_schema import avro_schema
from schemas.registry.files import latest, packaged_schemas, schemas_in
from schemas.registry.folder import FolderRegistry, folder_id

PAID = '{"type":"record","name":"shop.InvoicePaid","doc":"%s","fields":[{"name":"invoice","type":"string"}]}'


async def test_a_folder_adds_schemas_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "invoice.paid.v1.avsc").write_text(PAID % "")
    registry = FolderRegistry(tmp_path)
    schema = latest(schemas_in(tmp_path))["invoice.paid"]
    found = await registry.schema_of(await registry.id_of("shop.InvoicePaid", schema))
    assert found.schema.name == "shop.InvoicePaid"


async def test_a_schema_that_is_in_no_file_gets_no_id() -> None:
    with pytest.raises(UnknownSchemaError, match="InvoicePaid"):
        await FolderRegistry().id_of("shop.InvoicePaid", avro_schema(PAID % ""))


def test_the_ids_of_the_packaged_schemas_never_change() -> None:
    """Records on topics name these ids: a change here makes them unreadable. Add a version instead."""
    assert {f"{file.type}.v{file.version}": folder_id(file.schema) for file in packaged_schemas()} == {
        "action.in_doubt.v1": 1502194420,
        "approval.decided.v1": 1494219591,
        "approval.decided.v2": 1476150011,
        "approval.decided.v3": 1734445493,
        "approval.expired.v1": 313680630,
        "approval.requested.v1": 1762108788,
        "approval.requested.v2": 632792705,
        "case.opened.v1": 1058415591,
        "order.requested.v1": 1352594278,
        "replay.difference.v1": 747778239,
        "run.cancel_requested.v1": 1944029378,
        "run.finished.v1": 586823368,
        "run.finished.v2": 545222729,
        "run.finished.v3": 74028066,
        "step.recorded.v1": 443919689,
        "step.recorded.v2": 1376911552,
        "step.recorded.v3": 425392482,
        "step.recorded.v4": 322599132,
    }


def test_two_files_that_share_an_id_but_differ_are_refused(tmp_path: Path) -> None:
    (tmp_path / "invoice.paid.v1.avsc").write_text(PAID % "")
    (tmp_path / "invoice.paid.v2.avsc").write_text(PAID % "only the doc changed")
    with pytest.raises(SchemaError, match="share the id"):
        FolderRegistry(tmp_path)


def test_the_latest_version_is_the_highest_number(tmp_path: Path) -> None:
    for version in (2, 10, 9):
        text = (
            PAID.replace("invoice", f"invoice_{version}", 1).replace("InvoicePaid", f"InvoicePaid{version}")
            % ""
        )
        (tmp_path / f"invoice.paid.v{version}.avsc").write_text(text)
    assert latest(schemas_in(tmp_path))["invoice.paid"].name == "shop.InvoicePaid10"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="nowhere: there is no such folder"):
        schemas_in(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["invoice.paid.avsc", "Invoice.v1.avsc", "invoice.v0.avsc"])
def test_a_misnamed_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(PAID % "")
    with pytest.raises(SchemaError, match="is named <event type>"):
        schemas_in(tmp_path)


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "invoice.paid.v1.avsc").write_text("{")
    with pytest.raises(SchemaError, match=r"invoice\.paid\.v1\.avsc: the schema is no JSON"):
        schemas_in(tmp_path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "invoice.paid.v1.avsc").write_bytes(b"\xff\xfe")
    with pytest.raises(SchemaError, match=r"invoice\.paid\.v1\.avsc: is no text in UTF-8"):
        schemas_in(tmp_path)
    (tmp_path / "invoice.paid.v1.avsc").unlink()
    (tmp_path / "invoice.paid.v1.avsc").mkdir()
    with pytest.raises(SchemaError, match=r"invoice\.paid\.v1\.avsc: cannot be read: Is a directory"):
        schemas_in(tmp_path)
