"""An order, as EDIFACT and as X12."""

from typing import Any

from connectors.files.edifact import EdifactContent
from connectors.files.x12 import X12Content

ORDER: dict[str, Any] = {
    "order_id": "PO-1",
    "ordered_at": "2026-11-28T09:30:00Z",
    "lines": [{"ean": "4000862141404", "quantity": 2}, {"ean": "4006381333931", "quantity": 2.5}],
}
LINES: dict[str, Any] = {
    "type": "array",
    "description": "What is ordered.",
    "maxItems": 200,
    "items": {
        "type": "object",
        "properties": {
            "ean": {"type": "string", "description": "The article.", "pattern": "^[0-9]{1,14}$"},
            "quantity": {"type": "number", "description": "How many.", "minimum": 0, "maximum": 100_000},
        },
        "required": ["ean", "quantity"],
    },
}
ARGUMENTS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "order_id": {"type": "string", "description": "The order.", "maxLength": 35},
        "ordered_at": {"type": "string", "description": "When it was ordered.", "format": "date-time"},
        "note": {"type": "string", "description": "For the partner.", "maxLength": 500},
        "lines": LINES,
    },
    "required": ["order_id", "ordered_at", "lines"],
}
ORDERS: dict[str, Any] = {
    "format": "edifact",
    "sender": {"id": "4012345000009", "qualifier": "14"},
    "receiver": {"id": "4098765000004", "qualifier": "14"},
    "prepared_at": "{ordered_at}",
    "message": "ORDERS:D:96A:UN:EAN008",
    "segments": [
        ["BGM", "220", "{order_id}", "9"],
        ["DTM", ["137", "{ordered_at|yyyymmdd}", "102"]],
        {"when": "note", "segments": [["FTX", "AAI", "", "", ["{note}"]]]},
        {
            "each": "lines",
            "segments": [
                ["LIN", "{lines.position}", "", ["{lines.ean}", "SRV"]],
                ["QTY", ["21", "{lines.quantity}"]],
            ],
        },
        ["UNS", "S"],
        ["CNT", ["2", "{lines.count}"]],
    ],
}
PURCHASE_ORDER: dict[str, Any] = {
    "format": "x12",
    "sender": {"id": "POINTSMAN", "qualifier": "ZZ"},
    "receiver": {"id": "ACME", "qualifier": "ZZ"},
    "prepared_at": "{ordered_at}",
    "group": "PO",
    "transaction": "850",
    "segments": [
        ["BEG", "00", "SA", "{order_id}", "", "{ordered_at|yyyymmdd}"],
        {"when": "note", "segments": [["MSG", "{note}"]]},
        {
            "each": "lines",
            "segments": [["PO1", "{lines.position}", "{lines.quantity}", "EA", "", "", "EN", "{lines.ean}"]],
        },
        ["CTT", "{lines.count}"],
    ],
}


def edifact(**changes: Any) -> EdifactContent:
    return EdifactContent.model_validate(ORDERS | changes)


def x12(**changes: Any) -> X12Content:
    return X12Content.model_validate(PURCHASE_ORDER | changes)
