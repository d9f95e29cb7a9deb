"""A candidate on the demo's routes, with an offline model on loopback; what the recorded runs of the demo's story were."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from consumers.app.config_file import read_config
from consumers.app.models import first_model
from consumers.app.resolve import resolve
from consumers.demo.settled import template, write_secrets
from consumers.evaluation.case import Case, CaseEvent, Effect, Expected, RecordedResult
from consumers.evaluation.trial import Candidate
from consumers.offline.script_file import DEMO, load
from consumers.offline.server import serve
from consumers.telemetry.metrics import Metrics

CUSTOMER = {"customer_id": "C-100", "name": "Alder", "tier": "standard", "credit_status": "approved"}
STOCK = {"product_id": "P-100", "name": "Desk lamp", "available": 100, "unit_price": 40.0}
ORDER = {"customer_id": "C-100", "product_id": "P-100", "quantity": 2, "priority": "standard"}
LAMPS = Case(
    id="lamps",
    topic="erp.orders",
    event=CaseEvent("order.requested", {"order_ref": "SO-lamps", "note": None, **ORDER}, session_id="C-100"),
    expected=Expected(
        (Effect("erp.create_order", ORDER), Effect("erp.schedule_shipment", {"order_id": "O-1001"})),
        "success",
    ),
    results=(
        RecordedResult("crm.get_customer", {"customer_id": "C-100"}, result=CUSTOMER),
        RecordedResult("erp.check_stock", {"product_id": "P-100"}, result=STOCK),
        RecordedResult("erp.create_order", ORDER, result={"order_id": "O-1001", "status": "confirmed"}),
        RecordedResult("erp.schedule_shipment", {"order_id": "O-1001"}, result={"shipment_id": "S-1"}),
    ),
)
"""An order that is in stock."""


def configured(folder: Path, model_url: str) -> Path:
    """Write the demo's configuration with another model."""
    write_secrets(folder, "a token that nobody asks for")
    text = template().replace("http://127.0.0.1:8081/v1", model_url)
    for name in ("sandbox-token", "approver.key.pub", "approver.key}"):
        text = text.replace(f"file: {name}", f"file: {folder}/{name}")
    path = folder / "pointsman.yaml"
    path.write_text(text)
    return path


@asynccontextmanager
async def offline(folder: Path, *changes: str) -> AsyncGenerator[str]:
    """Serve the demo's script with some texts of it replaced; yields the base URL."""
    text = DEMO.read_text()
    for change in changes:
        old, _, new = change.partition(" => ")
        assert old in text, old
        text = text.replace(old, new)
    script = folder / "script.yaml"
    script.write_text(text)
    async with await serve(load(script)) as model:
        yield model.base_url


@asynccontextmanager
async def candidate(folder: Path, *changes: str) -> AsyncGenerator[Candidate]:
    """The demo's configuration as a candidate, its model playing a changed script."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(offline(folder, *changes))
        file = read_config(configured(folder, url))
        resolved = resolve(file)
        assert file.config.model is not None
        model = first_model(file.config.model, Metrics())
        stack.push_async_callback(model.aclose)
        yield Candidate(file.config.model.name, resolved.routes, resolved.catalog, model)
