"""Push one event through a running stack from outside, as a stranger would, and check its outcome.

Publishes `order.requested` as a JSON CloudEvent with an independent Kafka client, waits for the outcome of that very
event, and decodes it with nothing but the schema that the registry gives for its id.

Example:
    python ops/containers/one_event.py --bootstrap localhost:9092 --registry http://localhost:8085/apis/ccompat/v7
"""

import argparse
import io
import json
import sys
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast
from urllib.request import urlopen

import fastavro
from confluent_kafka import Consumer, Message, Producer, TopicPartition

MAGIC = 0  # first byte of Confluent's wire format; four bytes of schema id follow
ORDER = {"customer_id": "C-100", "product_id": "P-100", "quantity": 2, "priority": "standard", "note": None}


def main() -> None:
    options = _options()
    consumer = _from_now_on(options.bootstrap, options.outcomes)
    event_id = f"one-event-{uuid.uuid4()}"
    started = time.monotonic()
    _publish(options.bootstrap, options.topic, event_id)
    outcome = _await_outcome(consumer, options.registry, event_id, options.timeout)
    consumer.close()
    if outcome is None:
        sys.exit(f"no outcome of {event_id} on {options.outcomes} within {options.timeout:.0f} s")
    done = [action["action"] for action in outcome["actions"] if action["status"] == "done"]
    took_s = round(time.monotonic() - started, 2)
    report = {"event": event_id, "status": outcome["status"], "done": done, "seconds": took_s}
    print(json.dumps({**report, "summary": outcome["summary"]}))
    if outcome["status"] != "success":
        sys.exit(1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bootstrap", default="localhost:9092", help="Kafka (default: %(default)s)")
    parser.add_argument("--registry", default="http://localhost:8085/apis/ccompat/v7", help="schema registry")
    parser.add_argument("--topic", default="erp.orders", help="topic of the event (default: %(default)s)")
    parser.add_argument("--outcomes", default="pointsman.outcomes", help="topic of outcomes")
    parser.add_argument("--timeout", type=float, default=60, help="seconds to wait (default: %(default)s)")
    return parser.parse_args()


def _from_now_on(bootstrap: str, topic: str) -> Consumer:
    """Return a consumer at the present end of a topic: no group, so that no rebalance has to be waited for."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "one-event", "enable.auto.commit": False}
    )
    partitions = consumer.list_topics(topic, timeout=15).topics[topic].partitions
    ends = [
        TopicPartition(topic, number, consumer.get_watermark_offsets(TopicPartition(topic, number), 15)[1])
        for number in partitions
    ]
    consumer.assign(ends)
    return consumer


def _publish(bootstrap: str, topic: str, event_id: str) -> None:
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_type": "order.requested",
        "ce_source": "/ops/containers/one-event",
        "ce_time": datetime.now(UTC).isoformat(),
        "content-type": "application/json",
    }
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})
    body = json.dumps({"order_ref": event_id, **ORDER})
    producer.produce(topic, body, key=event_id, headers=cast("dict[str, str | bytes | None]", headers))
    if producer.flush(30):
        sys.exit(f"Kafka at {bootstrap} did not take the event within 30 s")


def _await_outcome(
    consumer: Consumer, registry: str, event_id: str, timeout_s: float
) -> Mapping[str, Any] | None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        message = consumer.poll(1)
        if message is None or message.error():
            continue
        outcome = _decoded(message, registry)
        if outcome["event_id"] == event_id:
            return outcome
    return None


def _decoded(message: Message, registry: str) -> Mapping[str, Any]:
    value = cast("bytes", message.value())
    if value[0] != MAGIC:
        sys.exit(f"the record at {message.topic()}@{message.offset()} is not in Confluent's wire format")
    number = int.from_bytes(value[1:5], "big")
    with urlopen(f"{registry}/schemas/ids/{number}", timeout=15) as answer:
        schema = json.loads(json.load(answer)["schema"])
    decoded = fastavro.schemaless_reader(io.BytesIO(value[5:]), schema, None)
    return cast("Mapping[str, Any]", decoded)


if __name__ == "__main__":
    main()
