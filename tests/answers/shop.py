"""The sandbox's actions on books in memory, which keep every call that reached them."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from connectors.action import Action, Call
from connectors.catalog import Catalog
from connectors.perform import perform
from connectors.sandbox.crm import crm
from connectors.sandbox.erp import erp
from consumers.policy.provenance import Trust
from consumers.ports.actions import ActionRequest
from consumers.router.route import Budget, Route

ALLOWED: Final = (
    *("crm.get_customer", "erp.check_stock", "erp.create_order", "erp.schedule_shipment"),
    "crm.add_case_note",
)
BUDGET: Final = Budget(turns=12, calls=14, repairs=4, tokens=40_000, usd=0.05)
CATALOG: Final = Catalog([erp, crm])


def route() -> Route:
    """Return the route of all runs. Where values come from is another test's subject: nothing waits for a person."""
    actions = {
        name: replace(action, protected=frozenset())
        for name, action in CATALOG.actions.items()
        if name in ALLOWED
    }
    return Route(
        name="answers",
        topic="orders",
        event="order.requested",
        tenant="acme",
        goal="Fulfil the order.",
        actions=actions,
        rules=(),
        budget=BUDGET,
        atomic=True,
        output="outcomes",
        approval_window=timedelta(hours=1),
        trust=Trust(despite_text=frozenset(ALLOWED)),
        tools=tuple(action.tool for action in actions.values()),
    )


@dataclass(frozen=True)
class Executed:
    """One call that reached the books."""

    run_id: str
    action: Action
    arguments: dict[str, Any]


@dataclass
class Shop:
    """Implements `Actions`."""

    executed: list[Executed] = field(default_factory=list[Executed])

    async def perform(self, request: ActionRequest) -> Any:
        """Keep the call as it came, then do it."""
        self.executed.append(Executed(request.run_id, request.action, dict(request.arguments)))
        arguments = request.action.arguments.model_validate(dict(request.arguments))
        return await perform(
            request.action, Call(_Books(), request.key, 10.0, request.tenant, request.run_id), arguments
        )


class _Books:
    """What the sandbox's service would say."""

    async def get(self, kind: str, name: str, **_: Any) -> dict[str, Any]:
        """Look something up."""
        if kind == "customers":
            return {
                "customer_id": "C-100",
                "name": "Alder",
                "tier": "vip",
                "credit_status": "approved",
                "credit_limit": 1000.0,
                "address": "12 Mill Lane",
            }
        return {"product_id": "P-100", "name": f"Lamp {name[:9]}", "available": 9, "unit_price": 40.0}

    async def post(self, kind: str, *path: str, **_: Any) -> dict[str, Any]:
        """Change something."""
        status = "cancelled" if path else "confirmed"
        if kind == "shipments":
            return {"shipment_id": "S-1", "order_id": "O-1", "address": "12 Mill Lane", "status": status}
        if kind == "cases":
            said = {"order_id": None, "subject": "x", "status": "open", "resolution": None, "notes": []}
            return {"case_ref": "K-1", "customer_id": "C-100", **said}
        return {
            "order_id": "O-1",
            "customer_id": "C-100",
            "product_id": "P-100",
            "quantity": 2,
            "priority": "standard",
            "status": status,
            "unit_price": 40.0,
            "total": 80.0,
            "refunded": 0.0,
        }
