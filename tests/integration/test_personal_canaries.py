"""Personal data as canaries through whole runs at DEBUG: the connector's call gets it, and nothing else that is written."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from consumers.adapters.redis_connection import connect
from consumers.app.config_file import read_config
from consumers.local.broker import local_broker
from consumers.local.program import free_port
from schemas.codec.records import RecordCodec
from schemas.envelope import Envelope
from schemas.outcome import Status
from schemas.registry.files import latest, schemas_in
from schemas.registry.folder import FolderRegistry
from tests.integration.people import approve, asked
from tests.integration.stage import Stage, stage
from tests.integration.test_canaries import everything_in, page, topics

NAME, EMAIL, PHONE = 'Ann "Canary" Smith', "ann.canary@example.org", 441632960961
IBAN, CARD = "DE89 3704 0044 0532 0130 00", "4111-1111-1111-1111"
ADDRESS = "12 Mill Lane, Leeds"
"""Of customer C-100: tagged in what the CRM's action returns."""
CANARIES = (
    "Canary",
    EMAIL,
    str(PHONE),
    IBAN,
    CARD,
    IBAN.replace(" ", ""),
    CARD.replace("-", ""),
    "Mill Lane",
)
WORDS = f"Send it to {IBAN}, or back to {CARD}; {EMAIL.upper()} is mine."
NOTE = f"{NAME}, {EMAIL}, {PHONE}: {WORDS} {ADDRESS}"

SCHEMA = """\
{"type": "record", "namespace": "test", "name": "CustomerComplained", "fields": [
  {"name": "case_ref", "type": "string", "pattern": "[A-Z]+-[0-9]+"},
  {"name": "customer_id", "type": "string", "pattern": "C-[A-Za-z0-9-]+"},
  {"name": "person", "type": {"type": "record", "name": "Person", "fields": [
    {"name": "name", "type": ["null", "string"], "pii": true},
    {"name": "email", "type": "string", "pii": true},
    {"name": "phone", "type": "long", "pii": true}]}},
  {"name": "words", "type": "string", "trust": "outside"}]}
"""
ROUTE = """
  - topic: crm.cases
    event: customer.complained
    goal: Note down what the customer wants.
    actions: [crm.get_customer, crm.add_case_note]
    despite_untrusted_text: [crm.add_case_note]
    rules:
      - {name: ask-first, when: event.id == "held", then: hold, message: Ask first., actions: [crm.add_case_note]}
"""
SCRIPT = """\
name: complaints
about: What a customer wants is noted down.
rules:
  - name: give up
    when: turn > 5
    finish: {status: failed, summary: Not done.}
  - name: look
    when: '!("crm.get_customer" in results)'
    say: '="I look for " + event.payload.person.email'
    call:
      - {action: crm.get_customer, arguments: {customer_id: =event.payload.customer_id}}
  - name: note
    when: '!("crm.add_case_note" in results)'
    call:
      - action: crm.add_case_note
        arguments:
          case_ref: =event.payload.case_ref
          text: >-
            =event.payload.person.name + ", " + event.payload.person.email + ", " + string(event.payload.person.phone)
            + ": " + event.payload.words + " " + results["crm.get_customer"].address
  - name: end
    finish: {status: completed, summary: '="Noted down for " + event.payload.person.name + "."'}
"""


@pytest.fixture
async def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Stage]:
    monkeypatch.setenv("CANARY_PRIVACY", "0123456789abcdef" * 4)
    script, schemas = tmp_path / "script.yaml", tmp_path / "schemas"
    script.write_text(SCRIPT)
    schemas.mkdir()
    (schemas / "customer.complained.v1.avsc").write_text(SCHEMA)
    async with (
        local_broker(tmp_path / "kafka") as bootstrap,
        stage(tmp_path, bootstrap, script=script) as made,
    ):
        made.codec = RecordCodec(FolderRegistry(schemas), schemas=latest(schemas_in(schemas)))
        await made.codec.ready()
        with made.config.open("a", encoding="utf-8") as config:
            config.write(
                f"{ROUTE}\nregistry: {{folder: {schemas}}}\nprivacy: {{key: {{env: CANARY_PRIVACY}}}}\n"
            )
        yield made


@pytest.mark.timeout(180)
async def test_personal_data_is_in_the_call_and_in_nothing_else_that_a_worker_writes(played: Stage) -> None:
    port = free_port()
    worker = await played.start_worker(telemetry__log_level="DEBUG", telemetry__port=str(port))
    for number, event_id in enumerate(("first", "second"), start=1):  # the second one is told of the first
        await played.publish(complaint(event_id), topic="crm.cases")
        end = await played.outcome_in((await played.outcome_records(event_id))[0])
        assert (end.status, notes(played)) == (Status.SUCCESS, [NOTE] * number), played.log()

    await played.publish(complaint("held"), topic="crm.cases")
    request = await asked(played)
    async with aiohttp.ClientSession() as http:
        pages = {name: await page(http, port, name) for name in ("metrics", "healthz", "readyz")}
    worker.kill()  # whoever goes on knows what is in Redis, and no more: the record is long committed
    await worker.wait()
    worker = await played.start_worker(telemetry__log_level="DEBUG")
    await approve(played, request)
    end = await played.outcome_in((await played.outcome_records("held"))[0])
    assert (end.status, notes(played)) == (Status.SUCCESS, [NOTE] * 3), played.log()
    assert await played.stop_worker(worker) == 0, played.log()

    async with connect(read_config(played.config).config.redis.url) as client:
        stored = await everything_in(client)
    written = {
        **pages,
        "log": (played.folder / "worker.log").read_bytes(),
        "redis": stored,
        "prompts": b"\n".join(played.to_model.bodies),
        **await topics(played, ("crm.cases", "pointsman.approvals")),
    }
    # What is searched is what was meant to be.
    assert b"pii_text_" in written["prompts"]
    assert b"<session>" in written["prompts"]
    assert b"pii_iban_" in written["redis"]
    assert b'"message":"stopped"' in written["log"]
    assert b"pointsman_events_total" in written["metrics"]
    for topic in ("pointsman.outcomes", "pointsman.steps", "pointsman.approvals"):
        assert b"pii_text_" in written[topic], topic
    assert NAME.encode() in written.pop("crm.cases")  # the publisher's own
    found = [
        (where, canary)
        for where, text in written.items()
        for canary in CANARIES
        if canary.lower().encode() in text.lower()
    ]
    assert found == []


def complaint(event_id: str) -> Envelope:
    return Envelope(
        id=event_id,
        type="customer.complained",
        source="/test/desk",
        time=datetime.now(UTC),
        tenant="default",
        session_id="session-1",
        payload={
            "case_ref": "K-1000",
            "customer_id": "C-100",
            "person": {"name": NAME, "email": EMAIL, "phone": PHONE},
            "words": WORDS,
        },
    )


def notes(played: Stage) -> list[str]:
    return [text for (text,) in played.rows("SELECT text FROM case_notes ORDER BY note")]
