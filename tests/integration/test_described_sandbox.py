"""The demo's orders, worked by a worker whose ERP and CRM are described by an OpenAPI document and coded nowhere."""

from pathlib import Path

import yaml

from consumers.local.broker import local_broker
from schemas.outcome import Status
from tests.connectors.openapi.sandbox_sections import SECTIONS, write_document
from tests.integration.running import Running
from tests.integration.stage import Stage, order, stage


def described(played: Stage) -> None:
    """Put the described connectors in place of the coded ones; addresses and secrets stay."""
    config = yaml.safe_load(played.config.read_text(encoding="utf-8"))
    document = str(write_document(played.folder))
    for name, section in yaml.safe_load(SECTIONS)["connectors"].items():
        coded = config["connectors"][name]
        own = {"base_url": coded["base_url"], "auth": {"bearer": coded["token"]}, "document": document}
        config["connectors"][name] = {**section, **own}
    played.config.write_text(yaml.safe_dump(config), encoding="utf-8")


async def test_a_described_erp_takes_orders_once_and_takes_them_back(tmp_path: Path) -> None:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as played:
        described(played)
        async with Running(played):
            shipped, undone = order("E-1", quantity=2), order("E-2", product="P-900")
            for event in (shipped, shipped, undone):
                await played.publish(event)
            outcome = await played.outcome_in((await played.outcome_records("E-1"))[0])
            failed = await played.outcome_in((await played.outcome_records("E-2"))[0])
        assert outcome.status is Status.SUCCESS, played.log()
        assert failed.status is Status.COMPENSATED
        orders = played.rows(
            "SELECT customer_id, product_id, quantity, status FROM orders WHERE order_id != 'O-1000'"
        )
        assert sorted(orders) == [("C-100", "P-100", 2, "confirmed"), ("C-100", "P-900", 1, "cancelled")]
        assert played.rows("SELECT count(*) FROM shipments") == [(1,)]
