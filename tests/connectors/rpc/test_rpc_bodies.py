"""What is written for a call, and what is made of answers: values, faults, and what is neither."""

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import ActionError, FailedError, InDoubtError
from connectors.rpc import json_body, xml_body
from connectors.rpc.answer import Fault, UnreadableAnswerError, Value
from connectors.rpc.dialect import Held, Odoo, Plain, Tryton
from connectors.rpc.faults import error_of

TYPED: list[Any] = [
    {"price": Decimal("9.90"), "day": date(2026, 11, 28), "at": datetime(2026, 11, 28, 9, 30, 1)},  # noqa: DTZ001 - naive there
    [time(9, 30), timedelta(minutes=3), b"bytes"],
]
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**31), 2**31 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("äbc<&"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", min_size=1), inner, max_size=3)
    ),
    max_leaves=8,
)


def answered(**members: Any) -> bytes:
    return json.dumps({"id": 1, **members}).encode()


@pytest.mark.parametrize("value", TYPED)
def test_types_that_json_lacks_arrive_as_they_were_sent(value: Any) -> None:
    sent = json.loads(json_body.write_request("m", [value], version=None, typed=True))
    assert json_body.read_answer(answered(result=sent["params"][0]), typed=True) == Value(value)


def test_types_that_json_lacks_are_for_systems_that_know_them() -> None:
    with pytest.raises(FailedError):
        json_body.write_request("m", [Decimal("9.90")], version="2.0", typed=False)
    like = {"__class__": "Decimal", "decimal": "9.90"}
    assert json_body.read_answer(answered(result=like), typed=False) == Value(like)


@given(PLAIN)
def test_json_like_arguments_arrive_as_they_were_sent(value: Any) -> None:
    sent = json.loads(json_body.write_request("m", [value], version="2.0", typed=True))
    assert sent["params"] == [value]
    body = xml_body.write_request("m", [value]).replace(b"methodCall", b"methodResponse")
    assert xml_body.read_answer(body.replace(b"<methodName>m</methodName>", b"")) == Value(value)


def test_a_request_to_tryton_has_the_three_members_that_it_wants_and_no_other() -> None:
    sent = json_body.write_request("m", [], version=None, typed=True)
    assert json.loads(sent).keys() == {"id", "method", "params"}
    assert json.loads(json_body.write_request("m", [], version="2.0", typed=False))["jsonrpc"] == "2.0"


@pytest.mark.parametrize(
    "value", [{"__class__": "bytes", "base64": ""}, [{"a": {"__class__": "Decimal"}}], float("nan"), object()]
)
def test_an_argument_that_would_be_another_type_over_there_is_refused(value: Any) -> None:
    with pytest.raises(FailedError) as json_error:
        json_body.write_request("m", [value], version=None, typed=True)
    assert json_error.value.code == "invalid_arguments"


@pytest.mark.parametrize("value", [{"__class__": "Decimal"}, 2**31, object(), "\x00", float("inf")])
def test_an_argument_that_xml_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(FailedError) as error:
        xml_body.write_request("m", [value])
    assert error.value.code == "invalid_arguments"


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (["UserError", ["No stock.", "Ask sales.", None]], Fault("UserError", "No stock. - Ask sales.")),
        (["UserWarning", ["key.1", "Sure?", ""]], Fault("UserWarning", "Sure?")),
        (["ConcurrencyException", "changed"], Fault("ConcurrencyException", "changed")),
        (["division by zero", "Traceback: secret"], Fault("", "division by zero")),
        ({"code": -32601, "message": "no such method"}, Fault("-32601", "no such method")),
        (
            {
                "code": 200,
                "message": "Server Error",
                "data": {"name": "odoo.exceptions.UserError", "message": "No."},
            },
            Fault("odoo.exceptions.UserError", "No."),
        ),
        ("no", Fault("", "no")),
        ({}, Fault("", "an error that says nothing")),
    ],
)
def test_a_fault_inside_of_a_good_status_is_read_without_its_traceback(error: Any, fault: Fault) -> None:
    assert json_body.read_answer(answered(error=error), typed=True) == fault


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"NaN", b'{"id": 1}', b"<html>", b"[" * 100_000, b"\xff"]
)
def test_what_is_no_answer_is_not_taken_for_one(body: bytes) -> None:
    with pytest.raises(UnreadableAnswerError):
        json_body.read_answer(body, typed=True)
    with pytest.raises(UnreadableAnswerError):
        xml_body.read_answer(body)


def test_xml_that_declares_anything_is_refused_unread() -> None:
    answer = b"<methodResponse><params><param><value><int>4</int></value></param></params></methodResponse>"
    assert xml_body.read_answer(answer) == Value(4)
    with pytest.raises(UnreadableAnswerError, match="declaration"):
        xml_body.read_answer(b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + answer)


TRYTON, ODOO = Tryton("json-rpc", "erp"), Odoo("json-rpc", "shop")
ODOO_XML = Odoo("xml-rpc", "shop")


@pytest.mark.parametrize(
    ("dialect", "fault", "changes", "kind", "code"),
    [
        (TRYTON, Fault("UserError", "No."), True, FailedError, "user_error"),
        (TRYTON, Fault("ConcurrencyException", "changed"), True, FailedError, "stale"),
        (Tryton("xml-rpc", "erp"), Fault("4", "changed"), True, FailedError, "stale"),
        (TRYTON, Fault("-32601", "no such method"), True, FailedError, "refused"),
        (TRYTON, Fault("", "division by zero"), True, InDoubtError, None),
        (TRYTON, Fault("", "division by zero"), False, FailedError, "rpc_fault"),
        (ODOO, Fault("odoo.exceptions.ValidationError", "No."), True, FailedError, "validation_error"),
        (ODOO, Fault("builtins.KeyError", "x"), True, InDoubtError, None),
        (ODOO_XML, Fault("2", "No."), True, FailedError, "refused"),
        (ODOO_XML, Fault("1", "Traceback\n  secret\nKeyError: x"), True, InDoubtError, None),
    ],
)
def test_only_a_fault_that_is_known_says_that_nothing_was_done(
    dialect: Tryton | Odoo, fault: Fault, changes: bool, kind: type[ActionError], code: str | None
) -> None:
    error = error_of(fault, dialect.meanings, changes=changes)
    assert type(error) is kind
    assert getattr(error, "code", None) == code
    assert "secret" not in str(error)


@pytest.mark.parametrize("answer", [None, False, [], [1], [1, ""], ["1", "key"]])
def test_what_is_no_session_is_not_used_as_one(answer: Any) -> None:
    assert TRYTON.held("ann", "pw", answer) is None
    assert ODOO.held("ann", "pw", answer) is None


def test_each_dialect_says_who_calls_in_its_own_way_and_never_shows_it() -> None:
    session = TRYTON.held("ann", "pw", [1, "key", None])
    assert session is not None
    assert TRYTON.call(session, "m", [1], {}).headers == (("Authorization", "Session YW5uOjE6a2V5"),)
    known = ODOO.held("ann", "pw", 7)
    assert known is not None
    called = ODOO.call(known, "sale.order.action_confirm", [[4]], {"context": {}})
    args = ["shop", 7, "pw", "sale.order", "action_confirm", [[4]], {"context": {}}]
    assert called.parameters == {"service": "object", "method": "execute_kw", "args": args}
    assert ODOO_XML.call(known, "sale.order.action_confirm", [[4]], {"context": {}}).parameters == args
    assert repr(known) == "<Held>"


def test_parameters_go_by_position_or_by_name_and_never_both() -> None:
    plain = Plain(("rpc",), "2.0")
    assert plain.call(Held(), "m", [], {"a": 1}).parameters == {"a": 1}
    assert plain.call(Held(), "m", [1], {}).parameters == [1]
    for dialect in (plain, TRYTON):
        with pytest.raises(FailedError):
            dialect.call(Held(), "m", [1], {"a": 1})
