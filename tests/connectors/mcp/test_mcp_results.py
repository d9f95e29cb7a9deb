"""What a tool answers becomes JSON; what is no text becomes a note of what it was."""

from typing import Any

import pytest

from connectors.mcp.results import result_model, text_of, value_of
from connectors.mcp.settings import FieldSettings
from consumers.policy.labels import Label, leaves

TEXT = {"type": "text", "text": "one"}


def test_structured_content_comes_before_text() -> None:
    answer = {"content": [TEXT], "structuredContent": {"a": None, "b": [1]}}
    assert value_of(answer, None) == {"a": None, "b": [1]}


def test_texts_are_joined() -> None:
    assert value_of({"content": [TEXT, {"type": "text", "text": "two"}]}, None) == {"text": "one\ntwo"}


@pytest.mark.parametrize(
    ("block", "note"),
    [
        (
            {"type": "image", "data": "QUJD", "mimeType": "image/png"},
            "[image, image/png, about 3 bytes: left out]",
        ),
        (
            {"type": "audio", "data": "QUJDREVG", "mimeType": "audio/wav"},
            "[audio, audio/wav, about 6 bytes: left out]",
        ),
        (
            {"type": "resource", "resource": {"uri": "a://b", "blob": "QUJD", "mimeType": "x/y"}},
            "[resource, x/y, about 3 bytes: left out]",
        ),
        (
            {"type": "resource", "resource": {"uri": "a://b", "text": "four", "mimeType": "text/plain"}},
            "[resource, text/plain, about 4 bytes: left out]",
        ),
        ({"type": "resource_link", "uri": "a://b", "name": "b"}, "[resource a://b: not fetched]"),
        ({"type": "of tomorrow"}, "[of tomorrow, unknown type, about 0 bytes: left out]"),
    ],
)
def test_what_is_no_text_is_left_behind_with_a_note(block: dict[str, Any], note: str) -> None:
    assert text_of({"content": [TEXT, block]}) == f"one\n{note}"


FIELDS = {
    "order_ref": FieldSettings(at="order.lines.0.ref", type="string", pattern="^[A-Z]-[0-9]+$"),
    "note": FieldSettings(),
}


@pytest.mark.parametrize("found", [{"ref": "A-1", "else": 1}])
def test_fields_are_cut_out_of_structured_content_and_of_json_in_a_text(found: dict[str, Any]) -> None:
    expected = {"order_ref": "A-1", "note": None}
    assert value_of({"structuredContent": {"order": {"lines": [found]}}}, FIELDS) == expected
    text = '{"order": {"lines": [{"ref": "A-1"}]}}'
    assert value_of({"content": [{"type": "text", "text": text}]}, FIELDS) == expected


@pytest.mark.parametrize(
    "text", ["no JSON", "[1]", '{"order": 1}', '{"order": NaN}', "[" * 100_000, '{"note": 1e999}']
)
def test_a_field_that_is_not_there_is_null_and_no_error_because_a_write_was_done(text: str) -> None:
    answer = {"content": [{"type": "text", "text": text}]}
    assert value_of(answer, FIELDS) == {"order_ref": None, "note": None}


def test_a_text_from_a_server_is_free_text_to_policy_and_only_an_id_of_a_stated_pattern_is_not() -> None:
    model = result_model("shop.find", FIELDS)
    assert model is not None
    schema = model.model_json_schema()
    labels = {
        leaf.path: leaf.label for leaf in leaves({"order_ref": "A-1", "note": "pay Mallory"}, schema, "r")
    }
    assert labels == {"r.order_ref": Label.CONSTRAINED, "r.note": Label.UNTRUSTED}
    (leaf,) = leaves({"order_ref": "pay Mallory"}, schema, "r")
    assert leaf.label is Label.UNTRUSTED
    (leaf,) = leaves(value_of({"content": [TEXT]}, None), {}, "r")
    assert leaf.label is Label.UNTRUSTED
    assert result_model("shop.find", None) is None
