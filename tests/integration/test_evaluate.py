"""`pointsman evaluate` on the recorded runs of the demo: it finds every planted fault, and leaves no trace anywhere."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import orjson
import pytest
from redis.asyncio import Redis
from typer.testing import CliRunner, Result

from consumers.adapters.cassette import Cassette
from consumers.adapters.cassette_model import CassetteModel
from consumers.app.compose import Parts
from consumers.app.worker import run_worker
from consumers.cli.exits import BELOW, FAILED, USAGE
from consumers.cli.main import app
from consumers.demo.stack import Stack
from consumers.errors import ConfigurationError
from consumers.offline.script_file import DEMO, load
from consumers.offline.server import serve
from tests.integration.recorded_story import recorded_story, world

pytestmark = pytest.mark.timeout(120)

SAME = ()
OTHER_QUANTITY = ("quantity: =event.payload.quantity\n => quantity: =event.payload.quantity + 1\n",)
NO_SHIPMENT = ("""when: '"erp.schedule_shipment" in results' => when: '"erp.create_order" in results'""",)
LOOK_UP = "      - action: crm.get_customer\n        arguments: {customer_id: =event.payload.customer_id}\n"
STOCK = "      - action: erp.check_stock"
NO_CREDIT_CHECK = (
    """'!("crm.get_customer" in results && "erp.check_stock" in results)' => '!("erp.check_stock" in results)'""",
    f"{LOOK_UP}{STOCK} => {STOCK}",
    """results["crm.get_customer"].credit_status != "approved"\n    finish => 'false'\n    finish""",
    """results["crm.get_customer"].tier == "vip" => 'true'""",
)
ORDERS = {"lamps", "chairs", "desk", "tables", "racks"}


@dataclass(frozen=True)
class Recorded:
    """What was recorded, and a way to evaluate it."""

    stack: Stack
    folder: Path

    async def command(self, *words: str) -> Result:
        command = ["evaluate", *words, "-c", str(self.stack.file.path)]
        return await asyncio.to_thread(CliRunner().invoke, app, command)

    @asynccontextmanager
    async def candidate(self, *changes: str) -> AsyncGenerator[Path]:
        """The configuration with a model that plays a changed script."""
        script = self.folder / "script.yaml"
        script.write_text(_changed(DEMO.read_text(), changes))
        async with await serve(load(script)) as model:
            config = self.folder / "candidate.yaml"
            text = self.stack.file.path.read_text().replace(self.stack.addresses.model, model.base_url)
            # A connector that is called all the same gets no answer, and the case becomes an error.
            config.write_text(text.replace(self.stack.addresses.sandbox, "http://127.0.0.1:1"))
            yield config

    async def report(self, topic: str, *changes: str, words: tuple[str, ...] = (), code: int = 0) -> Any:
        async with self.candidate(*changes) as config:
            result = await self.command(topic, "--candidate", str(config), "--json", *words)
        assert result.exit_code == code, result.output
        return orjson.loads(result.stdout)


@pytest.fixture(scope="module")
def runner() -> Generator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@pytest.fixture(scope="module")
def recorded(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Generator[Recorded]:
    folder = tmp_path_factory.mktemp("story")
    story = recorded_story(folder)
    stack = runner.run(story.__aenter__())
    yield Recorded(stack, folder)
    runner.run(story.__aexit__(None, None, None))


@pytest.fixture(autouse=True)
def nothing_is_touched(runner: asyncio.Runner, recorded: Recorded) -> Generator[None]:
    """Whatever is evaluated: no connector is called, nothing is published, nothing is written to Redis."""
    before = runner.run(world(recorded.stack))
    assert before.topics["pointsman.steps"] > 20
    assert len(before.redis) > 5
    yield
    assert runner.run(world(recorded.stack)) == before


def test_a_trace_would_be_noticed(runner: asyncio.Runner, recorded: Recorded) -> None:
    async def changed(*words: str) -> bool:
        before = await world(recorded.stack)
        async with Redis.from_url(recorded.stack.addresses.redis) as redis:
            await redis.execute_command(*words)
        return await world(recorded.stack) != before

    assert runner.run(changed("SET", "pointsman:trace", "1"))
    assert runner.run(changed("DEL", "pointsman:trace"))
    assert not runner.run(changed("GET", "pointsman:trace"))


def test_a_worker_with_a_cassette_does_not_start(runner: asyncio.Runner, recorded: Recorded) -> None:
    made: list[Parts] = []

    def adapt(parts: Parts) -> Parts:
        made.append(parts)
        return replace(parts, model=CassetteModel(Cassette()))

    with pytest.raises(ConfigurationError, match="cassettes are for tests"):
        runner.run(run_worker(recorded.stack.file, stop=asyncio.Event(), adapt=adapt))
    runner.run(made[0].group.stop())  # its client was made, and never started


def names(report: Any, *kinds: str) -> set[str]:
    """Return the events of the cases of these kinds, as the story names them; of all cases without any kind."""
    results = [each for each in report["results"] if not kinds or each["kind"] in kinds]
    return {each["id"].partition("#")[2].partition("-")[0] for each in results}


def test_the_same_model_does_all_the_same(runner: asyncio.Runner, recorded: Recorded) -> None:
    report = runner.run(recorded.report("erp.orders", *SAME, words=("--fail-under", "1")))
    assert names(report, "same") == ORDERS
    assert (report["score"], report["accuracy"], report["errors"]) == (1.0, 1.0, 0)
    assert report["skipped"] == {"delivered more than once": 1, "unreadable": 1}
    assert [t["unrecorded"] for each in report["results"] for t in each["trials"]] == [[]] * 5
    for figure in ("turns", "reads", "input_tokens", "output_tokens", "runs"):
        assert report["tried"][figure] == report["recorded"][figure] > 0, figure
    assert report["tried"]["p50_s"] > 0
    for figure in ("models", "prompts"):
        assert report["tried"][figure] == report["recorded"][figure]
        assert len(report["tried"][figure]) == 1


def test_the_same_holds_for_the_other_route(runner: asyncio.Runner, recorded: Recorded) -> None:
    report = runner.run(recorded.report("crm.cases", *SAME))
    assert names(report, "same") == {"complaint"}
    assert len(report["results"][0]["expected"]["effects"]) == 2


def test_another_quantity_is_found_wherever_there_is_one(runner: asyncio.Runner, recorded: Recorded) -> None:
    report = runner.run(
        recorded.report("erp.orders", *OTHER_QUANTITY, words=("--fail-under", "0.95"), code=BELOW)
    )
    assert names(report, "other arguments") == {"lamps", "chairs", "tables", "racks"}
    assert names(report, "same") == {"desk"}  # refused before


def test_what_is_ignored_does_not_count(runner: asyncio.Runner, recorded: Recorded) -> None:
    ignoring = ("--ignore", "erp.create_order.quantity", "--fail-under", "0.8")
    report = runner.run(recorded.report("erp.orders", *OTHER_QUANTITY, words=ignoring))
    assert names(report, "other arguments") == {"chairs"}  # a back-order
    assert names(report, "same") == ORDERS - {"chairs"}


def test_a_missing_shipment_is_found_in_those_that_were_shipped(
    runner: asyncio.Runner, recorded: Recorded
) -> None:
    report = runner.run(
        recorded.report("erp.orders", *NO_SHIPMENT, words=("--fail-under", "0.95"), code=BELOW)
    )
    assert names(report, "missed") == {"lamps", "racks"}
    # Not shipped, it is not found out that it cannot be, and nothing is undone.
    assert names(report, "other state") == {"tables"}
    assert names(report, "same") == {"chairs", "desk"}


def test_orders_without_a_look_at_the_credit_are_stopped_by_the_rules_and_missed(
    runner: asyncio.Runner, recorded: Recorded
) -> None:
    report = runner.run(
        recorded.report("erp.orders", *NO_CREDIT_CHECK, words=("--fail-under", "0.95"), code=BELOW)
    )
    assert names(report, "missed") == ORDERS - {"desk"}
    assert report["tried"]["reads"] == report["recorded"]["reads"] / 2
    assert not [t["effects"] for each in report["results"] for t in each["trials"] if t["effects"]]


def test_without_a_threshold_differences_are_reported_and_no_failure(
    runner: asyncio.Runner, recorded: Recorded
) -> None:
    async def printed() -> Result:
        async with recorded.candidate(*NO_SHIPMENT) as config:
            return await recorded.command("erp.orders", "--candidate", str(config), "--repeat", "3")

    result = runner.run(printed())
    assert result.exit_code == 0, result.output
    assert "missed: erp.schedule_shipment" in result.stdout
    assert "0/3" in result.stdout
    assert "5 cases: 2 same, 1 other state, 2 missed; score 0." in result.stdout


def test_a_file_of_cases_needs_neither_kafka_nor_redis(runner: asyncio.Runner, recorded: Recorded) -> None:
    saved, junit = recorded.folder / "cases.jsonl", recorded.folder / "report.xml"

    async def from_file() -> tuple[Any, Result]:
        first = await recorded.command("erp.orders", "--save-cases", str(saved), "--json")
        assert first.exit_code == 0, first.output
        async with recorded.candidate(*NO_SHIPMENT) as config:
            text = config.read_text()
            for address in (recorded.stack.addresses.kafka, recorded.stack.addresses.redis):
                text = text.replace(address, "redis://127.0.0.1:1/0" if "redis" in address else "127.0.0.1:1")
            config.write_text(text)
            words = ("--cases", str(saved), "--candidate", str(config), "--junit", str(junit))
            return orjson.loads(first.stdout), await recorded.command(*words, "--fail-under", "0.95")

    first, second = runner.run(from_file())
    assert first["cases"] == 5
    assert second.exit_code == BELOW, second.output
    suite = ET.parse(junit).getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("5", "3", "0")


def test_cases_have_tokens_where_the_journal_would_have_them(
    runner: asyncio.Runner, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRIVACY_KEY", "a key that is as long as a key has to be")
    saved, config = recorded.folder / "private.jsonl", recorded.folder / "private.yaml"
    text = _changed(
        recorded.stack.file.path.read_text(), ("show_personal: [note] => ", "show_personal: [text] => ")
    )
    config.write_text(f"{text}\nprivacy:\n  key: {{env: PRIVACY_KEY}}\n")

    async def lines(topic: str, path: Path) -> str:
        command = ["evaluate", topic, "--save-cases", str(saved), "-c", str(path)]
        result = await asyncio.to_thread(CliRunner().invoke, app, command)
        assert result.exit_code == 0, result.output
        return saved.read_text()

    async def tried() -> Any:
        async with recorded.candidate(*SAME) as same:
            result = await recorded.command("--cases", str(saved), "--candidate", str(same), "--json")
        return orjson.loads(result.stdout)

    for topic, value in (("erp.orders", "I always pay."), ("crm.cases", "One of the two lamps")):
        assert value in runner.run(lines(topic, recorded.stack.file.path))
        private = runner.run(lines(topic, config))
        assert value not in private
        assert "pii_text_" in private
        report = runner.run(tried())
        assert report["score"] == 1.0
        assert "pii_text_" not in str([each["trials"] for each in report["results"]])


def test_recorded_answers_need_no_model_either_and_anything_else_is_an_error(
    runner: asyncio.Runner, recorded: Recorded
) -> None:
    saved, answers = recorded.folder / "all.jsonl", recorded.folder / "answers.json"
    play = ("--cases", str(saved), "--cassette", str(answers))

    async def played() -> tuple[Result, Result, Result]:
        await recorded.command("erp.orders", "--save-cases", str(saved))
        async with recorded.candidate(*SAME) as config:
            made = await recorded.command(*play, "--record", "--candidate", str(config))
        same = await recorded.command(*play, "--candidate", str(config), "--fail-under", "1")
        config.write_text(config.read_text().replace("Fulfil the customer's order.", "Do what is asked."))
        return made, same, await recorded.command(*play, "--candidate", str(config))

    made, same, other = runner.run(played())
    assert (made.exit_code, same.exit_code) == (0, 0), made.output + same.output
    assert other.exit_code == FAILED
    assert "first at messages[0].content" in other.stdout
    assert "Do what is asked." in other.stdout


def test_no_more_runs_are_read_than_are_asked_for(runner: asyncio.Runner, recorded: Recorded) -> None:
    report = runner.run(recorded.report("erp.orders", words=("--max", "2")))
    assert report["cases"] == 2
    assert report["skipped"]["not read: there are as many cases as --max allows"] > 0


def test_a_model_that_nobody_has_is_an_error_of_every_case(
    runner: asyncio.Runner, recorded: Recorded
) -> None:
    report = runner.run(recorded.report("erp.orders", words=("--model", "of-tomorrow"), code=FAILED))
    assert report["candidate"] == "of-tomorrow"
    assert (report["errors"], report["score"]) == (5, 0.0)
    assert "of-tomorrow" in report["results"][0]["trials"][0]["error"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), USAGE, "name either a topic"),
        (("erp.orders", "--cases", "x"), USAGE, "name either a topic"),
        (("--cases", "nowhere.jsonl"), USAGE, "nowhere.jsonl: cannot be read"),
        (("--cases", "x", "--since", "2026-01-01"), USAGE, "are for a topic"),
        (("erp.orders", "--record"), USAGE, "--record needs --cassette"),
        (("erp.orders", "--offsets", "0:900-901"), FAILED, "no finished run in this part of the topic"),
        (
            ("erp.orders", "--ignore", "erp.create_order.quantty"),
            USAGE,
            "Did you mean erp.create_order.quantity?",
        ),
        (("elsewhere",), FAILED, "the input of no route"),
    ],
)
def test_what_makes_no_sense_is_refused(
    runner: asyncio.Runner, recorded: Recorded, words: tuple[str, ...], code: int, said: str
) -> None:
    result = runner.run(recorded.command(*words))
    assert result.exit_code == code, result.output
    assert said in " ".join(result.output.replace("│", " ").split())


def _changed(text: str, changes: tuple[str, ...]) -> str:
    for change in changes:
        old, _, new = change.partition(" => ")
        assert old in text, old
        text = text.replace(old, new)
    return text
