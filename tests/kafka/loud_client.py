"""A program that logs all it can while it uses Kafka as we do; run by `test_security_secrets.py`.

    python tests/kafka/loud_client.py MODE TOPIC CONFIGURATION...

MODE `ours` sets logging up as a worker does, at DEBUG; `theirs` as somebody would who wants to see everything: a handler
of the standard library on the root, and DEBUG on it and on every logger there is; `unclamped` does so too and leaves
out what holds Kafka's client back.
"""

import asyncio
import logging
import sys
import traceback
from pathlib import Path

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_refusal import refusal
from consumers.app import connections
from consumers.app.config_file import read_config
from consumers.app.kafka_login import security_options
from consumers.telemetry.logs import configure


def main() -> None:
    mode, topic, *paths = sys.argv[1:]
    if mode == "ours":
        configure("DEBUG")
    else:
        logging.basicConfig(level=logging.DEBUG)
    for path in paths:
        asyncio.run(use(Path(path), topic, mode), debug=True)


async def use(path: Path, topic: str, mode: str) -> None:
    """Show everything there is to show, log in, publish, read, and show what goes wrong."""
    file = read_config(path)
    if mode == "unclamped":
        connection = KafkaConnection(
            file.config.kafka.bootstrap, security_options(file.config.kafka.security)
        )
    else:
        connection = connections.kafka_connection(file.config.kafka)
    for name in [*logging.root.manager.loggerDict, "aiokafka.conn"] * (mode != "ours"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    options = connection.options
    show(file, file.config.model_dump(), file.config.model_dump_json(), connection, options)
    show(*(f"{value} {value!r}" for value in options.values()))
    show(*(vars(value) for value in options.values() if hasattr(value, "__dict__")))
    producer = kafka_clients.producer(connection)
    consumer = kafka_clients.reader(connection)
    try:
        async with asyncio.timeout(20):
            await producer.start()
            await producer.send_and_wait(topic, path.name.encode())
            await consumer.start()
            show("published, and sees topics:", await consumer.topics())
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is to be shown
        show("did not work:", repr(error), str(error))
        traceback.print_exc()
        show(await refusal(connection))
    finally:
        await kafka_clients.stop(consumer)
        await kafka_clients.stop(producer)
    show(vars(producer), vars(consumer), vars(producer.client))


def show(*values: object) -> None:
    sys.stdout.write(" ".join(map(str, values)) + "\n")


if __name__ == "__main__":
    main()
