"""The actions of `tryton-crm`: the sandbox CRM's, by name, argument and result."""

# ruff: noqa: D417 - docstrings document what the model sends; the call is not its to set

from typing import Annotated

from pydantic import Field

from connectors.action import Call
from connectors.sandbox.records import Case, Customer
from connectors.tryton import cases
from connectors.tryton.looking import customer_of, find_party
from connectors.tryton.system import Tryton

Text = Annotated[str, Field(min_length=1, max_length=4_000)]


async def get_customer(call: Call[Tryton], customer_id: str) -> Customer:
    """Look up a customer: name, tier, credit status, credit limit, address.

    Args:
        customer_id: the customer, such as C-100.
    """
    tryton = call.client.within(call.timeout_s)
    return customer_of(await find_party(tryton, customer_id), tryton.settings)


async def get_case(call: Call[Tryton], case_ref: str) -> Case:
    """Look up a case with its notes.

    Args:
        case_ref: the case, such as K-1000.
    """
    tryton = call.client.within(call.timeout_s)
    return cases.case_of(await cases.find_case(tryton, case_ref))


async def open_case(call: Call[Tryton], customer_id: str, subject: Text, order_id: str | None = None) -> Case:
    """Open a case for a customer.

    Args:
        customer_id: the customer, such as C-100.
        subject: what it is about, in one sentence.
        order_id: the order it is about, such as O-1000.
    """
    tryton = call.client.within(call.timeout_s)
    opened = await cases.open_one(tryton, customer_id, subject, order_id, call.key)
    return cases.case_of(opened)


async def add_case_note(call: Call[Tryton], case_ref: str, text: Text) -> Case:
    """Add a note to a case, for colleagues to read.

    Args:
        case_ref: the case, such as K-1000.
        text: the note.
    """
    tryton = call.client.within(call.timeout_s)
    found = await cases.find_case(tryton, case_ref)
    return cases.case_of(await cases.add_note(tryton, found, text, call.key))


async def resolve_case(call: Call[Tryton], case_ref: str, resolution: Text) -> Case:
    """Resolve a case.

    Args:
        case_ref: the case, such as K-1000.
        resolution: how it was resolved, in words the customer may read.
    """
    tryton = call.client.within(call.timeout_s)
    found = await cases.find_case(tryton, case_ref)
    return cases.case_of(await cases.resolve(tryton, found, resolution, call.key))


async def reopen_case(call: Call[Tryton], case_ref: str) -> Case:
    """Open a resolved case again.

    Args:
        case_ref: the case, such as K-1000.
    """
    tryton = call.client.within(call.timeout_s)
    found = await cases.find_case(tryton, case_ref)
    return cases.case_of(await cases.reopen(tryton, found))
