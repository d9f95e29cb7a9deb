"""Commands against the embedded broker."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_reader import topic_reader
from consumers.privacy.register import Register
from consumers.privacy.token import Keys
from consumers.session.key import SessionKey
from schemas.approval import ApprovalDecision, ApprovalRequest
from schemas.codec.records import RecordCodec, json_record
from schemas.dead_letter import DeadLetter, dead_letter_headers
from schemas.envelope import Envelope
from schemas.record import Headers, Record
from schemas.redriven import Redriven, redriven_of
from schemas.registry.folder import FolderRegistry
from tests.consumers.cli.cli_stage import Stage

Raw = tuple[bytes | None, bytes | None, Headers]
ORDER = {
    "order_ref": "SO-1",
    "customer_id": "C-100",
    "product_id": "P-1",
    "quantity": 2,
    "priority": "standard",
}


def produce(stage: Stage, topic: str, messages: Sequence[Raw]) -> None:
    """Publish raw records to partition 0, as some other program would."""

    async def send() -> None:
        producer = kafka_clients.producer(KafkaConnection(stage.bootstrap, {}))
        await producer.start()
        try:
            for key, value, headers in messages:
                await producer.send_and_wait(topic, value, key=key, headers=list(headers), partition=0)
        finally:
            await kafka_clients.stop(producer)

    asyncio.run(send())


def read(stage: Stage, topic: str) -> list[Record]:
    async def to_end() -> list[Record]:
        async with topic_reader(KafkaConnection(stage.bootstrap, {})) as reader:
            return [record async for record in reader.to_end([topic])]

    return asyncio.run(to_end())


def request(name: str, *, expires_in: timedelta = timedelta(hours=1)) -> ApprovalRequest:
    now = datetime.now(UTC).replace(microsecond=0)
    return ApprovalRequest(
        id=f"{name}/t1/c0",
        run_id=name,
        tenant="default",
        session_id="C-100",
        event_id="e-1",
        event_type="order.requested",
        event_source="/shop",
        route="order.requested",
        place="t1/c0",
        action="erp.create_order",
        description="Create an order.",
        arguments={"quantity": 60},
        digest=f"digest-of-{name}",
        rule="large-order",
        reason="Fifty pieces or more.",
        compensation="erp.cancel_order",
        requested_at=now - timedelta(hours=2),
        expires_at=now + expires_in,
    )


def doubt(name: str) -> ApprovalRequest:
    asked = request(name)
    return replace(
        asked, id=f"{name}/t1/c0/d1", place="t1/c0/d1", kind="doubt", key="k-1", rule="", expires_at=None
    )


def encoded(*requests: ApprovalRequest | ApprovalDecision) -> list[Raw]:
    async def encode() -> list[Raw]:
        codec = RecordCodec(FolderRegistry())
        await codec.ready()
        return [(e.key, e.value, e.headers) for e in map(codec.encode, requests)]

    return asyncio.run(encode())


def letters(stage: Stage) -> list[Raw]:
    """Return three dead letters: unreadable, unrouted, and one that claims a topic that is not ours."""
    at = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    originals = [
        (Record(f"{stage.name}.orders", 0, 7, 0, b"C-1", b"{broken", (("trace", b"1"),)), "unreadable"),
        (Record(f"{stage.name}.orders", 1, 8, 0, b"C-2", b'{"id": "e-2"}', ()), "unrouted"),
        (Record("payroll", 0, 9, 0, None, b"{}", ()), "unrouted"),
    ]
    dead = [DeadLetter(record, reason, "why", 1, at) for record, reason in originals]
    return [(d.record.key, d.record.value, dead_letter_headers(d)) for d in dead]


def test_topics_are_made_once_and_a_second_time_nothing_happens(stage: Stage) -> None:
    assert {topic["exists"] for topic in stage.json("topics", "list")} == {False}
    dry = stage.json("topics", "create", "--dry-run")
    assert {each["did"] for each in dry} == {"would create"}
    first = stage.json("topics", "create", "--partitions", "2")
    assert {each["did"] for each in first} == {"created"}
    second = stage.json("topics", "create", "--partitions", "2")
    assert {each["did"] for each in second} == {"already there"}
    assert [each["differences"] for each in second] == [[]] * 8
    by_role = {topic["role"]: topic for topic in stage.json("topics", "list")}
    assert by_role["input"]["partitions"] == 2
    assert by_role["steps"]["differences"] == []


def test_a_difference_is_shown_and_ends_with_one(stage: Stage) -> None:
    missing = stage.json("topics", "diff", exit_code=1)
    assert {topic["exists"] for topic in missing} == {False}
    stage.run("topics", "create")
    assert "are as planned" in stage.run("topics", "diff").stdout
    stage.config.write_text(
        stage.config.read_text().replace(f"{stage.name}.steps", f"{stage.name}.other-steps")
    )
    (other,) = stage.json("topics", "diff", exit_code=1)
    assert other["role"] == "steps"


def test_topic_is_described_with_settings_and_offsets(topics: Stage) -> None:
    topics.run("publish", f"{topics.name}.orders", "--type", "order.praised", "--session", "s")
    orders = topics.json("topics", "describe", f"{topics.name}.orders")
    assert sum(partition["end"] for partition in orders["offsets"]) == 1
    steps = topics.json("topics", "describe", f"{topics.name}.steps")
    assert steps["settings"]["retention.ms"] == str(90 * 24 * 3600 * 1000)
    topics.run("topics", "describe", "no.such.topic", exit_code=1)


def test_check_names_topics_that_the_cluster_lacks(stage: Stage) -> None:
    missing = stage.json("check", "--topics", exit_code=2)["mistakes"]
    assert len(missing) == 8
    orders = next(m for m in missing if "orders" in m["message"])
    assert orders["where"] == "pointsman.yaml:20"
    assert "pointsman topics create" in orders["hint"]
    stage.run("topics", "create")
    assert stage.json("check", "--topics")["ok"] is True


def test_published_events_are_avro_where_a_schema_is_and_json_elsewhere(topics: Stage) -> None:
    lines = [
        {"type": "order.requested", "id": "e-1", "session": "C-100", "payload": ORDER},
        {"type": "order.praised", "id": "e-2", "session": "C-100", "payload": {"stars": 5}},
    ]
    stdin = "\n".join(orjson.dumps(line).decode() for line in lines)
    assert topics.json("publish", f"{topics.name}.orders", stdin=stdin)["published"] == 2
    first, second = topics.lines("tail", f"{topics.name}.orders", "--from-beginning", "--max", "2")
    assert (first["id"], first["schema"]) == ("e-1", "pointsman.OrderRequested")
    assert first["payload"] == {**ORDER, "note": None}
    assert (second["id"], second["payload"]) == ("e-2", {"stars": 5})
    assert "schema" not in second


def test_event_that_does_not_fit_its_schema_is_not_published(topics: Stage) -> None:
    words = (
        "publish",
        f"{topics.name}.orders",
        "--type",
        "order.requested",
        "--data",
        '{"quantity": "many"}',
    )
    result = topics.run(*words, exit_code=1)
    assert "does not fit the schema" in result.stderr
    assert topics.lines("tail", f"{topics.name}.orders", "--to-end") == []


def test_bad_line_is_named_and_those_before_it_are_published(topics: Stage) -> None:
    result = topics.run(
        "publish", f"{topics.name}.orders", stdin='{"type": "order.praised"}\nnonsense\n', exit_code=1
    )
    assert "stdin:2: " in result.stderr
    assert "events published before it: 1" in result.stderr
    assert len(topics.lines("tail", f"{topics.name}.orders", "--to-end")) == 1


def test_publishing_to_a_wrong_name_makes_no_topic(topics: Stage) -> None:
    topics.run("publish", f"{topics.name}.ordres", "--type", "order.praised", exit_code=1)
    topics.run("topics", "describe", f"{topics.name}.ordres", exit_code=1)


def test_tail_filters_by_type_and_session(topics: Stage) -> None:
    for event, session in (("order.praised", "a"), ("order.praised", "b"), ("order.requested", "a")):
        data = ("--data", orjson.dumps(ORDER).decode()) if event == "order.requested" else ()
        words = ("--type", event, "--session", session)
        topics.run("publish", f"{topics.name}.orders", *words, *data)
    tail = ("tail", f"{topics.name}.orders", "--to-end")
    assert len(topics.lines(*tail)) == 3
    assert len(topics.lines(*tail, "--session", "a")) == 2
    assert [e["session"] for e in topics.lines(*tail, "--type", "order.praised", "--session", "b")] == ["b"]


def test_tail_shows_own_messages_dead_letters_and_what_it_cannot_read(topics: Stage) -> None:
    produce(topics, f"{topics.name}.approvals", encoded(request("run-1")))
    produce(topics, f"{topics.name}.dead-letters", letters(topics)[:1])
    produce(topics, f"{topics.name}.orders", [(None, b"nonsense", ())])
    shown = topics.run("tail", "--to-end").stdout
    assert "held  erp.create_order" in shown
    assert f"unreadable  {topics.name}.orders[0]@7" in shown
    assert "no JSON" in shown
    assert "\x1b" not in shown  # no colours where there is no terminal


def test_approval_is_listed_decided_once_and_echoes_the_digest(topics: Stage) -> None:
    produce(topics, f"{topics.name}.approvals", encoded(request("run-1"), request("run-2")))
    assert [a["id"] for a in topics.json("approvals", "list")] == ["run-1/t1/c0", "run-2/t1/c0"]
    topics.run("approvals", "approve", "run-1", "--approver", "ada", "--comment", "fine")
    topics.run("approvals", "reject", "run-2/t1/c0", "--approver", "bob")
    assert topics.json("approvals", "list") == []
    standings = {a["id"]: a["standing"] for a in topics.json("approvals", "list", "--all")}
    assert standings == {"run-1/t1/c0": "approved", "run-2/t1/c0": "rejected"}
    decided = topics.lines("tail", f"{topics.name}.approvals", "--to-end", "--type", "approval.decided")
    assert {d["payload"]["digest"] for d in decided} == {"digest-of-run-1", "digest-of-run-2"}
    again = topics.run("approvals", "reject", "run-1", "--approver", "bob", exit_code=1)
    assert "is approved" in again.stderr


def test_expired_approval_is_shown_as_such_and_can_only_be_rejected(topics: Stage) -> None:
    produce(topics, f"{topics.name}.approvals", encoded(request("run-1", expires_in=timedelta(hours=-1))))
    assert topics.json("approvals", "show", "run-1")["standing"] == "expired"
    refused = topics.run("approvals", "approve", "run-1", "--approver", "ada", exit_code=1)
    assert "expired" in refused.stderr
    topics.run("approvals", "reject", "run-1", "--approver", "ada")
    assert topics.json("approvals", "list") == []


def test_doubt_is_listed_with_its_key_and_resolved_with_what_a_person_found(topics: Stage) -> None:
    produce(topics, f"{topics.name}.approvals", encoded(doubt("run-1"), doubt("run-2")))
    assert "in doubt" in topics.run("approvals", "list").stdout
    assert topics.json("approvals", "show", "run-1")["idempotency_key"] == "k-1"
    found = ("--result", '{"order_id": "O-7"}')
    topics.run("approvals", "done", "run-1", *found, "--approver", "ada")
    topics.run("approvals", "retry", "run-2", "--approver", "ada", "--comment", "not there")
    assert topics.json("approvals", "list") == []
    shown = topics.json("approvals", "show", "run-1")
    assert (shown["standing"], shown["decision"]["answer"]) == ("resolved", "done")
    assert shown["decision"]["result"] == {"order_id": "O-7"}
    assert "retry" in topics.run("tail", f"{topics.name}.approvals", "--to-end").stdout


def test_answer_must_fit_the_question(topics: Stage) -> None:
    produce(topics, f"{topics.name}.approvals", encoded(request("run-1"), doubt("run-2")))
    held = topics.run("approvals", "done", "run-1", "--approver", "ada", exit_code=1)
    assert "approve or reject" in held.stderr
    doubtful = topics.run("approvals", "approve", "run-2", "--approver", "ada", exit_code=1)
    assert "done or retry or compensate" in doubtful.stderr
    words = ("approvals", "done", "run-2", "--approver", "ada", "--result", "O-7")
    assert "--result is no JSON" in topics.run(*words, exit_code=1).stderr
    assert len(topics.json("approvals", "list")) == 2


def test_personal_data_of_a_request_is_revealed_to_who_has_the_key(
    topics: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, secret = request("run-1"), "a key of at least 32 characters, 1"
    ann = Register(Keys([secret])).apart(SessionKey(asked.tenant, asked.session_id))
    ann.learn(["ann@example.org"])
    sealed = replace(asked, arguments={"to": ann.seal("ann@example.org")})
    produce(topics, f"{topics.name}.approvals", encoded(sealed))
    monkeypatch.setenv("TEST_PRIVACY", secret)
    monkeypatch.setenv("POINTSMAN_PRIVACY__KEY__ENV", "TEST_PRIVACY")
    assert topics.json("approvals", "show", "run-1")["arguments"] == sealed.arguments
    assert topics.json("approvals", "show", "run-1", "--reveal")["arguments"] == {"to": "ann@example.org"}


def test_ambiguous_or_unknown_approval_is_refused(topics: Stage) -> None:
    produce(topics, f"{topics.name}.approvals", encoded(request("run-1"), request("run-2")))
    assert "2 requests" in topics.run("approvals", "show", "run-", exit_code=1).stderr
    assert "no request" in topics.run("approvals", "show", "other", exit_code=1).stderr


def test_dead_letters_are_listed_with_reason_and_origin(topics: Stage) -> None:
    produce(topics, f"{topics.name}.dead-letters", letters(topics))
    listed = topics.json("dead-letters", "list")
    reasons = [each["dead_letter"]["reason"] for each in listed]
    assert not any(each["redriven"] for each in listed)
    assert reasons == ["unreadable", "unrouted", "unrouted"]
    assert len(topics.json("dead-letters", "list", "--reason", "unrouted", "--topic", "payroll")) == 1
    shown = topics.run("dead-letters", "show", "0:0").stdout
    assert "{broken" in shown
    assert "trace: 1" in shown
    topics.run("dead-letters", "show", "0:99", exit_code=1)
    topics.run("dead-letters", "show", "nonsense", exit_code=2)


def test_redriven_letter_is_its_original_on_a_topic_of_our_group(topics: Stage) -> None:
    produce(topics, f"{topics.name}.dead-letters", letters(topics))
    dry = topics.json("dead-letters", "redrive", "--reason", "unreadable", "--dry-run")
    assert dry["redriven"] == [f"{topics.name}.orders[0]@7"]
    assert read(topics, f"{topics.name}.redrive") == []
    topics.run("dead-letters", "redrive", "0:0", "--operator", "ann")
    (back,) = map(redriven_of, read(topics, f"{topics.name}.redrive"))
    original = Record(f"{topics.name}.orders", 0, 7, 0, b"C-1", b"{broken", (("trace", b"1"),))
    assert back == Redriven(original, (0, 0), 1, "ann")
    assert read(topics, f"{topics.name}.orders") == [], "where others would read it"


def test_letter_is_redriven_once_until_it_dies_again_or_again_is_said(topics: Stage) -> None:
    produce(topics, f"{topics.name}.dead-letters", letters(topics)[:2])
    topics.run("dead-letters", "redrive", "0:0")
    listed = topics.json("dead-letters", "list")
    assert [each["redriven"] for each in listed] == [True, False]
    rest = topics.json("dead-letters", "redrive", "--all", "--dry-run")
    assert (rest["redriven"], rest["already_redriven"]) == (
        [f"{topics.name}.orders[1]@8"],
        [f"{topics.name}.orders[0]@7"],
    )
    assert len(topics.json("dead-letters", "redrive", "--all", "--again", "--dry-run")["redriven"]) == 2
    assert topics.json("dead-letters", "redrive", "--all")["redriven"] == rest["redriven"]
    assert topics.json("dead-letters", "redrive", "--all")["redriven"] == []
    assert len(read(topics, f"{topics.name}.redrive")) == 2


def test_letter_that_went_round_too_often_is_left_with_what_to_do(topics: Stage) -> None:
    record = Record(f"{topics.name}.orders", 0, 7, 0, b"C-1", b"{broken", ())
    spent = DeadLetter(record, "unreadable", "why", 1, datetime(2026, 11, 22, tzinfo=UTC), rounds=3)
    produce(topics, f"{topics.name}.dead-letters", [(b"C-1", b"{broken", dead_letter_headers(spent))])
    assert "--rounds 4" in topics.run("dead-letters", "redrive", "--all", exit_code=1).stderr
    assert read(topics, f"{topics.name}.redrive") == []
    assert topics.json("dead-letters", "redrive", "--all", "--rounds", "4")["redriven"] == [record.place]


def test_redriving_an_event_is_told_in_the_audit_trail(topics: Stage) -> None:
    event = Envelope("e-9", "order.praised", "/erp", datetime(2026, 11, 22, tzinfo=UTC), "default", "C-9", {})
    encoded_ = json_record(event)
    record = Record(f"{topics.name}.orders", 0, 7, 0, encoded_.key, encoded_.value, encoded_.headers)
    letter = DeadLetter(record, "crashed", "why", 3, datetime(2026, 11, 22, tzinfo=UTC))
    produce(topics, f"{topics.name}.dead-letters", [(record.key, record.value, dead_letter_headers(letter))])
    chosen = (
        "--session",
        "C-9",
        "--type",
        "order.praised",
        "--where",
        "letter.attempts == 3",
        "--rate",
        "50",
    )
    done = topics.run("dead-letters", "redrive", *chosen, "--operator", "ann")
    assert "redriven 1" in done.stderr
    (step,) = topics.lines("tail", f"{topics.name}.steps", "--to-end")
    assert step["payload"]["kind"] == "replay"
    told = orjson.loads(step["payload"]["body_json"])
    assert (told["operator"], told["from"], told["round"]) == ("ann", record.place, 1)
    assert "e-9" in topics.run("tail", f"{topics.name}.redrive", "--to-end", "--json").stdout


def test_letter_that_the_broker_refuses_holds_up_no_other(topics: Stage) -> None:
    record = Record(f"{topics.name}.orders", 0, 7, 0, b"C-1", b" " * (8 * 1024 * 1024 - 1000), ())
    large = DeadLetter(record, "crashed", "why", 3, datetime(2026, 11, 22, tzinfo=UTC))
    small = replace(large, record=replace(record, offset=8, value=b"{}"))
    sent = [(b"C-1", each.record.value, dead_letter_headers(each)) for each in (large, small)]
    produce(topics, f"{topics.name}.dead-letters", sent)
    by = ("--operator", "a name that does not fit into the rest of it" * 40)
    done = topics.json("dead-letters", "redrive", "--all", *by, exit_code=1)
    assert (done["redriven"], done["refused"]) == ([small.record.place], [record.place])
    assert len(read(topics, f"{topics.name}.redrive")) == 1


def test_redrive_with_an_expression_that_makes_no_sense_is_refused(topics: Stage) -> None:
    done = topics.run("dead-letters", "redrive", "--where", "letters.reason == 1", exit_code=2)
    assert "known are event, letter" in done.stderr


def test_redrive_of_an_empty_expression_or_of_a_place_that_holds_no_letter_redrives_nothing(
    topics: Stage,
) -> None:
    produce(topics, f"{topics.name}.dead-letters", letters(topics)[:1])
    topics.run("dead-letters", "redrive", "--reason", "unreadable", "--where", "", exit_code=2)
    done = topics.run("dead-letters", "redrive", "0:0", "0:42", exit_code=1)
    assert "no dead letter that is meant at 0:42" in done.stderr
    assert read(topics, f"{topics.name}.redrive") == []


def test_redrive_without_the_topic_says_how_to_make_it(
    topics: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    produce(topics, f"{topics.name}.dead-letters", letters(topics)[:1])
    monkeypatch.setenv("POINTSMAN_KAFKA__REDRIVE_TOPIC", f"{topics.name}.nowhere")
    assert len(topics.json("dead-letters", "list")) == 1
    assert "pointsman topics create" in topics.run("dead-letters", "redrive", "--all", exit_code=1).stderr
    assert f"{topics.name}.nowhere" in topics.run("check", "--topics", exit_code=2).stderr


def test_redrive_without_a_choice_is_refused(topics: Stage) -> None:
    assert "--all" in topics.run("dead-letters", "redrive", exit_code=2).stderr


def test_letter_that_claims_another_topic_is_not_redriven(topics: Stage) -> None:
    produce(topics, f"{topics.name}.dead-letters", letters(topics))
    done = topics.json("dead-letters", "redrive", "--all", exit_code=1)
    assert len(done["redriven"]) == 2
    assert done["refused"] == ["payroll[0]@9"]


def test_broker_that_is_away_is_one_message_and_exit_code_1(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POINTSMAN_KAFKA__BOOTSTRAP", "127.0.0.1:1")
    for words in (["topics", "list"], ["tail"], ["approvals", "list"], ["check", "--topics"]):
        result = stage.run(*words, exit_code=1)
        assert "127.0.0.1:1" in result.stderr
        assert "Traceback" not in result.stderr
