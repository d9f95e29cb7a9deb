"""The steps topic, read back: what is not there, cannot be read or does not answer."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka.errors import TopicAuthorizationFailedError

from consumers.adapters import kafka_steps
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_reader import Span
from consumers.adapters.kafka_steps import KafkaSteps
from consumers.errors import UnavailableError
from schemas.codec.records import RecordCodec
from schemas.errors import RegistryError
from schemas.record import Record
from schemas.registry.folder import FolderRegistry

JUNK = Record("steps", 0, 7, 1_764_000_000_000, None, b"no step", ())


class Source:
    """A reader of one record, or of an error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def topics(self) -> frozenset[str]:
        if self.error:
            raise self.error
        return frozenset({"orders"})

    async def between(self, spans: Any) -> AsyncGenerator[Record]:
        del spans
        if self.error:
            raise self.error
        yield JUNK


def steps(source: Source, monkeypatch: pytest.MonkeyPatch) -> KafkaSteps:
    @asynccontextmanager
    async def reader(_connection: KafkaConnection) -> AsyncGenerator[Source]:
        yield source

    monkeypatch.setattr(kafka_steps, "topic_reader", reader)
    codec = RecordCodec(FolderRegistry())
    return KafkaSteps(KafkaConnection("127.0.0.1:1", {}), "steps", codec, "pointsman")


async def test_a_topic_that_is_not_there_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await steps(Source(), monkeypatch).extents() is None


async def test_what_is_no_step_is_told_and_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read = [each async for each in steps(Source(), monkeypatch).read({0: Span(7, 8)})]
    assert [(found.partition, found.offset, found.step) for found in read] == [(0, 7, None)]
    (line,) = [line for line in caplog.records if "cannot be read" in line.message]
    assert (line.__dict__["partition"], line.__dict__["offset"]) == (0, 7)


@pytest.mark.parametrize(
    "error", [TopicAuthorizationFailedError("steps"), RegistryError("away"), TimeoutError()]
)
async def test_whoever_does_not_answer_is_waited_for(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = steps(Source(error), monkeypatch)
    with pytest.raises(UnavailableError, match="steps cannot be read"):
        await log.extents()
    with pytest.raises(UnavailableError, match="steps cannot be read"):
        _ = [each async for each in log.read({0: Span(7, 8)})]
