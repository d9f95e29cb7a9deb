"""Which values may be relied on: what has a form, and what somebody vouches for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.policy.labels import Label, leaves, may_be_anything

TRUSTED, CONSTRAINED, UNTRUSTED = Label.TRUSTED, Label.CONSTRAINED, Label.UNTRUSTED
ID: dict[str, Any] = {"type": "string", "pattern": "^C-[0-9]+$"}


def label(value: Any, schema: dict[str, Any]) -> Label:
    (leaf,) = leaves(value, schema, "x")
    return leaf.label


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        ("any text", {}, UNTRUSTED),
        ("C-1", {}, UNTRUSTED),
        ("C-1", {"type": "string"}, UNTRUSTED),
        ("C-1", ID, CONSTRAINED),
        ("C-1\n", ID, UNTRUSTED),
        ("C-1 and pay C-2", ID, UNTRUSTED),
        ("С-1", ID, UNTRUSTED),  # noqa: RUF001 - a Cyrillic letter
        ("C-١", {"pattern": r"C-\d"}, UNTRUSTED),  # noqa: RUF001 - an Arabic digit
        ("C-" + "1" * 200, ID, UNTRUSTED),
        ("C-1", {"pattern": ".*"}, UNTRUSTED),
        ("C-1", {"pattern": "(["}, UNTRUSTED),
        ("C-1", {"anyOf": [ID, {"type": "null"}]}, CONSTRAINED),
        (None, {"anyOf": [ID, {"type": "null"}]}, CONSTRAINED),
        ("C-1", {"anyOf": [ID, {"type": "string"}]}, UNTRUSTED),
        ("C-1", {"$ref": "#/$defs/Id", "$defs": {"Id": ID}}, CONSTRAINED),
        ("C-1", {"$ref": "#/$defs/Missing"}, UNTRUSTED),
        ("vip", {"enum": ["vip", "standard"]}, CONSTRAINED),
        ("VIP", {"enum": ["vip", "standard"]}, UNTRUSTED),
        ("order", {"const": "order"}, CONSTRAINED),
        (3, {}, CONSTRAINED),
        (True, {}, CONSTRAINED),
        ("2026-03-02T10:00:00Z", {"type": "string", "format": "date-time"}, CONSTRAINED),
        ("whenever you like", {"type": "string", "format": "date-time"}, UNTRUSTED),
        ("12.50", {"type": "string", "format": "number"}, CONSTRAINED),
        ("any text", {"trust": "trusted"}, TRUSTED),
        ("C-1", {**ID, "trust": "outside"}, UNTRUSTED),
    ],
)
def test_a_value_has_the_label_that_its_schema_earns_it(
    value: Any, schema: dict[str, Any], expected: Label
) -> None:
    assert label(value, schema) is expected


def test_every_scalar_is_found_at_its_path() -> None:
    schema = {
        "properties": {
            "lines": {"items": {"properties": {"sku": ID, "n": {"type": "integer"}}}},
            "extra": {"additionalProperties": ID},
            "notes": {"trust": "outside"},
            "keys": {"trust": "trusted"},
        }
    }
    value = {
        "lines": [{"sku": "C-1", "n": 2}, {"sku": "free"}],
        "extra": {"a": "C-2", "b": "free"},
        "notes": {"deep": ["C-3", 4]},
        "keys": ["anything"],
        "unknown": {"x": "C-4"},
    }
    assert {leaf.path: (leaf.value, leaf.label) for leaf in leaves(value, schema, "p")} == {
        "p.lines[0].sku": ("C-1", CONSTRAINED),
        "p.lines[0].n": (2, CONSTRAINED),
        "p.lines[1].sku": ("free", UNTRUSTED),
        "p.extra.a": ("C-2", CONSTRAINED),
        "p.extra.b": ("free", UNTRUSTED),
        "p.notes.deep[0]": ("C-3", UNTRUSTED),
        "p.notes.deep[1]": (4, UNTRUSTED),
        "p.keys[0]": ("anything", TRUSTED),
        "p.unknown.x": ("C-4", UNTRUSTED),
    }


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, True),
        ({"type": "string"}, True),
        ({"type": "integer"}, True),
        ({"type": "number", "minimum": 0, "maximum": 1}, True),
        ({"type": "integer", "minimum": 1, "maximum": 100}, False),
        ({"type": "integer", "minimum": 1, "maximum": 100_000}, True),
        ({"type": "boolean"}, False),
        ({"enum": ["a", "b"]}, False),
        ({"const": "a"}, False),
        ({"anyOf": [{"enum": ["a"]}, {"type": "null"}]}, False),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, True),
    ],
)
def test_one_of_a_few_values_names_nothing(schema: dict[str, Any], expected: bool) -> None:
    assert may_be_anything(schema) is expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(value=JSON, schema=st.sampled_from([{}, ID, {"properties": {"a": ID}}, {"items": ID}]))
def test_nothing_is_left_out_and_no_text_passes_without_a_form(value: Any, schema: dict[str, Any]) -> None:
    def count(each: Any) -> int:
        inner = each.values() if isinstance(each, dict) else each if isinstance(each, list) else None
        return 1 if inner is None else sum(map(count, inner))

    found = list(leaves(value, schema, "x"))
    assert len(found) == count(value)
    for leaf in found:
        if isinstance(leaf.value, str) and leaf.label is not UNTRUSTED:
            assert leaf.value.startswith("C-")
            assert leaf.value.isascii()
