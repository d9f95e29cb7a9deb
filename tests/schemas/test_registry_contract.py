"""The folder and the client of registries pass one suite; tests/counterparts/ has it beside a real registry."""

from collections.abc import AsyncIterator

import pytest

from schemas.registry.confluent import ConfluentRegistry
from schemas.registry.files import packaged_schemas
from schemas.registry.folder import FolderRegistry
from schemas.registry.port import Registry
from schemas.registry.rest import Endpoint
from tests.contracts.registry_cases import RegistryCases
from tests.schemas.stand_in import StandIn


class TestFolder(RegistryCases):
    @pytest.fixture
    async def registry(self) -> AsyncIterator[Registry]:
        made = FolderRegistry()
        yield made
        await made.close()


class TestClient(RegistryCases):
    @pytest.fixture
    async def registry(self, stand_in: StandIn) -> AsyncIterator[Registry]:
        for file in packaged_schemas():
            stand_in.hold(file.schema.name, file.schema.text)
        made = ConfluentRegistry(Endpoint((stand_in.url,), timeout_s=5))
        yield made
        await made.close()
