"""A codec that is told of one topic of changes, and how to read with it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from schemas.codec.formats import Format, TopicFormat
from schemas.codec.records import RecordCodec
from schemas.envelope import Envelope
from schemas.record import Record
from tests.schemas.known_schemas import KnownSchemas

Decode = Callable[..., Awaitable[Envelope]]


@pytest.fixture
def registry() -> KnownSchemas:
    return KnownSchemas()


@pytest.fixture
def decode(registry: KnownSchemas) -> Decode:
    """Decode a record of a topic that is declared to hold changes, with settings beside that."""

    async def decoded(record: Record, *, session_field: str | None = None, **declared: Any) -> Envelope:
        how = replace(TopicFormat(Format.DEBEZIUM), **declared)
        codec = RecordCodec(registry, topics={record.topic: how})
        return await codec.decode(
            record, tenant="acme", default_type="orders.updated", session_field=session_field
        )

    return decoded
