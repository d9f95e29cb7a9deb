"""Every field of every kind of entry is sorted: a name of ours, or data."""

import dataclasses

from pydantic import BaseModel

from consumers.privacy.bodies import DATA, NESTED, OWN, mapped
from consumers.session import shapes
from consumers.session.context import Context
from consumers.session.past import Learnt, PastAction, PastRun

SORTED = OWN | NESTED | DATA


def test_every_field_of_an_entry_is_sorted_once() -> None:
    models = [
        each for each in vars(shapes).values() if isinstance(each, type) and issubclass(each, BaseModel)
    ]
    fields = {info.alias or name for model in models for name, info in model.model_fields.items()}
    fields -= {"read", "field"}  # inside of `compensate`, which is a name as a whole
    assert "arguments" in fields
    assert fields - SORTED == set()
    assert len(OWN) + len(NESTED) + len(DATA) == len(SORTED)


def test_every_field_that_a_session_remembers_is_sorted() -> None:
    kinds = (Context, PastRun, PastAction, Learnt)
    assert {field.name for kind in kinds for field in dataclasses.fields(kind)} - SORTED == set()


def test_data_is_changed_names_are_not_and_what_is_unknown_counts_as_data() -> None:
    body = {
        "calls": [{"id": "a", "action": "b", "arguments": {"id": "c"}, "problem": None}],
        "results": [["d", {"value": "e", "at": "f"}]],
        "at": "g",
        "newer": "h",
    }
    assert mapped(body, lambda value: value and "*") == {
        "calls": [{"id": "a", "action": "b", "arguments": "*", "problem": None}],
        "results": [["d", {"value": "*", "at": "f"}]],
        "at": "g",
        "newer": "*",
    }
