"""Files of cases."""

import re
from dataclasses import replace

import pytest

from consumers.evaluation.case import CaseFileError, line_of, read_cases
from tests.consumers.evaluation.evaluation_stage import LAMPS

SHORT = (
    '{"id": "one", "topic": "erp.orders", "event": {"type": "order.requested", "payload": {"quantity": 1}}}'
)


def test_what_is_written_is_read_again() -> None:
    assert read_cases([line_of(LAMPS)]) == [LAMPS]
    assert line_of(read_cases([line_of(LAMPS)])[0]) == line_of(LAMPS)


def test_the_event_is_shown_as_it_was_published() -> None:
    (case,) = read_cases([line_of(LAMPS)])
    assert list(case.event.payload) == list(LAMPS.event.payload) != sorted(LAMPS.event.payload)


def test_a_case_by_hand_needs_little() -> None:
    (case,) = read_cases(["", SHORT, ""])
    event = case.envelope("acme")
    assert (event.id, event.session_id, event.tenant, event.payload) == (
        "one",
        "one",
        "acme",
        {"quantity": 1},
    )


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "it holds no case"),
        (["", " "], "it holds no case"),
        ([SHORT, "{broken"], "line 2: Invalid JSON"),
        ([SHORT, "", SHORT], "line 3: the id 'one' is that of line 1, too"),
        ([SHORT.replace('"topic"', '"topics"')], "line 1: topic: Field required"),
        ([SHORT[:-1] + ', "result": []}'], "line 1: result: Unexpected keyword argument"),
        ([SHORT[:-1] + ', "at": "2026-01-01T00:00:00"}'], "line 1: at: Input should have timezone info"),
    ],
)
def test_a_mistake_is_named_with_its_line(lines: list[str], said: str) -> None:
    with pytest.raises(CaseFileError, match=re.escape(said)):
        read_cases(lines)


def test_the_tenant_is_not_the_files_to_say() -> None:
    with pytest.raises(CaseFileError, match=r"event\.tenant"):
        read_cases([SHORT.replace('"payload"', '"tenant": "acme", "payload"')])


def test_the_values_of_a_case_do_not_show_in_a_mistake() -> None:
    with pytest.raises(CaseFileError) as caught:
        read_cases([line_of(replace(LAMPS, id="x")).replace('"C-100"', "17")])
    assert "17" not in str(caught.value)
