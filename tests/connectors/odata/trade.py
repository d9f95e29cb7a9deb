"""The section of the configuration that the tests use: the CAP service of ops/counterparts/cap, in both versions."""

from pathlib import Path
from typing import Any, Literal

from connectors.odata.settings import ODataSettings

FOLDER = Path(__file__).parent
PASSWORD = "ann-secret"
Version = Literal["v4", "v2"]


def section(version: Version, base_url: str = "http://127.0.0.1:9/odata", **changed: Any) -> dict[str, Any]:
    """Return a section as the configuration file would say it, secrets resolved."""
    action = "" if version == "v4" else "Orders_"
    return {
        "base_url": base_url,
        "version": version,
        "metadata": FOLDER / f"trade.{version}.edmx",
        "auth": {"basic": {"user": "ann", "password": PASSWORD}},
        "entities": {
            "Customers": {
                "fields": ["ID", "name", "credit", "creditLimit", "since", "address_city"],
                "describe": {"ID": "The customer, such as C-100."},
                "actions": {
                    "get_customer": {"do": "get", "protected": ["ID"]},
                    "find_customers": {
                        "do": "query",
                        "filter": {
                            "name": ["is", "contains", "starts"],
                            "creditLimit": ["from", "to"],
                            "since": ["from", "to"],
                        },
                    },
                    "create_customer": {
                        "do": "create",
                        "fields": ["ID", "name", "credit", "creditLimit", "since"],
                        "compensate": "trade.delete_customer",
                    },
                    "change_customer": {"do": "update", "fields": ["name", "creditLimit", "since"]},
                    "delete_customer": {"do": "delete"},
                },
            },
            "Products": {
                "fields": [
                    "ID",
                    "name",
                    "price",
                    "stock",
                    "weight",
                    "active",
                    "moved",
                    "changedAt",
                    "opensAt",
                ],
                "top": 6,
                "actions": {
                    "get_product": {"do": "get"},
                    "find_products": {
                        "do": "query",
                        "filter": {
                            "ID": ["in"],
                            "name": ["is", "contains", "starts"],
                            "price": ["is", "from", "to"],
                            "active": ["is"],
                            "moved": ["is"],
                            "changedAt": ["from", "to"],
                            "opensAt": ["is"],
                        },
                        "order_by": ["price", "name"],
                    },
                    "change_product": {"do": "update", "fields": ["stock", "price"]},
                },
            },
            "Orders": {
                "fields": ["ID", "customer_ID", "status", "dueOn", "orderedAt", "note"],
                "expand": {"items": ["product_ID", "quantity", "price"], "customer": ["name"]},
                "actions": {
                    "get_order": {"do": "get"},
                    "find_orders": {
                        "do": "query",
                        "filter": {"ID": ["is"], "customer_ID": ["is"], "dueOn": ["is"]},
                        "required": ["customer_ID"],
                    },
                    "create_order": {
                        "do": "create",
                        "fields": ["customer_ID", "note", "dueOn", "orderedAt"],
                        "required": ["customer_ID"],
                        "deep": {"items": ["product_ID", "quantity", "price"]},
                        "reference": "reference",
                        "compensate": "trade.cancel_order",
                    },
                    "change_order": {"do": "update", "fields": ["note", "dueOn"]},
                    "confirm_order": {
                        "do": "call",
                        "name": f"{action}confirm",
                        "done_when": {"status": ["confirmed"]},
                        "undone_when": {"status": ["open"]},
                    },
                    "cancel_order": {"do": "call", "name": f"{action}cancel", "natural": True},
                    "weigh_order": {"do": "call", "name": f"{action}weight"},
                },
            },
        },
        "operations": {
            "check_available": {"name": "available"},
            "take_stock": {"name": "stocktake", "natural": True},
        },
        **changed,
    }


def binding_entities() -> dict[str, Any]:
    """Return the entities of a v4 section in which an order says its customer by a navigation."""
    entities = section("v4")["entities"]
    orders = entities["Orders"]["actions"]
    orders["create_order"].update(fields=["note"], required=["customer"], bind={"customer": "Customers"})
    orders["change_order"].update(fields=["note"], bind={"customer": "Customers"})
    return entities


def settings(version: Version, base_url: str = "http://127.0.0.1:9/odata", **changed: Any) -> ODataSettings:
    """Return the settings of a section."""
    return ODataSettings.model_validate(section(version, base_url, **changed))
