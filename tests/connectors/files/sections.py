"""Sections of a configuration that the tests build connectors from, and calls of their actions."""

from typing import Any
from uuid import uuid4

from connectors.action import Call
from connectors.connector import Connector
from connectors.files.kind import build_files
from connectors.files.settings import FilesSettings
from connectors.files.tree import Tree
from connectors.perform import perform
from tests.connectors.files.edi_examples import ARGUMENTS, ORDERS, PURCHASE_ORDER

FILE_NAME: dict[str, Any] = {
    "type": "object",
    "properties": {"file": {"type": "string", "description": "The file's name.", "maxLength": 200}},
    "required": ["file"],
}
ACTIONS: dict[str, Any] = {
    "send_order": {
        "kind": "write",
        "description": "Send an order to the partner.",
        "folder": "to",
        "name": "order-{order_id}.edi",
        "arguments": ARGUMENTS,
        "content": ORDERS,
        "undo": "withdraw_order",
        "find": "find_order",
    },
    "find_order": {"kind": "find", "description": "See whether an order still waits.", "of": "send_order"},
    "withdraw_order": {"kind": "remove", "description": "Withdraw an order.", "of": "send_order"},
    "send_850": {
        "kind": "write",
        "description": "Send an order to the American partner.",
        "folder": "to",
        "name": "{order_id}.x12",
        "arguments": ARGUMENTS,
        "content": PURCHASE_ORDER,
    },
    "send_lines": {
        "kind": "write",
        "description": "Send the lines of an order as a table.",
        "folder": "to",
        "name": "{order_id}.csv",
        "arguments": ARGUMENTS,
        "content": {
            "format": "csv",
            "each": "lines",
            "columns": {"order": "{order_id}", "ean": "{lines.ean}", "quantity": "{lines.quantity}"},
        },
    },
    "send_json": {
        "kind": "write",
        "description": "Send an order as JSON.",
        "folder": "to",
        "name": "{order_id}.json",
        "arguments": ARGUMENTS,
        "content": {"format": "json"},
    },
    "send_note": {
        "kind": "write",
        "description": "Send a note.",
        "folder": "to",
        "name": "{order_id}.txt",
        "arguments": ARGUMENTS,
        "content": {"format": "text", "text": "Order {order_id} of {ordered_at|yyyymmdd}: {note}\n"},
    },
    "list_replies": {"kind": "list", "description": "List replies.", "folder": "from", "pattern": "*.edi"},
    "read_reply": {
        "kind": "read",
        "description": "Read a reply.",
        "folder": "from",
        "name": "{file}",
        "arguments": FILE_NAME,
        "content": {"format": "edifact", "fields": {"order": "BGM/2"}},
    },
    "read_text": {
        "kind": "read",
        "description": "Read a text.",
        "folder": "from",
        "name": "{file}",
        "arguments": FILE_NAME,
    },
    "take_reply": {
        "kind": "take",
        "description": "Take a reply.",
        "folder": "from",
        "name": "{file}",
        "arguments": FILE_NAME,
        "content": {"format": "edifact", "fields": {"order": "BGM/2"}},
    },
}


def partner(place: dict[str, Any], **changes: Any) -> tuple[Connector[Tree], FilesSettings]:
    """Return a connector of all kinds of actions, for a folder or a server."""
    settings = FilesSettings.model_validate({**place, "timeout_s": 60, "actions": ACTIONS, **changes})
    return build_files("partner", settings), settings


async def act(
    connector: Connector[Tree],
    client: Tree,
    verb: str,
    arguments: dict[str, Any],
    key: str | None = None,
    *,
    timeout_s: float = 60,
) -> Any:
    """Perform an action as the engine does; without a key, under a new one."""
    action = connector.actions[f"partner.{verb}"]
    call = Call(client, key=key or str(uuid4()), timeout_s=timeout_s, tenant="t", run_id="r")
    return await perform(action, call, action.arguments.model_validate(arguments))
