"""Arguments and results in a few words, for people who watch. The records themselves hold everything."""

from collections.abc import Mapping
from string import Formatter
from typing import Any, Final

import orjson

from schemas.envelope import Envelope

_EVENTS: Final = {
    "order.requested": "{customer_id} wants {quantity} of {product_id}",
    "case.opened": "{customer_id} about {order_id}: {text}",
}
_RESULTS: Final = {
    "crm.get_customer": "{name}, {tier}, credit {credit_status}",
    "crm.get_case": "{case_ref} {status}: {subject}",
    "crm.open_case": "{case_ref} {status}",
    "crm.add_case_note": "noted on {case_ref}",
    "crm.resolve_case": "{case_ref} {status}",
    "crm.reopen_case": "{case_ref} {status}",
    "erp.check_stock": "{name}, {available:,} in stock at {unit_price:,.2f} €",
    "erp.get_order": "{order_id} {status}, {quantity} of {product_id} for {total:,.2f} €",
    "erp.create_order": "{order_id} {status}, {total:,.2f} €",
    "erp.cancel_order": "{order_id} {status}",
    "erp.refund_order": "{amount:,.2f} € back on {order_id}",
    "erp.create_backorder": "{backorder_id} {status}",
    "erp.cancel_backorder": "{backorder_id} {status}",
    "erp.schedule_shipment": "{shipment_id} {status}, to {address}",
    "erp.cancel_shipment": "{shipment_id} {status}",
}
_FIRST: Final = ("customer_id", "case_ref", "order_id", "product_id", "quantity")
"""Arguments that come first, in this order; a journal keeps them sorted by name."""
_LONGEST: Final = 60


def event(envelope: Envelope) -> str:
    """Say what happened."""
    return _told(_EVENTS.get(envelope.type), envelope.payload)


def call(action: str, arguments: Mapping[str, Any]) -> str:
    """Say what was asked for, like a call: `erp.create_order(C-100, P-100, 2, standard)`."""
    names = [name for name in _FIRST if name in arguments] + [
        name for name in arguments if name not in _FIRST
    ]
    found = (arguments[name] for name in names)
    values = (_short(value if isinstance(value, str) else _json(value)) for value in found)
    return f"{action}({', '.join(values)})"


def result(action: str, value: Any) -> str:
    """Say what came back."""
    return _told(_RESULTS.get(action), value)


def _told(template: str | None, value: Any) -> str:
    if template and isinstance(value, Mapping):
        wanted = {name for _text, name, _spec, _conversion in Formatter().parse(template) if name}
        if all(value.get(name) is not None for name in wanted):
            return template.format_map(value)
    return _short(_json(value))


def _json(value: Any) -> str:
    return orjson.dumps(dict(value) if isinstance(value, Mapping) else value, default=str).decode()


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
