"""`pointsman lag`: how far the group is behind, and what each partition waits for."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest
from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_reader import Span
from consumers.cli.lag import PartitionLag, _told, partition_lag  # pyright: ignore[reportPrivateUsage] - what a row says
from consumers.runtime.finished import encode
from tests.consumers.cli.cli_stage import Stage

TP = TopicPartition("orders", 2)
BLOCKING = {
    "offset": 41,
    "key": "0a1b2c",
    "step": "asking the model",
    "age_s": 12.4,
    "running": True,
    "behind": 0,
}


def lag_of(committed: OffsetAndMetadata | None, *, first: int = 0, end: int = 100) -> PartitionLag:
    return partition_lag(TP, Span(first, end), committed)


@pytest.mark.parametrize("committed", [None, OffsetAndMetadata(-1, "")], ids=["none", "minus one"])
def test_without_a_commit_everything_there_is_is_lag(committed: OffsetAndMetadata | None) -> None:
    assert lag_of(committed, first=10) == PartitionLag("orders", 2, None, 100, 90, 0)


def test_it_is_what_lies_between_the_commit_and_the_end() -> None:
    assert lag_of(OffsetAndMetadata(70, "")) == PartitionLag("orders", 2, 70, 100, 30, 0)
    assert lag_of(OffsetAndMetadata(100, "")).lag == 0


def test_what_is_finished_above_the_commit_is_no_lag() -> None:
    metadata = encode(40, 90, [40, 41, 60])
    found = lag_of(OffsetAndMetadata(40, metadata))
    assert (found.committed, found.finished_above) == (40, 47)
    assert found.lag == 3 + 10, "three unfinished ones and ten that were never seen"


def test_the_mark_of_a_transaction_does_not_hide_what_is_finished() -> None:
    metadata = encode(40, 90, [40, 41, 60]) + " f4bea973"
    assert lag_of(OffsetAndMetadata(40, metadata)).finished_above == 47


@pytest.mark.parametrize("metadata", ["of somebody else", "d1:broken!", encode(39, 90, [39])])
def test_metadata_that_is_not_ours_for_this_offset_counts_as_none(metadata: str) -> None:
    assert lag_of(OffsetAndMetadata(40, metadata)) == PartitionLag("orders", 2, 40, 100, 60, 0)


def test_records_that_were_deleted_are_no_lag() -> None:
    assert lag_of(OffsetAndMetadata(40, ""), first=90).lag == 10
    assert lag_of(OffsetAndMetadata(40, ""), first=100).lag == 0


def test_a_row_says_what_is_waited_for_and_what_is_behind_it() -> None:
    def said(**more: object) -> str:
        return _told(PartitionLag("orders", 2, 40, 100, 60, 0, BLOCKING | more))

    assert _told(lag_of(None)) == ""
    assert said() == "offset 41, key 0a1b2c: asking the model (12 s)"
    assert said(behind=7) == "offset 41, key 0a1b2c: asking the model (12 s, 7 behind it)"
    assert said(key="") == "offset 41, key -: asking the model (12 s)"


@dataclass
class Health:
    """What answers instead of a worker."""

    url: str
    status: int = 200
    body: bytes = b"{}"


@pytest.fixture
def health() -> Iterator[Health]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(made.status if self.path == "/healthz" else 404)
            self.end_headers()
            self.wfile.write(made.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        made = Health(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield made
        server.shutdown()
        thread.join()


def publish_and_commit(stage: Stage, topic: str, group: str, at: OffsetAndMetadata) -> None:
    """Put ten records into partition 0, and commit as a worker does."""

    async def act() -> None:
        connection = KafkaConnection(stage.bootstrap, {})
        producer = kafka_clients.producer(connection)
        await producer.start()
        for number in range(10):
            await producer.send_and_wait(topic, b"%d" % number, partition=0)
        await kafka_clients.stop(producer)
        consumer = kafka_clients.group_consumer(
            connection, group=group, instance_id=None, session_timeout_s=10
        )
        await consumer.start()
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.commit({TopicPartition(topic, 0): at})
        await kafka_clients.stop(consumer)

    asyncio.run(act())


@pytest.fixture
def behind(topics: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Ten records; the group has finished 0 to 3 and 5 to 7."""
    monkeypatch.setenv("POINTSMAN_KAFKA__GROUP", topics.name)
    at = OffsetAndMetadata(4, encode(4, 8, [4]))
    publish_and_commit(topics, f"{topics.name}.orders", topics.name, at)
    return topics


def test_it_reads_the_commit_with_what_is_finished_above_it(behind: Stage, health: Health) -> None:
    found = {(each["topic"], each["partition"]): each for each in behind.json("lag", "--worker", health.url)}
    topic = f"{behind.name}.orders"
    assert found[topic, 0] == {
        "topic": topic,
        "partition": 0,
        "committed": 4,
        "end": 10,
        "lag": 3,
        "finished_above": 3,
        "blocking": None,
    }
    assert found[topic, 1]["lag"] == 0
    assert found[topic, 1]["committed"] is None
    assert {topic for topic, _ in found} == {topic, f"{behind.name}.approvals", f"{behind.name}.redrive"}, (
        "all that the group reads"
    )


def test_what_a_partition_waits_for_is_asked_of_its_worker(behind: Stage, health: Health) -> None:
    topic = f"{behind.name}.orders"
    standings = [
        {"topic": topic, "partition": 0, "blocking": BLOCKING | {"offset": 4}},
        {"topic": topic, "partition": 1, "blocking": None},
    ]
    health.status, health.body = 503, orjson.dumps({"alive": False, "partitions": standings})
    found = {
        each["partition"]: each
        for each in behind.json("lag", "--worker", health.url)
        if each["topic"] == topic
    }
    assert found[0]["blocking"] == BLOCKING | {"offset": 4}, "a worker that is ailing says the most"
    shown = behind.run("lag", "--worker", health.url)
    assert "offset 4, key 0a1b2c: asking the model (12 s)" in shown.stdout
    assert shown.stderr == ""


@pytest.mark.parametrize(
    "body",
    [b"{}", b"not json", b'{"partitions": [{}]}', b'{"partitions": 3}'],
    ids=["empty", "text", "half", "number"],
)
def test_without_an_answer_from_a_worker_the_lag_is_told_all_the_same(
    behind: Stage, health: Health, body: bytes
) -> None:
    health.body = body
    words = ("lag", "--worker", health.url, "--worker", "http://127.0.0.1:1")
    shown = behind.run(*words)
    assert f"no worker answers at {health.url}" in shown.stderr
    assert "no worker answers at http://127.0.0.1:1" in shown.stderr
    assert max(each["lag"] for each in behind.json(*words)) == 3


def test_a_broker_that_is_away_is_one_message_and_exit_code_1(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POINTSMAN_KAFKA__BOOTSTRAP", "127.0.0.1:1")
    assert "127.0.0.1:1" in stage.run("lag", exit_code=1).stderr
