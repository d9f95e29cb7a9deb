"""Registries and a codec to test with. Nothing here leaves the loopback interface."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from schemas.codec.records import RecordCodec
from schemas.registry.folder import FolderRegistry
from tests.schemas.stand_in import StandIn, standing_in


@pytest.fixture(scope="session")
def codec() -> RecordCodec:
    codec = RecordCodec(FolderRegistry())
    asyncio.run(codec.ready())
    return codec


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    async with standing_in() as server:
        yield server
