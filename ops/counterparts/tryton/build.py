"""Builds and seeds the pristine database: run by start_tryton.py with the Python of Tryton's environment.

    python build.py FOLDER PASSWORD

leaves `erp.sqlite` in FOLDER. The seed is that of the sandbox as far as a real ERP has it: customers C-100 to C-600, products
P-100 to P-900, the order O-1000 and the complaint K-1000.
"""

# ruff: noqa: N803, N806 - what proteus calls a model is a class

import datetime as dt
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

LOGINS = ("pointsman", "throttled")
MODULES = ("sale", "sale_complaint", "account_invoice_stock")

PRODUCTS = (  # code, name, in stock, price, where it lies
    ("P-100", "Desk lamp", 100_000, 40, "storage"),
    ("P-200", "Office chair", 0, 189, "storage"),
    ("P-300", "Standing desk", 5, 649, "storage"),
    ("P-500", "Server rack", 100_000, 480, "storage"),
    # Arrived, and not put away yet: it counts as stock, and no shipment can take it.
    ("P-900", "Glass table", 1_000, 350, "input"),
)
TAXED = {"P-300"}
CUSTOMERS = (  # code, name, categories, street, city
    ("C-100", "Alder Office Supply", ("Credit approved",), "12 Mill Lane", "Leeds"),
    ("C-200", "Birch & Sons", ("Credit approved", "VIP"), "3 Quay Street", "Bristol"),
    ("C-300", "Cedar Trading", ("Credit blocked",), "88 High Street", "York"),
    ("C-400", "Dogwood Ltd", (), "7 Station Road", "Bath"),
    ("C-500", "Elm Data Centres", ("Credit approved", "VIP"), "1 Exchange Square", "London"),
    ("C-600", "Fir Island Lodge", ("Credit approved",), None, None),  # no address: no quotation
)


def main(folder: Path, password: str) -> None:
    configuration = folder / "build.conf"
    configuration.write_text(f"[database]\nuri = sqlite://\npath = {folder}\n", encoding="utf-8")
    (folder / "erp.sqlite").touch()
    (folder / "password").write_text(password, encoding="utf-8")
    environment = {**os.environ, "TRYTONPASSFILE": str(folder / "password")}
    admin = [sys.executable, "-c", "from trytond.cli.admin import main; main()"]
    common = ["-c", str(configuration), "-d", "erp"]
    for arguments in (
        ["--all", "--email", "admin@example.com"],
        ["--activate-dependencies", "-u", *MODULES],
    ):
        command = [*admin, *common, *arguments]
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, timeout=280, check=True)
    seed(configuration, password)
    for left in (configuration, folder / "password"):
        left.unlink()


def seed(configuration: Path, password: str) -> None:
    # They are in Tryton's environment, which no type checker looks into.
    from proteus import Model, config  # pyright: ignore[reportMissingImports]
    from trytond.modules.account.tests import tools as account  # pyright: ignore[reportMissingImports]
    from trytond.modules.account_invoice.tests import tools as invoice  # pyright: ignore[reportMissingImports]
    from trytond.modules.company.tests import tools as companies  # pyright: ignore[reportMissingImports]

    config.set_trytond("sqlite:///erp", config_file=str(configuration), user="admin")
    Currency = Model.get("currency.currency")
    euro = Currency(name="Euro", symbol="€", code="EUR")
    euro.rates.new(date=dt.date(2020, 1, 1), rate=Decimal(1))
    euro.save()
    companies.create_company(currency=euro)
    company = companies.get_company()
    account.create_chart(company)
    invoice.set_fiscalyear_invoice_sequences(account.create_fiscalyear(company)).click("create_period")
    accounts = account.get_accounts(company)
    people(Model, company, password)
    numbers(Model, company)
    customers(Model)
    tax = account.create_tax(Decimal("0.1"), company)
    tax.save()
    products = goods(Model, company, accounts, tax)
    first_order(Model, products["P-100"])


def people(Model: Any, company: Any, password: str) -> None:
    User, Group = Model.get("res.user"), Model.get("res.group")
    Company = Model.get("company.company")
    wanted = {"Sales", "Sales Administrator", "Stock", "Accounting"}
    for login in LOGINS:
        user = User(name=login.title(), login=login, password=password)
        user.companies.append(Company(company.id))
        user.company = Company(company.id)
        for group in Group.find([("name", "in", sorted(wanted))]):
            user.groups.append(Group(group.id))
        user.save()


def numbers(Model: Any, company: Any) -> None:
    """Orders are O-1000 and so on, complaints K-1000 and so on, as the demo's events call them."""
    Sequence, Type = Model.get("ir.sequence"), Model.get("ir.sequence.type")
    Configuration = Model.get("sale.configuration")
    configuration = Configuration(1)
    for field, kind in (("sale_sequence", "Sale"), ("complaint_sequence", "Customer Complaint")):
        (sequence_type,) = Type.find([("name", "=", kind)], limit=1)
        sequence = Sequence(name=kind, sequence_type=sequence_type, company=company, number_next=1000)
        sequence.save()
        setattr(configuration, field, sequence)
    configuration.sale_invoice_method = "order"
    configuration.sale_shipment_method = "order"
    configuration.save()


def customers(Model: Any) -> None:
    Party, Category = Model.get("party.party"), Model.get("party.category")
    categories: dict[str, Any] = {}
    for name in ("VIP", "Credit approved", "Credit blocked"):
        categories[name] = Category(name=name)
        categories[name].save()
    for code, name, belongs, street, city in CUSTOMERS:
        party = Party(name=name, code=code)
        for category in belongs:
            party.categories.append(Category(categories[category].id))
        if street is None:
            del party.addresses[:]
        else:
            (address,) = party.addresses
            address.street_unstructured, address.city = street, city
        party.save()


def goods(Model: Any, company: Any, accounts: Any, tax: Any) -> dict[str, Any]:
    Template, Uom = Model.get("product.template"), Model.get("product.uom")
    ProductCategory = Model.get("product.category")
    categories: list[Any] = []
    for name in ("Goods", "Taxed goods"):
        category = ProductCategory(name=name, accounting=True)
        category.account_expense, category.account_revenue = accounts["expense"], accounts["revenue"]
        if categories:
            category.customer_taxes.append(tax)
        category.save()
        categories.append(category)
    (unit,) = Uom.find([("name", "=", "Unit")])
    made: dict[str, Any] = {}
    for code, name, available, price, where in PRODUCTS:
        template = Template(name=name, code=code, default_uom=unit, type="goods", salable=True)
        template.list_price, template.account_category = Decimal(price), categories[code in TAXED]
        template.save()
        (made[code],) = template.products
        if available:
            supply(Model, company, made[code], available, where)
    return made


def supply(Model: Any, company: Any, product: Any, quantity: float, where: str) -> None:
    Move, Location = Model.get("stock.move"), Model.get("stock.location")
    (supplier,) = Location.find([("type", "=", "supplier")], limit=1)
    (warehouse,) = Location.find([("type", "=", "warehouse")], limit=1)
    to = warehouse.storage_location if where == "storage" else warehouse.input_location
    move = Move(product=product, quantity=quantity, unit=product.default_uom, company=company)
    move.from_location, move.to_location = supplier, to
    move.unit_price, move.currency = Decimal(1), company.currency
    move.save()
    move.click("do")


def first_order(Model: Any, product: Any) -> None:
    """C-100's order of two lamps, confirmed; and the complaint about it."""
    Sale, Party = Model.get("sale.sale"), Model.get("party.party")
    (alder,) = Party.find([("code", "=", "C-100")])
    sale = Sale(party=alder)
    line = sale.lines.new()
    line.product, line.quantity = product, 2
    sale.click("quote")
    sale.click("confirm")
    Type, IrModel = Model.get("sale.complaint.type"), Model.get("ir.model")
    kind = Type(name="Order")
    (kind.origin,) = IrModel.find([("name", "=", "sale.sale")])
    kind.save()
    complaint = Model.get("sale.complaint")(customer=alder, type=kind)
    complaint.origin = sale
    complaint.description = "One of two lamps arrived broken"
    complaint.save()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2])
