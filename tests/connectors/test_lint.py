from enum import Enum
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from connectors.action import Call, UndoByState
from connectors.catalog import Catalog
from connectors.connector import Connector
from connectors.lint import Finding


class Colour(Enum):
    RED = "red"


class Sale(BaseModel):
    sale_id: str


async def sell(call: Call[None], item: str) -> Sale:
    """Sell an item.

    Args:
        item: what.
    """
    return Sale(sale_id=item)


async def take_back(call: Call[None], sale_id: str, item: str) -> None:
    """Take an item back.

    Args:
        sale_id: of which sale.
        item: what.
    """


async def scrap(call: Call[None], pallet: str) -> None:
    """Scrap a pallet.

    Args:
        pallet: which.
    """


async def find_sale(call: Call[None], item: str) -> None:
    """Find a sale.

    Args:
        item: what.
    """


async def find_by_id(call: Call[None], sale_id: str) -> None:
    """Find a sale.

    Args:
        sale_id: which.
    """


async def undocumented(call: Call[None], item: str) -> None: ...


def findings(**options: Any) -> list[Finding]:
    shop = Connector("shop", "A shop.")
    declared: dict[str, Any] = {"effect": "write", "idempotency": "ledger", **options}
    shop.action(**declared)(sell)
    shop.action(effect="write", idempotency="natural")(take_back)
    shop.action(effect="write", idempotency="natural")(scrap)
    shop.action(effect="read")(find_sale)
    shop.action(effect="read")(find_by_id)
    return Catalog([shop]).lint()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compensate": "shop.take_back"},
        {"compensate": UndoByState("shop.find_sale", "state", {"new": "shop.take_back", "gone": None})},
        {"idempotency": "provider-key", "window": "24h"},
        {"idempotency": "none", "reconcile": "shop.find_sale"},
        {"effect": "read", "idempotency": "none"},
        {"examples": [{"item": "lamp"}]},
    ],
)
def test_a_sound_declaration_has_no_findings(options: dict[str, Any]) -> None:
    assert findings(**options) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"idempotency": "none"}, "is a write without idempotency and without reconcile"),
        ({"idempotency": "provider-key"}, "relies on the system's key without a window"),
        ({"compensate": "shop.take_bak"}, "names an unknown compensation shop.take_bak"),
        ({"compensate": "shop.find_sale"}, "its compensation shop.find_sale is a read"),
        (
            {"compensate": "shop.scrap"},
            "neither returns nor takes pallet, which its compensation shop.scrap needs",
        ),
        (
            {"compensate": UndoByState("shop.find_sold", "state", {"new": "shop.take_back"})},
            "names an unknown state read shop.find_sold",
        ),
        (
            {"compensate": UndoByState("shop.scrap", "state", {"new": "shop.take_back"})},
            "its state read shop.scrap is a write",
        ),
        (
            {
                "compensate": UndoByState(
                    "shop.find_sale", "state", {"new": "shop.take_back", "old": "shop.scrap"}
                )
            },
            "neither returns nor takes pallet, which its compensation shop.scrap needs",
        ),
        (
            {"compensate": UndoByState("shop.find_sale", "state", {"gone": None})},
            "names no compensation for any state",
        ),
        ({"reconcile": "shop.find_sal"}, "names an unknown reconcile shop.find_sal"),
        ({"reconcile": "shop.scrap"}, "its reconcile shop.scrap is a write"),
        (
            {"reconcile": "shop.find_by_id"},
            "does not take sale_id, which its reconcile shop.find_by_id needs",
        ),
        ({"examples": [{"item": "lamp"}, {"item": 5}]}, "example 2 does not validate"),
        ({"constraints": ["x" * 1100]}, "description, constraints and examples have 1130 characters"),
    ],
)
def test_each_mistake_is_found_and_placed(options: dict[str, Any], message: str) -> None:
    found = findings(**options)

    assert message in [finding.message for finding in found]
    for finding in found:
        assert finding.action == "shop.sell"
        assert finding.where == f"{__file__}:{sell.__code__.co_firstlineno}"
        assert finding.hint


def test_an_unknown_compensation_hints_at_the_nearest_action() -> None:
    (finding,) = findings(compensate="shop.take_bak")

    assert "Did you mean shop.take_back?" in finding.hint


async def restock(
    call: Call[None], pieces: Annotated[int, Field(ge=1)] = 0, colour: Colour = Colour.RED
) -> None:
    """Restock.

    Args:
        pieces: how many.
        colour: which.
    """


async def delete_sale(call: Call[None]) -> None:
    """Delete a sale."""


def test_a_default_that_would_not_validate_when_a_run_is_taken_up_again_is_found() -> None:
    shop = Connector("shop", "A shop.")
    shop.action(effect="read")(restock)

    (finding,) = Catalog([shop]).lint()
    assert finding.message == "the default of pieces does not validate"
    assert "greater than or equal to 1" in finding.hint


def test_a_read_that_is_named_like_a_change_is_found() -> None:
    shop = Connector("shop", "A shop.")
    shop.action(effect="read")(delete_sale)

    (finding,) = Catalog([shop]).lint()
    assert finding.message == "is a read, and is named as if it could delete"


def test_an_action_that_documents_nothing_is_found_for_itself_and_each_parameter() -> None:
    shop = Connector("shop", "A shop.")
    shop.action(effect="read")(undocumented)

    assert [finding.message for finding in Catalog([shop]).lint()] == [
        "has no docstring",
        "parameter item has no description",
    ]
