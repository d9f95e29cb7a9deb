"""A cluster that was just made: it has no topic of offsets before somebody asks for them."""

import asyncio

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import KafkaConnection
from tests.kafka.conftest import another_kafka


async def test_what_a_group_has_committed_is_known_of_a_cluster_that_was_just_made(kafka: str) -> None:
    # The fixture says whether there is any Kafka to be had; its own cluster has been asked by others.
    with another_kafka() as fresh:
        assert fresh != kafka
        admin = kafka_clients.admin(KafkaConnection(fresh, {}))
        await admin.start()
        try:
            async with asyncio.timeout(30):
                assert await kafka_clients.committed_by(admin, "nobody") == {}
        finally:
            await kafka_clients.stop(admin)
