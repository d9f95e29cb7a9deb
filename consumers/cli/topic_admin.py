"""Kafka's administration, as far as the command line needs it: what is there, and making what is missing."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from consumers.adapters.kafka_clients import KafkaConnection, admin, stop
from consumers.adapters.kafka_refusal import explained
from consumers.cli.topic_plan import ActualTopic, PlannedTopic
from consumers.errors import HaltError, UnavailableError

_ANSWER_S: Final = 15.0
_REPLICAS: Final = 3
"""Copies of a new topic, or as many as there are brokers."""


class TopicAdmin:
    """A connected administrator."""

    def __init__(self, client: AIOKafkaAdminClient) -> None:
        """Use `topic_admin`, which connects."""
        self._client = client

    async def topics(self) -> Mapping[str, ActualTopic]:
        """Return every topic of the cluster by name, internal ones left out, without its settings."""
        # All of them: asking for one by name would make it on a cluster that makes topics by itself.
        described = await self._client.describe_topics()
        return {
            each["topic"]: ActualTopic(
                each["topic"], len(each["partitions"]), _replicas(each["partitions"]), {}
            )
            for each in described
            if not each["topic"].startswith("__")
        }

    async def settings(self, names: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
        """Return all settings of existing topics, by topic."""
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        if not resources:
            return {}
        found: dict[str, Mapping[str, str]] = {}
        answers: Any = await self._client.describe_configs(resources)
        for answer in answers:
            for code, message, _type, name, entries, *_ in answer.resources:
                _check(code, f"settings of {name}: {message}")
                found[name] = {entry[0]: entry[1] for entry in entries}
        return found

    async def create(self, topics: Sequence[PlannedTopic], *, replicas: int | None = None) -> None:
        """Create topics; one that somebody else made meanwhile is fine.

        Args:
            topics: what to make.
            replicas: copies of each; three where None, or as many as there are brokers.

        Raises:
            HaltError: the cluster refuses one; the others are made.
        """
        copies = replicas or min(_REPLICAS, len((await self._client.describe_cluster())["brokers"]))
        new = [NewTopic(t.name, t.partitions, copies, topic_configs=dict(t.settings)) for t in topics]
        answer: Any = await self._client.create_topics(new)
        for name, code, message in answer.topic_errors:
            if code != TopicAlreadyExistsError.errno:
                _check(code, f"topic {name} was not created: {message}")


@asynccontextmanager
async def topic_admin(connection: KafkaConnection) -> AsyncGenerator[TopicAdmin]:
    """Connect an administrator while the block runs.

    Raises:
        UnavailableError: no broker answers, or not in time.
    """
    client = admin(connection)
    try:
        async with asyncio.timeout(_ANSWER_S):
            await client.start()
            yield TopicAdmin(client)
    except (KafkaError, TimeoutError) as error:
        problem = UnavailableError(f"Kafka at {connection.bootstrap} does not answer: {error!r}")
        raise await explained(problem, connection) from error
    finally:
        await stop(client)


def _replicas(partitions: Sequence[Mapping[str, Any]]) -> int:
    return min((len(partition["replicas"]) for partition in partitions), default=0)


def _check(code: int, what: str) -> None:
    if code:
        raise HaltError(f"{what} ({for_code(code).__name__})")
