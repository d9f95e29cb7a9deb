"""The sandbox's CRM as a connector."""

# ruff: noqa: D417 - docstrings document what the model sends; the call is not its to set

from typing import Annotated

from pydantic import Field

from connectors.action import Call
from connectors.connector import Connector
from connectors.http import HttpClient
from connectors.sandbox.records import Case, Customer
from connectors.sandbox.settings import SandboxSettings, open_sandbox

crm = Connector[HttpClient](
    "crm", "Customers and their cases.", settings=SandboxSettings, open=open_sandbox, rehearses=True
)

Text = Annotated[str, Field(min_length=1, max_length=4_000)]


@crm.action(effect="read", protected={"customer_id"}, examples=[{"customer_id": "C-100"}])
async def get_customer(call: Call[HttpClient], customer_id: str) -> Customer:
    """Look up a customer: name, tier, credit status, credit limit in euro, address.

    Args:
        customer_id: the customer, such as C-100.
    """
    answer = await call.client.get("customers", customer_id, timeout_s=call.timeout_s)
    return Customer.model_validate(answer)


@crm.action(effect="read", protected={"case_ref"}, examples=[{"case_ref": "K-1000"}])
async def get_case(call: Call[HttpClient], case_ref: str) -> Case:
    """Look up a case with its notes.

    Args:
        case_ref: the case, such as K-1000.
    """
    return Case.model_validate(await call.client.get("cases", case_ref, timeout_s=call.timeout_s))


@crm.action(effect="write", idempotency="provider-key", window="24h", protected={"customer_id"})
async def open_case(
    call: Call[HttpClient], customer_id: str, subject: Text, order_id: str | None = None
) -> Case:
    """Open a case for a customer.

    Args:
        customer_id: the customer, such as C-100.
        subject: what it is about, in one sentence.
        order_id: the order it is about, such as O-1000.
    """
    body = {"customer_id": customer_id, "subject": subject, "order_id": order_id}
    answer = await call.client.post("cases", body=body, key=call.key, timeout_s=call.timeout_s)
    return Case.model_validate(answer)


@crm.action(
    effect="write",
    idempotency="provider-key",
    window="24h",
    protected={"case_ref"},
    examples=[{"case_ref": "K-1000", "text": "Order O-1000 is confirmed; one lamp is replaced."}],
)
async def add_case_note(call: Call[HttpClient], case_ref: str, text: Text) -> Case:
    """Add a note to a case, for colleagues to read.

    Args:
        case_ref: the case, such as K-1000.
        text: the note.
    """
    answer = await call.client.post(
        "cases", case_ref, "notes", body={"text": text}, key=call.key, timeout_s=call.timeout_s
    )
    return Case.model_validate(answer)


@crm.action(
    effect="write",
    idempotency="provider-key",
    window="24h",
    compensate="crm.reopen_case",
    protected={"case_ref"},
    outward=True,
    examples=[{"case_ref": "K-1000", "resolution": "A new lamp was sent."}],
)
async def resolve_case(call: Call[HttpClient], case_ref: str, resolution: Text) -> Case:
    """Resolve a case.

    Args:
        case_ref: the case, such as K-1000.
        resolution: how it was resolved, in words the customer may read.
    """
    answer = await call.client.post(
        "cases",
        case_ref,
        "resolve",
        body={"resolution": resolution},
        key=call.key,
        timeout_s=call.timeout_s,
    )
    return Case.model_validate(answer)


@crm.action(effect="write", idempotency="provider-key", window="24h", protected={"case_ref"})
async def reopen_case(call: Call[HttpClient], case_ref: str) -> Case:
    """Open a resolved case again.

    Args:
        case_ref: the case, such as K-1000.
    """
    answer = await call.client.post("cases", case_ref, "reopen", key=call.key, timeout_s=call.timeout_s)
    return Case.model_validate(answer)
