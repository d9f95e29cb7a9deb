"""Results and error texts of actions: what may go on to the journal and the model."""

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretBytes, SecretStr

from connectors.action import Call
from connectors.connector import Connector
from connectors.errors import FailedError
from consumers.adapters.connector_faults import cleaned, secrets_of
from consumers.adapters.connector_results import ResultLimits, checked_result
from consumers.session.bounds import is_omitted
from schemas.canonical import canonical_json

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
LIMIT = ResultLimits().bytes


def nested(levels: int) -> Any:
    """Return a value of so many levels, lists and objects in turn."""
    value: Any = []
    for level in range(levels - 1):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize(
    "result",
    [
        None,
        0,
        "",
        {"a": None, "b": [1.5, None, {}]},
        "x" * (LIMIT - 2),
        nested(64),
        [[]] * 1000,
        2**64 - 1,
        "\x00\u2028",
    ],
    ids=[
        "null",
        "number",
        "text",
        "nested",
        "just fits",
        "just not too deep",
        "wide",
        "64 bits",
        "odd characters",
    ],
)
def test_what_json_can_say_passes_as_it_is(result: Any) -> None:
    assert checked_result(READ, result) is result
    assert checked_result(WRITE, result) is result


@pytest.mark.parametrize(
    ("result", "code", "why"),
    [
        ("x" * LIMIT, "result_too_large", "65,538 bytes, more than 65,536 (limits.result_bytes)"),
        ({"price": [1.0, float("nan")]}, "result_unreadable", "NaN or an infinity"),
        ({"rate": float("-inf")}, "result_unreadable", "NaN or an infinity"),
        ({"id": 1 << 70}, "result_unreadable", "64-bit"),
        ("\ud800", "result_unreadable", "surrogates"),
        ({"\ud800": 1}, "result_unreadable", "surrogates"),
        ({1: "a"}, "result_unreadable", "must be str"),
        (nested(65), "result_unreadable", "deeper than 64 levels (limits.result_depth)"),
        (orjson.loads("[" * 500 + "]" * 500), "result_unreadable", "JSON cannot say"),
        (Decimal(1), "result_unreadable", "Decimal"),
    ],
    ids=[
        "large",
        "nan",
        "infinite",
        "huge",
        "surrogate",
        "key",
        "number as key",
        "deep",
        "deeper",
        "no json",
    ],
)
def test_what_no_journal_can_hold_fails_a_read_and_is_replaced_for_a_write(
    result: Any, code: str, why: str
) -> None:
    with pytest.raises(FailedError) as caught:
        checked_result(READ, result)
    assert caught.value.code == code
    assert why in str(caught.value)
    kept = checked_result(WRITE, result)
    assert is_omitted(kept)
    assert why in str(kept)
    assert orjson.loads(canonical_json(kept)) == kept


def test_limits_are_the_configurations() -> None:
    small = ResultLimits(bytes=10, depth=2)
    assert checked_result(READ, {"a": [1]}, small) == {"a": [1]}
    with pytest.raises(FailedError, match="deeper than 2"):
        checked_result(READ, [[[]]], small)
    with pytest.raises(FailedError, match="more than 10"):
        checked_result(READ, "x" * 10, small)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda i: st.lists(i) | st.dictionaries(st.text(), i),
    )
)
def test_whatever_comes_back_a_write_is_done_and_its_entry_can_be_written(result: Any) -> None:
    kept = checked_result(WRITE, result)
    assert orjson.loads(canonical_json(kept)) == kept


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
