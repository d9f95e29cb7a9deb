"""The README shows a session as a prompt tells of it."""

from datetime import UTC, datetime

from consumers.session.context import Context
from consumers.session.past import Learnt, PastAction, PastRun
from tests.repository.documents import Document

CUSTOMER = {"customer_id": "C-100"}
ORDERED = {"order_id": "O-1001", "status": "confirmed", "total": 80.0}
LOOK = PastAction("crm.get_customer", "done", CUSTOMER, effect="read", ms=12)
RULES = ("credit-first", "large-order")


def at(hour: int, minute: int, second: int) -> datetime:
    return datetime(2026, 11, 24, hour, minute, second, tzinfo=UTC)


SESSION = Context(
    runs=(
        PastRun(
            event="order.requested",
            event_id="SO-1",
            status="success",
            summary="Order O-1001 for 2 lamps is placed.",
            actions=(
                LOOK,
                PastAction(
                    "erp.create_order", "done", CUSTOMER | {"quantity": 2}, ORDERED, ms=31, rules=RULES
                ),
            ),
            at=at(9, 30, 3),
            run_id="1",
            began_at=at(9, 30, 0),
        ),
        PastRun(
            event="order.requested",
            event_id="SO-2",
            status="requires_approval",
            summary="erp.create_order waits for a person: Orders of 100 pieces and more wait for a person.",
            actions=(
                LOOK,
                PastAction(
                    "erp.create_order", "held", CUSTOMER | {"quantity": 500}, rules=RULES, rule="large-order"
                ),
            ),
            at=at(11, 2, 40),
            run_id="2",
            waits=True,
        ),
    ),
    results={
        "crm.get_customer": Learnt(
            {"name": "Alder Office Supply", "credit_status": "approved"}, at(11, 2, 39), "2", CUSTOMER
        )
    },
    payloads={"order.requested": Learnt(CUSTOMER | {"quantity": 500}, at(11, 2, 40), "2", "SO-2")},
    earlier=3,
)


def test_a_session_is_told_as_the_readme_shows_it() -> None:
    assert [body.rstrip("\n") for body in Document.read("README.md").fences("session")] == [
        SESSION.summary(1500)
    ]
