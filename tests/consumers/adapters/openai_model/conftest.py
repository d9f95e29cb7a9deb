"""A scripted endpoint, and models that talk to it without ever waiting."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from consumers.adapters.openai_model import OpenAIModel
from consumers.adapters.openai_settings import ModelSettings
from consumers.telemetry.metrics import Metrics
from tests.consumers.adapters.openai_model.endpoint import KEY, Endpoint, Make, listening


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with listening() as stub:
        yield stub


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def pauses() -> list[float]:
    """What the models would have waited."""
    return []


@pytest.fixture
async def make(endpoint: Endpoint, metrics: Metrics, pauses: list[float]) -> AsyncIterator[Make]:
    made: list[OpenAIModel] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    def build(**settings: Any) -> OpenAIModel:
        given: dict[str, Any] = {"base_url": endpoint.base_url, "api_key": SecretStr(KEY), "name": "stub"}
        made.append(OpenAIModel(ModelSettings(**given | settings), metrics, pause=pause))
        return made[-1]

    yield build
    for model in made:
        await model.aclose()
