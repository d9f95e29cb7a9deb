"""The sandbox's HTTP side and its ledger, without the connectors in between."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from connectors.errors import BusyError, FailedError, InDoubtError
from connectors.http import HttpClient
from connectors.sandbox.service.operations import OPERATIONS
from connectors.sandbox.service.server import Sandbox, serve

ORDER = {"customer_id": "C-100", "product_id": "P-100", "quantity": 1}


@pytest.fixture
async def web(sandbox: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(sandbox.address) as session:
        yield session


async def test_same_key_and_body_give_the_stored_answer_and_count_the_attempt(client: HttpClient) -> None:
    first = await client.post("orders", body=ORDER, key="k")
    second = await client.post("orders", body=ORDER, key="k")
    (entry,) = await client.get("ledger")

    assert first == second
    assert (entry["key"], entry["action"], entry["attempts"]) == ("k", "create_order", 2)


async def test_the_answer_stays_the_same_after_the_world_has_moved_on(client: HttpClient) -> None:
    first = await client.post("orders", body=ORDER, key="k")
    await client.post("orders", first["order_id"], "cancel", key="c")

    assert await client.post("orders", body=ORDER, key="k") == first


@pytest.mark.parametrize("path", [("orders",), ("backorders",)])
async def test_same_key_with_anything_else_is_a_mismatch(client: HttpClient, path: tuple[str]) -> None:
    await client.post("orders", body=ORDER, key="k")
    with pytest.raises(FailedError) as raised:
        await client.post(*path, body={**ORDER, "quantity": 2}, key="k")

    assert raised.value.code == "idempotency_mismatch"
    assert [entry["attempts"] for entry in await client.get("ledger")] == [1]


async def test_a_refused_request_leaves_no_trace_and_may_succeed_later(client: HttpClient) -> None:
    scarce = {**ORDER, "product_id": "P-300", "quantity": 5}
    taken = await client.post("orders", body=scarce, key="first")
    with pytest.raises(FailedError):
        await client.post("orders", body=scarce, key="second")
    await client.post("orders", taken["order_id"], "cancel", key="cancel")
    later = await client.post("orders", body=scarce, key="second")

    assert later["order_id"] == "O-1002"
    assert [entry["key"] for entry in await client.get("ledger")] == ["first", "cancel", "second"]


async def test_racing_requests_with_one_key_have_one_effect(client: HttpClient) -> None:
    answers = await asyncio.gather(*(client.post("orders", body=ORDER, key="k") for _ in range(20)))
    (entry,) = await client.get("ledger")

    assert all(answer == answers[0] for answer in answers)
    assert entry["attempts"] == 20


async def test_without_a_key_every_request_has_its_effect(client: HttpClient) -> None:
    first = await client.post("orders", body=ORDER)
    second = await client.post("orders", body=ORDER)

    assert first["order_id"] != second["order_id"]
    assert len(await client.get("ledger")) == 2


async def test_a_lost_reply_had_its_effect_and_the_same_key_finds_it(client: HttpClient) -> None:
    await client.post("faults", body={"path": "/orders", "kind": "lost_reply"})
    with pytest.raises(InDoubtError):
        await client.post("orders", body=ORDER, key="k")
    found = await client.post("orders", body=ORDER, key="k")
    (entry,) = await client.get("ledger")

    assert found["order_id"] == "O-1001"
    assert entry["attempts"] == 2


async def test_a_status_fault_does_nothing_as_often_as_asked_for(client: HttpClient) -> None:
    fault = {"path": "/orders", "kind": "status", "status": 429, "retry_after": "3", "count": 2}
    await client.post("faults", body=fault)
    for _ in range(2):
        with pytest.raises(BusyError) as raised:
            await client.post("orders", body=ORDER, key="k")
        assert raised.value.retry_after_s == 3.0

    assert await client.get("ledger") == []
    assert (await client.post("orders", body=ORDER, key="k"))["order_id"] == "O-1001"


async def test_a_delay_outlasts_a_shorter_timeout(client: HttpClient) -> None:
    await client.post("faults", body={"path": "/products/*", "method": "GET", "kind": "delay", "delay_s": 30})
    with pytest.raises(InDoubtError):
        await client.get("products", "P-100", timeout_s=0.05)

    assert (await client.get("products", "P-100"))["product_id"] == "P-100"


async def test_faults_can_be_cleared_and_are_bounded(client: HttpClient, web: aiohttp.ClientSession) -> None:
    fault = {"path": "/orders", "kind": "status"}
    for _ in range(100):
        await client.post("faults", body=fault)
    with pytest.raises(BusyError):
        await client.post("faults", body=fault)
    token = {"Authorization": "Bearer sandbox-test-token"}
    async with web.delete("/faults", headers=token) as response:
        assert response.status == 204

    assert (await client.post("orders", body=ORDER))["order_id"] == "O-1001"


@pytest.mark.parametrize("given", [None, "Bearer wrong", "sandbox-test-token", "Bearer ", "Bearer \u00e9"])
async def test_only_the_token_opens_the_door(web: aiohttp.ClientSession, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given}
    for path in ("/orders/O-1000", "/ledger", "/faults", "/nowhere"):
        async with web.get(path, headers=headers) as response:
            assert response.status == 401
            assert (await response.json(content_type=None))["code"] == "unauthorized"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'{"customer_id":"C-100","product_id":"P-100"}',
        b'{"customer_id":"C-100","product_id":"P-100","quantity":0}',
        b'{"customer_id":"C-100","product_id":"P-100","quantity":"1"}',
        b'{"customer_id":"C-100","product_id":"P-100","quantity":1,"discount":1}',
        b'{"customer_id":"C-100","product_id":"P-100","quantity":99999999999999999999999}',
    ],
)
async def test_a_body_that_does_not_fit_is_refused_without_effect(
    web: aiohttp.ClientSession, client: HttpClient, body: bytes
) -> None:
    token = {"Authorization": "Bearer sandbox-test-token"}
    async with web.post("/orders", data=body, headers=token) as response:
        assert response.status == 422
        assert response.content_type == "application/problem+json"

    assert await client.get("ledger") == []


async def test_the_openapi_document_is_public_and_names_every_operation(web: aiohttp.ClientSession) -> None:
    async with web.get("/openapi.json") as response:
        document: dict[str, Any] = await response.json()

    named = {
        operation["operationId"] for methods in document["paths"].values() for operation in methods.values()
    }
    assert named == {operation.name for operation in OPERATIONS}
    references = set(_references(document))
    assert references
    for reference in references:
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]


async def test_what_happened_survives_a_restart(tmp_path: Path) -> None:
    database = tmp_path / "kept.db"
    for expected in ("O-1001", "O-1001"):
        running = await serve(database, token="t")
        async with aiohttp.ClientSession(running.address, headers={"Authorization": "Bearer t"}) as session:
            headers = {"Idempotency-Key": "k"}
            async with session.post("/orders", json=ORDER, headers=headers) as response:
                assert (await response.json())["order_id"] == expected
        await running.close()

    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT key, attempts FROM effects").fetchall() == [("k", 2)]
    connection.close()


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [found for inner in value.values() for found in _references(inner)]
    return [found for inner in value for found in _references(inner)] if isinstance(value, list) else []
