"""The kinds `tryton-erp` and `tryton-crm`: what the sandbox's connectors promise, on a real Tryton."""

from connectors.connector import Connector
from connectors.kind import Kind
from connectors.tryton import crm, erp
from connectors.tryton.settings import TrytonSettings
from connectors.tryton.system import Tryton, open_tryton


def build_erp(name: str, settings: TrytonSettings) -> Connector[Tryton]:
    """Return the connector of a section; all writes are natural: repeated with their key, they change nothing more."""
    del settings
    made = Connector[Tryton](
        name,
        "Stock, orders, backorders and shipments in Tryton.",
        settings=TrytonSettings,
        open=open_tryton,
        rehearses=True,
    )
    made.action(effect="read", examples=[{"product_id": "P-100"}])(erp.check_stock)
    made.action(effect="read", protected={"order_id"}, examples=[{"order_id": "O-1000"}])(erp.get_order)
    made.action(
        effect="write",
        idempotency="natural",
        compensate=f"{name}.cancel_order",
        protected={"customer_id"},
        constraints=[
            "Only for customers whose credit is approved.",
            "Only if enough of the product is available.",
        ],
        examples=[{"customer_id": "C-100", "product_id": "P-100", "quantity": 2, "priority": "standard"}],
    )(erp.create_order)
    made.action(effect="write", idempotency="natural", protected={"order_id"})(erp.cancel_order)
    made.action(
        effect="write",
        idempotency="natural",
        compensate=f"{name}.cancel_backorder",
        protected={"customer_id"},
        constraints=["Only for VIP customers, and only if the product is out of stock."],
        examples=[{"customer_id": "C-200", "product_id": "P-200", "quantity": 4, "priority": "standard"}],
    )(erp.create_backorder)
    made.action(effect="write", idempotency="natural")(erp.cancel_backorder)
    made.action(
        effect="write",
        idempotency="natural",
        compensate=f"{name}.cancel_shipment",
        protected={"order_id"},
        constraints=["Only for a confirmed order whose shipment is not scheduled yet."],
    )(erp.schedule_shipment)
    made.action(effect="write", idempotency="natural")(erp.cancel_shipment)
    return made


def build_crm(name: str, settings: TrytonSettings) -> Connector[Tryton]:
    """Return the connector of a section; all writes are natural."""
    del settings
    made = Connector[Tryton](
        name,
        "Customers and their complaints in Tryton.",
        settings=TrytonSettings,
        open=open_tryton,
        rehearses=True,
    )
    made.action(effect="read", protected={"customer_id"}, examples=[{"customer_id": "C-100"}])(
        crm.get_customer
    )
    made.action(effect="read", protected={"case_ref"}, examples=[{"case_ref": "K-1000"}])(crm.get_case)
    made.action(effect="write", idempotency="natural", protected={"customer_id"})(crm.open_case)
    made.action(
        effect="write",
        idempotency="natural",
        protected={"case_ref"},
        examples=[{"case_ref": "K-1000", "text": "Order O-1000 is confirmed; one lamp is replaced."}],
    )(crm.add_case_note)
    made.action(
        effect="write",
        idempotency="natural",
        compensate=f"{name}.reopen_case",
        protected={"case_ref"},
        outward=True,
        examples=[{"case_ref": "K-1000", "resolution": "A new lamp was sent."}],
    )(crm.resolve_case)
    made.action(effect="write", idempotency="natural", protected={"case_ref"})(crm.reopen_case)
    return made


tryton_erp = Kind(
    "Stock, orders, backorders and shipments in Tryton, as the sandbox ERP has them.",
    settings=TrytonSettings,
    build=build_erp,
)
tryton_crm = Kind(
    "Customers and complaints in Tryton, as the sandbox CRM has them.",
    settings=TrytonSettings,
    build=build_crm,
)
