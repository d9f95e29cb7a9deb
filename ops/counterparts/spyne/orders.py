# It runs in an environment of its own, which has spyne; ours has not.
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
"""An order service of spyne's, on loopback: what `connectors/soap` is tested against. Runs in an environment of its own.

    python orders.py PORT

`/11` speaks SOAP 1.1 and `/12` SOAP 1.2; `?wsdl` after either is the WSDL that spyne makes. Orders are kept in memory.
"""

import base64
import hashlib
import itertools
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from socketserver import ThreadingMixIn
from threading import Lock
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from spyne import (
    Application,
    Array,
    ComplexModel,
    Date,
    DateTime,
    Enum,
    Fault,
    Integer,
    ServiceBase,
    Unicode,
    XmlAttribute,
    rpc,
)
from spyne import Decimal as Money
from spyne.protocol.soap import Soap11, Soap12
from spyne.server.wsgi import WsgiApplication

SPACE = "urn:example:orders"
WSSE = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
WSU = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"
USER, PASSWORD = "pointsman", "s3cret-of-the-order-desk"

Priority = Enum("standard", "expedited", type_name="Priority")
Amount = Money(total_digits=10, fraction_digits=2, ge=0)


class Line(ComplexModel):
    __namespace__ = SPACE
    sku = Unicode(min_occurs=1, nillable=False, max_len=20, pattern="[A-Z]-[0-9]+")
    quantity = Integer(min_occurs=1, nillable=False, ge=1, le=1000)
    price = Amount(min_occurs=1, nillable=False)


class NewOrder(ComplexModel):
    __namespace__ = SPACE
    reference = Unicode(min_occurs=1, nillable=False, max_len=40)
    customer_id = Unicode(min_occurs=1, nillable=False, pattern="C-[0-9]+")
    priority = Priority(min_occurs=0)
    due = Date(min_occurs=0)
    note = Unicode(min_occurs=0)
    lines = Array(Line, min_occurs=1, nillable=False)


class Order(ComplexModel):
    __namespace__ = SPACE
    order_id = Unicode(min_occurs=1, nillable=False, pattern="O-[0-9]+")
    reference = Unicode(min_occurs=1, nillable=False)
    customer_id = Unicode(min_occurs=1, nillable=False)
    status = Enum("confirmed", "cancelled", type_name="Status")(min_occurs=1, nillable=False)
    total = Amount(min_occurs=1, nillable=False)
    created = DateTime(min_occurs=1, nillable=False)
    note = Unicode(min_occurs=0)
    lines = Array(Line, min_occurs=1, nillable=False)


class Address(ComplexModel):
    __namespace__ = SPACE
    kind = XmlAttribute(Unicode)
    street = Unicode(min_occurs=0)
    city = Unicode(min_occurs=1, nillable=False)


class Customer(ComplexModel):
    __namespace__ = SPACE
    customer_id = Unicode(min_occurs=1, nillable=False)
    name = Unicode(min_occurs=1, nillable=False)
    credit_limit = Amount(min_occurs=1, nillable=False)
    since = Date(min_occurs=1, nillable=False)
    addresses = Array(Address, min_occurs=1, nillable=False)


class OutOfStockError(Fault):
    def __init__(self, sku: str) -> None:
        super().__init__("Server", f"{sku} is out of stock", detail={"OutOfStock": sku})


CUSTOMERS = {
    "C-100": Customer(
        customer_id="C-100",
        name="Anna & <Partners>",
        credit_limit=Decimal("25000.50"),
        since=date(2019, 2, 28),
        addresses=[
            Address(kind="billing", street="Harbour 1", city="Bergen"),
            Address(kind="delivery", city="Oslo"),
        ],
    )
}
STOCK = {"P-100": 500, "P-200": 0}
ORDERS: dict[str, Order] = {}
NUMBERS = itertools.count(1000)
LOCK = Lock()


def create(order: NewOrder) -> Order:
    with LOCK:
        for known in ORDERS.values():
            if known.reference == order.reference:
                return known
        for line in order.lines:
            if STOCK.get(line.sku, 0) < line.quantity:
                raise OutOfStockError(line.sku)
        made = Order(
            order_id=f"O-{next(NUMBERS)}",
            reference=order.reference,
            customer_id=order.customer_id,
            status="confirmed",
            total=sum((line.price * int(line.quantity) for line in order.lines), Decimal(0)).quantize(
                Decimal("0.01")
            ),
            created=datetime.now(UTC).replace(microsecond=0),
            note=order.note,
            lines=order.lines,
        )
        ORDERS[made.order_id] = made
        return made


class Orders(ServiceBase):
    @rpc(Unicode(min_occurs=1, nillable=False), _returns=Customer)
    def FindCustomer(ctx, customer_id):
        """Look a customer up: name, credit limit and addresses."""
        if customer_id not in CUSTOMERS:
            raise Fault("Client.NotFound", f"no customer {customer_id}")
        return CUSTOMERS[customer_id]

    @rpc(Unicode(min_occurs=1, nillable=False), _returns=Integer)
    def Stock(ctx, sku):
        """Look up how many of a product are there."""
        return STOCK.get(sku)

    @rpc(NewOrder.customize(min_occurs=1, nillable=False), _returns=Order)
    def CreateOrder(ctx, order):
        """Create an order; a reference that is known gives the order that has it."""
        return create(order)

    @rpc(NewOrder.customize(min_occurs=1, nillable=False), _returns=Order)
    def CreateOrderSlowly(ctx, order):
        """Create an order, and answer two seconds later."""
        made = create(order)
        time.sleep(2)
        return made

    @rpc(NewOrder.customize(min_occurs=1, nillable=False), _returns=Order)
    def CreateOrderOddly(ctx, order):
        """Create an order, and answer with what the WSDL does not know."""
        return create(order)

    @rpc(NewOrder.customize(min_occurs=1, nillable=False), Unicode(min_occurs=1, nillable=False))
    def CreateOrderAndFail(ctx, order, fault):
        """Create an order, and answer with a fault of this code."""
        create(order)
        raise Fault(fault, "something broke after the order was written")

    @rpc(Unicode(min_occurs=1, nillable=False), _returns=Order)
    def OrderByReference(ctx, reference):
        """Look up the order that has a reference."""
        for known in ORDERS.values():
            if known.reference == reference:
                return known
        return None

    @rpc(Unicode(min_occurs=1, nillable=False), _returns=Order)
    def CancelOrder(ctx, order_id):
        """Cancel an order; cancelling it again changes nothing."""
        if order_id not in ORDERS:
            raise Fault("Client.NotFound", f"no order {order_id}")
        ORDERS[order_id].status = "cancelled"
        return ORDERS[order_id]

    @rpc(_returns=Integer(min_occurs=1, nillable=False))
    def CountOrders(ctx):
        """Count all orders."""
        return len(ORDERS)

    @rpc(Integer(min_occurs=1, nillable=False, ge=1, le=20000), _returns=Array(Line))
    def ManyLines(ctx, count):
        """Give many lines."""
        return [Line(sku=f"P-{number}", quantity=1, price=Decimal("1.10")) for number in range(count)]

    @rpc(_returns=Unicode(min_occurs=1, nillable=False))
    def WhoAmI(ctx):
        """Say who the envelope's header says that we are; only one is known."""
        return signed_in(ctx.in_document)


def signed_in(envelope: Any) -> str:
    token = envelope.find(f".//{WSSE}UsernameToken")
    if token is None:
        raise Fault("Client.FailedAuthentication", "no UsernameToken")
    password = token.find(f"{WSSE}Password")
    expected = PASSWORD
    if password.get("Type", "").endswith("#PasswordDigest"):
        nonce = base64.b64decode(token.findtext(f"{WSSE}Nonce"))
        made = nonce + token.findtext(f"{WSU}Created").encode() + PASSWORD.encode()
        expected = base64.b64encode(hashlib.sha1(made).digest()).decode()
    if token.findtext(f"{WSSE}Username") != USER or password.text != expected:
        raise Fault("Client.FailedAuthentication", "who are you?")
    return USER


def odd(application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Change the answers of one operation so that they break the WSDL."""

    def changed(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        started: list[Any] = []

        def begin(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            started[:] = status, headers

        body = b"".join(application(environ, begin))
        if b"CreateOrderOddlyResult>" in body:
            body = body.replace(b"status>confirmed<", b"status>well, almost<")
        status, headers = started
        kept = [each for each in headers if each[0].lower() != "content-length"]
        start(status, [*kept, ("Content-Length", str(len(body)))])
        return [body]

    return changed


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has there
        pass


def main() -> None:
    applications = {
        f"/{version}": odd(
            WsgiApplication(
                Application(
                    [Orders], SPACE, name="Orders", in_protocol=soap(validator="lxml"), out_protocol=soap()
                )
            )
        )
        for version, soap in (("11", Soap11), ("12", Soap12))
    }

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        found = applications.get(environ["PATH_INFO"].rstrip("/"))
        if found is None:
            start("404 Not Found", [("Content-Type", "text/html")])
            return [b"<html>nothing here</html>"]
        return found(environ, start)

    with make_server("127.0.0.1", int(sys.argv[1]), application, Server, Quiet) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
