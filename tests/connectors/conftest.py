"""A sandbox for each test that asks for one, on loopback, over a file of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from connectors.action import Call
from connectors.http import HttpClient
from connectors.sandbox.service.server import Sandbox, serve
from connectors.sandbox.settings import SandboxSettings, open_sandbox

TOKEN = "sandbox-test-token"


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    running = await serve(tmp_path / "sandbox.db", token=TOKEN)
    yield running
    await running.close()


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[HttpClient]:
    settings = SandboxSettings(base_url=sandbox.address, token=SecretStr(TOKEN), timeout_s=5)
    async with open_sandbox(settings) as opened:
        yield opened


@pytest.fixture
def call(client: HttpClient) -> Call[HttpClient]:
    return Call(client, key="key-1", timeout_s=5, tenant="acme", run_id="run-1")
