"""Money through an MCP server that others wrote, on the SDK before ours: taken once for each key, given back, and counted."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from connectors import testing
from connectors import testing_faults as faults
from connectors.action import Call
from connectors.errors import FailedError, InDoubtError
from connectors.mcp.settings import McpSettings, ServerSettings
from connectors.mcp.snapshot import snapshot
from connectors.perform import perform
from connectors.testing_link import FaultyLink
from tests.connectors.mcp.asking import Asked, opened, pinned
from tests.counterparts.started import counterpart

BALANCE, AMOUNT = 100_000, 500
CUSTOMER = {"customer_id": "who pays"}
TOOLS: Mapping[str, Any] = {
    "charge": {
        "tool": "create_charge",
        "effect": "write",
        "idempotency": "provider-key",
        "key_argument": "idempotency_key",
        "window": "24h",
        "compensate": "pay.refund",
        "protected": ["customer_id"],
        "fixed": {"currency": "usd", "capture": True},
        "arguments": {**CUSTOMER, "amount": "how much, in cents"},
        "fields": {
            "charge_id": {"at": "id", "type": "string", "pattern": "^ch_[A-Za-z0-9]+$"},
            "status": {"type": "string"},
        },
        "errors": "refused",
    },
    "charge_carefully": {
        "tool": "create_charge",
        "effect": "write",
        "idempotency": "provider-key",
        "key_argument": "idempotency_key",
        "window": "24h",
        "fixed": {"currency": "usd", "capture": True},
        "arguments": {**CUSTOMER, "amount": "how much, in cents"},
    },
    "refund": {
        "tool": "refund_charge",
        "effect": "write",
        "idempotency": "natural",
        "fixed": {"amount": AMOUNT},
        "arguments": {"charge_id": "which"},
        "fields": {"status": {"type": "string"}},
        "errors": "refused",
    },
    "balance": {
        "tool": "get_customer",
        "effect": "read",
        "arguments": CUSTOMER,
        "fields": {"balance": {"type": "integer"}},
    },
    "open_account": {
        "tool": "create_customer",
        "effect": "write",
        "idempotency": "natural",
        "fixed": {"balance": BALANCE, "currency": "usd", "email": "ann@example.com"},
        "arguments": {"name": "of the customer"},
        "fields": {"customer_id": {"at": "id", "type": "string"}},
    },
}


@pytest.fixture(scope="module")
def mockworld() -> Iterator[dict[str, Any]]:
    with counterpart("mcp_mockworld") as said:
        yield said


@asynccontextmanager
async def paying(server: dict[str, Any], folder: Path) -> AsyncGenerator[Asked]:
    offered = await snapshot("pay", ServerSettings.model_validate(server))
    section = {**server, "definitions": pinned(folder, offered), "tools": TOOLS}
    async with opened("pay", McpSettings.model_validate(section)) as asked:
        yield asked


@pytest.fixture
async def pay(mockworld: dict[str, Any], tmp_path: Path) -> AsyncIterator[Asked]:
    async with paying({"url": mockworld["url"]}, tmp_path) as asked:
        yield asked


class Account:
    """A customer of the server, whose money tells how often it was charged."""

    def __init__(self, asked: Asked, customer_id: str) -> None:
        self._asked = asked
        self.customer_id = customer_id
        self.charge = {"customer_id": customer_id, "amount": AMOUNT}

    async def charges(self) -> int:
        left = (await self._asked("balance", {"customer_id": self.customer_id}))["balance"]
        assert (BALANCE - left) % AMOUNT == 0
        return (BALANCE - left) // AMOUNT


async def account(asked: Asked) -> Account:
    return Account(asked, (await asked("open_account", {"name": "Ann"}))["customer_id"])


async def test_it_passes_the_contract_suite_also_when_a_reply_is_lost(
    pay: Asked, mockworld: dict[str, Any], tmp_path: Path
) -> None:
    testing.check_declarations(pay.connector)
    testing.check_tools(pay.connector)
    testing.check_unknown_arguments(pay.connector)
    ann = await account(pay)
    trial = testing.Trial("pay.charge", ann.charge)
    await testing.check_key(pay.connector, pay.client, trial, count=ann.charges)
    port = int(str(mockworld["url"]).split(":")[2].partition("/")[0])
    async with FaultyLink.to("127.0.0.1", port) as link:
        url = str(mockworld["url"]).replace(str(port), str(link.port))
        async with paying({"url": url}, tmp_path) as linked:
            # The server keeps books for each session, so it is asked in this one, which must outlive the lost reply.
            bob = await account(linked)
            trial = testing.Trial("pay.charge", bob.charge)
            await faults.check_lost_reply(linked.connector, linked.client, link, trial, count=bob.charges)
            await faults.check_silence(linked.connector, linked.client, link, trial)
    assert link.lost > 0


async def test_a_charge_is_undone_by_what_it_returned(pay: Asked) -> None:
    ann = await account(pay)
    done = await pay("charge", ann.charge)
    assert done["status"] == "succeeded"
    assert await ann.charges() == 1
    assert await pay("refund", {"charge_id": done["charge_id"]}) == {"status": "refunded"}
    assert await ann.charges() == 0
    with pytest.raises(FailedError, match="already been fully refunded"):
        await pay("refund", {"charge_id": done["charge_id"]})
    assert await ann.charges() == 0


async def test_a_refusal_is_one_only_where_the_section_says_that_errors_are(pay: Asked) -> None:
    ann = await account(pay)
    too_much = {**ann.charge, "amount": BALANCE * 2}
    with pytest.raises(FailedError, match="insufficient funds") as error:
        await pay("charge", too_much)
    assert error.value.code == "tool_error"
    with pytest.raises(InDoubtError, match="insufficient funds"):
        await pay("charge_carefully", too_much)
    assert await ann.charges() == 0


@pytest.mark.parametrize("transport", ["process", "http"])
async def test_many_charges_at_once_with_each_key_asked_twice_are_each_taken_once(
    mockworld: dict[str, Any], tmp_path: Path, transport: str
) -> None:
    server = {"url": mockworld["url"]} if transport == "http" else {"command": tuple(mockworld["command"])}
    async with paying(server, tmp_path) as pay:
        ann = await account(pay)
        keys = [str(uuid4()) for _ in range(25)]
        said = await asyncio.gather(*(charge(pay, ann, key) for key in (*keys, *keys)))
        assert await ann.charges() == len(keys)
        assert said[: len(keys)] == said[len(keys) :]


async def test_of_a_server_that_declines_at_random_what_was_refused_took_no_money(
    mockworld: dict[str, Any], tmp_path: Path
) -> None:
    """So its author may be taken at his word: `errors: refused` is true of it."""
    server = {"command": (*mockworld["command"], "--faults", "hostile")}
    async with paying(server, tmp_path) as pay:
        ann = await account(pay)
        ended = await asyncio.gather(
            *(charge(pay, ann, str(uuid4())) for _ in range(60)), return_exceptions=True
        )
        refused = [each for each in ended if isinstance(each, FailedError)]
        taken = [each for each in ended if isinstance(each, dict)]
        assert len(refused) + len(taken) == 60
        assert refused
        assert await ann.charges() == len(taken) > 0


async def charge(pay: Asked, ann: Account, key: str) -> Any:
    action = pay.connector.actions["pay.charge"]
    call = Call(pay.client, key=key, timeout_s=20, tenant="acme", run_id="run-1")
    return await perform(action, call, action.arguments.model_validate(ann.charge))
