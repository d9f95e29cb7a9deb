"""What metadata says becomes entities and operations; what it must not do, it cannot."""

from pathlib import Path

import pytest

from connectors.odata.edm import Complex, EdmError, Enumeration, Many, Navigation, Primitive
from connectors.odata.metadata import Metadata, one_operation

HERE = Path(__file__).parent
SALES = """<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="Contoso.Sales" Alias="self" xmlns="http://docs.oasis-open.org/odata/ns/edm">
  <EnumType Name="Tier"><Member Name="standard" Value="0"/><Member Name="vip" Value="1"/></EnumType>
  <TypeDefinition Name="Money" UnderlyingType="Edm.Decimal" Precision="19" Scale="4"/>
  <ComplexType Name="Place"><Property Name="city" Type="Edm.String" MaxLength="60"/></ComplexType>
  <ComplexType Name="Address" BaseType="self.Place"><Property Name="lines" Type="Collection(Edm.String)"/></ComplexType>
  <ComplexType Name="Loop"><Property Name="again" Type="self.Loop"/></ComplexType>
  <EntityType Name="Record" Abstract="true">
    <Key><PropertyRef Name="id"/></Key>
    <Property Name="id" Type="Edm.Guid" Nullable="false"><Annotation Term="Org.OData.Core.V1.Computed" Bool="true"/></Property>
  </EntityType>
  <EntityType Name="account" BaseType="self.Record">
    <Property Name="name" Type="Edm.String" Nullable="false"><Annotation Term="Org.OData.Core.V1.Description" String="Who it is."/></Property>
    <Property Name="tier" Type="self.Tier"/>
    <Property Name="limit" Type="self.Money"/>
    <Property Name="address" Type="self.Address"/>
    <Property Name="picture" Type="Edm.Stream"/>
    <Property Name="loop" Type="self.Loop"/>
    <NavigationProperty Name="contacts" Type="Collection(self.contact)"/>
  </EntityType>
  <EntityType Name="contact"><Key><PropertyRef Name="a"/><PropertyRef Name="b"/></Key>
    <Property Name="a" Type="Edm.Int32" Nullable="false"/><Property Name="b" Type="Edm.String" Nullable="false"/></EntityType>
  <Action Name="Win" IsBound="true"><Parameter Name="it" Type="self.account"/><Parameter Name="why" Type="Edm.String" Nullable="false"/></Action>
  <Function Name="Rate"><Parameter Name="on" Type="Edm.Date"/><ReturnType Type="self.Money"/></Function>
  <Function Name="Hidden"><ReturnType Type="Edm.String"/></Function>
  <Function Name="Twice" IsBound="true"><Parameter Name="it" Type="self.account"/><ReturnType Type="Edm.Int32"/></Function>
  <Function Name="Twice" IsBound="true"><Parameter Name="it" Type="self.account"/><Parameter Name="n" Type="Edm.Int32"/><ReturnType Type="Edm.Int32"/></Function>
  <EntityContainer Name="Container">
    <EntitySet Name="accounts" EntityType="self.account"><Annotation Term="Org.OData.Core.V1.OptimisticConcurrency"><Collection/></Annotation></EntitySet>
    <EntitySet Name="contacts" EntityType="Contoso.Sales.contact"/>
    <FunctionImport Name="rate_of" Function="self.Rate"/>
  </EntityContainer>
</Schema></edmx:DataServices></edmx:Edmx>"""


def test_an_entity_has_what_it_inherits_and_its_types_are_resolved() -> None:
    metadata = Metadata(SALES.encode())
    assert metadata.sets == {"accounts": "Contoso.Sales.account", "contacts": "Contoso.Sales.contact"}
    assert metadata.versioned_sets == {"accounts"}
    account = metadata.entity("Contoso.Sales.account")
    assert account.keys == ("id",)
    assert account.properties["tier"].type == Enumeration("Contoso.Sales.Tier", ("standard", "vip"))
    assert account.properties["limit"].type == Primitive("Edm.Decimal", precision=19, scale=4)
    address = account.properties["address"].type
    assert isinstance(address, Complex)
    assert address.properties["city"].type == Primitive("Edm.String", max_length=60)
    assert address.properties["lines"].type == Many(Primitive("Edm.String"))
    assert account.navigations == {"contacts": Navigation("contacts", "Contoso.Sales.contact", many=True)}


def test_who_creates_an_entity_must_give_what_may_not_be_null_and_is_not_computed() -> None:
    account = Metadata(SALES.encode()).entity("Contoso.Sales.account")
    assert {name for name, each in account.properties.items() if each.required} == {"name"}
    assert account.properties["name"].description == "Who it is."


def test_what_contains_itself_is_left_out() -> None:
    account = Metadata(SALES.encode()).entity("Contoso.Sales.account")
    assert account.properties["loop"].type == Complex("Contoso.Sales.Loop", {})


def test_operations_are_found_with_and_without_their_namespace() -> None:
    metadata = Metadata(SALES.encode())
    for name in ("Win", "Contoso.Sales.Win"):
        win = one_operation(metadata.operations(), name, "Contoso.Sales.account")
        assert (win.name, win.changes, win.returns) == ("Contoso.Sales.Win", True, None)
        assert win.parameters["why"].required
    rate = one_operation(metadata.operations(), "rate_of", None)
    assert (rate.changes, rate.returns) == (False, Primitive("Edm.Decimal", precision=19, scale=4))
    assert rate.parameters["on"].required


@pytest.mark.parametrize(
    ("name", "bound_to", "says"),
    [
        ("Hidden", None, "no operation Hidden"),
        ("Win", None, "no operation Win"),
        ("Win", "Contoso.Sales.contact", "no operation Win bound to Contoso.Sales.contact"),
        ("Twice", "Contoso.Sales.account", "several operations Twice"),
    ],
)
def test_an_operation_that_cannot_be_told_is_a_mistake(name: str, bound_to: str | None, says: str) -> None:
    with pytest.raises(EdmError, match=says):
        one_operation(Metadata(SALES.encode()).operations(), name, bound_to)


def test_v4_and_v2_of_one_service_say_the_same_in_their_own_way() -> None:
    v4, v2 = (Metadata((HERE / f"trade.{version}.edmx").read_bytes()) for version in ("v4", "v2"))
    assert v4.sets == v2.sets
    for name in v4.sets.values():
        one, other = v4.entity(name), v2.entity(name)
        assert one.keys == other.keys
        assert one.properties.keys() == other.properties.keys()
        assert one.navigations == other.navigations
    assert v4.versioned_sets == {"Customers", "Orders"}
    assert [v2.entity(v2.sets[name]).versioned for name in ("Customers", "Orders", "Products")] == [
        True,
        True,
        False,
    ]
    since = v2.entity("Trade.Customers").properties["since"].type
    assert since == Primitive("Edm.DateTime", date_only=True)
    credit = v4.entity("Trade.Customers").properties["credit"].type
    assert credit == Primitive("Edm.String", 10, choices=("approved", "blocked", "review"))
    confirm = one_operation(v2.operations(), "Orders_confirm", "Trade.Orders")
    assert confirm.parameters.keys() == {"ID", "note"}
    assert one_operation(v4.operations(), "confirm", "Trade.Orders").parameters.keys() == {"note"}


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><Edmx><Schema>&b;</Schema></Edmx>'
FETCH = '<!DOCTYPE x SYSTEM "file:///etc/passwd"><Edmx><Schema/></Edmx>'


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (BOMB, "document type"),
        (FETCH, "document type"),
        ("<Edmx><Schema>&outside;</Schema></Edmx>", "no XML"),
        ("not xml", "no XML"),
        ("<Edmx/>", "no <Schema>"),
        ("<a>" * 200 + "</a>" * 200, "nested deeper"),
        ("<!DOCTYPE html><html><body>Sign in</body></html>", "document type"),
    ],
)
def test_a_document_that_is_no_metadata_is_refused(document: str, says: str) -> None:
    with pytest.raises(EdmError, match=says):
        Metadata(document.encode())


def test_a_document_that_is_too_large_is_refused() -> None:
    with pytest.raises(EdmError, match="more than 32 MB"):
        Metadata(b" " * ((32 << 20) + 1))


def test_an_entity_without_a_key_cannot_be_used() -> None:
    with pytest.raises(EdmError, match="no key"):
        Metadata(b'<E><Schema Namespace="S"><EntityType Name="A"/></Schema></E>').entity("S.A")
    with pytest.raises(EdmError, match=r"S\.B is no EntityType"):
        Metadata(b'<E><Schema Namespace="S"/></E>').entity("S.B")
