from typing import Any, cast

import pytest
from pydantic import BaseModel

from connectors.action import Call
from connectors.catalog import Catalog, UndoArgumentsError, UnknownActionError, undo_arguments
from connectors.connector import Connector
from connectors.signature import DefinitionError


class Sale(BaseModel):
    sale_id: str


def make_shop() -> Connector[None]:
    shop = Connector("shop", "A shop.")

    @shop.action(effect="write", idempotency="ledger", compensate="shop.take_back")
    async def sell(call: Call[None], item: str, reason: str | None = None) -> Sale:
        """Sell an item.

        Args:
            item: what.
            reason: why.
        """
        return Sale(sale_id=item)

    @shop.action(effect="write", idempotency="natural")
    async def take_back(call: Call[None], sale_id: str, item: str, reason: str = "undone") -> None:
        """Take an item back.

        Args:
            sale_id: of which sale.
            item: what.
            reason: why.
        """

    assert sell is not None
    assert take_back is not None
    return shop


def test_the_catalog_finds_actions_by_name_and_by_tool_name() -> None:
    shop = make_shop()
    catalog = Catalog([shop])

    assert list(catalog.actions) == ["shop.sell", "shop.take_back"]
    assert catalog.get("shop.sell") is shop.actions["shop.sell"]
    assert catalog.by_tool_name("shop__take_back") is shop.actions["shop.take_back"]
    assert catalog.connectors["shop"] is shop


def test_an_unknown_action_names_the_nearest_one() -> None:
    catalog = Catalog([make_shop()])

    with pytest.raises(UnknownActionError, match=r"no action shop\.sel\. Did you mean shop\.sell\?"):
        catalog.get("shop.sel")
    with pytest.raises(UnknownActionError, match=r"Did you mean shop__sell\?"):
        catalog.by_tool_name("shop__sel")
    with pytest.raises(UnknownActionError, match=r"^no action zzz\.$"):
        catalog.get("zzz")


def test_the_catalog_cannot_be_changed() -> None:
    actions = cast("dict[str, Any]", Catalog([make_shop()]).actions)

    with pytest.raises(TypeError):
        actions["shop.steal"] = None


def test_two_connectors_of_one_name_are_refused() -> None:
    with pytest.raises(DefinitionError, match="two connectors are named shop"):
        Catalog([make_shop(), make_shop()])


def undo(arguments: dict[str, Any], result: Any) -> dict[str, Any]:
    actions = make_shop().actions
    return undo_arguments(actions["shop.sell"], actions["shop.take_back"], arguments, result)


def test_undoing_takes_each_parameter_from_the_result_first_then_from_the_arguments() -> None:
    assert undo({"item": "lamp"}, {"sale_id": "S-1"}) == {"sale_id": "S-1", "item": "lamp"}
    assert undo({"item": "lamp"}, {"sale_id": "S-1", "item": "big lamp"})["item"] == "big lamp"


def test_a_null_never_hides_what_the_other_source_knows() -> None:
    found = undo({"item": "lamp", "reason": None}, {"sale_id": "S-1", "item": None})

    assert found == {"sale_id": "S-1", "item": "lamp"}


@pytest.mark.parametrize("result", [None, [], "S-1", {}, {"sale_id": None}])
def test_undoing_without_what_it_needs_says_what_is_missing(result: Any) -> None:
    with pytest.raises(UndoArgumentsError, match=r"shop\.take_back needs sale_id to undo shop\.sell"):
        undo({"item": "lamp"}, result)


def test_undoing_changes_neither_arguments_nor_result() -> None:
    arguments, result = {"item": "lamp"}, {"sale_id": "S-1"}
    undo(arguments, result)

    assert (arguments, result) == ({"item": "lamp"}, {"sale_id": "S-1"})
