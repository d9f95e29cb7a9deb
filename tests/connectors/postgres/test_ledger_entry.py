import pytest

from connectors.errors import FailedError, UnusableResultError
from connectors.postgres.ledger import Entry, recorded

ENTRY = Entry("key", "shop.create_order", "digest")


def test_the_same_key_gives_the_recorded_result() -> None:
    assert recorded(ENTRY, "shop.create_order", "digest", '{"order_id":1}') == {"order_id": 1}


@pytest.mark.parametrize(
    ("action", "arguments", "says"),
    [("shop.create_order", "other", "other arguments"), ("shop.cancel_order", "digest", "shop.cancel_order")],
)
def test_a_key_of_something_else_is_a_conflict(action: str, arguments: str, says: str) -> None:
    with pytest.raises(FailedError, match=says) as raised:
        recorded(ENTRY, action, arguments, "{}")
    assert raised.value.code == "key_conflict"


def test_a_row_without_result_means_done_all_the_same() -> None:
    with pytest.raises(UnusableResultError) as raised:
        recorded(ENTRY, "shop.create_order", "digest", None)
    assert raised.value.executed
