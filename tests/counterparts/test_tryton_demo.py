"""The demo's story on a real Tryton: its routes are not touched, only the section `connectors` of its configuration is."""

import re
import sqlite3
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from connectors.tryton.cases import case_of, find_case
from connectors.tryton.system import open_tryton
from consumers.adapters import kafka_clients
from consumers.app import connections
from consumers.app.approver_keys import signer
from consumers.app.config_file import read_config
from consumers.demo.board import Board
from consumers.demo.feed import following
from consumers.demo.player import Pace, Played, Player
from consumers.demo.stage import QuietStage
from consumers.demo.story import STORY
from consumers.local.broker import local_broker
from tests.counterparts.started import counterpart
from tests.counterparts.test_tryton import settings_of
from tests.integration.running import Running
from tests.integration.stage import Stage, stage

README = Path(__file__).parents[2] / "connectors" / "tryton" / "README.md"
SECTION = re.compile(r"^connectors:.*?\n(?=\n|routes:)", re.MULTILINE | re.DOTALL)
SCENE_S = 60.0


@pytest.fixture(scope="module")
def running() -> Generator[dict[str, Any]]:
    with counterpart("tryton") as said:
        yield said


@pytest.fixture
async def played(
    tmp_path: Path, running: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Stage]:
    """The demo's stage, with the section of the README in place of the demo's own."""
    monkeypatch.setenv("TRYTON_PASSWORD", running["password"])
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        (tryton,) = re.findall(
            r"^```yaml\n(connectors:\n.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL
        )
        section = tryton.replace("https://tryton.example.com", running["url"])
        assert section.count(running["url"]) == 2
        text, changed = SECTION.subn(lambda _: section, made.config.read_text())
        assert changed == 1
        made.config.write_text(text)
        yield made


async def tell(played: Stage) -> tuple[list[Played], Board]:
    config = read_config(played.config).config
    board = Board()
    async with AsyncExitStack() as exits:
        codec = await connections.record_codec(config, exits)
        outbox = await connections.outbox(config, codec, exits)
        producer = kafka_clients.producer(played.connection)
        await producer.start()
        exits.push_async_callback(kafka_clients.stop, producer)
        await exits.enter_async_context(following(played.connection, codec, board.add))
        assert config.approvals.sign_with is not None
        pace = Pace(scene_s=SCENE_S)
        signs = signer(config.approvals.sign_with)
        player = Player(
            producer, codec, outbox, signs, board, QuietStage(), pace, performance=f"{time.time_ns():x}"[-9:]
        )
        scenes = [await player.play(number, scene) for number, scene in enumerate(STORY, start=1)]
    return scenes, board


def facts(running: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What Tryton holds, read from its database and not through the connector."""
    with closing(sqlite3.connect(f"file:{running['file']}?mode=ro", uri=True)) as connection:
        return connection.execute(
            """
            SELECT party.code, sale.description, line.quantity, sale.state, coalesce(shipment.state, 'none')
            FROM sale_sale AS sale
            JOIN party_party AS party ON party.id = sale.party
            JOIN sale_line AS line ON line.sale = sale.id
            LEFT JOIN stock_move AS move ON move.origin = 'sale.line,' || line.id
            LEFT JOIN stock_shipment_out AS shipment ON move.shipment = 'stock.shipment.out,' || shipment.id
            WHERE sale.reference IS NOT NULL
            ORDER BY sale.id
            """
        ).fetchall()


@pytest.mark.timeout(400)
async def test_the_demos_routes_run_on_tryton_with_another_connector_section_and_nothing_else(
    played: Stage, running: dict[str, Any]
) -> None:
    async with Running(played):
        scenes, board = await tell(played)
    outcomes = [each.event and board.run(each.event.run_id).outcome for each in scenes]
    assert [outcome and outcome.status for outcome in outcomes] == [scene.ends for scene in STORY]
    assert facts(running) == [
        ("C-100", "Order", 2.0, "processing", "assigned"),
        ("C-200", "Backorder", 4.0, "processing", "waiting"),
        ("C-100", "Order", 3.0, "done", "cancelled"),
        ("C-500", "Order", 50.0, "processing", "assigned"),
    ]
    async with open_tryton(settings_of(running)) as client:
        case = case_of(await find_case(client, "K-1000"))
    assert case.status == "resolved"
    assert case.resolution
    assert len(case.notes) == 1
