"""The embedded broker and Redis behind the commands."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from consumers.local.broker import local_broker
from consumers.local.redis_server import local_redis
from tests.consumers.cli.cli_stage import CONFIG, Stage


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Take away what a command has set up: its stream is closed with the test, and others would still log to it."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Bootstrap address and Redis URL."""
    data = tmp_path_factory.mktemp("servers")
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        bootstrap = runner.run(stack.enter_async_context(local_broker(data / "kafka")))
        redis = runner.run(stack.enter_async_context(local_redis(data / "redis")))
        yield bootstrap, redis
        runner.run(stack.aclose())


@pytest.fixture
def stage(
    servers: tuple[str, str], tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Stage:
    """Topics of the test's own on the shared broker; none of them exists yet."""
    monkeypatch.setenv("TEST_SANDBOX_TOKEN", "sandbox")
    bootstrap, redis = servers
    name = request.node.name.replace("[", ".").rstrip("]")[:150]
    config = tmp_path / "pointsman.yaml"
    config.write_text(CONFIG.format(bootstrap=bootstrap, redis=redis, name=name))
    return Stage(name, config, bootstrap, redis)


@pytest.fixture
def topics(stage: Stage) -> Stage:
    """The same with its topics made."""
    stage.run("topics", "create", "--partitions", "2")
    return stage
