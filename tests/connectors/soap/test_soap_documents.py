"""A WSDL is read from beside the configuration and nowhere else, within bounds; one of its ports is called, or the reason told."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from connectors.kind import SettingsError
from connectors.soap.documents import FILE_BYTES, FILES
from connectors.soap.kind import build_soap
from connectors.soap.ports import OperationError, Wanted
from connectors.soap.settings import SoapSettings
from connectors.soap.wsdl import Operation, read_wsdl
from tests.connectors.soap.services import OPEN, PAY, RESERVE, WSDLS, connector_of, mistakes_of, settings_of

IMPORT = '<s:import namespace="http://tickets.example/data"/>'
TOP = '<?xml version="1.0" encoding="utf-8"?>'


def refused(folder: Path, text: str) -> str:
    """Return why a WSDL with this text cannot be used."""
    file = folder / "it.wsdl"
    file.write_text(text, encoding="utf-8")
    values = {"wsdl": file, "base_url": "http://127.0.0.1:9/", "operations": {"act": OPEN}}
    with pytest.raises(SettingsError) as error:
        build_soap("desk", SoapSettings.model_validate(values))
    return mistakes_of(error)


@pytest.fixture
def tickets() -> str:
    return (WSDLS / "tickets.wsdl").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "place",
    [
        "http://169.254.169.254/types.xsd",
        "https://www.w3.org/evil.xsd",
        "HTTP://example.com/x.xsd",
        "//host/x.xsd",
    ],
)
def test_nothing_is_fetched(tickets: str, tmp_path: Path, place: str) -> None:
    said = refused(tmp_path, tickets.replace(IMPORT, IMPORT.replace("/>", f' schemaLocation="{place}"/>')))
    assert "save that document beside it" in said


@pytest.mark.parametrize(
    "place", ["../secret.xsd", "file:///etc/passwd", "/etc/passwd", "sub/../../secret.xsd", "link.xsd"]
)
def test_nothing_is_read_from_elsewhere(tickets: str, tmp_path: Path, place: str) -> None:
    (tmp_path / "secret.xsd").write_text("<never/>", encoding="utf-8")
    folder = tmp_path / "beside"
    (folder / "sub").mkdir(parents=True)
    (folder / "link.xsd").symlink_to(tmp_path / "secret.xsd")
    said = refused(folder, tickets.replace(IMPORT, IMPORT.replace("/>", f' schemaLocation="{place}"/>')))
    assert "which is not beside it" in said


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE x>",
        '<!DOCTYPE x SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE x [<!ENTITY a "b">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x [<!ENTITY % a SYSTEM "http://127.0.0.1:9/x"> %a;]>',
    ],
)
def test_a_document_type_is_refused_in_the_wsdl_and_in_what_it_imports(
    tickets: str, tmp_path: Path, doctype: str
) -> None:
    assert "document type" in refused(tmp_path, tickets.replace(TOP, f"{TOP}{doctype}"))
    (tmp_path / "data.xsd").write_text(f"{TOP}{doctype}<x/>", encoding="utf-8")
    said = refused(tmp_path, tickets.replace(IMPORT, IMPORT.replace("/>", ' schemaLocation="data.xsd"/>')))
    assert "data.xsd has a document type" in said


def test_size_and_number_of_documents_are_bounded(tickets: str, tmp_path: Path) -> None:
    assert "more than 8,388,608 bytes" in refused(tmp_path, tickets + " " * FILE_BYTES)
    schema = '<s:schema xmlns:s="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:{}"/>'
    imports = ""
    for number in range(FILES + 1):
        (tmp_path / f"{number}.xsd").write_text(schema.format(number), encoding="utf-8")
        imports += f'<s:import namespace="urn:{number}" schemaLocation="{number}.xsd"/>'
    assert f"more than {FILES} documents" in refused(tmp_path, tickets.replace(IMPORT, IMPORT + imports))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no XML that can be read"),
        ("<a>", "is no XML that can be read"),
        ("<html/>", "no operation OpenTicket there"),
        ("<a>" * 100 + "</a>" * 100, "is nested deeper than 64 elements"),
    ],
)
def test_what_is_no_wsdl_is_refused_with_the_reason(tmp_path: Path, text: str, says: str) -> None:
    assert says in refused(tmp_path, text)


def test_a_wsdl_that_is_not_there_is_named(tmp_path: Path) -> None:
    values = {"wsdl": tmp_path / "no.wsdl", "base_url": "http://127.0.0.1:9/", "operations": {"act": OPEN}}
    with pytest.raises(SettingsError, match=r"cannot read .*no\.wsdl: No such file"):
        build_soap("desk", SoapSettings.model_validate(values))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('type="d:Ticket"', 'type="d:Tickets"', "Tickets"),
        ('base="d:Ticket"', 'base="d:OpenedTicket"', "is circular"),
        (
            '<s:element name="Hours" type="s:decimal"/>',
            '<s:element name="Hours" type="s:decimals"/>',
            "decimals",
        ),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_at_the_start(
    tickets: str, tmp_path: Path, old: str, new: str, says: str
) -> None:
    assert old in tickets
    said = refused(tmp_path, tickets.replace(old, new))
    assert says in said


def test_types_that_unfold_to_millions_are_told_to_a_bound(tickets: str, tmp_path: Path) -> None:
    types = "".join(
        f'<s:complexType name="Wide{level}"><s:sequence>'
        + "".join(f'<s:element minOccurs="0" name="part{n}" type="d:Wide{level + 1}"/>' for n in range(12))
        + "</s:sequence></s:complexType>"
        for level in range(8)
    )
    types += '<s:complexType name="Wide8"><s:sequence><s:element name="end" type="s:int"/></s:sequence></s:complexType>'
    wide = tickets.replace(
        '<s:complexType name="ArrayOfstring">', f'{types}<s:complexType name="ArrayOfstring">'
    )
    said = refused(tmp_path, wide.replace('name="ticket" type="d:Ticket"', 'name="ticket" type="d:Wide0"'))
    assert "it has more than 2,000 arguments: hide those that nobody needs" in said
    (tmp_path / "it.wsdl").write_text(
        wide.replace('type="d:OpenedTicket"', 'type="d:Wide0"'), encoding="utf-8"
    )
    settings = settings_of("tickets.wsdl", act=OPEN).model_copy(update={"wsdl": tmp_path / "it.wsdl"})
    result = build_soap("desk", settings).actions["desk.act"].result
    assert result is not None
    assert "part11" in str(result.model_json_schema(mode="serialization"))


def test_files_beside_it_are_read_wherever_the_folder_is(tmp_path: Path) -> None:
    shutil.copytree(WSDLS, tmp_path / "moved")
    wsdl = read_wsdl(tmp_path / "moved" / "materials.wsdl", {"act": Wanted("Z_MATERIAL_RESERVE")})
    assert isinstance(wsdl.operations["act"], Operation)
    assert connector_of("materials.wsdl", act=RESERVE).actions.keys() == {"desk.act"}


@pytest.mark.parametrize(
    ("wanted", "version", "action"),
    [
        (Wanted("OpenTicket"), "1.1", "http://tickets.example/OpenTicket"),
        (Wanted("OpenTicket", port="Port12"), "1.2", "http://tickets.example/OpenTicket"),
        (Wanted("OpenTicket", "DeskService", "Port11"), "1.1", "http://tickets.example/OpenTicket"),
    ],
)
def test_the_port_is_the_one_that_is_named_or_speaks_1_1(wanted: Wanted, version: str, action: str) -> None:
    found = read_wsdl(WSDLS / "tickets.wsdl", {"act": wanted}).operations["act"]
    assert isinstance(found, Operation)
    assert (found.version, found.action) == (version, action)


@pytest.mark.parametrize(
    ("file", "wanted", "says"),
    [
        ("payments.wsdl", Wanted("pay"), "say service and port"),
        ("payments.wsdl", Wanted("pay", "OldPayments"), "use=encoded"),
        ("payments.wsdl", Wanted("pays", "Payments"), "Did you mean pay?"),
        ("payments.wsdl", Wanted("pay", "Payment"), "no service Payment; there is Payments, OldPayments"),
        ("payments.wsdl", Wanted("pay", "Payments", "Nowhere"), "no operation pay there"),
        ("tickets.wsdl", Wanted("OpenTicket", port="PortGet"), "no operation OpenTicket there"),
    ],
)
def test_an_operation_that_cannot_be_called_is_refused_with_the_reason(
    file: str, wanted: Wanted, says: str
) -> None:
    found = read_wsdl(WSDLS / file, {"act": wanted}).operations["act"]
    assert isinstance(found, OperationError)
    assert says in str(found)


def test_every_mistake_of_a_section_is_told_at_once() -> None:
    operations: dict[str, Any] = {
        "one": {**PAY, "operation": "pays"},
        "two": {**PAY, "result": "receipt.paid.amount"},
        "three": {"operation": "tree", "service": "Payments", "effect": "read", "description": "Look."},
    }
    with pytest.raises(SettingsError) as error:
        connector_of("payments.wsdl", **operations)
    assert [each.at for each in error.value.mistakes] == [("operations", verb) for verb in operations]
    assert "the result has no amount there; it has value, currency" in mistakes_of(error)
