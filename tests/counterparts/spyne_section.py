"""The operations of the service that spyne makes, as a section of a configuration lists them."""

from typing import Any

FLAT = {"order_id": "CreateOrderResult.order_id", "total": "CreateOrderResult.total"}
CREATE: dict[str, Any] = {
    "effect": "write",
    "idempotency": "natural",
    "key_element": "order.reference",
    "protected": ["order"],
}
OPERATIONS: dict[str, Any] = {
    "find_customer": {"operation": "FindCustomer", "effect": "read", "result": "FindCustomerResult"},
    "find_maybe": {
        "operation": "FindCustomer",
        "effect": "read",
        "result": "FindCustomerResult",
        "absent": ["NotFound"],
    },
    "check_stock": {"operation": "Stock", "effect": "read"},
    "create_order": {
        **CREATE,
        "operation": "CreateOrder",
        "compensate": "shop.cancel_order",
        "result_fields": FLAT,
    },
    "create_slowly": {**CREATE, "operation": "CreateOrderSlowly"},
    "create_once": {
        **CREATE,
        "operation": "CreateOrder",
        "idempotency": "none",
        "reconcile": "shop.find_order",
        "refusals": ["OutOfStock"],
    },
    "create_oddly": {**CREATE, "operation": "CreateOrderOddly"},
    "create_and_fail": {**CREATE, "operation": "CreateOrderAndFail"},
    "create_refused": {**CREATE, "operation": "CreateOrderAndFail", "refusals": ["Known"]},
    "find_order": {
        "operation": "OrderByReference",
        "effect": "read",
        "key_element": "reference",
        "result": "OrderByReferenceResult",
        "result_fields": ["order_id", "status", "note"],
    },
    "cancel_order": {
        "operation": "CancelOrder",
        "effect": "write",
        "idempotency": "natural",
        "protected": ["order_id"],
        "result": "CancelOrderResult",
    },
    "count_orders": {"operation": "CountOrders", "effect": "read"},
    "many_lines": {"operation": "ManyLines", "effect": "read", "result": "ManyLinesResult.Line"},
    "who_am_i": {"operation": "WhoAmI", "effect": "read"},
}
