"""Results and error texts of actions: what may go on to the journal and the model."""

from decimal import Decimal
from typing import Any

import orjson
import pytest
from pydantic import BaseModel, SecretBytes, SecretStr

from connectors.action import Call
from connectors.connector import Connector
from connectors.errors import FailedError
from consumers.adapters.connector_faults import cleaned, secrets_of
from consumers.adapters.connector_results import RESULT_LIMIT_BYTES, checked_result

erp = Connector("erp", "Never performed.")


@erp.action(effect="read")
async def look(call: Call[None]) -> Any:
    """Look something up."""
    raise AssertionError(call)


@erp.action(effect="write", idempotency="natural")
async def change(call: Call[None]) -> Any:
    """Change something."""
    raise AssertionError(call)


READ, WRITE = erp.actions.values()
DEEP: Any = orjson.loads("[" * 500 + "]" * 500)


@pytest.mark.parametrize(
    "result",
    [None, 0, "", {"a": None, "b": [1.5, None, {}]}, "x" * (RESULT_LIMIT_BYTES - 2)],
    ids=["null", "number", "text", "nested", "just fits"],
)
def test_what_json_can_say_passes_as_it_is(result: Any) -> None:
    assert checked_result(READ, result) is result
    assert checked_result(WRITE, result) is result


@pytest.mark.parametrize(
    ("result", "code", "stand_in"),
    [
        ("x" * RESULT_LIMIT_BYTES, "result_too_large", {"truncated": True, "bytes": RESULT_LIMIT_BYTES + 2}),
        ({"price": [1.0, float("nan")]}, "result_unreadable", {"unreadable": True}),
        ({"rate": float("-inf")}, "result_unreadable", {"unreadable": True}),
        ({"id": 1 << 70}, "result_unreadable", {"unreadable": True}),
        ("\ud800", "result_unreadable", {"unreadable": True}),
        (DEEP, "result_unreadable", {"unreadable": True}),
        (Decimal(1), "result_unreadable", {"unreadable": True}),
    ],
    ids=["large", "nan", "infinite", "huge", "surrogate", "deep", "no json"],
)
def test_what_no_journal_can_hold_fails_a_read_and_is_replaced_for_a_write(
    result: Any, code: str, stand_in: dict[str, Any]
) -> None:
    with pytest.raises(FailedError) as caught:
        checked_result(READ, result)
    assert caught.value.code == code
    assert checked_result(WRITE, result) == stand_in


class Inner(BaseModel):
    key: SecretBytes = SecretBytes(b"inner-key")


class Settings(BaseModel):
    """Secrets at every depth."""

    base_url: str = "http://erp.example"
    token: SecretStr = SecretStr("token")
    longer: SecretStr = SecretStr("token-and-more")
    short: SecretStr = SecretStr("abc")
    inner: Inner = Inner()
    by_name: dict[str, SecretStr] = {"a": SecretStr("by-name")}
    several: tuple[SecretStr, ...] = (SecretStr("first-one"),)


def test_all_secrets_of_the_settings_are_found_longest_first() -> None:
    found = secrets_of(Settings())
    assert set(found) == {"token", "token-and-more", "inner-key", "by-name", "first-one"}
    assert cleaned("with token-and-more", found) == "with ***"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET https://me:hidden-pw@erp.example/a", "GET https://***@erp.example/a"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("basic dXNlcjpwdw== was refused", "basic *** was refused"),
        ("see https://erp.example/a@b", "see https://erp.example/a@b"),
    ],
)
def test_what_looks_like_credentials_is_hidden(text: str, shown: str) -> None:
    assert cleaned(text, ()) == shown
