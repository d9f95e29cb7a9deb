"""What a shadow replay found, added up and told."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from consumers.replay.differences import WORST, Differences, markdown
from schemas.difference import DifferenceVerdict, NamedDifference
from tests.consumers.replay.differences import difference, other


def added(*each: object, job_id: str = "job") -> Differences:
    found = Differences(job_id)
    for one in each:
        found.take(one)  # pyright: ignore[reportArgumentType] - differences
    return found


def test_runs_are_counted_by_verdict_kind_and_route_with_what_they_cost() -> None:
    found = added(
        difference("1"),
        other("2"),
        other("3", route="cases", moved=("erp.check_stock(): available 1, not 2",)),
        difference("4", verdict=DifferenceVerdict.INCOMPARABLE, reason="no time", score=0.0, afresh=None),
    )
    document = found.document()
    assert document["verdicts"] == {"same": 1, "other_writes": 2, "incomparable": 1}
    assert document["kinds"] == {"other arguments": 2}
    assert document["reasons"] == {"no time": 1}
    assert document["moved"] == 1
    assert document["routes"]["cases"]["verdicts"] == {"other_writes": 1}
    assert document["recorded"]["runs"] == 4
    assert document["afresh"]["runs"] == 3
    assert document["afresh"]["input_tokens"] == 3_000
    assert [each["run_id"] for each in document["worst"]] == ["4", "2", "3"]
    assert orjson.loads(orjson.dumps(document)) == document


def test_what_was_published_twice_counts_once_and_other_jobs_do_not_count() -> None:
    found = added(other("1"), other("1"), difference("2", job_id="another"))
    assert found.verdicts == {"other_writes": 1}


@given(scores=st.lists(st.floats(0, 0.99), min_size=1, max_size=60))
def test_the_worst_are_kept_and_no_more(scores: list[float]) -> None:
    found = added(*(other(str(at), score) for at, score in enumerate(scores)))
    assert [each.score for each in found.worst] == sorted(scores)[:WORST]


def test_reasons_without_end_are_counted_together() -> None:
    each = (
        difference(str(at), verdict=DifferenceVerdict.INCOMPARABLE, reason=f"error {at}") for at in range(90)
    )
    found = added(*each)
    assert len(found.reasons) == 51
    assert found.reasons["other reasons"] == 40
    assert found.verdicts == {"incomparable": 90}


def test_a_page_says_all_of_it_and_no_text_of_an_event_is_taken_for_markup() -> None:
    nasty = (NamedDifference("extra", "crm.note(text: | <img src=x> [a](b)\n# `c`)"),)
    page = markdown(
        added(difference("1"), other("2", differences=nasty)),
        {"same": 1, "other_writes": 1, "skipped: unreadable": 7},
    )
    assert "| other writes | 1 |" in page
    assert "| orders | 1 | 1 | 0 | 0 | $0.0040 | $0.0040 |" in page
    assert "| skipped: unreadable | 7 |" in page
    (line,) = (line for line in page.splitlines() if line.startswith("| e-2 "))
    assert r"\| \<img src=x\> \[a\](b) # \`c\`" in line


def test_an_empty_job_has_a_page_as_well() -> None:
    assert "## By route" in markdown(added(), {})
